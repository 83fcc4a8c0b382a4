//! Extended polynomials: over main and special primes, between the product with a key and the division by P.
//!
//! P is the product of the special primes. Operations on extended polynomials work chunk by chunk, so the operands of a
//! chunk stay in the second-level cache. [`compute`] and [`update`] are the loops over limbs and chunks; a [`Chunk`]
//! says which residues a step works on.

use std::sync::Arc;

use fhe_ring::meter::{Primitive, scope};
use fhe_ring::ntt::NttTable;
use fhe_ring::{Basis, Kernels, Limb, Modulus, Ntt, Poly, Ring, Shoup};
use rayon::prelude::*;

/// Number of positions that one step works on: a few operands of this length fit the second-level cache.
pub const CHUNK: usize = 4096;

/// Returns P modulo main prime `i`; `None` for a special prime, modulo which P is 0.
pub(crate) fn lift(ring: &Ring, basis: Basis, i: usize) -> Option<Shoup> {
    let m = ring.table(basis, i).modulus();
    let special = &ring.special()[..basis.special];
    (i < basis.main).then(|| m.shoup(special.iter().fold(1, |p, t| m.mul(p, m.reduce(t.modulus().value())))))
}

/// Some neighbouring positions of one limb of a polynomial over a basis.
#[derive(Clone, Copy)]
pub struct Chunk<'a> {
    table: &'a NttTable,
    lift: Option<Shoup>,
    limb: usize,
    first: usize,
    len: usize,
    n: usize,
}

impl<'a> Chunk<'a> {
    /// Returns all positions of limb `limb`.
    pub fn whole(ring: &'a Ring, basis: Basis, limb: usize) -> Self {
        Self {
            table: ring.table(basis, limb),
            lift: lift(ring, basis, limb),
            limb,
            first: 0,
            len: ring.n(),
            n: ring.n(),
        }
    }

    /// Returns the `len` positions from `first` on in the same limb.
    pub fn at(self, first: usize, len: usize) -> Self {
        Self { first, len, ..self }
    }

    /// The limb, by its index in the basis.
    pub fn limb(&self) -> usize {
        self.limb
    }

    /// The first position.
    pub fn first(&self) -> usize {
        self.first
    }

    /// Whether the last of these positions is that of the limb.
    pub(crate) fn ends_limb(&self) -> bool {
        self.first + self.len == self.n
    }

    /// Number of positions.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The transform of the limb's prime.
    pub fn table(&self) -> &'a NttTable {
        self.table
    }

    /// The kernels.
    pub fn kernels(&self) -> Kernels {
        self.table.kernels()
    }

    /// The limb's prime.
    pub fn modulus(&self) -> &'a Modulus {
        self.table.modulus()
    }

    /// Returns the residues of a polynomial at these positions. It has the limb at the same index.
    pub fn of<'p>(&self, poly: &'p Poly<Ntt>) -> &'p [u64] {
        &poly.limbs()[self.limb][self.first..][..self.len]
    }

    /// Adds an extended polynomial to `out`.
    pub fn add(&self, out: &mut [u64], poly: &Poly<Ntt>) {
        let _scope = scope(Primitive::Arithmetic);
        self.kernels().add(self.modulus(), out, self.of(poly));
    }

    /// Adds P·poly to `out`, for a polynomial over main primes.
    pub fn add_lifted(&self, out: &mut [u64], poly: &Poly<Ntt>) {
        if let Some(lift) = self.lift {
            let _scope = scope(Primitive::Arithmetic);
            self.kernels().add_scaled(self.modulus(), out, self.of(poly), lift);
        }
    }

    /// Adds an extended polynomial to `out`, or P times one over main primes.
    pub fn add_either(&self, out: &mut [u64], poly: &Poly<Ntt>) {
        if poly.basis().special > 0 { self.add(out, poly) } else { self.add_lifted(out, poly) }
    }

    /// Writes P·poly to `out`, for a polynomial over main primes.
    pub fn scale_lifted(&self, out: &mut [u64], poly: &Poly<Ntt>) {
        let _scope = scope(Primitive::Arithmetic);
        match self.lift {
            Some(lift) => self.kernels().scale(self.modulus(), out, self.of(poly), lift),
            None => out.fill(0),
        }
    }
}

