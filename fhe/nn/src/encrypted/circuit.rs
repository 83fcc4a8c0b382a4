//! Parameters and levels of an encrypted network, from the ring dimension and the degree of its activations.
//!
//! A ciphertext's life between two activations, from the top: CoeffsToSlots, EvalMod, the activation, one level for the
//! convolution (more in some packings), SlotsToCoeffs. The main primes are sized by what spends them.
//!
//! A bootstrap leaves the sine of its message, and the polynomial that follows undoes that. Where none follows, as a
//! packing bootstraps the input of a strided block once more, the activation before it leaves the arcsine: see [`Form`].

use std::f64::consts::TAU;

use fhe_circuits::{
    BootstrapLiteral, BootstrapOrder, ChebyshevSeries, EvalModLiteral, Kernel, PolynomialPlan, SlotValues,
};
use fhe_ckks::security::{SecurityLevel, SecurityTable};
use fhe_ckks::{CkksError, ParametersLiteral, SecretDistribution};

use super::packing::Packing;

/// Sizes of primes in bits.
const BASE_BITS: u32 = 50;
const LINEAR_BITS: u32 = 42;
const ACTIVATION_BITS: u32 = 45;
const EVAL_MOD_BITS: u32 = 50;
const COEFFS_TO_SLOTS_BITS: u32 = 50;
const SPECIAL_BITS: u32 = 49;

/// Butterfly levels merged by the stages of SlotsToCoeffs and CoeffsToSlots, smallest strides first.
const SLOTS_TO_COEFFS: [u32; 3] = [5, 5, 4];
const COEFFS_TO_SLOTS: [u32; 4] = [3, 3, 4, 4];
/// Weight of the ephemeral secret.
const EPHEMERAL_WEIGHT: u32 = 32;
/// The first prime over the scale at which values in [−1, 1] are raised.
const MESSAGE_RATIO: f64 = 128.0;
/// Terms of an activation smaller than this relative to the interval are left out: below the precision of a bootstrap.
const NEGLIGIBLE_TERM: f64 = 1e-7;

/// Primes of one size and one purpose that follow each other in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrimeGroup {
    /// What spends them.
    pub purpose: &'static str,
    /// Size of each in bits.
    pub bits: u32,
    /// How many.
    pub count: usize,
}

/// How slots hold values v of a message in [−1, 1].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As they are.
    Plain,
    /// As a bootstrap leaves them: sin(2πv/ρ)·ρ/2π.
    Sine,
    /// As a bootstrap takes them that is to leave them plain: asin(2πv/ρ)·ρ/2π.
    Arcsine,
}

impl Form {
    /// The value that a slot stands for.
    pub fn value(self, slot: f64) -> f64 {
        match self {
            Self::Plain => slot,
            Self::Sine => straighten(slot),
            Self::Arcsine => straighten_inverse(slot),
        }
    }
}

/// What an encrypted network is evaluated with.
#[derive(Clone, Debug)]
pub struct Circuit {
    /// The scheme's parameters.
    pub parameters: ParametersLiteral,
    /// The main primes by what spends them, from the bottom of the chain to its top.
    pub chain: Vec<PrimeGroup>,
    /// Degree of the activations.
    pub degree: usize,
    /// How values stand in the slots.
    pub packing: Packing,
    /// The activation on [−1, 1] of a bootstrapped value; it undoes the sine of EvalMod in passing.
    pub activation: ChebyshevSeries,
    /// The same for values that are bootstrapped next: it leaves their arcsine.
    pub arcsine_activation: ChebyshevSeries,
    /// Level of a bootstrapped ciphertext, where the activation starts.
    pub activation_level: usize,
    /// Level at which convolutions are evaluated, those apart whose input is bootstrapped once more.
    pub linear_level: usize,
}

impl Circuit {
    /// The circuit for ring dimension 2^`log_n`, Chebyshev interpolants of ReLU of this degree, and a packing.
    ///
    /// # Errors
    /// Modulus above the 128-bit limit of the ring at every number of special primes.
    pub fn chebyshev_relu(log_n: u32, degree: usize, packing: Packing) -> Result<Self, CkksError> {
        let limits = SecurityTable::ALL.into_iter().filter_map(|table| {
            table.max_log_qp(log_n, SecretDistribution::UniformTernary, SecurityLevel::Classical128)
        });
        Self::within(log_n, degree, packing, limits.fold(f64::INFINITY, f64::min))
    }

