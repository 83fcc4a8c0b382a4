//! The activation and the bootstraps, with their keys and constants.

use anyhow::Result;
use fhe_circuits::{BootstrapLiteral, Bootstrapper, Kernel};
use fhe_ckks::{Evaluator, KeyRequest};
use fhe_nn::{Form, Sine};

use super::checked::{Bench, Row};
use super::meter::once;
use super::setting::{LeftOut, Setting};

/// The more precise kernel of EvalMod, its degree, and its double angles.
const EXPONENTIAL: (Kernel, usize, u32) = (Kernel::Exponential, 31, 3);
/// Degree of the arcsine, and the first prime over the scale of the message, of the bootstrap that leaves no sine.
const ARCSINE: (usize, f64) = (3, 256.0);

/// Measures the activation and the bootstraps. All their keys are in memory at once, as those of the network are.
/// Returns the operations that the parameters have no room for.
pub(super) fn measure(bench: &mut Bench<'_>, setting: Setting) -> Result<Vec<LeftOut>> {
    let Setting { circuit, relu, bootstraps, mut left_out, .. } = setting;
    let params = bench.params.clone();
    let mut request = KeyRequest::default();
    if relu {
        request.relinearization(&params, circuit.activation_level);
    }
    let mut literals: Vec<(&'static str, BootstrapLiteral)> = Vec::new();
    for &slots in &bootstraps {
        let own = circuit.bootstrap(slots);
        let mut straight = BootstrapLiteral { message_ratio: ARCSINE.1, ..own.clone() };
        straight.eval_mod.arcsine_degree = ARCSINE.0;
        (straight.eval_mod.kernel, straight.eval_mod.degree, straight.eval_mod.double_angles) = EXPONENTIAL;
        request.merge(&own.request_keys(&params)?);
        literals.push(("bootstrap", own));
        match straight.request_keys(&params) {
            Ok(keys) => {
                request.merge(&keys);
                literals.push(("bootstrap_arcsine", straight));
            }
            Err(error) => left_out.push(LeftOut { op: "bootstrap_arcsine", why: format!("at {slots} slots: {error}") }),
        }
    }
    if request.iter().count() == 0 {
        return Ok(left_out);
    }
    bench.begin("circuit_keys");
    let (timing, keys) = once(|| request.generate(&bench.secret, &mut bench.rng));
    let evaluator = Evaluator::new(&params, keys);
    bench.rows.push(Row {
        op: "circuit_keys",
        limbs: request.iter().map(|(_, shape)| shape.main).max(),
        threads: rayon::current_num_threads(),
        timing: Some(timing),
        bytes: Some(evaluator.keys().bytes()),
        ..Row::default()
    });

    if relu {
        let slots = bootstraps.first().copied().unwrap_or(params.max_slots() / 2);
        let activation = circuit.activation_to(Form::Plain);
        let x = bench.random(slots, circuit.sine().of(1.0));
        let (level, scale) = (circuit.activation_level, circuit.bootstrapped_scale());
        let a = bench.secret.encrypt_real(&x, level, scale, &mut bench.rng)?;
        let expected: Vec<f64> = x.iter().map(|&x| activation.value(x)).collect();
        let evaluate = |()| activation.evaluate(&evaluator, &a, circuit.linear_scale());
        bench.operation("relu", level + 1, || (), evaluate, &expected, |v| v)?;
    }
    for (op, literal) in literals {
        bootstrap(bench, op, literal, &evaluator)?;
    }
    Ok(left_out)
}

fn bootstrap(bench: &mut Bench<'_>, op: &'static str, literal: BootstrapLiteral, evaluator: &Evaluator) -> Result<()> {
    let (slots, level) = (literal.slots, literal.input_level());
    let straight = literal.eval_mod.arcsine_degree > 0;
    let x = bench.random(slots, 1.0);
    let a = bench.secret.encrypt_real(&x, level, literal.input_scale, &mut bench.rng)?;
    let sine = Sine { ratio: literal.message_ratio };
    let (timing, bootstrapper) = once(|| Bootstrapper::new(&bench.params, literal));
    let bootstrapper = bootstrapper?;
    if !straight {
        bench.rows.push(Row {
            op: "bootstrap_constants",
            slots: Some(slots),
            threads: rayon::current_num_threads(),
            timing: Some(timing),
            bytes: Some(bootstrapper.bytes()),
            ..Row::default()
        });
    }
    let read = |v: f64| if straight { v } else { sine.undo(v) };
    bench.operation(op, level + 1, || (), |()| bootstrapper.bootstrap(evaluator, &a), &x, read)
}
