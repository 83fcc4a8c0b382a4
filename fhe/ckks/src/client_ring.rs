//! The client's own, smaller ring: ring switching (Gentry, Halevi, Peikert and Smart, ePrint 2012/240).
//!
//! A server needs a large ring because its modulus is long. A client's ciphertexts have a short modulus, so a ring of
//! smaller dimension M is as secure for them, and they are smaller by the factor N/M. With Y = X^(N/M) the client's ring
//! Z\[Y\]/(Y^M + 1) is a subring of the server's:
//!
//! - Upwards, (c₀(Y), c₁(Y)) is a ciphertext of the large ring under the secret s(Y). A key switch takes it to the main
//!   secret.
//! - Downwards, a key switch takes a ciphertext to the secret s(Y). Its message is a polynomial in Y, as the slots are few.
//!   The coefficients of the powers of Y alone are then a ciphertext of the client's ring: c₁·s(Y) moves no other
//!   coefficient there.
//!
//! A key to s(Y) in the large ring consists of N/M samples of ring-LWE in the client's ring, interleaved. So what the tables
//! say of the client's dimension and modulus holds for it.

use fhe_ring::{Basis, Coefficients, Limb, Ntt, Poly, Ring};
use std::sync::Arc;

use crate::ciphertext::Ciphertext;
use crate::error::CkksError;
use crate::evaluator::Evaluator;
use crate::params::Parameters;
use crate::shape::KeyKind;

impl Evaluator {
    /// Takes a ciphertext of a client's ring to the main ring and the main secret.
    ///
    /// Result: the level, scale and slots of `a`.
    ///
    /// # Errors
    /// [`CkksError::MissingKey`] if there is no key for this level.
    ///
    /// # Panics
    /// If the ring of `a` is no subring of the main one.
    pub fn from_client(&self, a: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let ring = self.params().ring();
        let key = self.keys().get(KeyKind::FromClient, a.level())?;
        let parts = a.parts().each_ref().map(|part| spread(part, ring));
        self.switch(&Ciphertext { parts, scale: a.scale(), slots: a.slots() }, key)
    }

    /// Takes a ciphertext to level 0 and to a client's ring and secret.
    ///
    /// Result: level 0, the scale and slots of `a`. The values times the scale must be below q₀/2.
    ///
    /// # Errors
    /// [`CkksError::MissingKey`] if there is no key for it, [`CkksError::Slots`] if the client's ring has too few slots.
    ///
    /// # Panics
    /// If the client's ring is no subring of the main one.
    pub fn to_client(&self, client: &Parameters, a: &Ciphertext) -> Result<Ciphertext, CkksError> {
        if a.slots() > client.max_slots() {
            return Err(CkksError::Slots { found: a.slots(), max: client.max_slots() });
        }
        let key = self.keys().get(KeyKind::ToClient, 0)?;
        let switched = self.switch(&self.lowered(a, 0)?, key)?;
        let (scale, slots) = (switched.scale(), switched.slots());
        let parts = switched.into_parts().map(|part| gather(part, client.ring()));
        Ok(Ciphertext { parts, scale, slots })
    }
}

/// Returns p(X^(N/M)) in the ring of dimension N for p of dimension M.
fn spread(poly: &Poly<Ntt>, ring: &Arc<Ring>) -> Poly<Ntt> {
    let basis = poly.basis();
    let gap = gap(ring, poly.ring(), basis);
    let coefficients = poly.clone().into_coefficients();
    let limbs = coefficients.limbs().iter().map(|limb| {
        let mut wide = Limb::zeroed(ring.n());
        wide.iter_mut().step_by(gap).zip(limb.iter()).for_each(|(to, from)| *to = *from);
        wide
    });
    Poly::<Coefficients>::from_limbs(ring, basis, limbs.collect()).into_ntt()
}

/// Returns the coefficients of the powers of X^(N/M), as a polynomial of dimension M.
fn gather(poly: Poly<Ntt>, ring: &Arc<Ring>) -> Poly<Ntt> {
    let basis = poly.basis();
    let gap = gap(poly.ring(), ring, basis);
    let coefficients = poly.into_coefficients();
    let limbs = coefficients.limbs().iter().map(|limb| {
        let mut narrow = Limb::zeroed(ring.n());
        narrow.iter_mut().zip(limb.iter().step_by(gap)).for_each(|(to, from)| *to = *from);
        narrow
    });
    Poly::<Coefficients>::from_limbs(ring, basis, limbs.collect()).into_ntt()
}

/// Returns N/M.
///
/// # Panics
/// If the small ring is no subring of the large one over these primes.
fn gap(large: &Ring, small: &Ring, basis: Basis) -> usize {
    assert!(large.n().is_multiple_of(small.n()), "dimension {} does not divide {}", small.n(), large.n());
    assert!(large.moduli(basis).eq(small.moduli(basis)), "primes of the client's ring");
    large.n() / small.n()
}
