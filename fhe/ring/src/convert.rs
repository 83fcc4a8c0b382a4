//! Base conversion and what it is for: raising a digit to more primes and dividing by a few with rounding.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::arch::Kernels;
use crate::buffer::Limb;
use crate::modulus::{Modulus, Shoup};
use crate::ntt::NttTable;
use crate::poly::{Ntt, Poly};
use crate::ring::{Basis, Ring};

/// Source and target primes of a conversion: a run of main primes and leading special primes each.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConversionKey {
    source: (Range<usize>, usize),
    /// The targets are these primes without the source's.
    target: Basis,
}

/// Exact conversion of centred residues from one set of primes to another (Halevi, Polyakov and Shoup, ePrint
/// 2018/117, section 2.2).
///
/// With Q = Π qᵢ and yᵢ = xᵢ·(Q/qᵢ)⁻¹ mod qᵢ, the integer x in (−Q/2, Q/2) is Σ yᵢ·Q/qᵢ − v·Q, v = round(Σ yᵢ/qᵢ). The
/// inverse transform that x comes from takes the factors (Q/qᵢ)⁻¹ along, so that a conversion starts from the yᵢ.
///
/// v is computed in floating point, where each of up to fourteen terms rounds: it is off by one only for x within about
/// 2^−46·Q of ±Q/2, where the result is then the other of the two nearly equal representatives.
pub(crate) struct BaseConverter {
    /// (Q/qᵢ)⁻¹ mod qᵢ.
    inverses: Vec<u64>,
    reciprocals: Vec<f64>,
    targets: Vec<Target>,
}

struct Target {
    modulus: Modulus,
    /// Q/qᵢ mod p.
    factors: Vec<u64>,
    /// −Q mod p.
    correction: u64,
}

/// Coefficients converted at a time: those of fourteen source primes stay in the first-level cache.
const CHUNK: usize = 256;

/// Coefficients that one task converts.
const BLOCK: usize = 2048;

impl BaseConverter {
    pub(crate) fn new(ring: &Ring, key: &ConversionKey) -> Self {
        let source = key.source_tables(ring).map(|t| *t.modulus()).collect::<Vec<_>>();
        let product_without = |p: &Modulus, skip: Option<usize>| {
            let kept = source.iter().enumerate().filter(|&(i, _)| Some(i) != skip);
            kept.fold(1, |product, (_, q)| p.mul(product, p.reduce(q.value())))
        };
        let inverses = (0..source.len()).map(|i| source[i].inv(product_without(&source[i], Some(i)))).collect();
        let targets = key
            .target_tables(ring)
            .map(|t| Target {
                modulus: *t.modulus(),
                factors: (0..source.len()).map(|i| product_without(t.modulus(), Some(i))).collect(),
                correction: t.modulus().neg(product_without(t.modulus(), None)),
            })
            .collect();
        Self { inverses, reciprocals: source.iter().map(|q| 1.0 / q.value() as f64).collect(), targets }
    }

    /// Some coefficients over the source primes, as yᵢ, to the same over the target primes.
    fn convert(&self, kernels: Kernels, source: &[&[u64]], target: &mut [&mut [u64]], overflow: &mut [u64]) {
        let len = target.first().map_or(0, |target| target.len());
        for first in (0..len).step_by(CHUNK) {
            let size = CHUNK.min(len - first);
            let digits: Vec<&[u64]> = source.iter().map(|limb| &limb[first..][..size]).collect();
            let overflow = &mut overflow[..size];
            kernels.quotient_sum(overflow, &digits, &self.reciprocals);
            for (out, target) in target.iter_mut().zip(&self.targets) {
                let out = &mut out[first..][..size];
                kernels.convert(&target.modulus, out, &digits, &target.factors, overflow, target.correction);
            }
        }
    }
}

/// A conversion to be made: coefficients over the source primes, as yᵢ, and the limbs for those over the target primes.
struct Conversion<'a> {
    converter: &'a BaseConverter,
    source: Vec<&'a [u64]>,
    target: Vec<&'a mut Limb>,
}

