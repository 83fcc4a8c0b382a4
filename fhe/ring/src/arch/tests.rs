//! Every set of kernels against the scalar one, bit for bit.

use super::*;
use crate::primes;

const LENGTH: usize = 128;

/// Operands modulo a prime, with the edge values of each kernel among them.
struct Operands {
    modulus: Modulus,
    bits: u32,
    columns: Vec<Vec<u64>>,
    /// q − 1 everywhere.
    largest: Vec<u64>,
    words: Vec<i64>,
}

impl Operands {
    fn new(bits: u32) -> Self {
        let modulus = Modulus::new(primes::search(5, &[bits]).unwrap()[0]);
        let q = modulus.value() as i64;
        let columns: Vec<Vec<u64>> = (0..16).map(|seed| residues(&modulus, seed)).collect();
        let words = [0, 1, -1, i64::MIN, i64::MAX, q, -q, 1 << 52].into_iter().cycle().zip(&columns[2]);
        let words = words.map(|(edge, &x)| if x % 2 == 0 { edge } else { (x as i64).wrapping_mul(edge) });
        let (words, largest) = (words.collect(), vec![modulus.value() - 1; LENGTH]);
        Self { modulus, bits, columns, largest, words }
    }

    /// Returns the result of a kernel that starts from a fixed output.
    fn result(&self, kernel: impl Fn(&mut [u64])) -> Vec<u64> {
        let mut out = self.columns[1].clone();
        kernel(&mut out);
        out
    }

    /// Returns the results of the kernels that treat each residue by itself.
    fn of_residues(&self, kernels: Kernels) -> Vec<Vec<u64>> {
        let Self { modulus: m, bits, columns, words, .. } = self;
        let w = m.shoup(m.value() - 1);
        let bytes = LENGTH / 8 * *bits as usize + PACKED_PADDING;
        let packed: Vec<u8> = (0..bytes).map(|i| (i * i + 7 * i) as u8).collect();
        vec![
            self.result(|out| kernels.add(m, out, &columns[0])),
            self.result(|out| kernels.sub(m, out, &columns[0])),
            self.result(|out| kernels.scale(m, out, &columns[0], w)),
            self.result(|out| kernels.add_scaled(m, out, &columns[0], w)),
            self.result(|out| kernels.sub_scale(m, out, &columns[0], w)),
            self.result(|out| kernels.reduce_signed(m, out, words)),
            self.result(|out| {
                kernels.unpack(*bits, &packed, out);
                out.iter_mut().for_each(|x| *x = m.reduce(*x));
            }),
        ]
    }

    /// Returns the results of sums of products, of every number of terms and every stretch.
    fn of_sums(&self, kernels: Kernels) -> Vec<Vec<u64>> {
        let Self { modulus: m, columns, largest, .. } = self;
        let mut results = Vec::new();
        for count in [0, 1, 2, 14, MAX_LAZY_PRODUCTS] {
            for stretch in 0..=4 {
                for accumulate in [false, count < MAX_LAZY_PRODUCTS] {
                    let short = LENGTH >> stretch;
                    let terms: Vec<(&[u64], &[u64])> =
                        (0..count).map(|i| (&*columns[i], &columns[15 - i][..short])).collect();
                    results.push(self.result(|out| kernels.dot(m, out, accumulate, &terms, stretch)));
                    let terms: Vec<(&[u64], &[u64])> = vec![(largest, &largest[..short]); count];
                    results.push(self.result(|out| kernels.dot(m, out, accumulate, &terms, stretch)));
                }
            }
        }
        results
    }

    /// Returns the results of the kernels of a base conversion, from every number of primes.
    fn of_conversions(&self, kernels: Kernels) -> Vec<Vec<u64>> {
        let Self { modulus: m, columns, largest, .. } = self;
        let correction = m.value() - 1;
        let mut results = Vec::new();
        for count in [1, 2, MAX_LAZY_PRODUCTS - 1] {
            let digits: Vec<&[u64]> = columns[..count].iter().map(|c| &**c).collect();
            let reciprocals = vec![1.0 / m.value() as f64; count];
            results.push(self.result(|out| kernels.quotient_sum(out, &digits, &reciprocals)));
            let overflow: Vec<u64> = (0..LENGTH).map(|j| (j % (count + 1)) as u64).collect();
            let factors = &columns[3][..count];
            results.push(self.result(|out| kernels.convert(m, out, &digits, factors, &overflow, correction)));
            let digits = vec![&**largest; count];
            results.push(self.result(|out| kernels.convert(m, out, &digits, &largest[..count], &overflow, correction)));
        }
        results
    }
}

/// Returns residues modulo q: 0, q − 1 and powers of 3 in turn.
fn residues(m: &Modulus, seed: u64) -> Vec<u64> {
    let mut power = seed + 1;
    (0..LENGTH)
        .map(|i| {
            power = m.mul(m.reduce(power), 3);
            [0, m.value() - 1, power, power][(i + seed as usize) % 4]
        })
        .collect()
}

#[test]
fn every_kernel_set_equals_the_scalar_one() {
    for bits in [14, 42, 47, 48, 49, 50] {
        let operands = Operands::new(bits);
        let run = |kernels| {
            [operands.of_residues(kernels), operands.of_sums(kernels), operands.of_conversions(kernels)].concat()
        };
        let expected = run(Kernels::SCALAR);
        assert!(expected.iter().flatten().all(|&x| x < operands.modulus.value()));
        for kernels in Kernels::available() {
            assert!(run(kernels) == expected, "{} modulo a prime of {bits} bits", kernels.name());
        }
    }
}