/// Computes M polynomials over `basis` together, limbs in parallel. `prepare` gets each limb as a whole and returns the
/// step that writes its chunks.
pub fn compute<const M: usize, F>(
    ring: &Arc<Ring>,
    basis: Basis,
    prepare: impl Fn(&Chunk<'_>) -> F + Sync,
) -> [Poly<Ntt>; M]
where
    F: FnMut(&Chunk<'_>, [&mut [u64]; M]),
{
    let limb = |i: usize| {
        let mut limbs: [Limb; M] = std::array::from_fn(|_| Limb::recycled(ring.n()));
        visit(Chunk::whole(ring, basis, i), limbs.each_mut().map(|limb| &mut **limb), &prepare);
        limbs
    };
    let rows: Vec<[Limb; M]> = (0..basis.len()).into_par_iter().map(limb).collect();
    let mut columns: [Vec<Limb>; M] = std::array::from_fn(|_| Vec::with_capacity(basis.len()));
    rows.into_iter().for_each(|row| columns.iter_mut().zip(row).for_each(|(column, limb)| column.push(limb)));
    columns.map(|limbs| Poly::from_limbs(ring, basis, limbs))
}

/// Changes two polynomials over one basis together, as [`compute`] computes them.
pub fn update<F>([first, second]: [&mut Poly<Ntt>; 2], prepare: impl Fn(&Chunk<'_>) -> F + Sync)
where
    F: FnMut(&Chunk<'_>, [&mut [u64]; 2]),
{
    let (ring, basis) = (first.ring().clone(), first.basis());
    let pairs = first.limbs_mut().par_iter_mut().zip(second.limbs_mut());
    pairs.enumerate().for_each(|(i, (first, second))| visit(Chunk::whole(&ring, basis, i), [first, second], &prepare));
}

/// Takes one step after the other along the limbs.
fn visit<const M: usize, F>(whole: Chunk<'_>, mut limbs: [&mut [u64]; M], prepare: impl Fn(&Chunk<'_>) -> F)
where
    F: FnMut(&Chunk<'_>, [&mut [u64]; M]),
{
    let (n, size) = (whole.len, CHUNK.min(whole.len));
    let mut step = prepare(&whole);
    for first in (0..n).step_by(size) {
        step(&whole.at(first, size), limbs.each_mut().map(|limb| &mut limb[first..][..size]));
    }
}

/// P times the two polynomials of a ciphertext, over main and special primes.
#[derive(Clone)]
pub struct Extended(pub(crate) [Poly<Ntt>; 2]);

impl Extended {
    /// Assembles the pair from two polynomials over one basis.
    ///
    /// # Panics
    /// If their bases differ.
    pub fn from_parts(parts: [Poly<Ntt>; 2]) -> Self {
        assert_eq!(parts[0].basis(), parts[1].basis(), "both halves are over one basis");
        Self(parts)
    }

    /// Returns the two polynomials.
    pub fn into_parts(self) -> [Poly<Ntt>; 2] {
        self.0
    }

    /// Subtracts another pair over the same basis.
    pub fn sub_assign(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| a.sub_assign(b));
    }

    /// Divides both halves by P and by the main primes after the first `main`, with rounding.
    pub fn divide(self, main: usize) -> [Poly<Ntt>; 2] {
        Poly::divide_round(self.0, main)
    }

    /// Returns the first half as it is and the second half divided as by [`Extended::divide`].
    pub fn divide_second(self, main: usize) -> [Poly<Ntt>; 2] {
        let [first, second] = self.0;
        let [second] = Poly::divide_round([second], main);
        [first, second]
    }
}
