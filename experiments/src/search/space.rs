//! The candidates of a precision: profiles whose bootstraps have about so many bits in the worst slot.

use anyhow::{Context, Result};
use fhe_circuits::bootstrap::sufficient_range;
use fhe_ckks::noise::ternary_rounding;
use fhe_nn::encrypted::profile::{FEWEST_KEYS, LEAST_EPHEMERAL_WEIGHT, LEAST_TIME, Masks};
use fhe_nn::encrypted::{Circuit, Profile, Remainder, Transform};

use super::count::Counter;
use super::{ROUNDS, Setting};

/// EvalMod's series: degree and double angles. Those of one depth trade products for noise.
const COSINES: [(usize, u32); 8] = [(30, 3), (30, 2), (38, 2), (46, 2), (62, 2), (54, 1), (62, 1), (110, 0)];
const EXPONENTIALS: [(usize, u32); 4] = [(31, 3), (31, 2), (47, 1), (63, 1)];
/// Those of the cosines that are tried for waves.
const WAVES: [(usize, u32); 2] = [(30, 2), (62, 1)];
/// Message ratios. A smaller one gains precision, and the activation has more of a sine to undo.
const RATIOS: [f64; 5] = [8.0, 16.0, 32.0, 64.0, 128.0];
/// The most by which the activation may differ from the plain approximation, as a root of the mean square. A bootstrap
/// with eight bits in the worst slot has noise of 7·10⁻⁴. A network trained with a polynomial notices such a difference as it
/// notices noise.
const MOST_DIFFERENCE: f64 = 1e-4;
/// The longest primes, which kernels take.
const LONGEST: u32 = 50;
/// The shortest first prime, and the bits by which it exceeds those of the worst slot: logits are decrypted modulo it, and
/// should not lose what the bootstraps keep.
const SHORTEST_BASE: u32 = 32;
const BASE_ABOVE: f64 = 22.0;
/// The most primes that one base conversion starts from, and the most special ones.
const MOST_CONVERTED: usize = 14;
const MOST_SPECIAL: usize = 13;
/// The share of EvalMod's deviation that another part may have, and the bits that all of these parts cost.
const SHARE: f64 = 0.3;
const MARGIN: f64 = 0.2;
/// Bits by which roundings of convolutions and activations lie below the noise of a bootstrap.
const BELOW: f64 = 4.0;
/// Bits in the worst slot for each decimal of a logit, as in the shipped profiles.
const BITS_OF_A_DECIMAL: f64 = 6.0;
/// Kinds of EvalMod that are tried for a precision: those that spend the fewest bits.
const CORES: usize = 5;

/// EvalMod with its precision at the longest primes.
struct Core {
    profile: Profile,
    /// A circuit with its message ratio.
    circuit: Circuit,
    depth: usize,
    /// Bits in the worst slot.
    worst_bits: f64,
    /// Standard deviation of the error.
    deviation: f64,
    /// That of the series alone.
    approximation: f64,
    /// That of CoeffsToSlots alone.
    coeffs_to_slots: f64,
}

impl Core {
    /// Returns the standard deviation of the error with primes of this size: the error of the series stays, the others
    /// double with each bit less.
    fn deviation_with(&self, size: u32) -> f64 {
        let rounding = (self.deviation.powi(2) - self.approximation.powi(2)).max(0.0).sqrt();
        self.approximation.hypot(rounding * f64::from(LONGEST - size).exp2())
    }

    /// Returns the shortest size of primes with so many bits in the worst slot; `None` if the longest have fewer.
    fn shortest_primes(&self, bits: f64) -> Option<u32> {
        let enough = |size: u32| self.worst_bits - (self.deviation_with(size) / self.deviation).log2() >= bits;
        enough(LONGEST).then(|| (1..=LONGEST).rev().take_while(|&size| enough(size)).last()).flatten()
    }
}

/// All candidates of a network in a ring.
pub(super) struct Space {
    cores: Vec<Core>,
    /// Slots of the largest bootstrap.
    slots: usize,
    /// The deviation of a rounding in a coefficient.
    rounding: f64,
    /// Whether convolutions have a use for masks.
    spreads: bool,
    limit: f64,
}

