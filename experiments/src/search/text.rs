//! The front as text for people.

use std::fmt::Write;

use fhe_nn::encrypted::profile::{FEWEST_KEYS, Masks};
use fhe_nn::encrypted::{Remainder, Transform};

use super::{Front, Point};
use crate::output::bytes;

/// The longest way of holding keys and constants, in characters.
const WAY: usize = "keys in a file, constants in memory".len();

/// Returns the front as text.
pub(crate) fn render(front: &Front) -> String {
    let mut text = String::new();
    write(&mut text, front).expect("strings take all text");
    text
}

fn write(text: &mut String, front: &Front) -> std::fmt::Result {
    writeln!(
        text,
        "{:>7} {:>7} {:>9} {:>6} {:>6} {:>7} {:>6} {:>9}  {:<WAY$}  circuit",
        "seconds", "boots", "memory", "worst", "mean", "logQP", "digits", "primes", "keys and constants"
    )?;
    for found in &front.points {
        point(text, found, "")?;
    }
    if let Some(shipped) = &front.shipped {
        point(text, shipped, &format!(" (the shipped profile, {})", shipped.profile.name))?;
    }
    writeln!(
        text,
        "\n{} circuits were counted; seconds predicted from {}\nworst and mean: bits of a bootstrap of the most slots, \
         for messages in [-1, 1]",
        front.tried, front.seconds_from
    )
}

fn point(text: &mut String, point: &Point, note: &str) -> std::fmt::Result {
    let Point { seconds, bootstrap_seconds, worst_bits, mean_bits, log_qp, digits, primes: [main, special], .. } =
        point;
    writeln!(
        text,
        "{seconds:>7.2} {bootstrap_seconds:>7.2} {:>9} {worst_bits:>6.1} {mean_bits:>6.1} {log_qp:>7.0} {digits:>6} \
         {:>9}  {:<WAY$}  {}{note}",
        bytes(point.bytes),
        format!("{main} + {special}"),
        point.holding,
        shape(point)
    )
}

/// Returns the shape of a profile in a few words.
fn shape(point: &Point) -> String {
    let p = &point.profile;
    let transform = |Transform { stages, primes, bits, giant_step }: &Transform| {
        let stages: Vec<String> = stages.iter().map(u32::to_string).collect();
        let keys = if *giant_step > FEWEST_KEYS { ", many keys" } else { "" };
        format!("{} in {primes}x{bits}{keys}", stages.join("+"))
    };
    let kernel = match p.kernel {
        Remainder::Cosine => "cos",
        Remainder::Exponential => "exp",
    };
    let masks = match p.masks {
        Masks::None => "no masks".to_owned(),
        Masks::Own => "masks apart".to_owned(),
        Masks::Shared { bits } => format!("masks of {bits}"),
    };
    let rounds = if p.rounds > 1 { format!("{} rounds, ", p.rounds) } else { String::new() };
    format!(
        "{rounds}q0 {}, StC {}, linear {}, {masks}, act {}, EvalMod {kernel} {}/{} at {} ratio {} range {}, CtS {}",
        p.base,
        transform(&p.slots_to_coeffs),
        p.linear,
        p.activation,
        p.eval_mod_degree,
        p.double_angles,
        p.eval_mod,
        p.message_ratio,
        p.range,
        transform(&p.coeffs_to_slots)
    )
}
