//! Square systems of equations by Gaussian elimination.

/// The x of A·x = b, for the rows of A each followed by its entry of b. Partial pivoting makes the residual small whatever
/// the condition, and it is the residual that an exchange needs. An unknown that no equation determines is zero.
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
