//! Evaluation of Chebyshev series on ciphertexts: the method of Paterson and Stockmeyer at the least depth.
//!
//! A series of degree d spends ⌈log2(d + 1)⌉ levels. It is divided by Chebyshev polynomials T_g of g = 2^k as in
//! Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux (ePrint 2020/1203), with two differences. First, all products of one
//! level are added up with the linear terms before one relinearization and one rescaling, so most divisions by T_g cost
//! three pointwise products. Second, zero coefficients need no power: an even series uses only even powers, and a ReLU,
//! which has one odd term, hardly more.

mod sensitivity;

use std::collections::{BTreeMap, BTreeSet};

use fhe_ckks::scale::integer;
use fhe_ckks::{Ciphertext, CkksError, Evaluator};

use crate::chebyshev::ChebyshevSeries;

/// The powers T_k and the sums of products that evaluate a series.
///
/// ```
/// use fhe_circuits::{ChebyshevSeries, PolynomialPlan};
///
/// let relu = ChebyshevSeries::interpolate(|x| x.max(0.0), 15, -1.0, 1.0);
/// let plan = PolynomialPlan::new(&relu);
/// assert_eq!((plan.depth(), plan.relinearizations()), (4, 5));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PolynomialPlan {
    depth: usize,
    /// All k ≥ 2 of which T_k is needed, each after those that T_k is computed from.
    powers: BTreeSet<usize>,
    root: Node,
    /// Ends of the interval.
    lo: f64,
    hi: f64,
}

/// A sum of products of ciphertexts and of multiples of others, which is rescaled; one relinearization if there are products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SumOfProducts {
    /// The number of levels that its operands are below the input.
    pub depth: usize,
    /// Number of products.
    pub products: usize,
    /// Number of multiples.
    pub multiples: usize,
}

/// One level of the evaluation: Σ qᵢ·T_gᵢ + Σ cₖ·Tₖ + constant.
#[derive(Clone, Debug, Default, PartialEq)]
struct Node {
    products: Vec<(Node, usize)>,
    linear: Vec<(usize, f64)>,
    constant: f64,
}

impl PolynomialPlan {
    /// Returns the plan with the fewest relinearizations at the least depth, ⌈log2(degree + 1)⌉.
    pub fn new(series: &ChebyshevSeries) -> Self {
        let coefficients = &series.coefficients[..=series.degree()];
        let depth = ceil_log2(coefficients.len()).max(1);
        let leaves = std::iter::successors(Some(2), |&m| Some(2 * m)).take_while(|&m| m <= 2 * coefficients.len());
        leaves
            .filter_map(|leaf| {
                let root = Node::divide(coefficients, depth, leaf)?;
                let mut powers = BTreeSet::new();
                root.collect_powers(&mut powers);
                Some(Self { depth, powers, root, lo: series.lo, hi: series.hi })
            })
            .min_by_key(Self::relinearizations)
            .expect("leaves of two terms always fit the depth")
    }

    /// Number of levels that the evaluation spends.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Number of relinearizations.
    pub fn relinearizations(&self) -> usize {
        self.powers.len() + self.root.relinearizations()
    }

    /// The sums of products and of multiples that the evaluation computes, each rescaled.
    pub(crate) fn sums(&self) -> Vec<SumOfProducts> {
        // T_k = 2·T_a·T_b − T_(a−b) is a sum of two products.
        let power = |&k: &usize| {
            let (a, b) = halves(k);
            SumOfProducts { depth: ceil_log2(k) - 1, products: 2, multiples: usize::from(a > b) }
        };
        let mut sums: Vec<_> = self.powers.iter().map(power).collect();
        self.root.sums(self.depth, &mut sums);
        sums
    }
}

impl Node {
    /// Splits a series into terms that are ready `depth` levels below the input: Tₖ is ready ⌈log2 k⌉ levels below it.
    /// `None` if that is impossible. Remainders of fewer than `leaf` terms are not divided if the depth allows.
    fn divide(coefficients: &[f64], depth: usize, leaf: usize) -> Option<Self> {
        let mut rest = coefficients.to_vec();
        let mut node = Self::default();
        let ready = |k: usize| ceil_log2(k) < depth;
        loop {
            let degree = rest.iter().rposition(|&c| c != 0.0).unwrap_or(0);
            rest.truncate(degree + 1);
            let linear = rest.iter().enumerate().skip(1).filter(|(_, c)| **c != 0.0);
            if degree < leaf && linear.clone().all(|(k, _)| ready(k)) {
                node.linear.extend(linear.map(|(k, &c)| (k, c)));
                node.constant = rest[0];
                return Some(node);
            }
            // Tₘ₊ⱼ = 2·Tₘ·Tⱼ − Tₘ₋ⱼ.
            let g = 1 << degree.ilog2();
            let mut quotient = vec![rest[g]];
            for j in 1..=degree - g {
                quotient.push(2.0 * rest[g + j]);
                rest[g - j] -= rest[g + j];
            }
            rest.truncate(g);
            if !ready(g) {
                return None;
            }
            match quotient.len() {
                1 => node.linear.push((g, quotient[0])),
                _ => node.products.push((Self::divide(&quotient, depth - 1, leaf)?, g)),
            }
        }
    }

    fn collect_powers(&self, powers: &mut BTreeSet<usize>) {
        let own = self.products.iter().map(|(_, g)| *g).chain(self.linear.iter().map(|(k, _)| *k));
        own.for_each(|k| add_power(k, powers));
        self.products.iter().for_each(|(q, _)| q.collect_powers(powers));
    }