/// Makes several conversions in one parallel loop.
fn convert_all(ring: &Ring, conversions: Vec<Conversion<'_>>) {
    let block = BLOCK.min(ring.n());
    let mut tasks = Vec::new();
    for Conversion { converter, source, target } in conversions {
        assert_eq!((source.len(), target.len()), (converter.inverses.len(), converter.targets.len()));
        let mut limbs: Vec<_> = target.into_iter().map(|limb| limb.chunks_exact_mut(block)).collect();
        for first in (0..ring.n()).step_by(block) {
            let source: Vec<&[u64]> = source.iter().map(|limb| &limb[first..][..block]).collect();
            let target: Vec<&mut [u64]> = limbs.iter_mut().filter_map(Iterator::next).collect();
            tasks.push((converter, source, target));
        }
    }
    tasks.into_par_iter().for_each_init(
        || Limb::recycled(CHUNK),
        |overflow, (converter, source, mut target)| {
            converter.convert(ring.kernels(), &source, &mut target, overflow);
        },
    );
}

impl ConversionKey {
    fn source_tables<'a>(&self, ring: &'a Ring) -> impl Iterator<Item = &'a NttTable> + use<'a> {
        ring.main()[self.source.0.clone()].iter().chain(&ring.special()[..self.source.1])
    }

    fn target_tables<'a>(&self, ring: &'a Ring) -> impl Iterator<Item = &'a NttTable> + use<'a> {
        let (main, special) = self.source.clone();
        ring.main()[..self.target.main]
            .iter()
            .enumerate()
            .filter_map(move |(i, t)| (!main.contains(&i)).then_some(t))
            .chain(&ring.special()[special.min(self.target.special)..self.target.special])
    }
}

/// A gadget digit of a polynomial: its centred remainder modulo some of its primes, which there is the polynomial itself.
pub struct Digit<'a> {
    poly: &'a Poly<Ntt>,
    /// The primes that it is the remainder modulo.
    own: Range<usize>,
    /// Modulo all others of `basis`, in order.
    raised: Vec<Limb>,
    basis: Basis,
}

impl Digit<'_> {
    /// The primes that it is held modulo.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// Its limb `i`.
    pub fn limb(&self, i: usize) -> &[u64] {
        match i {
            i if self.own.contains(&i) => &self.poly.limbs[i],
            i if i < self.own.start => &self.raised[i],
            i => &self.raised[i - self.own.len()],
        }
    }
}

