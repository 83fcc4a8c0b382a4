//! Parameters and levels of an encrypted network, from the ring dimension, its activation and its packing.
//!
//! Between two activations a ciphertext goes through these steps, from the top of the chain of primes: CoeffsToSlots,
//! EvalMod, the activation, one level for the convolution (more in some packings), SlotsToCoeffs. Each main prime has
//! the size that the [`Profile`] gives for the step that spends it.
//!
//! With a wave, EvalMod is the activation. With several rounds, other convolutions, each with an activation, come before the
//! convolution that a bootstrap follows: squares with a wave, else the polynomial that also follows bootstraps.
//!
//! A bootstrap leaves the sine of its message, and the polynomial that follows undoes that. If no polynomial follows,
//! because a packing bootstraps the input of a strided block once more, the activation before it leaves the arcsine:
//! see [`Form`].

mod chain;

use std::f64::consts::TAU;
use std::sync::Arc;

use fhe_circuits::{BootstrapLiteral, BootstrapOrder, SlotValues, Stages};
use fhe_ckks::security::{SecurityLevel, SecurityTable};
use fhe_ckks::{CkksError, ParametersLiteral, SecretDistribution};
use fhe_ring::Kernels;

use super::packing::{Levels, Packing};
use super::profile::{Masks, Profile, Transform};
use crate::approximant::{Approximant, message_weight};
use crate::approximation::Approximation;
use crate::form::{Form, Sine};
use crate::plain::MessageActivation;
use crate::wave::Wave;
use chain::{Chain, PrimeGroup, special_primes};

/// The scale of a bootstrapped wave over that of linear layers: its noise stays below that of CoeffsToSlots.
const WAVE_SCALE: f64 = 4.0;

/// What a convolution leaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// The divisor of the values.
    pub range: f64,
    /// The level.
    pub end: usize,
}

/// The parameters, levels and activation of an encrypted network.
///
/// ```
/// use fhe_nn::encrypted::{Circuit, Packing};
///
/// let circuit = Circuit::new(16, &"chebyshev:59".parse()?, Packing::Fused, None)?;
/// // Of nine levels after a bootstrap, the activation spends six, a convolution two, SlotsToCoeffs one.
/// assert_eq!((circuit.activation_level, circuit.linear_level, circuit.bootstrap_level()), (9, 3, 1));
/// assert_eq!(circuit.parameters().log_n, 16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Circuit {
    parameters: ParametersLiteral,
    /// The main primes by the step that spends them, from the bottom of the chain to its top.
    pub chain: Vec<PrimeGroup>,
    /// The sizes of primes and the shape of the bootstrap.
    pub profile: Profile,
    /// The approximation of ReLU.
    pub approximation: Approximation,
    /// The arrangement of values in the slots.
    pub packing: Packing,
    /// The activation of a bootstrapped value; a wave is that of a value before its bootstrap.
    activation: Arc<MessageActivation>,
    /// The activation of a bootstrapped value that is bootstrapped next: it leaves the arcsine.
    arcsine_activation: Arc<MessageActivation>,
    /// The activation of a value that is not bootstrapped.
    plain: Arc<MessageActivation>,
    /// The bits of a convolution's prime that masks spend.
    masks: Masks,
    /// Level of a bootstrapped ciphertext, at which the activation starts.
    pub activation_level: usize,
    /// Level at which a convolution starts that a bootstrap follows, unless the packing needs more levels for it.
    pub linear_level: usize,
    /// Number of layers to a bootstrap, as far as the levels go.
    rounds: usize,
}

/// The activations of a circuit.
struct Functions {
    activation: Arc<MessageActivation>,
    arcsine_activation: Arc<MessageActivation>,
    plain: Arc<MessageActivation>,
}

impl Circuit {
    /// log2 of the ring dimensions in which circuits can be secure, in order.
    pub const LOG_RING_DIMS: [u32; 3] = [15, 16, 17];

    /// The ring dimensions of [`Circuit::LOG_RING_DIMS`] as text, for messages: `32768, 65536 or 131072`.
    pub fn ring_dims() -> String {
        let [dims @ .., last] = Self::LOG_RING_DIMS.map(|log| (1_u32 << log).to_string());
        format!("{} or {last}", dims.join(", "))
    }