    fn sums(&self, depth: usize, sums: &mut Vec<SumOfProducts>) {
        sums.push(SumOfProducts { depth: depth - 1, products: self.products.len(), multiples: self.linear.len() });
        self.products.iter().for_each(|(q, _)| q.sums(depth - 1, sums));
    }

    fn relinearizations(&self) -> usize {
        usize::from(!self.products.is_empty()) + self.products.iter().map(|(q, _)| q.relinearizations()).sum::<usize>()
    }

    /// Evaluates the node.
    ///
    /// Result: `level` and `scale`.
    fn evaluate(
        &self,
        evaluator: &Evaluator,
        powers: &BTreeMap<usize, Ciphertext>,
        level: usize,
        scale: f64,
    ) -> Result<Ciphertext, CkksError> {
        // The scale of the sum, one level higher.
        let raised = scale * evaluator.params().prime(level + 1);
        let factors = self
            .products
            .iter()
            .map(|(q, g)| q.evaluate(evaluator, powers, level + 1, raised / powers[g].scale()))
            .collect::<Result<Vec<_>, _>>()?;
        let products: Vec<_> = factors.iter().zip(&self.products).map(|(q, (_, g))| (q, &powers[g])).collect();
        let mut linear = Vec::new();
        for (k, c) in &self.linear {
            let power = &powers[k];
            match integer(c * raised / power.scale())? {
                0 => {}
                factor => linear.push((power, factor)),
            }
        }
        if products.is_empty() && linear.is_empty() {
            linear.push((&powers[&1], 0));
        }
        let constant = integer(self.constant * raised)?;
        let mut sum = evaluator.combine(&products, &linear, constant, level + 1, 1)?;
        // The factors' scales are chosen so. The rounding of the integers is noise.
        sum.set_scale(scale);
        Ok(sum)
    }
}

/// Returns (a, b) with T_k = 2·T_a·T_b − T_(a−b), where a is the largest power of two below k. T_k is one level below
/// T_a.
fn halves(k: usize) -> (usize, usize) {
    let a = k.next_power_of_two() / 2;
    (a, k - a)
}

fn add_power(k: usize, powers: &mut BTreeSet<usize>) {
    if k >= 2 && !powers.contains(&k) {
        let (a, b) = halves(k);
        [a, b, a - b].into_iter().for_each(|part| add_power(part, powers));
        powers.insert(k);
    }
}

fn ceil_log2(k: usize) -> usize {
    k.next_power_of_two().trailing_zeros() as usize
}

/// Evaluates the series of a plan on every slot. Slots must be in the plan's interval: outside of it the result grows
/// like the power of the series' degree.
///
/// Result: [`PolynomialPlan::depth`] levels below `x`, at `scale`.
///
/// # Errors
/// [`CkksError::LevelTooLow`] if `x` has fewer levels than the depth, [`CkksError::MissingKey`] if there is no
/// relinearization key for the level of `x`, [`CkksError::Scale`] or [`CkksError::EncodingOverflow`] if a scale on the
/// way is out of range.
pub fn evaluate(
    evaluator: &Evaluator,
    plan: &PolynomialPlan,
    x: &Ciphertext,
    scale: f64,
) -> Result<Ciphertext, CkksError> {
    let powers = powers(evaluator, plan, x)?;
    plan.root.evaluate(evaluator, &powers, x.level() - plan.depth, scale)
}

/// Evaluates the even part of a series plus i times its odd part on every slot, at the cost of [`evaluate`].
///
/// All T_g are even, so division by them keeps even and odd terms apart, and it suffices to multiply the odd T_k by i.
///
/// Result: [`PolynomialPlan::depth`] levels below `x`, at `scale`.
///
/// # Errors
/// Those of [`evaluate`].
pub fn evaluate_even_plus_i_odd(
    evaluator: &Evaluator,
    plan: &PolynomialPlan,
    x: &Ciphertext,
    scale: f64,
) -> Result<Ciphertext, CkksError> {
    let mut powers = powers(evaluator, plan, x)?;
    powers.iter_mut().filter(|(k, _)| *k % 2 == 1).for_each(|(_, t)| *t = evaluator.multiply_by_i(t));
    plan.root.evaluate(evaluator, &powers, x.level() - plan.depth, scale)
}

/// Returns all T_k(u) of the plan, where u is the affine image of x in [−1, 1].
fn powers(
    evaluator: &Evaluator,
    plan: &PolynomialPlan,
    x: &Ciphertext,
) -> Result<BTreeMap<usize, Ciphertext>, CkksError> {
    if x.level() < plan.depth {
        let operation = "polynomial evaluation";
        return Err(CkksError::LevelTooLow { operation, found: x.level(), wanted: plan.depth });
    }
    // u = (2x − lo − hi)/(hi − lo). The factor only changes the stated scale.
    let half_width = (plan.hi - plan.lo) / 2.0;
    let mut u = evaluator.add_constant(x, -(plan.hi + plan.lo) / 2.0)?;
    u.set_scale(x.scale() * half_width);
    let mut powers = BTreeMap::from([(1, u)]);
    for &k in &plan.powers {
        let (a, b) = halves(k);
        let (ta, tb) = (&powers[&a], &powers[&b]);
        let raised = ta.scale() * tb.scale();
        let from = ta.level().min(tb.level());
        let power = match a - b {
            0 => evaluator.combine(&[(ta, tb), (ta, tb)], &[], -integer(raised)?, from, 1)?,
            c => {
                let factor = -integer(raised / powers[&c].scale())?;
                evaluator.combine(&[(ta, tb), (ta, tb)], &[(&powers[&c], factor)], 0, from, 1)?
            }
        };
        powers.insert(k, power);
    }
    Ok(powers)
}
