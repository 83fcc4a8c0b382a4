//! Compares simulated with encrypted images, step by step: the noise of the steps must add up to that of the whole.

use fhe_nn::encrypted::ScheduledStep;
use fhe_nn::simulated::Simulator;

use crate::case::Case;
use crate::layers::op_name;

/// The number of simulations of each image.
const SEEDS: u64 = 8;

/// The sum of squares, the number and the largest magnitude of differences.
#[derive(Clone, Copy, Default)]
struct Spread {
    squares: f64,
    count: usize,
    largest: f64,
}

impl Spread {
    fn add(&mut self, found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len(), "values of a step");
        for error in found.iter().zip(expected).map(|(f, e)| (f - e).abs()) {
            self.squares += error * error;
            self.largest = self.largest.max(error);
        }
        self.count += found.len();
    }

    fn rms(self) -> f64 {
        (self.squares / self.count as f64).sqrt()
    }
}

/// Returns a table with a line for each step: errors against the circuit without noise, of the `decrypted` values and
/// of simulations of these images.
pub(crate) fn render(
    case: &Case,
    schedule: &[ScheduledStep],
    simulator: &Simulator,
    inputs: &[&[f64]],
    decrypted: &[Vec<Vec<f64>>],
) -> String {
    let noiseless = Simulator::noiseless(&case.program, schedule);
    let mut errors = vec![[Spread::default(); 2]; schedule.len()];
    // The spread among simulations shows the size of chance.
    let mut reach = vec![(f64::INFINITY, 0.0_f64); schedule.len()];
    for (index, (input, decrypted)) in inputs.iter().zip(decrypted).enumerate() {
        let clear = steps(&noiseless, input, 0, 0);
        let encrypted = errors.iter_mut().zip(decrypted.iter().zip(&clear));
        encrypted.for_each(|([encrypted, _], (found, expected))| encrypted.add(found, expected));
        for seed in 0..SEEDS {
            let simulated = steps(simulator, input, seed, index as u64);
            for (step, (found, expected)) in simulated.iter().zip(&clear).enumerate() {
                errors[step][1].add(found, expected);
                let mut one = Spread::default();
                one.add(found, expected);
                reach[step] = (reach[step].0.min(one.rms()), reach[step].1.max(one.rms()));
            }
        }
    }
    let mut text = format!(
        "\nerrors against the circuit without noise: root of the mean square, and largest of {} encrypted images and {SEEDS} \
         simulations of each\n\n{:<16} {:<12} {:>10} {:>10} {:>6} {:>20} {:>10} {:>10}\n",
        inputs.len(),
        "layer",
        "operation",
        "encrypted",
        "simulated",
        "ratio",
        "each simulation",
        "largest",
        "simulated"
    );
    for ((step, [encrypted, simulated]), (least, most)) in schedule.iter().zip(errors).zip(reach) {
        let (found, expected) = (encrypted.rms(), simulated.rms());
        text += &format!(
            "{:<16} {:<12} {found:>10.2e} {expected:>10.2e} {:>6.2} {:>20} {:>10.2e} {:>10.2e}\n",
            step.layer,
            op_name(step.op),
            found / expected,
            format!("{least:.2e} .. {most:.2e}"),
            encrypted.largest,
            simulated.largest,
        );
    }
    text
}

fn steps(simulator: &Simulator, input: &[f64], seed: u64, image: u64) -> Vec<Vec<f64>> {
    let mut values = Vec::new();
    simulator.trace(input, seed, image, &mut |_, _, step| values.push(step.to_vec()));
    values
}
