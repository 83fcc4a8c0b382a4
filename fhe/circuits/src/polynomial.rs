//! Evaluation of Chebyshev series on ciphertexts: Paterson and Stockmeyer's method at the least depth.
//!
//! A series of degree d takes ⌈log2(d + 1)⌉ levels. It is divided by Chebyshev polynomials T_g of g = 2^k as in
//! Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux (ePrint 2020/1203), with two differences. All products
//! of one level are summed up before one relinearization and one rescaling, together with the linear terms, so that
//! most of the divisions by T_g cost three pointwise products. And zero coefficients never ask for a power: an even
//! series uses even powers alone, and a ReLU (one odd term) hardly more.

use std::collections::{BTreeMap, BTreeSet};

use fhe_ckks::{Ciphertext, CkksError, Evaluator};

use crate::chebyshev::ChebyshevSeries;

/// How a series is evaluated: which powers T_k, and which sums of products of them.
#[derive(Clone, Debug, PartialEq)]
pub struct PolynomialPlan {
    depth: usize,
    /// Every T_k with k ≥ 2, each after those it is made of.
    powers: BTreeSet<usize>,
    root: Node,
    /// Ends of the interval.
    lo: f64,
    hi: f64,
}

/// Σ qᵢ·T_gᵢ + Σ cₖ·Tₖ + constant: one level.
#[derive(Clone, Debug, Default, PartialEq)]
struct Node {
    products: Vec<(Node, usize)>,
    linear: Vec<(usize, f64)>,
    constant: f64,
}

impl PolynomialPlan {
    /// The plan with the fewest relinearizations, at the least depth ⌈log2(degree + 1)⌉.
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

    /// Levels spent.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// How many relinearizations it costs.
    pub fn relinearizations(&self) -> usize {
        self.powers.len() + self.root.relinearizations()
    }
}

impl Node {
    /// Splits a series into terms that are ready `depth` levels below the input: Tₖ is ready after ⌈log2 k⌉. `None` if
    /// it takes more. Remainders of less than `leaf` terms are not divided where the depth allows.
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

    fn relinearizations(&self) -> usize {
        usize::from(!self.products.is_empty()) + self.products.iter().map(|(q, _)| q.relinearizations()).sum::<usize>()
    }

    /// The node's value at `level` and `scale`.
    fn evaluate(
        &self,
        evaluator: &Evaluator,
        powers: &BTreeMap<usize, Ciphertext>,
        level: usize,
        scale: f64,
    ) -> Result<Ciphertext, CkksError> {
        // What everything is summed up at, one level higher.
        let raised = scale * evaluator.params().prime(level + 1);
        let factors = self
            .products
            .iter()
            .map(|(q, g)| q.evaluate(evaluator, powers, level + 1, raised / powers[g].scale()))
            .collect::<Result<Vec<_>, _>>()?;
        let products: Vec<_> = factors.iter().zip(&self.products).map(|(q, (_, g))| (q, &powers[g])).collect();
        let mut linear: Vec<_> = self
            .linear
            .iter()
            .map(|(k, c)| (&powers[k], (c * raised / powers[k].scale()).round() as i128))
            .filter(|&(_, w)| w != 0)
            .collect();
        if products.is_empty() && linear.is_empty() {
            linear.push((&powers[&1], 0));
        }
        let constant = (self.constant * raised).round() as i128;
        let mut sum = evaluator.combine(&products, &linear, constant, level + 1, 1)?;
        // Exact by the choice of the factors' scales, up to the rounding of the integers, which is noise.
        sum.set_scale(scale);
        Ok(sum)
    }
}

/// T_k = 2·T_a·T_b − T_(a−b) with a the largest power of two below k: one level deeper than T_a.
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

/// Evaluates the series of a plan on values in its interval, giving a ciphertext at `scale`, [`PolynomialPlan::depth`]
/// levels lower.
///
/// Values outside the interval give garbage that grows like the series' degree-th power.
///
/// # Errors
/// Fewer levels than the depth, or no relinearization key.
pub fn evaluate(
    evaluator: &Evaluator,
    plan: &PolynomialPlan,
    x: &Ciphertext,
    scale: f64,
) -> Result<Ciphertext, CkksError> {
    let powers = powers(evaluator, plan, x)?;
    plan.root.evaluate(evaluator, &powers, x.level() - plan.depth, scale)
}

/// Evaluates the even part of a series plus i times its odd part, as [`evaluate`] does and at the same cost: with T_g
/// even, dividing by it keeps even and odd terms apart, so that it is enough to multiply the odd T_k by i.
///
/// # Errors
/// As [`evaluate`].
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

/// Every T_k(u) of the plan, with u the affine image of x.
fn powers(
    evaluator: &Evaluator,
    plan: &PolynomialPlan,
    x: &Ciphertext,
) -> Result<BTreeMap<usize, Ciphertext>, CkksError> {
    if x.level() < plan.depth {
        let operation = "polynomial evaluation";
        return Err(CkksError::LevelTooLow { operation, found: x.level(), wanted: plan.depth });
    }
    // u = (2x − lo − hi)/(hi − lo): the factor is a change of the scale.
    let half_width = (plan.hi - plan.lo) / 2.0;
    let mut u = evaluator.add_constant(x, -(plan.hi + plan.lo) / 2.0);
    u.set_scale(x.scale() * half_width);
    let mut powers = BTreeMap::from([(1, u)]);
    for &k in &plan.powers {
        let (a, b) = halves(k);
        let (ta, tb) = (&powers[&a], &powers[&b]);
        let raised = ta.scale() * tb.scale();
        let from = ta.level().min(tb.level());
        let power = match a - b {
            0 => evaluator.combine(&[(ta, tb), (ta, tb)], &[], -raised.round() as i128, from, 1)?,
            c => {
                let factor = -(raised / powers[&c].scale()).round() as i128;
                evaluator.combine(&[(ta, tb), (ta, tb)], &[(&powers[&c], factor)], 0, from, 1)?
            }
        };
        powers.insert(k, power);
    }
    Ok(powers)
}
