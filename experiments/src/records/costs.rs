//! The rows of a cost profile's CSV files, which `classify --profile` writes.

use serde::{Deserialize, Serialize};

use super::row::{Form, Row, Value};

row! {
    /// What threads did in a part of a step. The rows of a step add up to its seconds by the clock times the threads.
    TimeRow in "time.csv", of which 0 added {
        /// Number of the ciphertext, from 1 on; 0 before the first.
        ciphertext: usize,
        /// PyTorch's name of the layer; `setup`, `client` or `harness` for other work.
        layer: String,
        /// The operation: `convolution`, `bootstrap`, `activation` and so on.
        op: String,
        /// The part of a bootstrap, with the number of its stage; empty for operations without parts.
        part: String; "the operation has no parts",
        /// What the threads did: a primitive operation; `unattributed` is processor time in none of them, `idle` the rest.
        primitive: String,
        /// Seconds of all threads together.
        seconds: f64 as "thread seconds",
        /// How often the primitive was called, for a limb or some thousand residues of one.
        calls: u64 as "calls",
    }
}

row! {
    /// The memory of the process at a moment. The columns from `rotation_keys` to `unattributed` add up to `rss`.
    MemoryRow in "memory.csv", of which 0 added {
        /// Seconds since the start.
        seconds: f64 as "seconds",
        /// Number of the ciphertext, from 1 on; 0 before the first.
        ciphertext: usize,
        /// The layer, as in `time.csv`.
        layer: String,
        /// The operation, as in `time.csv`.
        op: String,
        /// Keys of rotations and of the conjugation.
        rotation_keys: u64 as "bytes",
        /// Relinearization keys.
        relinearization_keys: u64 as "bytes",
        /// Keys to and from the ephemeral secret of bootstrapping.
        encapsulation_keys: u64 as "bytes",
        /// Keys to and from the client's ring.
        client_keys: u64 as "bytes",
        /// Secret keys.
        secrets: u64 as "bytes",
        /// Encoded matrices of the bootstrapping circuits.
        constants: u64 as "bytes",
        /// Encoded weights.
        weights: u64 as "bytes",
        /// Ciphertexts that are held between layers.
        ciphertexts: u64 as "bytes",
        /// Limbs in use inside of a step.
        scratch: u64 as "bytes",
        /// Limbs that wait in the pool.
        pool: u64 as "bytes",
        /// Roots of transforms, and permutations.
        tables: u64 as "bytes",
        /// Networks and evaluations in cleartext.
        models: u64 as "bytes",
        /// Resident pages of files that hold keys or constants.
        files: u64 as "bytes",
        /// The program and its libraries.
        program: u64 as "bytes",
        /// The rest: what the allocator keeps, small objects, stacks.
        unattributed: u64 as "bytes",
        /// Resident memory, as the kernel counts it.
        rss: u64 as "bytes",
    }
}
