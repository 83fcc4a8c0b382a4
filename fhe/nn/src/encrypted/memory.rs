//! The memory of an encrypted evaluation, predicted before it starts.

use fhe_circuits::BootstrapCost;
use fhe_ckks::{KeyRequest, Parameters};

use super::holding::{ConstantPlace, Holding, KeyPlace};
use super::program::Program;
use crate::form::Form;

/// Bytes of the program without a case: its code, the shipped weights, plaintext models, stacks, ciphertexts.
const PROGRAM: usize = 22 << 20;

/// Polynomials that the generation of keys holds: secrets, and those of a key in each thread.
const SECRETS: usize = 2;
const OF_A_KEY: usize = 5;

/// Predicted bytes of a process that makes keys and evaluates with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Evaluation keys in memory: exact.
    pub keys: usize,
    /// Encoded matrices of the bootstrapping circuits in memory: exact, or those of one circuit while it is used.
    pub constants: usize,
    /// Everything else at the peak: the program, transform tables, permutations, the polynomials that the widest step holds
    /// at once, and parts of files. This is an estimate.
    pub working: usize,
}

impl Memory {
    /// The sum.
    pub fn total(self) -> usize {
        self.keys + self.constants + self.working
    }
}

/// What the parts of an evaluation take, from which [`Needs::memory`] adds up each way of holding them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Packed keys.
    keys: usize,
    /// What their residues take in words, both halves.
    words: usize,
    /// The constants of each bootstrapping circuit.
    constants: Vec<usize>,
    /// Those of all circuits that are never in a file.
    unpacked: usize,
    /// The matrices of the largest transform in cleartext.
    cleartext: usize,
    /// The program, tables, permutations, and the secret of the observer.
    fixed: usize,
    /// The secrets that the generation of keys holds, and the polynomials of a key in each thread.
    secrets: usize,
    of_a_key: usize,
    /// Polynomials of the widest step. The pool keeps them.
    scratch: usize,
    /// Encoded diagonals that are shorter than a ciphertext's limbs, and so come beside those in the pool: half of a batch.
    short: usize,
    /// Keys that a thread reads of a file at once.
    keys_read: usize,
    /// Diagonals that a thread reads of a file at once.
    diagonals_read: usize,
    threads: usize,
}

impl Needs {
    /// The needs of a program with the keys of `request` and bootstraps of these `costs`. The widest linear layer holds
    /// `[ciphertexts, encoded, short]` bytes of ciphertexts, of encoded diagonals, and of those of them that are shorter than
    /// a ciphertext's limbs. They are those on the threads of the pool.
    pub(super) fn new(
        program: &Program,
        params: &Parameters,
        request: &KeyRequest,
        costs: &[BootstrapCost],
        [ciphertexts, encoded, short]: [usize; 3],
    ) -> Self {
        let circuit = program.circuit();
        let limb = 8 * params.n();
        let poly = params.ring().basis().len() * limb;
        // Tables hold a word or little more for each coefficient, and the client's ring has half as many again; a permutation
        // holds eight bytes for eight positions.
        let tables = poly * 3 / 2;
        let fixed = PROGRAM + tables + request.iter().count() * params.n() + poly;
        // Of a polynomial in Chebyshev form: each power and each sum is a pair at most as tall as the activation's input.
        let relinearizations = |form| circuit.activation_to(form).relinearizations();
        let powers = 2 * relinearizations(Form::Plain).max(relinearizations(Form::Arcsine(circuit.sine())));
        let widest = costs.iter().map(|cost| cost.limbs).max().unwrap_or(0);
        let limbs = widest.max(powers * (circuit.activation_level + 1));
        let most = |of: fn(&BootstrapCost) -> usize| costs.iter().map(of).max().unwrap_or(0);
        let words = |(_, shape): (_, fhe_ckks::KeyShape)| 2 * shape.digits() * shape.basis().len() * limb;
        Self {
            keys: request.bytes(params),
            words: request.iter().map(words).sum(),
            constants: costs.iter().map(|cost| cost.bytes).collect(),
            unpacked: costs.iter().map(|cost| cost.unpacked).sum(),
            cleartext: most(|cost| cost.cleartext),
            fixed,
            secrets: SECRETS * poly,
            of_a_key: OF_A_KEY * poly,
            scratch: (limbs * limb).max(ciphertexts + encoded),
            short: short / 2,
            keys_read: most(|cost| cost.keys_read),
            diagonals_read: most(|cost| cost.diagonals_read),
            threads: rayon::current_num_threads(),
        }
    }

    /// The needs on this many threads.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// The memory at the peak with keys and constants held in this way. That is the peak of making keys, of encoding
    /// constants, or of evaluating.
    pub fn memory(&self, holding: Holding) -> Memory {
        let (all, largest) = (self.constants.iter().sum(), self.constants.iter().copied().max().unwrap_or(0));
        let keys = match holding.keys {
            KeyPlace::File => 0,
            KeyPlace::Packed => self.keys,
            KeyPlace::Words => self.keys + self.words,
        };
        // Constants are encoded one circuit after another, and those of the largest come last: its matrices in cleartext are
        // there beside the constants of the others.
        let (constants, encoding) = match holding.constants {
            ConstantPlace::File => (self.unpacked, self.cleartext),
            ConstantPlace::Memory => (all, self.cleartext + all - largest),
            ConstantPlace::WhenUsed => (largest, 0),
        };
        let keys_read = if holding.keys == KeyPlace::File { self.threads * self.keys_read } else { 0 };
        let filed = holding.constants == ConstantPlace::File;
        let diagonals_read = if filed { self.threads * self.diagonals_read } else { 0 };
        let generation = self.secrets + self.threads * self.of_a_key;
        // Layers with short diagonals have few slots, and their bootstraps read less than those of other layers.
        let beside = keys_read + diagonals_read.max(self.short);
        let evaluating = constants + self.scratch.max(generation) + beside;
        let working = self.fixed + evaluating.max(generation + encoding) - constants;
        Memory { keys, constants, working }
    }

    /// The bytes in memory that a mapped file of packed keys backs: all of them but their residues in words, and none of keys
    /// that are let go.
    pub fn mapped_keys(&self, holding: Holding) -> usize {
        match holding.keys {
            KeyPlace::File => 0,
            KeyPlace::Packed | KeyPlace::Words => self.keys,
        }
    }

    /// The bytes in memory that a mapped file of constants backs, of those that the way of holding counts: all but the unpacked
    /// ones, and none of constants that are let go.
    pub fn mapped_constants(&self, holding: Holding) -> usize {
        match holding.constants {
            ConstantPlace::Memory => self.packed_constants(),
            ConstantPlace::File | ConstantPlace::WhenUsed => 0,
        }
    }

    /// Bytes of the file of a way of holding them.
    pub fn file(&self, holding: Holding) -> usize {
        let keys = if holding.keys == KeyPlace::File { self.keys } else { 0 };
        let constants = if holding.constants == ConstantPlace::File { self.packed_constants() } else { 0 };
        keys + constants
    }

    /// The constants of all circuits that may be in a file.
    fn packed_constants(&self) -> usize {
        self.constants.iter().sum::<usize>() - self.unpacked
    }
}