impl Space {
    /// Derives the precision of each EvalMod.
    ///
    /// # Errors
    /// A network without bootstraps.
    pub(super) fn new(setting: &Setting, counter: &Counter<'_>) -> Result<Self> {
        let slots = *counter.slots().last().context("found no bootstrap, wanted one")?;
        let range = sufficient_range(LEAST_EPHEMERAL_WEIGHT, setting.ring_dim);
        let wave = setting.relu.is_wave();
        let [_, shipped] = if wave { Profile::wave() } else { Profile::polynomial() };
        let cosines = COSINES.map(|(degree, doubles)| (Remainder::Cosine, degree, doubles));
        let exponentials = EXPONENTIALS.map(|(degree, doubles)| (Remainder::Exponential, degree, doubles));
        // The series of a wave is fitted, which takes milliseconds.
        let wanted = |kind: &(Remainder, usize, u32)| !wave || WAVES.contains(&(kind.1, kind.2));
        let all = cosines.into_iter().chain(exponentials.into_iter().filter(|_| !wave));
        let kinds: Vec<_> = all.filter(wanted).collect();
        let ratios = if wave { &[2.0][..] } else { &RATIOS };
        let mut cores = Vec::new();
        for &message_ratio in ratios {
            // Masks are chosen later. Those of a wave are its profile's.
            let masks = if wave { shipped.masks } else { Masks::None };
            let profile = longest(Profile { message_ratio, range, masks, ..shipped.clone() }, slots);
            let circuit = counter.circuit(&profile)?;
            if circuit.difference_from_plain() > MOST_DIFFERENCE {
                continue;
            }
            for &(kernel, eval_mod_degree, double_angles) in &kinds {
                let profile = Profile { kernel, eval_mod_degree, double_angles, ..profile.clone() };
                cores.extend(core(circuit.with_profile(&profile).ok(), slots));
            }
        }
        let spreads = setting.packing.spreads() && !wave;
        let rounding = ternary_rounding(setting.ring_dim);
        Ok(Self { cores, slots, rounding, spreads, limit: Circuit::limit(setting.log_n()) })
    }

    /// Returns the candidates with about so many bits in the worst slot.
    pub(super) fn profiles(&self, bits: f64) -> Vec<Profile> {
        let sized = |core: &Core| {
            let size = core.shortest_primes(bits + MARGIN)?.max(core.circuit.parameters().log_n + 2);
            // The first prime after EvalMod has the size of EvalMod's.
            Some(((core.depth + 1) as u32 * size, size))
        };
        let mut cores: Vec<(u32, u32, &Core)> =
            self.cores.iter().filter_map(|core| sized(core).map(|(spent, size)| (spent, size, core))).collect();
        cores.sort_by_key(|&(spent, size, core)| (spent, size, core.profile.eval_mod_degree));
        // Of each depth the best ones: a level more may be worth its primes.
        cores.truncate(CORES);
        cores.into_iter().flat_map(|(_, size, core)| self.of_core(core, size, bits)).collect()
    }