    /// The circuit for ring dimension 2^`log_n` at 128 bits of security, in this profile; without one, in the most
    /// precise shipped profile that has them.
    ///
    /// # Errors
    /// If the modulus exceeds the 128-bit limit of the ring, without a profile in every one and with every number of
    /// special primes. Those of [`Profile::check`] and of EvalMod.
    pub fn new(
        log_n: u32,
        approximation: &Approximation,
        packing: Packing,
        profile: Option<&Profile>,
    ) -> Result<Self, CkksError> {
        let limit = Self::limit(log_n);
        if let Some(profile) = profile {
            return Self::within(log_n, approximation, packing, profile.clone(), limit);
        }
        let wave = approximation.wave().is_some();
        let [first, second] = if wave { Profile::wave() } else { Profile::polynomial() };
        Self::within(log_n, approximation, packing, first, limit)
            .or_else(|_| Self::within(log_n, approximation, packing, second, limit))
    }

    /// The largest modulus of 128 bits of security in a ring of dimension 2^`log_n`, in bits; 0 for a ring that no table
    /// lists.
    pub fn limit(log_n: u32) -> f64 {
        let limits = SecurityTable::ALL.into_iter().filter_map(|table| {
            table.max_log_qp(log_n, SecretDistribution::UniformTernary, SecurityLevel::Classical128)
        });
        limits.reduce(f64::min).unwrap_or(0.0)
    }

    /// The circuit of [`Circuit::new`] where that has 128 bits of security. Elsewhere the circuit of the smallest
    /// larger ring that has them, with its primes in the ring of dimension 2^`log_n`: its parameters are marked as
    /// insecure.
    ///
    /// # Errors
    /// If no larger ring has room for the modulus either.
    pub fn secure_or_not(
        log_n: u32,
        approximation: &Approximation,
        packing: Packing,
        profile: Option<&Profile>,
    ) -> Result<Self, CkksError> {
        let larger = Self::LOG_RING_DIMS.into_iter().filter(|&log| log > log_n);
        Self::new(log_n, approximation, packing, profile).or_else(|error| {
            let circuit = larger.map(|log| Self::new(log, approximation, packing, profile)).find_map(Result::ok);
            circuit.map(|circuit| circuit.in_ring(log_n)).ok_or(error)
        })
    }

    /// A circuit in a ring of any size, secure or not, for tests.
    #[cfg(test)]
    pub(crate) fn insecure(log_n: u32, degree: usize, packing: Packing) -> Self {
        Self::insecure_in(Profile::wide(), log_n, &Approximation::Chebyshev { degree }, packing)
    }

    /// A circuit of any activation and profile in a ring of any size, secure or not, for tests.
    #[cfg(test)]
    pub(crate) fn insecure_in(profile: Profile, log_n: u32, approximation: &Approximation, packing: Packing) -> Self {
        let found = Self::within(log_n, approximation, packing, profile, f64::INFINITY);
        found.expect("no limit").in_ring(log_n)
    }

    fn within(
        log_n: u32,
        approximation: &Approximation,
        packing: Packing,
        profile: Profile,
        limit: f64,
    ) -> Result<Self, CkksError> {
        profile.check()?;
        let (sine, wave) = (profile.sine(), approximation.wave());
        if wave.is_none() {
            profile.check_sine()?;
        }
        let from = if wave.is_some() { Form::Plain } else { Form::Sine(sine) };
        let plain = match wave {
            Some(_) => Approximant::square(),
            None => Approximant::new(approximation, Form::Plain, Form::Plain),
        };
        let made = |to: Form| Arc::new(MessageActivation::new(from, Approximant::new(approximation, from, to), to));
        let functions = Functions {
            activation: made(Form::Plain),
            arcsine_activation: made(Form::Arcsine(sine)),
            plain: Arc::new(MessageActivation::new(Form::Plain, plain, Form::Plain)),
        };
        Self::of_functions(log_n, approximation, packing, profile, limit, functions)
    }

    /// The circuit of the same ring, activation and packing in another profile, secure or not as this one. It is quick to
    /// make where the message ratio is this circuit's.
    ///
    /// # Errors
    /// Those of [`Circuit::new`].
    pub fn with_profile(&self, profile: &Profile) -> Result<Self, CkksError> {
        let ParametersLiteral { log_n, insecure, kernels, .. } = self.parameters;
        let limit = if insecure { f64::INFINITY } else { Self::limit(log_n) };
        let profile = profile.clone();
        let circuit = if profile.message_ratio == self.profile.message_ratio {
            profile.check()?;
            let [activation, arcsine_activation, plain] =
                [&self.activation, &self.arcsine_activation, &self.plain].map(Arc::clone);
            let functions = Functions { activation, arcsine_activation, plain };
            Self::of_functions(log_n, &self.approximation, self.packing, profile, limit, functions)
        } else {
            Self::within(log_n, &self.approximation, self.packing, profile, limit)
        }?;
        let circuit = if insecure { circuit.in_ring(log_n) } else { circuit };
        Ok(circuit.with_kernels(kernels))
    }