    /// The same circuit in a ring of any size, for tests: secure or not.
    #[cfg(test)]
    pub(crate) fn insecure(log_n: u32, degree: usize, packing: Packing) -> Self {
        let mut circuit = Self::within(log_n, degree, packing, f64::INFINITY).expect("no limit");
        circuit.parameters.insecure = true;
        circuit
    }

    fn within(log_n: u32, degree: usize, packing: Packing, limit: f64) -> Result<Self, CkksError> {
        let activation = interpolate(|x| x.max(0.0), degree);
        let arcsine_activation = interpolate(|x| straighten(x.max(0.0)), degree);
        let depth = [&activation, &arcsine_activation].map(|series| PolynomialPlan::new(series).depth());
        let depth = depth[0].max(depth[1]);
        let linear_level = SLOTS_TO_COEFFS.len() + packing.levels();
        // A convolution that starts at the level of a fresh bootstrap may take more levels than there are.
        let downsampling = packing
            .refreshed_levels()
            .map_or(0, |levels| (SLOTS_TO_COEFFS.len() + levels).saturating_sub(linear_level + depth));
        let eval_mod_depth = fhe_circuits::eval_mod::EvalMod::new(eval_mod(), MESSAGE_RATIO)?.depth();
        let group = |purpose, bits, count| PrimeGroup { purpose, bits, count };
        let chain = vec![
            group("first prime", BASE_BITS, 1),
            group("SlotsToCoeffs", LINEAR_BITS, SLOTS_TO_COEFFS.len()),
            group("convolution", LINEAR_BITS, packing.levels()),
            group("downsampling", ACTIVATION_BITS, downsampling),
            group("activation", ACTIVATION_BITS, depth - 1),
            // The activation's first product takes a bootstrapped value's scale down to that of the others.
            group("activation's first product", EVAL_MOD_BITS, 1),
            group("EvalMod", EVAL_MOD_BITS, eval_mod_depth),
            group("CoeffsToSlots", COEFFS_TO_SLOTS_BITS, COEFFS_TO_SLOTS.len()),
        ];
        let chain: Vec<_> = chain.into_iter().filter(|group| group.count > 0).collect();
        let main_bits: Vec<u32> = chain.iter().flat_map(|group| vec![group.bits; group.count]).collect();
        let special = special_primes(log_n, &main_bits, limit)?;
        let parameters = ParametersLiteral {
            log_n,
            main_bits,
            special_bits: vec![SPECIAL_BITS; special],
            secret: SecretDistribution::UniformTernary,
            ephemeral_weight: Some(EPHEMERAL_WEIGHT),
            insecure: false,
            backend: None,
        };
        let activation_level = linear_level + downsampling + depth;
        Ok(Self { parameters, chain, degree, packing, activation, arcsine_activation, activation_level, linear_level })
    }

    /// The activation that leaves values in a form.
    ///
    /// # Panics
    /// If that is the sine, which only bootstraps leave.
    pub fn activation_to(&self, form: Form) -> &ChebyshevSeries {
        match form {
            Form::Plain => &self.activation,
            Form::Arcsine => &self.arcsine_activation,
            Form::Sine => panic!("no activation leaves sines"),
        }
    }

    /// How it is evaluated.
    pub fn activation_plan(&self, form: Form) -> PolynomialPlan {
        PolynomialPlan::new(self.activation_to(form))
    }

    /// The slots of the ring.
    pub fn max_slots(&self) -> usize {
        1 << (self.parameters.log_n - 1)
    }

    /// Level that ciphertexts must have for a bootstrap, and convolutions leave them at.
    pub fn bootstrap_level(&self) -> usize {
        SLOTS_TO_COEFFS.len()
    }

    /// Level at which a convolution with this stride starts; values above it are lowered to it.
    pub fn convolution_level(&self, stride: usize) -> usize {
        self.bootstrap_level() + self.packing.levels_of(stride)
    }

