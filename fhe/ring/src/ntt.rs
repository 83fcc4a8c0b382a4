//! The negacyclic number-theoretic transform: Z_q\[X\]/(X^N + 1) ≅ Z_q^N.

use crate::arch::{Kernels, RootForm, Twiddles};
use crate::buffer::Limb;
use crate::meter::{Held, Holder, Primitive, scope};
use crate::modulus::{Modulus, Shoup};
use crate::primes::root_of_unity;

pub use crate::arch::MIN_NTT;

/// A prime at ring dimension N with its twiddle factors and its kernels.
///
/// Let ψ be a primitive 2N-th root of unity and brv the reversal of bits. Position i of a transform holds the
/// evaluation at ψ^(2·brv(i) + 1).
///
/// The table also transforms every smaller power of two n ≥ [`MIN_NTT`] with the root ψ^(N/n). A polynomial in X^(N/n)
/// is therefore transformed at size n. Each value of the result repeats N/n times in a row in the full transform.
///
/// ```
/// use fhe_ring::{Kernels, ntt::NttTable, primes};
///
/// let n = 64;
/// let table = NttTable::new(n, primes::search(6, &[50])?[0], Kernels::detect());
/// // X^(N−1)·X = X^N = −1.
/// let [mut a, mut b] = [n - 1, 1].map(|i| (0..n).map(|j| u64::from(i == j)).collect::<Vec<_>>());
/// table.forward(&mut a);
/// table.forward(&mut b);
/// let mut product: Vec<u64> = a.iter().zip(&b).map(|(&x, &y)| table.modulus().mul(x, y)).collect();
/// table.inverse(&mut product);
/// assert_eq!(product[0], table.modulus().value() - 1);
/// assert!(product[1..].iter().all(|&c| c == 0));
/// # Ok::<(), fhe_ring::primes::PrimeError>(())
/// ```
pub struct NttTable {
    modulus: Modulus,
    kernels: Kernels,
    n: usize,
    /// The words of [`Twiddles::heads`].
    heads: Limb,
    /// The words of [`Twiddles::tails`].
    tails: Limb,
    /// (1/n, ψ_n^(−n/2)/n) for n = 2^k at index k.
    scales: Vec<(Shoup, Shoup)>,
    _held: Held,
}

impl NttTable {
    /// Computes the table for ring dimension `n` and the prime `q`.
    ///
    /// # Panics
    /// If `n` is not a power of two of at least [`MIN_NTT`], or `q` is not 1 modulo 2n.
    pub fn new(n: usize, q: u64, kernels: Kernels) -> Self {
        assert!(n.is_power_of_two() && n >= MIN_NTT, "ring dimension {n} must be a power of two ≥ {MIN_NTT}");
        let modulus = Modulus::new(q);
        let psi = modulus.shoup(root_of_unity(&modulus, 2 * n as u64));
        let bits = n.trailing_zeros();
        let mut roots = Limb::recycled(n);
        let mut power = 1;
        for i in 0..n {
            roots[i.reverse_bits() >> (usize::BITS - bits)] = power;
            power = psi.mul(power, q);
        }
        let half_turn_back = modulus.inv(roots[1]);
        let pairs = |indices: &mut dyn Iterator<Item = usize>, len: usize, shoup_bits: u32| {
            let mut words = Limb::recycled(2 * len);
            for (i, words) in indices.zip(words.as_chunks_mut().0) {
                *words = [roots[i], modulus.shoup(roots[i]).quotient >> (64 - shoup_bits)];
            }
            words
        };
        let (heads, tails) = match kernels.root_form() {
            RootForm::Pairs => (pairs(&mut (0..n), n, 64), Limb::recycled(0)),
            RootForm::Tails => {
                let few = (n / 16).max(8);
                let tails = &mut (0..n / 8).flat_map(|k| [k, 2 * k, 4 * k, 8 * k]);
                (pairs(&mut (0..few), few, 52), pairs(tails, n / 2, 52))
            }
            RootForm::Doubles => {
                roots.iter_mut().for_each(|root| *root = (modulus.center(*root) as f64).to_bits());
                (roots, Limb::recycled(0))
            }
        };
        let scales = (0..=bits)
            .map(|k| {
                let inverse = modulus.inv((1 << k) % q);
                (modulus.shoup(inverse), modulus.shoup(modulus.mul(inverse, half_turn_back)))
            })
            .collect();
        let held = Held::new(Holder::Tables, 8 * (heads.len() + tails.len()));
        Self { modulus, kernels, n, heads, tails, scales, _held: held }
    }