    fn of_functions(
        log_n: u32,
        approximation: &Approximation,
        packing: Packing,
        profile: Profile,
        limit: f64,
        Functions { activation, arcsine_activation, plain }: Functions,
    ) -> Result<Self, CkksError> {
        let depth = activation.approximant().depth().max(arcsine_activation.approximant().depth());
        let depths = [depth, plain.approximant().depth()];
        let Chain { groups: chain, masks, activation_level, linear_level, rounds } =
            Chain::new(approximation, packing, &profile, depths)?;
        let main_bits: Vec<u32> = chain.iter().flat_map(|group| vec![group.bits; group.count]).collect();
        let special = special_primes(log_n, &main_bits, &profile, limit)?;
        let parameters = ParametersLiteral {
            log_n,
            main_bits,
            special_bits: vec![profile.special; special],
            secret: SecretDistribution::UniformTernary,
            ephemeral_weight: Some(profile.ephemeral_weight),
            insecure: false,
            kernels: None,
        };
        Ok(Self {
            parameters,
            chain,
            profile,
            approximation: approximation.clone(),
            packing,
            activation,
            arcsine_activation,
            plain,
            masks,
            activation_level,
            linear_level,
            rounds,
        })
    }

    /// The circuit with its primes in a ring of dimension 2^`log_n`, secure or not: for tests, and for measurements
    /// that are marked as insecure.
    #[must_use]
    pub fn in_ring(mut self, log_n: u32) -> Self {
        (self.parameters.log_n, self.parameters.insecure) = (log_n, true);
        self
    }

    /// The circuit with these kernels; with `None`, the fastest kernels of the machine.
    #[must_use]
    pub fn with_kernels(mut self, kernels: Option<Kernels>) -> Self {
        self.parameters.kernels = kernels;
        self
    }

    /// The parameters of the scheme.
    pub fn parameters(&self) -> &ParametersLiteral {
        &self.parameters
    }

    /// The activation of bootstrapped values that leaves its result in a form.
    ///
    /// # Panics
    /// If the form is the sine, which only bootstraps leave.
    pub fn activation_to(&self, form: Form) -> &Approximant {
        self.message_activation(form).approximant()
    }

    /// What a bootstrap and the activation that leaves `form` make of a message.
    pub(crate) fn message_activation(&self, form: Form) -> &Arc<MessageActivation> {
        match form {
            Form::Plain => &self.activation,
            Form::Arcsine(_) => &self.arcsine_activation,
            Form::Sine(_) => panic!("no activation leaves sines"),
        }
    }

    /// The difference between the activation of bootstrapped messages and the plain approximation: the root of its mean
    /// square, each message weighed by how often it is met. It grows as the message ratio falls: a polynomial of the same
    /// degree then undoes more of the sine.
    pub fn difference_from_plain(&self) -> f64 {
        if self.approximation.wave().is_some() {
            return 0.0;
        }
        let (plain, sine) = (self.plain.approximant(), self.sine());
        let messages = (-1000..=1000).map(|k| f64::from(k) / 1000.0);
        let (sum, weights) = messages.fold((0.0, 0.0), |(sum, weights), x| {
            let difference = self.activation.approximant().value(sine.of(x)) - plain.value(x);
            let weight = message_weight(x);
            (sum + weight * difference.powi(2), weights + weight)
        });
        (sum / weights).sqrt()
    }

    /// The activation of messages that are not bootstrapped.
    pub(crate) fn plain_activation(&self) -> &Arc<MessageActivation> {
        &self.plain
    }

    /// The levels at which activations of values that are not bootstrapped start, from the lowest up: as many as there are
    /// rounds, less one.
    pub fn plain_levels(&self) -> Vec<usize> {
        let depth = self.plain.approximant().depth();
        let round = self.linear_level - self.bootstrap_level() + depth;
        (0..self.rounds - 1).map(|below| self.linear_level + depth + below * round).collect()
    }

