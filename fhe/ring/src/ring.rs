//! A ring dimension with its primes, and which of them a polynomial is held modulo.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::arch::Kernels;
use crate::automorphism::Permutation;
use crate::convert::{BaseConverter, ConversionKey};
use crate::modulus::Modulus;
use crate::ntt::NttTable;

/// Z\[X\]/(X^N + 1) with a chain of main primes q₀, q₁, … (the ciphertext modulus, spent from the top) and of special
/// primes p₀, p₁, … (the auxiliary modulus of key switching), each with its NTT.
pub struct Ring {
    n: usize,
    main: Vec<NttTable>,
    special: Vec<NttTable>,
    converters: Mutex<HashMap<ConversionKey, Arc<BaseConverter>>>,
    permutations: Mutex<HashMap<u64, Arc<Permutation>>>,
}

/// The primes that a polynomial is held modulo: the first `main` main primes, then the first `special` special ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Basis {
    /// Number of main primes.
    pub main: usize,
    /// Number of special primes.
    pub special: usize,
}

impl Basis {
    /// Main primes only.
    pub fn main(main: usize) -> Self {
        Self { main, special: 0 }
    }

    /// Number of limbs.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(self) -> usize {
        self.main + self.special
    }

    /// Whether every prime of `other` is one of these.
    pub fn contains(self, other: Self) -> bool {
        self.main >= other.main && self.special >= other.special
    }

    /// Where among these primes limb `i` of `other` has its own: main primes come first in both.
    ///
    /// # Panics
    /// If a prime of `other` is none of these.
    pub fn place_of(self, other: Self, i: usize) -> usize {
        assert!(self.contains(other), "an operand over {self:?} where {other:?} is computed");
        if i < other.main { i } else { i - other.main + self.main }
    }
}

impl Ring {
    /// The ring of dimension `n` over distinct `main` and `special` primes, all 1 modulo 2n.
    ///
    /// # Panics
    /// If a prime repeats or has no 2n-th root of unity, or `n` is not a power of two the NTT takes.
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

    /// Ring dimension N.
    pub fn n(&self) -> usize {
        self.n
    }

    /// All primes.
    pub fn basis(&self) -> Basis {
        Basis { main: self.main.len(), special: self.special.len() }
    }

    /// The instruction set that carries the kernels.
    pub fn kernels(&self) -> Kernels {
        self.main[0].kernels()
    }

    /// The transforms of the main primes.
    pub fn main(&self) -> &[NttTable] {
        &self.main
    }

    /// The transforms of the special primes.
    pub fn special(&self) -> &[NttTable] {
        &self.special
    }

    /// The transforms of a basis, in limb order.
    pub fn tables(&self, basis: Basis) -> impl Iterator<Item = &NttTable> + Clone {
        self.main[..basis.main].iter().chain(&self.special[..basis.special])
    }

    /// The transform of limb `limb` of a polynomial over `basis`.
    pub fn table(&self, basis: Basis, limb: usize) -> &NttTable {
        if limb < basis.main { &self.main[limb] } else { &self.special[limb - basis.main] }
    }

    /// The moduli of a basis, in limb order.
    pub fn moduli(&self, basis: Basis) -> impl Iterator<Item = &Modulus> + Clone {
        self.tables(basis).map(NttTable::modulus)
    }

    /// log2 of the product of a basis.
    pub fn log_modulus(&self, basis: Basis) -> f64 {
        self.moduli(basis).map(Modulus::log2).sum()
    }

    pub(crate) fn converter(&self, key: ConversionKey) -> Arc<BaseConverter> {
        let mut known = self.converters.lock().expect("no holder panics");
        known.entry(key.clone()).or_insert_with(|| Arc::new(BaseConverter::new(self, &key))).clone()
    }

    /// The NTT-domain permutation of X ↦ X^`galois`, made on first use.
    pub fn permutation(&self, galois: u64) -> Arc<Permutation> {
        let mut known = self.permutations.lock().expect("no holder panics");
        known.entry(galois).or_insert_with(|| Arc::new(Permutation::new(self.n, galois))).clone()
    }
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Basis { main, special } = self.basis();
        write!(f, "Ring(N = {}, {main} main + {special} special primes, {})", self.n, self.kernels().name())
    }
}
