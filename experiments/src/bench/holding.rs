//! What the ways of holding keys and constants cost: the same bootstrap in each of them, in turn.

use std::time::Instant;

use anyhow::{Context, Error, Result, ensure};
use fhe_circuits::{BootstrapLiteral, Bootstrapper};
use fhe_ckks::{Ciphertext, Evaluator};
use fhe_ring::{SecretRng, Shelf};
use rand::Rng;

use super::checked::{Bench, Row};
use super::meter::{Timing, once};
use super::setting::LeftOut;
use crate::machine::disk;

/// Packed keys and constants in memory: the default.
pub(crate) const DEFAULT: &str = "held_packed";
/// Keys in words.
pub(crate) const WORDS: &str = "held_words";
/// Keys in a file.
pub(crate) const KEYS_IN_FILE: &str = "held_keys_in_file";
/// Constants in a file.
pub(crate) const CONSTANTS_IN_FILE: &str = "held_constants_in_file";
/// Constants encoded when they are used.
pub(crate) const CONSTANTS_WHEN_USED: &str = "held_constants_when_used";

/// No round begins after so many seconds. A round is a bootstrap in each way; the first one warms up.
const BUDGET: f64 = 12.0;
/// The fewest rounds and the most.
const ROUNDS: [usize; 2] = [2, 6];

/// Measures a bootstrap in each way of holding its keys and constants. All must compute the same bits. Returns the ways that
/// are left out: those with a file, where there is no place for one.
///
/// # Errors
/// A bootstrap that fails, ways that compute different bits, and a file system that refuses.
pub(super) fn measure(bench: &mut Bench<'_>, literal: &BootstrapLiteral) -> Result<Vec<LeftOut>> {
    let params = bench.params.clone();
    bench.begin(DEFAULT);
    let x = bench.random(literal.slots, 1.0);
    let input = bench.secret.encrypt_real(&x, literal.input_level(), literal.input_scale, &mut bench.rng)?;
    let (request, seed) = (literal.request_keys(&params)?, bench.rng.random());
    let packed = request.generate(&bench.secret, &mut SecretRng::seeded(seed));
    let words = Evaluator::new(&params, packed.clone().expanded());
    let in_memory = Bootstrapper::new(&params, literal.clone())?;

    let filed = shelf((packed.bytes() + in_memory.bytes()) as u64).and_then(|shelf| {
        let keys = request.generate_shelved(&bench.secret, None, &mut SecretRng::seeded(seed), &shelf)?;
        Ok((Evaluator::new(&params, keys), Bootstrapper::shelved(&params, literal.clone(), &shelf)?))
    });
    let packed = Evaluator::new(&params, packed);
    let mut ways = vec![
        (DEFAULT, &packed, Some(&in_memory)),
        (WORDS, &words, Some(&in_memory)),
        (CONSTANTS_WHEN_USED, &packed, None),
    ];
    if let Ok((keys, constants)) = &filed {
        ways.extend([(KEYS_IN_FILE, keys, Some(&in_memory)), (CONSTANTS_IN_FILE, &packed, Some(constants))]);
    }

    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); ways.len()];
    let (started, mut wanted) = (Instant::now(), None::<Ciphertext>);
    for round in 0..ROUNDS[1] {
        if round >= ROUNDS[0] && started.elapsed().as_secs_f64() > BUDGET {
            break;
        }
        for ((op, evaluator, constants), seconds) in ways.iter().zip(&mut seconds) {
            bench.begin(op);
            let (timing, found) = once(|| match constants {
                Some(constants) => constants.bootstrap(evaluator, &input),
                None => Bootstrapper::new(&params, literal.clone())?.bootstrap(evaluator, &input),
            });
            let found = found.context(*op)?;
            ensure!(
                *wanted.get_or_insert_with(|| found.clone()) == found,
                "{op}: found other bits than {DEFAULT} computes; its time says nothing"
            );
            seconds.extend((round > 0).then_some(timing.median));
        }
    }
    for ((op, ..), seconds) in ways.iter().zip(seconds) {
        let (slots, limbs, threads) =
            (Some(literal.slots), Some(literal.input_level() + 1), rayon::current_num_threads());
        bench.rows.push(Row { op, slots, limbs, threads, timing: Some(Timing::of(seconds)), ..Row::default() });
    }
    let left_out = |why: Error| [KEYS_IN_FILE, CONSTANTS_IN_FILE].map(|op| LeftOut { op, why: format!("{why:#}") });
    Ok(filed.err().map_or(Vec::new(), |why| left_out(why).into()))
}

/// Returns a file for `needed` bytes of keys and constants.
///
/// # Errors
/// A folder that is none, lies in memory or has too little room, and a file system that refuses.
fn shelf(needed: u64) -> Result<Shelf> {
    let folder = disk::scratch();
    let room = disk::free_bytes(&folder).is_none_or(|found| found >= needed) && !disk::is_in_memory(&folder);
    let place = folder.display();
    ensure!(room, "{place}: found no disk with room for {needed} bytes; name one in TMPDIR");
    Shelf::create(&folder)
        .with_context(|| format!("{place}: file for keys and constants; name another folder in TMPDIR"))
}