impl Poly<Ntt> {
    /// The gadget decomposition of key switching: digit j is the centred remainder of `self` modulo the j-th group of
    /// `digit` main primes, held modulo all of `self`'s primes and `special` special ones (ModUp of ePrint 2019/688).
    ///
    /// # Panics
    /// If `self` has special primes already.
    pub fn mod_up(&self, digit: usize, special: usize) -> Vec<Digit<'_>> {
        assert_eq!(self.basis.special, 0, "mod_up starts from main primes");
        let (ring, main) = (&self.ring, self.basis.main);
        let basis = Basis { main, special };
        let own = |j: usize| j * digit..((j + 1) * digit).min(main);
        let digits = main.div_ceil(digit);
        let converters: Vec<_> =
            (0..digits).map(|j| ring.converter(ConversionKey { source: (own(j), 0), target: basis })).collect();
        let invert = |(i, limb): (usize, &Limb)| {
            let mut limb = limb.clone();
            ring.table(self.basis, i).inverse_scaled(&mut limb, converters[i / digit].inverses[i % digit]);
            limb
        };
        let coefficients: Vec<Limb> = self.limbs.par_iter().enumerate().map(invert).collect();
        let digit = |j: usize| {
            let raised = (0..basis.len() - own(j).len()).map(|_| Limb::recycled(ring.n())).collect();
            Digit { poly: self, own: own(j), raised, basis }
        };
        let mut digits: Vec<Digit> = (0..digits).map(digit).collect();
        let conversions = digits.iter_mut().zip(&converters).map(|(digit, converter)| Conversion {
            converter,
            source: coefficients[digit.own.clone()].iter().map(|limb| &**limb).collect(),
            target: digit.raised.iter_mut().collect(),
        });
        convert_all(ring, conversions.collect());
        let limbs = digits.iter_mut().flat_map(|Digit { own, raised, .. }| {
            let others = (0..basis.len()).filter(|i| !own.contains(i));
            others.zip(raised)
        });
        limbs.collect::<Vec<_>>().into_par_iter().for_each(|(i, limb)| ring.table(basis, i).forward(limb));
        digits
    }

    /// Each polynomial divided by the product D of all its primes but the first `main`, and rounded: ModDown of key
    /// switching, rescaling, or both at once. The rounding error is at most 1/2 a coefficient.
    ///
    /// # Panics
    /// If there is nothing to divide by, or the polynomials have different bases.
    pub fn divide_round<const M: usize>(polys: [Self; M], main: usize) -> [Self; M] {
        let (ring, basis) = (polys[0].ring.clone(), polys[0].basis);
        assert!(polys.iter().all(|p| p.basis == basis), "operands over different primes");
        assert!((1..basis.len()).contains(&main) && main <= basis.main, "division of {basis:?} down to {main} primes");
        let key = ConversionKey { source: (main..basis.main, basis.special), target: Basis::main(main) };
        let converter = ring.converter(key);
        let mut polys = polys;
        // All limbs of all polynomials in one parallel region: at low levels one alone cannot balance two threads.
        polys
            .iter_mut()
            .flat_map(|p| p.limbs.iter_mut().enumerate().skip(main))
            .collect::<Vec<_>>()
            .into_par_iter()
            .for_each(|(i, limb)| ring.table(basis, i).inverse_scaled(limb, converter.inverses[i - main]));
        let mut remainders: [Self; M] = std::array::from_fn(|_| Self::recycled(&ring, Basis::main(main)));
        let conversions = polys.iter().zip(&mut remainders).map(|(poly, remainder)| Conversion {
            converter: &converter,
            source: poly.limbs[main..].iter().map(|limb| &**limb).collect(),
            target: remainder.limbs.iter_mut().collect(),
        });
        convert_all(&ring, conversions.collect());
        let inverses: Vec<Shoup> = (0..main).map(|i| inverse_of_dropped(&ring, basis, main, i)).collect();
        for poly in &mut polys {
            poly.restrict(Basis::main(main));
        }
        let pairs = polys.iter_mut().zip(&mut remainders);
        let limbs = pairs.flat_map(|(p, r)| p.limbs.iter_mut().zip(&mut r.limbs).enumerate());
        limbs.collect::<Vec<_>>().into_par_iter().for_each(|(i, (limb, remainder))| {
            let table = &ring.main()[i];
            table.forward(remainder);
            table.kernels().sub_scale(table.modulus(), limb, remainder, inverses[i]);
        });
        polys
    }
}

