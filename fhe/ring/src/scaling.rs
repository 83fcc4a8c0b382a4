//! Changes of a polynomial's modulus: raising gadget digits to more primes, and dividing by primes with rounding.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::base_conversion::{Conversion, convert_all};
use crate::basis::Basis;
use crate::buffer::Limb;
use crate::meter::{Primitive, scope};
use crate::modulus::Shoup;
use crate::poly::{Ntt, Poly};
use crate::ring::Ring;

/// A gadget digit of a polynomial: its centred remainder modulo a group of its primes, raised to more primes.
///
/// Modulo the primes of the group the digit equals the polynomial, so those limbs are borrowed from it.
pub struct Digit<'a> {
    poly: &'a Poly<Ntt>,
    /// The group: the main primes that the digit is the remainder modulo.
    own: Range<usize>,
    /// The limbs modulo all other primes of `basis`, in order.
    raised: Vec<Limb>,
    basis: Basis,
}

impl Digit<'_> {
    /// Returns the primes that the digit is held modulo.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// Returns limb `i`: N evaluations modulo prime `i` of [`Digit::basis`].
    pub fn limb(&self, i: usize) -> &[u64] {
        match i {
            i if self.own.contains(&i) => &self.poly.limbs[i],
            i if i < self.own.start => &self.raised[i],
            i => &self.raised[i - self.own.len()],
        }
    }
}

impl Poly<Ntt> {
    /// Returns the gadget decomposition of key switching (ModUp of ePrint 2019/688).
    ///
    /// Digit j is the centred remainder of `self` modulo the j-th group of `digit_len` main primes. It is held modulo
    /// all primes of `self` and the first `special` special primes.
    ///
    /// # Panics
    /// If `self` has special primes already, or `digit_len` is 0.
    pub fn mod_up(&self, digit_len: usize, special: usize) -> Vec<Digit<'_>> {
        assert_eq!(self.basis.special, 0, "mod_up starts from main primes");
        let (ring, main) = (&self.ring, self.basis.main);
        let basis = Basis { main, special };
        let own = |j: usize| j * digit_len..((j + 1) * digit_len).min(main);
        let count = main.div_ceil(digit_len);
        let converters: Vec<_> = (0..count).map(|j| ring.converter(own(j), 0, basis)).collect();
        let invert = |(i, limb): (usize, &Limb)| {
            let mut limb = limb.clone();
            let factor = converters[i / digit_len].inverses()[i % digit_len];
            ring.table(self.basis, i).inverse_scaled(&mut limb, factor);
            limb
        };
        let coefficients: Vec<Limb> = self.limbs.par_iter().enumerate().map(invert).collect();
        let empty_digit = |j: usize| {
            let raised = (0..basis.len() - own(j).len()).map(|_| Limb::recycled(ring.n())).collect();
            Digit { poly: self, own: own(j), raised, basis }
        };
        let mut digits: Vec<Digit> = (0..count).map(empty_digit).collect();
        let conversions = digits.iter_mut().zip(&converters).map(|(digit, converter)| Conversion {
            converter,
            source: coefficients[digit.own.clone()].iter().map(|limb| &**limb).collect(),
            target: digit.raised.iter_mut().collect(),
        });
        convert_all(ring.kernels(), ring.n(), Primitive::ModUp, conversions.collect());
        let limbs = digits.iter_mut().flat_map(|Digit { own, raised, .. }| {
            let others = (0..basis.len()).filter(|i| !own.contains(i));
            others.zip(raised)
        });
        limbs.collect::<Vec<_>>().into_par_iter().for_each(|(i, limb)| ring.table(basis, i).forward(limb));
        digits
    }

    /// Divides each polynomial by D, the product of all its primes but the first `main`, and rounds. The results are
    /// held modulo the first `main` main primes.
    ///
    /// This is ModDown of key switching, rescaling, or both at once. The rounding error of a coefficient is at most
    /// 1/2.
    ///
    /// # Panics
    /// If there is no prime to divide by, if `main` is 0 or exceeds the main primes, or if the bases differ.
    pub fn divide_round<const M: usize>(polys: [Self; M], main: usize) -> [Self; M] {
        let (ring, basis) = (polys[0].ring.clone(), polys[0].basis);
        assert!(polys.iter().all(|p| p.basis == basis), "operands over different primes");
        assert!((1..basis.len()).contains(&main) && main <= basis.main, "division of {basis:?} down to {main} primes");
        let converter = ring.converter(main..basis.main, basis.special, Basis::main(main));
        let mut polys = polys;
        // One parallel loop over the limbs of all polynomials: at low levels those of one cannot balance two threads.
        polys
            .iter_mut()
            .flat_map(|p| p.limbs.iter_mut().enumerate().skip(main))
            .collect::<Vec<_>>()
            .into_par_iter()
            .for_each(|(i, limb)| ring.table(basis, i).inverse_scaled(limb, converter.inverses()[i - main]));
        let mut remainders: [Self; M] = std::array::from_fn(|_| Self::recycled(&ring, Basis::main(main)));
        let conversions = polys.iter().zip(&mut remainders).map(|(poly, remainder)| Conversion {
            converter: &converter,
            source: poly.limbs[main..].iter().map(|limb| &**limb).collect(),
            target: remainder.limbs.iter_mut().collect(),
        });
        let primitive = if basis.special > 0 { Primitive::ModDown } else { Primitive::Rescale };
        convert_all(ring.kernels(), ring.n(), primitive, conversions.collect());
        let inverses: Vec<Shoup> = (0..main).map(|i| inverse_of_dropped(&ring, basis, main, i)).collect();
        for poly in &mut polys {
            poly.restrict(Basis::main(main));
        }
        let pairs = polys.iter_mut().zip(&mut remainders);
        let limbs = pairs.flat_map(|(p, r)| p.limbs.iter_mut().zip(&mut r.limbs).enumerate());
        limbs.collect::<Vec<_>>().into_par_iter().for_each(|(i, (limb, remainder))| {
            let table = &ring.main()[i];
            table.forward(remainder);
            let _scope = scope(Primitive::Arithmetic);
            table.kernels().sub_scale(table.modulus(), limb, remainder, inverses[i]);
        });
        polys
    }
}

/// Returns D⁻¹ modulo main prime `i`, where D is the product of `basis` without its first `main` primes.
fn inverse_of_dropped(ring: &Arc<Ring>, basis: Basis, main: usize, i: usize) -> Shoup {
    let m = ring.main()[i].modulus();
    let product = ring.moduli(basis).skip(main).fold(1, |product, p| m.mul(product, m.reduce(p.value())));
    m.shoup(m.inv(product))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Kernels;
    use crate::modulus::Modulus;
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
            for digit_len in 1..=4 {
                let digits = poly.mod_up(digit_len, 2);
                assert_eq!(digits.len(), 4usize.div_ceil(digit_len));
                for (j, raised) in digits.into_iter().enumerate() {
                    let own = j * digit_len..((j + 1) * digit_len).min(4);
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
            for digit_len in [12, 13, 14] {
                let basis = Basis::main(digit_len);
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
                let raised = poly.mod_up(digit_len, 2).pop().expect("one digit");
                // At the ends the other representative is as good.
                let largest: BigInt = &half + (&half >> 45);
                for (x, y) in values.iter().zip(integers(&whole(&raised).into_coefficients())) {
                    assert_eq!((x - &y) % &modulus, BigInt::ZERO, "{digit_len} primes, {}", kernels.name());
                    assert!(*y.magnitude() <= *largest.magnitude(), "{digit_len} primes: {y} for {x}");
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
