//! The evaluation keys of a case, by kind.

use std::collections::BTreeMap;

use fhe_ckks::{KeyKind, KeyRequest, Parameters};
use serde::Serialize;

/// The kinds of the keys between a client's ring and the main one.
pub(crate) const KEYS_OF_CLIENTS: [&str; 2] = ["client to main secret", "main to client secret"];

/// Keys of one kind.
#[derive(Serialize)]
pub(crate) struct Keys {
    /// `rotation`, `relinearization` and so on.
    pub kind: &'static str,
    /// Number of keys.
    pub count: usize,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// Returns the keys of a request, kind by kind.
pub(crate) fn keys_by_kind(params: &Parameters, request: &KeyRequest) -> Vec<Keys> {
    let conjugation = params.galois_of_conjugation();
    let mut kinds: BTreeMap<&'static str, KeyRequest> = BTreeMap::new();
    for (kind, shape) in request.iter() {
        let name = match kind {
            KeyKind::Relinearization => "relinearization",
            KeyKind::Galois(galois) if galois == conjugation => "conjugation",
            KeyKind::Galois(_) => "rotation",
            KeyKind::DenseToSparse => "main to ephemeral secret",
            KeyKind::SparseToDense(_) => "ephemeral to main secret",
            KeyKind::FromClient => KEYS_OF_CLIENTS[0],
            KeyKind::ToClient => KEYS_OF_CLIENTS[1],
        };
        kinds.entry(name).or_default().add(kind, shape);
    }
    let keys = |(kind, keys): (&'static str, KeyRequest)| Keys {
        kind,
        count: keys.iter().count(),
        bytes: keys.bytes(params) as u64,
    };
    kinds.into_iter().map(keys).collect()
}
