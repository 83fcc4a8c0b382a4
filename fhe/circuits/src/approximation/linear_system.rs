//! Square systems of equations by Gaussian elimination.

/// Returns the solution x of A·x = b. Each row of A is followed by its entry of b. Partial pivoting makes the residual
/// small for any condition number, and the exchange needs a small residual. Unknowns that no equation determines are
/// zero.
pub(super) fn solve(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let n = rows.len();
    debug_assert!(rows.iter().all(|row| row.len() == n + 1), "{n} equations of {n} unknowns");
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| rows[i][k].abs().total_cmp(&rows[j][k].abs())).expect("k < n");
        rows.swap(k, pivot);
        let (head, tail) = rows.split_at_mut(k + 1);
        let head = &head[k][k..];
        for row in tail {
            let row = &mut row[k..];
            let factor = if head[0] == 0.0 { 0.0 } else { row[0] / head[0] };
            row.iter_mut().zip(head).for_each(|(x, h)| *x -= factor * h);
        }
    }
    let mut solution = vec![0.0; n];
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| rows[k][j] * solution[j]).sum();
        solution[k] = if rows[k][k] == 0.0 { 0.0 } else { (rows[k][n] - known) / rows[k][k] };
    }
    solution
}
