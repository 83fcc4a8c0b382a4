//! A ring dimension with its primes and the constants that are computed once for them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use crate::arch::Kernels;
use crate::automorphism::Permutation;
use crate::base_conversion::BaseConverter;
use crate::basis::Basis;
use crate::meter::{Held, Holder};
use crate::modulus::Modulus;
use crate::ntt::NttTable;

/// The ring Z\[X\]/(X^N + 1) with its primes, each with its NTT.
///
/// The main primes q₀, q₁, … form the ciphertext modulus, which is spent from the top. The special primes p₀, p₁, …
/// form the auxiliary modulus of key switching.
///
/// ```
/// use fhe_ring::{Basis, Kernels, Ring, primes};
///
/// // N = 2^6, three main primes near 2^50 and 2^40, one special prime near 2^50.
/// let primes = primes::search(6, &[50, 40, 40, 50])?;
/// let ring = Ring::new(64, &primes[..3], &primes[3..], Kernels::detect());
/// assert_eq!(ring.basis(), Basis { main: 3, special: 1 });
/// assert!((ring.log_modulus(Basis::main(3)) - 130.0).abs() < 0.01);
/// # Ok::<(), fhe_ring::primes::PrimeError>(())
/// ```
pub struct Ring {
    n: usize,
    main: Vec<NttTable>,
    special: Vec<NttTable>,
    converters: Mutex<HashMap<ConversionKey, Arc<BaseConverter>>>,
    permutations: Mutex<HashMap<u64, (Arc<Permutation>, Held)>>,
}

/// Names the primes of a base conversion. The source is a run of main primes and the leading special primes; the
/// targets are the primes of `target` that are not in the source.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ConversionKey {
    main: Range<usize>,
    special: usize,
    target: Basis,
}

impl Ring {
    /// Builds the ring of dimension `n` over distinct `main` and `special` primes, all 1 modulo 2n.
    ///
    /// # Panics
    /// If a prime repeats or is not 1 modulo 2n, or if `n` is not a power of two that the NTT accepts.
    pub fn new(n: usize, main: &[u64], special: &[u64], kernels: Kernels) -> Arc<Self> {
        let mut all: Vec<_> = main.iter().chain(special).collect();
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "a prime repeats among {main:?} and {special:?}");
        let tables = |primes: &[u64]| {
            use rayon::prelude::*;
            primes.par_iter().map(|&q| NttTable::new(n, q, kernels)).collect()
        };
        Arc::new(Self {
            n,
            main: tables(main),
            special: tables(special),
            converters: Mutex::default(),
            permutations: Mutex::default(),
        })
    }

    /// Returns the ring dimension N.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Returns the basis of all primes.
    pub fn basis(&self) -> Basis {
        Basis { main: self.main.len(), special: self.special.len() }
    }

    /// Returns the kernels that all primes use.
    pub fn kernels(&self) -> Kernels {
        self.main[0].kernels()
    }

    /// Returns the transforms of the main primes.
    pub fn main(&self) -> &[NttTable] {
        &self.main
    }

    /// Returns the transforms of the special primes.
    pub fn special(&self) -> &[NttTable] {
        &self.special
    }

    /// Iterates over the transforms of a basis, in limb order.
    pub fn tables(&self, basis: Basis) -> impl Iterator<Item = &NttTable> + Clone {
        self.main[..basis.main].iter().chain(&self.special[..basis.special])
    }

    /// Returns the transform of limb `limb` of a polynomial over `basis`.
    pub fn table(&self, basis: Basis, limb: usize) -> &NttTable {
        if limb < basis.main { &self.main[limb] } else { &self.special[limb - basis.main] }
    }

    /// Iterates over the moduli of a basis, in limb order.
    pub fn moduli(&self, basis: Basis) -> impl Iterator<Item = &Modulus> + Clone {
        self.tables(basis).map(NttTable::modulus)
    }

    /// Returns log2 of the product of the primes of a basis.
    pub fn log_modulus(&self, basis: Basis) -> f64 {
        self.moduli(basis).map(Modulus::log2).sum()
    }

    /// Returns the converter from the main primes in `main` and the first `special` special primes to all other primes
    /// of `target`. It is built on first use and kept.
    pub(crate) fn converter(&self, main: Range<usize>, special: usize, target: Basis) -> Arc<BaseConverter> {
        let key = ConversionKey { main, special, target };
        let mut known = self.converters.lock().expect("no holder panics");
        known.entry(key).or_insert_with_key(|key| Arc::new(self.build_converter(key))).clone()
    }

    fn build_converter(&self, key: &ConversionKey) -> BaseConverter {
        let ConversionKey { main, special, target } = key;
        let moduli = |tables: &[NttTable]| tables.iter().map(|t| *t.modulus()).collect::<Vec<Modulus>>();
        let source = [moduli(&self.main[main.clone()]), moduli(&self.special[..*special])].concat();
        let targets: Vec<Modulus> = self.moduli(*target).filter(|m| !source.contains(m)).copied().collect();
        BaseConverter::new(&source, &targets)
    }

    /// Returns the permutation that X ↦ X^`galois` is in the NTT domain. It is built on first use and kept.
    ///
    /// # Panics
    /// If `galois` is even.
    pub fn permutation(&self, galois: u64) -> Arc<Permutation> {
        let mut known = self.permutations.lock().expect("no holder panics");
        let make = || {
            let permutation = Permutation::new(self.n, galois);
            let held = Held::new(Holder::Permutations, permutation.bytes());
            (Arc::new(permutation), held)
        };
        known.entry(galois).or_insert_with(make).0.clone()
    }
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Basis { main, special } = self.basis();
        write!(f, "Ring(N = {}, {main} main + {special} special primes, {})", self.n, self.kernels().name())
    }
}