    /// Scale of ciphertexts before a bootstrap, and of an activation's result.
    pub fn linear_scale(&self) -> f64 {
        f64::from(LINEAR_BITS).exp2()
    }

    /// Scale of bootstrapped ciphertexts: its square over the first activation prime is the scale of the next level.
    pub fn bootstrapped_scale(&self) -> f64 {
        (f64::from(ACTIVATION_BITS + EVAL_MOD_BITS) / 2.0).exp2()
    }

    /// The bootstrapping circuit for `slots` slots.
    pub fn bootstrap(&self, slots: usize) -> BootstrapLiteral {
        let levels = slots.trailing_zeros();
        // Small strides are merged alike for every slot count, so that they share rotation keys.
        let small_first = split(levels, &SLOTS_TO_COEFFS);
        let mut large_first = split(levels, &COEFFS_TO_SLOTS);
        large_first.reverse();
        BootstrapLiteral {
            order: BootstrapOrder::Slim,
            values: SlotValues::Real,
            slots,
            slots_to_coeffs: small_first,
            coeffs_to_slots: large_first,
            eval_mod: eval_mod(),
            message_ratio: MESSAGE_RATIO,
            input_scale: self.linear_scale(),
            output_scale: self.bootstrapped_scale(),
        }
    }
}

/// The interpolant of a function of x in [−1, 1], on the sine that a bootstrap leaves of x.
fn interpolate(f: impl Fn(f64) -> f64, degree: usize) -> ChebyshevSeries {
    let reach = straighten_inverse(1.0);
    let mut series = ChebyshevSeries::interpolate(|s| f(straighten(s)), degree, -reach, reach);
    series.coefficients.iter_mut().filter(|c| c.abs() < NEGLIGIBLE_TERM).for_each(|c| *c = 0.0);
    series
}

/// `levels` butterfly levels in as many stages as `shares` has entries: each takes its share, the last what is left.
fn split(levels: u32, shares: &[u32]) -> Vec<u32> {
    let mut left = levels;
    let stages = shares.iter().enumerate().map(|(k, &share)| {
        let after = (shares.len() - 1 - k) as u32;
        let taken = if after == 0 { left } else { share.min(left - after) };
        left -= taken;
        taken
    });
    stages.collect()
}

fn eval_mod() -> EvalModLiteral {
    EvalModLiteral {
        kernel: Kernel::Cosine,
        range: EPHEMERAL_WEIGHT / 2,
        degree: 30,
        double_angles: 3,
        arcsine_degree: 0,
    }
}

/// What a bootstrapped value s stands for: EvalMod leaves the sine of the message.
pub fn straighten(s: f64) -> f64 {
    (s * TAU / MESSAGE_RATIO).asin() * MESSAGE_RATIO / TAU
}

/// What a message x is bootstrapped to.
pub fn straighten_inverse(x: f64) -> f64 {
    (x * TAU / MESSAGE_RATIO).sin() * MESSAGE_RATIO / TAU
}

/// As few special primes as let the tallest key have as few digits as the limit on logQP allows.
fn special_primes(log_n: u32, main_bits: &[u32], limit: f64) -> Result<usize, CkksError> {
    let log_q: u32 = main_bits.iter().sum();
    let most = ((limit - f64::from(log_q)) / f64::from(SPECIAL_BITS)).floor();
    (2..=main_bits.len())
        .map(|digits| {
            // The widest digit decides, and it stands at the top, where the primes are largest.
            let digit = main_bits.len().div_ceil(digits);
            let widest = main_bits.chunks(digit).map(|d| d.iter().sum::<u32>()).max().unwrap_or(0);
            widest.div_ceil(SPECIAL_BITS) as usize
        })
        .find(|&special| special as f64 <= most)
        .ok_or_else(|| CkksError::Parameters {
            what: "modulus of the circuit",
            found: format!("{log_q} bits of main primes at ring dimension 2^{log_n}"),
            wanted: format!(
                "room for a special prime below the 128-bit limit of {limit} bits: a lower degree or a larger ring"
            ),
        })
}