    /// Returns the prime.
    pub fn modulus(&self) -> &Modulus {
        &self.modulus
    }

    /// Returns the kernels that transform.
    pub fn kernels(&self) -> Kernels {
        self.kernels
    }

    fn twiddles(&self) -> Twiddles<'_> {
        Twiddles { heads: self.heads.as_chunks().0, tails: self.tails.as_chunks().0.as_chunks().0 }
    }

    fn check(&self, data: &[u64]) {
        let (len, n) = (data.len(), self.n);
        assert!(len.is_power_of_two() && (MIN_NTT..=n).contains(&len), "transform of {len} residues at N = {n}");
        debug_assert!(data.iter().all(|&x| x < self.modulus.value()));
    }

    /// Transforms coefficients in [0, q) to evaluations in [0, q), in place.
    ///
    /// # Panics
    /// If the length is not a power of two from [`MIN_NTT`] to N.
    pub fn forward(&self, data: &mut [u64]) {
        self.check(data);
        let _scope = scope(Primitive::ForwardTransform);
        self.kernels.ntt_forward(&self.modulus, self.twiddles(), data);
    }

    /// Transforms evaluations in [0, q) to coefficients in [0, q), in place.
    ///
    /// # Panics
    /// If the length is not a power of two from [`MIN_NTT`] to N.
    pub fn inverse(&self, data: &mut [u64]) {
        self.check(data);
        let (scale, last) = self.scales[data.len().trailing_zeros() as usize];
        let _scope = scope(Primitive::InverseTransform);
        self.kernels.ntt_inverse(&self.modulus, self.twiddles(), scale, last, data);
    }

    /// Transforms evaluations in [0, q) to coefficients in [0, q) times `factor` in [0, q), in place.
    ///
    /// This costs as much as [`NttTable::inverse`], because a transform ends in products with constants.
    ///
    /// # Panics
    /// If the length is not a power of two from [`MIN_NTT`] to N.
    pub fn inverse_scaled(&self, data: &mut [u64], factor: u64) {
        self.check(data);
        let (scale, last) = self.scales[data.len().trailing_zeros() as usize];
        let _scope = scope(Primitive::InverseTransform);
        let times = |constant: Shoup| self.modulus.shoup(self.modulus.mul(constant.value, factor));
        self.kernels.ntt_inverse(&self.modulus, self.twiddles(), times(scale), times(last), data);
    }

    /// Computes the evaluations of r + r̄ into `sum` and those of (r − r̄)/X^(n/2) into `difference`, where r̄ is
    /// r(1/X) and `r` holds the evaluations of r.
    ///
    /// The evaluation at 1/x is at the mirrored position. X^(n/2) evaluates to one square root of −1 in the lower half
    /// of the positions and to its negative in the upper half, so both results are their own mirror images.
    ///
    /// # Panics
    /// If the lengths differ or are not a power of two from [`MIN_NTT`] to N.
    pub fn split(&self, r: &[u64], sum: &mut [u64], difference: &mut [u64]) {
        self.check(r);
        assert!(sum.len() == r.len() && difference.len() == r.len(), "every operand has {} evaluations", r.len());
        let _scope = scope(Primitive::Reduce);
        let (lower, upper) = r.split_at(r.len() / 2);
        let mirror =
            |from: &[u64], to: &mut [u64]| to.iter_mut().zip(from.iter().rev()).for_each(|(to, &from)| *to = from);
        let (sum, mirrored) = sum.split_at_mut(lower.len());
        let (difference, rest) = difference.split_at_mut(lower.len());
        mirror(upper, mirrored);
        sum.copy_from_slice(lower);
        self.kernels.add(&self.modulus, sum, mirrored);
        difference.copy_from_slice(lower);
        // For n = 1 this is (1/n, ψ_n^(−n/2)/n).
        let (_, root) = self.scales[0];
        self.kernels.sub_scale(&self.modulus, difference, mirrored, root);
        mirror(sum, mirrored);
        mirror(difference, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primes;
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};

    /// Evaluates at ψ^(2·brv(i) + 1) for each i, term by term.
    fn naive(table: &NttTable, data: &[u64]) -> Vec<u64> {
        let (m, n) = (&table.modulus, data.len());
        let psi = m.pow(root_of_unity(m, 2 * table.n as u64), (table.n / n) as u64);
        (0..n)
            .map(|i| {
                let exponent = 2 * (i.reverse_bits() >> (usize::BITS - n.trailing_zeros())) + 1;
                let x = m.pow(psi, exponent as u64);
                data.iter().rev().fold(0, |sum, &c| m.add(m.mul(sum, x), c))
            })
            .collect()
    }

    fn random(len: usize, q: u64, seed: u64) -> Vec<u64> {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        (0..len).map(|_| rng.random_range(0..q)).collect()
    }

    #[test]
    fn every_kernel_set_agrees_with_direct_evaluation() {
        for kernels in Kernels::available() {
            for log_n in 5..=9 {
                for bits in [20, 46, 47, 48, 49, 50] {
                    let q = primes::search(log_n, &[bits]).unwrap()[0];
                    let table = NttTable::new(1 << log_n, q, kernels);
                    for size in (5..=log_n).map(|k| 1 << k) {
                        let data = random(size, q, bits as u64);
                        let mut transformed = data.clone();
                        table.forward(&mut transformed);
                        assert_eq!(transformed, naive(&table, &data), "{} {log_n} {size}", kernels.name());
                        let mut scaled = transformed.clone();
                        table.inverse(&mut transformed);
                        assert_eq!(transformed, data);
                        table.inverse_scaled(&mut scaled, q - 3);
                        assert!(scaled.iter().zip(&data).all(|(&y, &x)| y == table.modulus.mul(q - 3, x)));
                    }
                }
            }
        }
    }

    #[test]
    fn kernel_sets_agree_bit_for_bit_at_every_size_and_edge() {
        for log_n in 5..=17 {
            for bits in [log_n + 8, 46, 47, 48, 49, 50] {
                let q = primes::search(log_n, &[bits]).unwrap()[0];
                let n = 1 << log_n;
                let inputs =
                    [random(n, q, 7), vec![q - 1; n], vec![0; n], (0..n).map(|i| (i as u64 % 2) * (q - 1)).collect()];
                let tables: Vec<_> =
                    Kernels::available().into_iter().map(|kernels| NttTable::new(n, q, kernels)).collect();
                for input in inputs {
                    let outputs: Vec<_> = tables
                        .iter()
                        .map(|table| {
                            let (mut forward, mut inverse) = (input.clone(), input.clone());
                            table.forward(&mut forward);
                            table.inverse(&mut inverse);
                            (forward, inverse)
                        })
                        .collect();
                    for other in &outputs[1..] {
                        assert!(*other == outputs[0], "kernels differ at 2^{log_n}, {bits} bits");
                    }
                }
            }
        }
    }

    #[test]
    fn a_polynomial_in_a_power_of_x_is_a_stretched_smaller_transform() {
        let (n, small) = (512, 64);
        let q = primes::search(9, &[42]).unwrap()[0];
        let table = NttTable::new(n, q, Kernels::detect());
        let mut compact = random(small, q, 3);
        let mut full = vec![0; n];
        for (i, &c) in compact.iter().enumerate() {
            full[i * n / small] = c;
        }
        table.forward(&mut compact);
        table.forward(&mut full);
        assert!(full.iter().enumerate().all(|(i, &x)| x == compact[i * small / n]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn products_are_negacyclic_convolutions(seed: u64) {
            let n = 64;
            let q = primes::search(6, &[50]).unwrap()[0];
            let table = NttTable::new(n, q, Kernels::detect());
            let m = table.modulus();
            let (a, b) = (random(n, q, seed), random(n, q, !seed));
            let mut expected = vec![0; n];
            for (i, &x) in a.iter().enumerate() {
                for (j, &y) in b.iter().enumerate() {
                    let product = m.mul(x, y);
                    let k = (i + j) % n;
                    expected[k] = if i + j < n { m.add(expected[k], product) } else { m.sub(expected[k], product) };
                }
            }
            let (mut x, mut y) = (a, b);
            table.forward(&mut x);
            table.forward(&mut y);
            for (x, &y) in x.iter_mut().zip(&y) {
                *x = m.mul(*x, y);
            }
            table.inverse(&mut x);
            prop_assert_eq!(x, expected);
        }
    }
}