    fn of_core(&self, core: &Core, size: u32, worst_bits: f64) -> Vec<Profile> {
        let deviation = core.deviation_with(size);
        if core.approximation > deviation / 2.0 {
            return Vec::new();
        }
        let slots = (self.slots as f64).sqrt() * self.rounding;
        let wave = core.circuit.approximation.is_wave();
        let bits = |noise: f64, least: u32| (noise.log2().ceil() as u32).max(least);
        let shortest = core.circuit.parameters().log_n + 3;
        let base = bits(2.0 * self.rounding * core.profile.message_ratio / (SHARE * deviation), SHORTEST_BASE);
        let base = base.max((worst_bits + BASE_ABOVE) as u32).min(LONGEST);
        let scale = bits(slots * BELOW.exp2() / deviation, shortest);
        let activation = scale + 3;
        if base.max(activation) > LONGEST {
            return Vec::new();
        }
        let own = if wave {
            Profile { eval_mod: size, base: base.min(core.profile.base), ..core.profile.clone() }
        } else {
            let name = format!("search-{worst_bits:.0}");
            let eval_mod = size;
            let logit_digits = ((worst_bits / BITS_OF_A_DECIMAL) as usize).clamp(1, 3);
            Profile { name, base, linear: scale, scale, activation, eval_mod, logit_digits, ..core.profile.clone() }
        };
        let lowered: Vec<Transform> = self.transforms(2..=3, false).collect();
        let lowered: Vec<_> =
            lowered.into_iter().filter_map(|to| self.slots_to_coeffs(core, &own, to, deviation)).collect();
        let raised: Vec<Transform> = self.transforms(3..=5, true).collect();
        let raised: Vec<_> =
            raised.into_iter().filter_map(|to| self.coeffs_to_slots(core, &own, to, deviation, size)).collect();
        let mut found = Vec::new();
        let rounds = if wave { &ROUNDS[..1] } else { &ROUNDS };
        for (masks, &rounds) in
            self.masks(&own, deviation).into_iter().flat_map(|masks| rounds.iter().map(move |rounds| (masks, rounds)))
        {
            for slots_to_coeffs in &lowered {
                for coeffs_to_slots in &raised {
                    for giant_step in [FEWEST_KEYS, LEAST_TIME] {
                        let coeffs_to_slots = Transform { giant_step, ..coeffs_to_slots.clone() };
                        let slots_to_coeffs = slots_to_coeffs.clone();
                        let profile = Profile { masks, rounds, slots_to_coeffs, coeffs_to_slots, ..own.clone() };
                        found.extend(self.special(core, &profile));
                    }
                }
            }
        }
        found
    }

    /// Returns stages of equal size as far as they can be, for each number of them and of the primes that they share.
    fn transforms(&self, counts: std::ops::RangeInclusive<u32>, both_orders: bool) -> impl Iterator<Item = Transform> {
        let levels = self.slots.trailing_zeros();
        counts.filter(move |&count| count <= levels).flat_map(move |count| {
            let falling: Vec<u32> = (0..count).map(|k| (levels + count - 1 - k) / count).collect();
            let rising: Vec<u32> = falling.iter().rev().copied().collect();
            let orders = if both_orders && rising != falling { vec![falling, rising] } else { vec![falling] };
            let least = if both_orders { 2 } else { 1 };
            orders.into_iter().flat_map(move |stages| {
                (least..=count.min(3) as usize).map(move |primes| Transform {
                    stages: stages.clone(),
                    primes,
                    bits: LONGEST,
                    giant_step: FEWEST_KEYS,
                })
            })
        })
    }

    /// Returns SlotsToCoeffs with the shortest primes that leave its errors a share of EvalMod's.
    fn slots_to_coeffs(&self, core: &Core, own: &Profile, to: Transform, deviation: f64) -> Option<Transform> {
        let enough = |bits| {
            let slots_to_coeffs = Transform { bits, ..to.clone() };
            let noise = self.noise(core, &Profile { slots_to_coeffs, ..own.clone() })?;
            Some(noise.slots_to_coeffs.hypot(noise.mod_raise) <= SHARE * deviation)
        };
        shortest(enough).map(|bits| Transform { bits, ..to.clone() })
    }

    /// Returns CoeffsToSlots with the shortest primes that leave its errors a share of EvalMod's, beside the rounding that
    /// EvalMod's own primes make.
    fn coeffs_to_slots(
        &self,
        core: &Core,
        own: &Profile,
        to: Transform,
        deviation: f64,
        size: u32,
    ) -> Option<Transform> {
        let rounding = 1.1 * core.coeffs_to_slots * f64::from(LONGEST - size).exp2();
        let enough = |bits| {
            let coeffs_to_slots = Transform { bits, ..to.clone() };
            let noise = self.noise(core, &Profile { coeffs_to_slots, ..own.clone() })?;
            Some(noise.weights.hypot(noise.coeffs_to_slots) <= (SHARE * deviation).hypot(rounding))
        };
        shortest(enough).map(|bits| Transform { bits, ..to.clone() })
    }