    /// Level of the operand of an activation whose result has this level.
    pub fn level_before_activation(&self, level: usize) -> usize {
        let start = level + self.plain.approximant().depth();
        if self.plain_levels().contains(&start) { start } else { self.activation_level }
    }

    /// Scale of a convolution's result that is not bootstrapped. A polynomial wants a scale whose square over one of its
    /// primes is that scale again.
    pub fn plain_scale(&self) -> f64 {
        match self.approximation.wave() {
            None => f64::from(self.profile.activation).exp2(),
            Some(_) => self.linear_scale(),
        }
    }

    /// Decimals of a logit that the noise of this circuit leaves.
    pub fn logit_digits(&self) -> usize {
        self.profile.logit_digits
    }

    /// The sine that bootstraps leave.
    pub fn sine(&self) -> Sine {
        self.profile.sine()
    }

    /// The number of slots of the ring.
    pub fn max_slots(&self) -> usize {
        1 << (self.parameters.log_n - 1)
    }

    /// Level of a bootstrap's input, and of a convolution's result.
    pub fn bootstrap_level(&self) -> usize {
        self.profile.slots_to_coeffs.primes
    }

    /// The levels of a convolution with this stride whose result is at level `end`. Values above its first level are
    /// lowered to it.
    pub(super) fn levels(&self, stride: usize, end: usize) -> Levels {
        let masks = self.masks;
        let convolution = end + self.packing.levels_of(stride) + masks.levels();
        Levels { convolution, end, max_slots: self.max_slots(), masks }
    }

    /// The target of a convolution whose result is bootstrapped and has this divisor.
    #[cfg(test)]
    pub(super) fn before_bootstrap(&self, range: f64) -> Target {
        Target { range, end: self.bootstrap_level() }
    }

    /// Scale of ciphertexts before a bootstrap, and of an activation's result.
    pub fn linear_scale(&self) -> f64 {
        f64::from(self.profile.scale).exp2()
    }

    /// Scale of bootstrapped ciphertexts (of their parts, where the imaginary parts hold images too): its square over the first activation prime is the scale of the next level.
    /// After a wave there is no such product, and the scale is a little above that of linear layers.
    pub fn bootstrapped_scale(&self) -> f64 {
        match self.approximation.wave() {
            None => {
                let scale = (f64::from(self.profile.activation + self.profile.eval_mod) / 2.0).exp2();
                if self.packing.complex() { scale / 2.0 } else { scale }
            }
            Some(_) => self.linear_scale() * WAVE_SCALE,
        }
    }

    /// The factor from the slots that a bootstrap with a wave leaves to those of the activation without its mean.
    pub(super) fn wave_factor(&self, wave: Wave) -> f64 {
        wave.amplitude * TAU / self.profile.message_ratio
    }

    /// The bootstrapping circuit for `slots` slots.
    pub fn bootstrap(&self, slots: usize) -> BootstrapLiteral {
        let (levels, wave) = (slots.trailing_zeros(), self.approximation.wave());
        // Small strides are merged alike for every slot count, so that they share rotation keys.
        let Profile { slots_to_coeffs, coeffs_to_slots, .. } = &self.profile;
        let small_first = split(levels, &slots_to_coeffs.stages);
        let mut large_first = split(levels, &coeffs_to_slots.stages);
        large_first.reverse();
        let stages = |merged, transform: &Transform| Stages {
            merged,
            levels: transform.primes,
            giant_step: transform.giant_step,
        };
        BootstrapLiteral {
            order: BootstrapOrder::Slim,
            values: if self.packing.complex() { SlotValues::Complex } else { SlotValues::Real },
            slots,
            slots_to_coeffs: stages(small_first, slots_to_coeffs),
            coeffs_to_slots: stages(large_first, coeffs_to_slots),
            eval_mod: self.profile.eval_mod_literal(wave),
            message_ratio: self.profile.message_ratio,
            input_scale: self.linear_scale(),
            output_scale: self.bootstrapped_scale() * wave.map_or(1.0, |wave| self.wave_factor(wave)),
        }
    }
}

/// `levels` butterfly levels divided among as many stages as `shares` has entries: each gets its share, the last the
/// rest.
fn split(levels: u32, shares: &[u32]) -> Vec<u32> {
    let mut left = levels;
    let stages = shares.iter().enumerate().map(|(k, &share)| {
        let after = (shares.len() - 1 - k) as u32;
        let taken = if after == 0 { left } else { share.min(left.saturating_sub(after)) };
        left -= taken;
        taken
    });
    stages.collect()
}