/// D⁻¹ modulo main prime `i`, D the product of `basis` without its first `main` primes.
fn inverse_of_dropped(ring: &Arc<Ring>, basis: Basis, main: usize, i: usize) -> Shoup {
    let m = ring.main()[i].modulus();
    let product = ring.moduli(basis).skip(main).fold(1, |product, p| m.mul(product, m.reduce(p.value())));
    m.shoup(m.inv(product))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Kernels;
    use crate::poly::Coefficients;
    use crate::primes;
    use num_bigint::{BigInt, Sign};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha20Rng;

    fn ring(kernels: Kernels) -> Arc<Ring> {
        let primes = primes::search(6, &[50, 40, 41, 42, 50, 50, 49]).unwrap();
        Ring::new(64, &primes[..4], &primes[4..], kernels)
    }

    fn product(ring: &Ring, basis: Basis) -> BigInt {
        ring.moduli(basis).map(|m| BigInt::from(m.value())).product()
    }

    /// The centred integer coefficients, by the Chinese remainder theorem.
    fn integers(poly: &Poly<Coefficients>) -> Vec<BigInt> {
        let (ring, basis) = (poly.ring(), poly.basis());
        let q = product(ring, basis);
        (0..ring.n())
            .map(|j| {
                let sum: BigInt = ring
                    .moduli(basis)
                    .zip(poly.limbs())
                    .map(|(m, limb)| {
                        let rest = &q / m.value();
                        let residue: u64 = (&rest % m.value()).try_into().expect("a word");
                        rest * m.mul(limb[j], m.inv(residue))
                    })
                    .sum();
                let x = sum % &q;
                if &x * 2 > q { x - &q } else { x }
            })
            .collect()
    }

    fn whole(digit: &Digit<'_>) -> Poly<Ntt> {
        let ring = digit.poly.ring();
        let copy = |i: usize| {
            let mut limb = Limb::recycled(ring.n());
            limb.copy_from_slice(digit.limb(i));
            limb
        };
        Poly::from_limbs(ring, digit.basis(), (0..digit.basis().len()).map(copy).collect())
    }

    fn random(ring: &Arc<Ring>, basis: Basis) -> Poly<Ntt> {
        crate::Uniform::new(&ChaCha20Rng::seed_from_u64(1).random(), 0).poly(ring, basis)
    }

    #[test]
    fn mod_up_gives_the_centred_digits_exactly() {
        for kernels in Kernels::available() {
            let ring = ring(kernels);
            let poly = random(&ring, Basis::main(4));
            for digit in 1..=4 {
                let digits = poly.mod_up(digit, 2);
                assert_eq!(digits.len(), 4usize.div_ceil(digit));
                for (j, raised) in digits.into_iter().enumerate() {
                    let own = j * digit..((j + 1) * digit).min(4);
                    let modulus: BigInt =
                        ring.main()[own.clone()].iter().map(|t| BigInt::from(t.modulus().value())).product();
                    let original = integers(&poly.clone().into_coefficients());
                    for (x, y) in original.iter().zip(integers(&whole(&raised).into_coefficients())) {
                        assert_eq!((x - &y) % &modulus, BigInt::ZERO);
                        assert!(y.magnitude() * 2u32 <= *modulus.magnitude(), "digits are centred");
                    }
                }
            }
        }
    }

    #[test]
    fn divide_round_is_the_nearest_integer() {
        for kernels in Kernels::available() {
            let ring = ring(kernels);
            for (basis, main) in
                [(ring.basis(), 4), (ring.basis(), 2), (Basis::main(3), 2), (Basis { main: 2, special: 1 }, 1)]
            {
                let poly = random(&ring, basis);
                let divisor = product(&ring, basis) / product(&ring, Basis::main(main));
                let [quotient, _] = Poly::divide_round([poly.clone(), poly.clone()], main);
                let expected = integers(&poly.into_coefficients()).into_iter().map(|x| {
                    let half = &divisor / 2;
                    let shifted = if x.sign() == Sign::Minus { x - half } else { x + half };
                    shifted / &divisor
                });
                assert!(expected.eq(integers(&quotient.into_coefficients())), "{basis:?} to {main}");
            }
        }
    }

    #[test]
    fn the_widest_digits_are_exact_to_the_ends_of_their_range() {
        for kernels in Kernels::available() {
            let primes = primes::search(6, &[50; 16]).unwrap();
            let ring = Ring::new(64, &primes[..14], &primes[14..], kernels);
            for digit in [12, 13, 14] {
                let basis = Basis::main(digit);
                let modulus = product(&ring, basis);
                let half: BigInt = (&modulus - 1) / 2;
                let ends = [BigInt::ZERO, BigInt::from(1), half.clone(), &half - 1, &half - (&half >> 46)];
                let between = (1..23).map(|k| &half * k / 23);
                let positive: Vec<BigInt> = ends.into_iter().chain(between).collect();
                let mut values: Vec<BigInt> = positive.iter().flat_map(|x| [x.clone(), -x]).collect();
                values.resize(ring.n(), BigInt::ZERO);
                let residues = |m: &Modulus| {
                    let mut limb = Limb::zeroed(ring.n());
                    for (residue, x) in limb.iter_mut().zip(&values) {
                        let x = ((x % m.value()) + m.value()) % m.value();
                        *residue = x.try_into().expect("a residue");
                    }
                    limb
                };
                let limbs = ring.moduli(basis).map(residues).collect();
                let poly = Poly::<Coefficients>::from_limbs(&ring, basis, limbs).into_ntt();
                let raised = poly.mod_up(digit, 2).pop().expect("one digit");
                // At the ends the other representative is as good.
                let largest: BigInt = &half + (&half >> 45);
                for (x, y) in values.iter().zip(integers(&whole(&raised).into_coefficients())) {
                    assert_eq!((x - &y) % &modulus, BigInt::ZERO, "{digit} primes, {}", kernels.name());
                    assert!(*y.magnitude() <= *largest.magnitude(), "{digit} primes: {y} for {x}");
                }
            }
        }
    }

    #[test]
    fn kernel_sets_agree() {
        let digits: Vec<_> = Kernels::available()
            .into_iter()
            .map(|kernels| {
                let poly = random(&ring(kernels), Basis::main(4));
                poly.mod_up(3, 3).iter().map(whole).collect::<Vec<_>>()
            })
            .collect();
        assert!(digits.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