    fn noise(&self, core: &Core, profile: &Profile) -> Option<fhe_circuits::TransformNoise> {
        let circuit = core.circuit.with_profile(profile).ok()?;
        circuit.bootstrap(self.slots).transform_noise(circuit.parameters()).ok()
    }

    /// Returns the kinds of masks that leave the precision.
    fn masks(&self, own: &Profile, deviation: f64) -> Vec<Masks> {
        if !self.spreads {
            return vec![own.masks];
        }
        // A mask is a polynomial with two rounded coefficients for each slot.
        let rounded = (2.0 * self.slots as f64 / 12.0).sqrt();
        let bits = (rounded * 4.0 / deviation).log2().ceil() as u32;
        let shared = (own.linear + bits <= LONGEST).then_some(Masks::Shared { bits });
        [Some(Masks::None), Some(Masks::Own), shared].into_iter().flatten().collect()
    }

    /// Returns a profile with the special primes of the fewest digits that are secure, and of one digit more.
    fn special(&self, core: &Core, profile: &Profile) -> Vec<Profile> {
        let main = match core.circuit.with_profile(profile) {
            Ok(circuit) => circuit.parameters().main_bits.clone(),
            Err(_) => return Vec::new(),
        };
        let log_q: u32 = main.iter().sum();
        let with = |digits: usize| {
            let length = main.len().div_ceil(digits);
            let widest = main.chunks(length).map(|digit| digit.iter().sum::<u32>()).max()?;
            let count = widest.div_ceil(LONGEST).max(1);
            let special = widest.div_ceil(count).max(profile.base);
            let fits = length <= MOST_CONVERTED && count as usize <= MOST_SPECIAL;
            let secure = f64::from(log_q + count * special) < self.limit;
            (fits && secure).then(|| Profile { special, special_primes: Some(count as usize), ..profile.clone() })
        };
        (1..=main.len()).filter_map(with).take(2).collect()
    }
}

/// Returns the profile with long primes everywhere, so that nothing but EvalMod limits the precision.
fn longest(profile: Profile, slots: usize) -> Profile {
    let levels = slots.trailing_zeros();
    let stages = |count: u32| (0..count.min(levels)).map(|k| (levels + count - 1 - k) / count).collect::<Vec<_>>();
    let transform = |count| Transform {
        primes: stages(count).len(),
        stages: stages(count),
        bits: LONGEST,
        giant_step: FEWEST_KEYS,
    };
    let (base, special) = (LONGEST, LONGEST);
    let (slots_to_coeffs, coeffs_to_slots) = (transform(3), transform(4));
    let eval_mod = LONGEST;
    Profile {
        base,
        special,
        eval_mod,
        slots_to_coeffs,
        coeffs_to_slots,
        special_primes: None,
        most_digits: None,
        ..profile
    }
}

/// Returns EvalMod with its precision; `None` for one that has no circuit.
fn core(circuit: Option<Circuit>, slots: usize) -> Option<Core> {
    let circuit = circuit?;
    let literal = circuit.bootstrap(slots);
    let noise = literal.noise(circuit.parameters()).ok()?;
    let depth =
        circuit.parameters().main_bits.len() - 1 - circuit.activation_level - circuit.profile.coeffs_to_slots.primes;
    Some(Core {
        profile: circuit.profile.clone(),
        depth,
        worst_bits: noise.worst_bits,
        deviation: noise.deviation,
        approximation: noise.approximation,
        coeffs_to_slots: noise.coeffs_to_slots,
        circuit,
    })
}

/// Returns the shortest size from 20 bits up that is enough; `None` if no size is. A longer prime is never worse.
fn shortest(enough: impl Fn(u32) -> Option<bool>) -> Option<u32> {
    if enough(LONGEST) != Some(true) {
        return None;
    }
    let (mut short, mut long) = (19, LONGEST);
    while long - short > 1 {
        let middle = (short + long) / 2;
        if enough(middle) == Some(true) { long = middle } else { short = middle }
    }
    Some(long)
}
