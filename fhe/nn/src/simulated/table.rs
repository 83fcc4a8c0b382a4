//! A smooth function on [−1, 1], tabulated as a polynomial of low degree in each of many cells: for activations of any
//! degree that are evaluated at millions of values.

/// Number of coefficients of a cell: one more than its degree.
const TERMS: usize = 8;
/// log2 of the numbers of cells that are tried, until a table is close enough.
const LOG_CELLS: std::ops::RangeInclusive<u32> = 9..=14;
/// The largest error of a table, relative to the largest value: far below the noise of encryption.
const CLOSE: f64 = 1e-12;

/// A function on [−1, 1] in cells of equal width.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Powers of a place in the cell, −1 to 1, lowest first.
    cells: Vec<[f64; TERMS]>,
}

impl Table {
    /// The table of a function of many values at once; `None` if no table is close enough.
    pub(super) fn new(f: &dyn Fn(&mut [f64])) -> Option<Self> {
        let of = |places: Vec<f64>| {
            let mut values = places;
            f(&mut values);
            values
        };
        LOG_CELLS.into_iter().find_map(|log| {
            let table = Self::of_cells(1 << log, &of);
            let middles = || {
                let middle = |k: usize| (0..TERMS).map(move |j| (k, -1.0 + (2 * j) as f64 / (TERMS - 1) as f64));
                (0..table.cells.len()).flat_map(middle).map(|(k, t)| table.place(k, t).clamp(-1.0, 1.0))
            };
            let wanted = of(middles().collect());
            let largest = wanted.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
            let close = middles().zip(&wanted).all(|(x, wanted)| (table.at(x) - wanted).abs() <= CLOSE * largest);
            close.then_some(table)
        })
    }

    /// The table of the interpolants at the Chebyshev nodes of each cell.
    fn of_cells(count: usize, of: &dyn Fn(Vec<f64>) -> Vec<f64>) -> Self {
        let nodes: [f64; TERMS] =
            std::array::from_fn(|j| ((2 * j + 1) as f64 / (2 * TERMS) as f64 * std::f64::consts::PI).cos());
        let empty = Self { cells: vec![[0.0; TERMS]; count] };
        let places = (0..count).flat_map(|k| nodes.map(|t| empty.place(k, t)));
        let values = of(places.collect());
        let powers = chebyshev_powers();
        let cell = |values: &[f64; TERMS]| {
            let mut cell = [0.0; TERMS];
            for (k, powers) in powers.iter().enumerate() {
                let node = |j: usize| ((2 * j + 1) * k) as f64 / (2 * TERMS) as f64 * std::f64::consts::PI;
                let sum: f64 = values.iter().enumerate().map(|(j, value)| value * node(j).cos()).sum();
                let coefficient = sum * if k == 0 { 1.0 } else { 2.0 } / TERMS as f64;
                cell.iter_mut().zip(powers).for_each(|(cell, power)| *cell += coefficient * power);
            }
            cell
        };
        Self { cells: values.as_chunks().0.iter().map(cell).collect() }
    }

    /// The argument at a place in a cell.
    fn place(&self, cell: usize, t: f64) -> f64 {
        (2 * cell + 1) as f64 / self.cells.len() as f64 - 1.0 + t / self.cells.len() as f64
    }

    /// The value at x in [−1, 1]. Outside, the polynomial of the nearest cell is evaluated.
    pub(super) fn at(&self, x: f64) -> f64 {
        let place = (x + 1.0) * (self.cells.len() / 2) as f64;
        // Casts saturate, and NaN becomes 0.
        let cell = (place as usize).min(self.cells.len() - 1);
        let t = 2.0 * (place - cell as f64) - 1.0;
        let c = &self.cells[cell];
        // Estrin's scheme has shorter dependency chains than Horner's.
        let t2 = t * t;
        let t4 = t2 * t2;
        ((c[0] + c[1] * t) + (c[2] + c[3] * t) * t2) + ((c[4] + c[5] * t) + (c[6] + c[7] * t) * t2) * t4
    }
}

/// The coefficients of T_k, lowest power first.
fn chebyshev_powers() -> [[f64; TERMS]; TERMS] {
    let mut powers = [[0.0; TERMS]; TERMS];
    (powers[0][0], powers[1][1]) = (1.0, 1.0);
    for k in 2..TERMS {
        for j in 0..TERMS {
            let shifted = if j > 0 { 2.0 * powers[k - 1][j - 1] } else { 0.0 };
            powers[k][j] = shifted - powers[k - 2][j];
        }
    }
    powers
}
