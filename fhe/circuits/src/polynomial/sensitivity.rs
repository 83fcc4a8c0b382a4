//! How far the noise of each intermediate result moves the value of a series: derivatives along the plan of products.

use std::collections::BTreeMap;

use num_complex::Complex64;

use super::{Node, PolynomialPlan, halves};

/// A value, and its derivatives by the input and by each intermediate result.
#[derive(Clone)]
struct Dual {
    value: Complex64,
    by: Vec<Complex64>,
}

impl Dual {
    fn constant(value: f64, sources: usize) -> Self {
        Self { value: value.into(), by: vec![Complex64::ZERO; sources] }
    }

    /// Adds `factor`·`other`.
    fn add(&mut self, other: &Self, factor: f64) {
        self.value += factor * other.value;
        self.by.iter_mut().zip(&other.by).for_each(|(by, other)| *by += factor * other);
    }

    /// Adds `factor`·`a`·`b`.
    fn add_product(&mut self, a: &Self, b: &Self, factor: f64) {
        self.value += factor * a.value * b.value;
        let derivatives = a.by.iter().zip(&b.by).map(|(by_a, by_b)| by_a * b.value + by_b * a.value);
        self.by.iter_mut().zip(derivatives).for_each(|(by, derivative)| *by += factor * derivative);
    }

    fn times_i(&mut self) {
        self.value *= Complex64::I;
        self.by.iter_mut().for_each(|by| *by *= Complex64::I);
    }
}

/// The value of a series with its derivatives.
pub(crate) struct Sensitivity {
    /// The value.
    pub value: Complex64,
    /// By the input, as a number in [−1, 1].
    pub input: Complex64,
    /// By each power T_k.
    pub powers: Vec<Complex64>,
    /// By each sum of products.
    pub sums: Vec<Complex64>,
}

impl PolynomialPlan {
    /// Returns the value at `u`, the image of the input in [−1, 1], and its derivatives by each result that is rounded on
    /// the way. With `odd_by_i`, odd terms count times i.
    pub(crate) fn sensitivity(&self, u: f64, odd_by_i: bool) -> Sensitivity {
        let powers = 1 + self.powers.len();
        let sources = powers + self.root.count();
        let mut input = Dual::constant(u, sources);
        input.by[0] = Complex64::ONE;
        let mut known = BTreeMap::from([(1, input)]);
        for (index, &k) in self.powers.iter().enumerate() {
            let (a, b) = halves(k);
            let mut power = Dual::constant(if a == b { -1.0 } else { 0.0 }, sources);
            power.add_product(&known[&a], &known[&b], 2.0);
            if a > b {
                power.add(&known[&(a - b)], -1.0);
            }
            power.by[1 + index] += Complex64::ONE;
            known.insert(k, power);
        }
        if odd_by_i {
            known.iter_mut().filter(|(k, _)| *k % 2 == 1).for_each(|(_, power)| power.times_i());
        }
        let mut next = powers;
        let Dual { value, mut by } = self.root.dual(&known, sources, &mut next);
        let sums = by.split_off(powers);
        let powers = by.split_off(1);
        Sensitivity { value, input: by[0], powers, sums }
    }
}

impl Node {
    /// Returns the number of sums.
    fn count(&self) -> usize {
        1 + self.products.iter().map(|(q, _)| q.count()).sum::<usize>()
    }

    fn dual(&self, powers: &BTreeMap<usize, Dual>, sources: usize, next: &mut usize) -> Dual {
        let own = *next;
        *next += 1;
        let mut sum = Dual::constant(self.constant, sources);
        for (q, g) in &self.products {
            sum.add_product(&q.dual(powers, sources, next), &powers[g], 1.0);
        }
        self.linear.iter().for_each(|(k, c)| sum.add(&powers[k], *c));
        sum.by[own] += Complex64::ONE;
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chebyshev::ChebyshevSeries;

    #[test]
    fn the_value_is_that_of_the_series_and_its_derivative_by_the_input_too() {
        let series = ChebyshevSeries::interpolate(|x| (5.0 * x).cos() + 0.3 * x, 30, -1.0, 1.0);
        let plan = PolynomialPlan::new(&series);
        for u in [-0.9, -0.2, 0.0, 0.55, 1.0] {
            let found = plan.sensitivity(u, false);
            assert!((found.value.re - series.evaluate(u)).abs() < 1e-9 && found.value.im == 0.0, "at {u}");
            let step = 1e-6;
            let slope = (series.evaluate(u + step) - series.evaluate(u - step)) / (2.0 * step);
            assert!(
                (found.input.re - slope).abs() < 1e-4 * slope.abs().max(1.0),
                "at {u}: {}, {slope}",
                found.input.re
            );
            assert_eq!(
                found.powers.len() + found.sums.iter().filter(|by| by.norm() > 0.0).count(),
                plan.powers.len() + found.sums.len(),
                "every sum counts"
            );
            assert_eq!(found.sums[0], Complex64::ONE, "the root counts as it is");
        }
    }

    #[test]
    fn products_are_as_deep_as_their_operands() {
        let plan = PolynomialPlan::new(&ChebyshevSeries::interpolate(|x| (5.0 * x).cos(), 30, -1.0, 1.0));
        let sums = plan.sums();
        assert_eq!(sums.iter().filter(|sum| sum.products > 0).count(), plan.relinearizations());
        assert_eq!(sums.iter().map(|sum| sum.depth).max(), Some(plan.depth() - 1));
        assert_eq!(sums.iter().map(|sum| sum.depth).min(), Some(0), "T₂ is a product of the input");
    }
}
