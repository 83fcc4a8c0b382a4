//! EvalMod: the remainder modulo q₀, as a scaled sine with double angles.
//!
//! For t = m + q₀·I with |I| ≤ K and |m| ≤ q₀/ρ, sin(2π·t/q₀)·q₀/2π ≈ m. Let x = t/q₀. A Chebyshev series evaluates a
//! function of x/2^r, and r double angles turn it into one of x. There are two such functions ([`Kernel`]):
//!
//! - the cosine (Han and Ki, ePrint 2019/688; Bossuat et al., ePrint 2020/1203, section 5.4): sin(2πx) is
//!   cos(2π(x − 1/4)), and c ↦ 2c² − 1 doubles the angle. It is even around 1/4, so half of its coefficients vanish;
//! - the exponential (Cheon, Han, Kim, Kim and Song, ePrint 2018/153, section 4.2): sin(2πx) is Im e^(2πix), and
//!   z ↦ z² doubles the angle.
//!
//! With a phase, the cosine is a function in its own right ([`Kernel::Wave`]): cos(2π(x − phase)) of messages of any
//! size. A network can be trained with it as its activation, and then the bootstrap evaluates the activation as well.
//!
//! The double angles multiply an error of the cosine c = cos θ by 2^r/|sin θ|. For every fourth integer I (at r = 3) θ
//! is within 1/4 turn/2^r of a zero of the sine, and the factor is 41. They multiply an error of e^(iθ) by 2^r.

mod error;

use std::f64::consts::TAU;

use fhe_ckks::scale::integer;
use fhe_ckks::{Ciphertext, CkksError, Evaluator, KeyRequest, Parameters};
use fhe_ring::meter;
use num_complex::Complex64;

use crate::approximation::even_least_squares;
use crate::chebyshev::ChebyshevSeries;
use crate::polynomial::{self, PolynomialPlan, SumOfProducts};

/// The function that EvalMod approximates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// The shifted cosine. It is cheaper.
    Cosine,
    /// The complex exponential. It is about two bits more precise, and also needs the odd powers and a conjugation.
    Exponential,
    /// The cosine of a phase, cos(2π(x − phase)), instead of the sine. Messages may fill the modulus: a larger one
    /// counts as its remainder, of which the cosine is the same.
    Wave {
        /// The place of the maximum, in turns.
        phase: f64,
        /// The standard deviation of x, a sum of h + 1 residues for an ephemeral secret of weight h: √((h + 1)/12). The
        /// series is best where x most often is. If it is infinite, all of the interval counts alike.
        deviation: f64,
    },
}

impl Kernel {
    /// The place of the cosine's maximum, in turns; of the exponential, that of its real part.
    fn centre(self) -> f64 {
        match self {
            // Shifted by a quarter turn, the cosine is the sine.
            Self::Cosine => 0.25,
            Self::Exponential => 0.0,
            Self::Wave { phase, .. } => phase,
        }
    }
}

/// An approximation of the remainder modulo q₀, unchecked.
#[derive(Clone, Debug, PartialEq)]
pub struct EvalModLiteral {
    /// The bound K of the integer part. An ephemeral secret of weight h needs at most (h + 1)/2.
    pub range: u32,
    /// The approximated function.
    pub kernel: Kernel,
    /// Degree of its Chebyshev series.
    pub degree: usize,
    /// Number of double angles r.
    pub double_angles: u32,
    /// Degree of the arcsine that undoes the sine; 0 for none. Without it the error is (2π/ρ)²/6 of the largest
    /// message, where ρ is the ratio of the modulus to that message.
    pub arcsine_degree: usize,
}

impl EvalModLiteral {
    /// The divisor of x in the input slots: half the length of its interval.
    pub fn width(&self) -> f64 {
        width(self)
    }

    /// Checks that there is such a circuit for messages up to 1/`ratio` of the modulus.
    ///
    /// # Errors
    /// [`CkksError::Parameters`] if the range or the degree is 0, there are more than 12 double angles, the arcsine has
    /// an even degree (its last term would be zero), or messages overlap at the ratio: it must exceed 2, and 4 with an
    /// arcsine.
    pub fn check(&self, ratio: f64) -> Result<(), CkksError> {
        let wanted =
            |what, found: String, wanted: &str| Err(CkksError::Parameters { what, found, wanted: wanted.into() });
        if self.range == 0 {
            return wanted("range of EvalMod", "0".into(), "at least 1, half the weight of the ephemeral secret");
        }
        if self.degree == 0 {
            return wanted("degree of EvalMod's series", "0".into(), "at least 1");
        }
        if self.double_angles > MAX_DOUBLE_ANGLES {
            let most = format!("at most {MAX_DOUBLE_ANGLES}");
            return wanted("double angles of EvalMod", self.double_angles.to_string(), &most);
        }
        if self.arcsine_degree > 0 && self.arcsine_degree.is_multiple_of(2) {
            return wanted(
                "degree of EvalMod's arcsine",
                self.arcsine_degree.to_string(),
                "an odd degree, or 0 for none",
            );
        }
        let wave = matches!(self.kernel, Kernel::Wave { .. });
        if wave && self.arcsine_degree > 0 {
            let degree = self.arcsine_degree.to_string();
            return wanted("degree of EvalMod's arcsine", degree, "0: a wave is not undone");
        }
        // A wave holds at any ratio. Half of the modulus is the size beyond which messages are their remainders.
        let least = if self.arcsine_degree > 0 { 4.0 } else { 2.0 };
        if !((ratio > least || wave && ratio == least) && ratio.is_finite()) {
            return wanted(
                "ratio of the first prime to the messages",
                ratio.to_string(),
                &format!("more than {least}"),
            );
        }
        Ok(())
    }
}

/// The largest number of double angles. Each costs two bits of precision, so more would leave none.
const MAX_DOUBLE_ANGLES: u32 = 12;

/// The largest error of a series, as a share of the largest message.
const MESSAGE_SHARE: f64 = 0.5;
/// The largest root mean square error of the series of a wave where x most often is, as a share of the amplitude, and
/// the largest error anywhere.
const WAVE_SHARE: f64 = 1.0 / 64.0;
const WAVE_TAIL: f64 = 1.0 / 8.0;
/// The weight of an error where x almost never is, over that of an error at 0.
const LEAST_WEIGHT: f64 = 1.0 / (1 << 18) as f64;

/// The circuit of EvalMod.
pub struct EvalMod {
    literal: EvalModLiteral,
    /// For the exponential, its real part at even degrees and its imaginary part at odd degrees.
    series: ChebyshevSeries,
    plan: PolynomialPlan,
    arcsine: Option<(ChebyshevSeries, PolynomialPlan)>,
}

impl EvalMod {
    /// Prepares the circuit for messages up to 1/`ratio` of the modulus.
    ///
    /// # Errors
    /// Those of [`EvalModLiteral::check`]; [`CkksError::Parameters`] if the error of the series is half of the largest
    /// message or more.
    pub fn new(literal: EvalModLiteral, ratio: f64) -> Result<Self, CkksError> {
        literal.check(ratio)?;
        let width = width(&literal);
        let turns = TAU * width / f64::from(1u32 << literal.double_angles);
        let mut series = match literal.kernel {
            Kernel::Wave { deviation, .. } => wave_series(&literal, turns, width / deviation),
            _ => ChebyshevSeries::interpolate(|v| (turns * v).cos(), literal.degree, -1.0, 1.0),
        };
        let centre = literal.kernel.centre() / width;
        (series.lo, series.hi) = (centre - 1.0, centre + 1.0);
        if literal.kernel == Kernel::Exponential {
            let sine = ChebyshevSeries::interpolate(|v| (turns * v).sin(), literal.degree, -1.0, 1.0);
            series.coefficients.iter_mut().zip(&sine.coefficients).for_each(|(c, s)| *c += s);
        }
        let arcsine = (literal.arcsine_degree > 0).then(|| {
            let reach = (TAU / ratio).sin();
            let series = ChebyshevSeries::interpolate(f64::asin, literal.arcsine_degree, -reach, reach);
            let plan = PolynomialPlan::new(&series);
            (series, plan)
        });
        let plan = PolynomialPlan::new(&series);
        let circuit = Self { literal, series, plan, arcsine };
        circuit.check_series(ratio)?;
        Ok(circuit)
    }

    /// Checks that the largest messages are recovered around every integer to at least one bit, and waves to six where
    /// x most often is.
    fn check_series(&self, ratio: f64) -> Result<(), CkksError> {
        let (range, largest) = (f64::from(self.literal.range), TAU / ratio);
        let mut worst: f64 = 0.0;
        let (mut squares, mut weights) = (0.0, 0.0);
        for k in 0..=2 * self.literal.range {
            for m in [-largest, 0.0, largest] {
                let expected = match self.literal.kernel {
                    Kernel::Wave { phase, .. } => (m - TAU * phase).cos(),
                    _ if self.arcsine.is_some() => m,
                    _ => m.sin(),
                };
                let x = f64::from(k) - range + m / TAU;
                let error = (self.evaluate_clear(x / self.width()) - expected).abs();
                worst = worst.max(error);
                if let Kernel::Wave { deviation, .. } = self.literal.kernel {
                    let weight = density(x / deviation);
                    (squares, weights) = (squares + weight * error * error, weights + weight);
                }
            }
        }
        let (what, unit, share) = match self.literal.kernel {
            Kernel::Wave { .. } if worst < WAVE_TAIL => {
                worst = (squares / weights).sqrt();
                ("amplitude", 1.0, WAVE_SHARE)
            }
            Kernel::Wave { .. } => ("amplitude", 1.0, WAVE_TAIL),
            _ => ("largest message", largest, MESSAGE_SHARE),
        };
        if worst < share * unit {
            return Ok(());
        }
        Err(CkksError::Parameters {
            what: "error of EvalMod's series",
            found: format!("{:.2} of the {what}", worst / unit),
            wanted: format!("less than {share}: a higher degree or more double angles"),
        })
    }

    /// The divisor of x in the input slots.
    pub fn width(&self) -> f64 {
        width(&self.literal)
    }

    /// Number of levels that EvalMod spends.
    pub fn depth(&self) -> usize {
        self.sine_depth() + self.arcsine.as_ref().map_or(0, |(_, plan)| plan.depth())
    }

    fn sine_depth(&self) -> usize {
        self.plan.depth() + self.literal.double_angles as usize
    }

    /// Asks for the keys of EvalMod on ciphertexts at `level`.
    ///
    /// # Panics
    /// If `level` is below the depth.
    pub fn request_keys(&self, params: &Parameters, level: usize, request: &mut KeyRequest) {
        request.relinearization(params, level);
        if self.literal.kernel == Kernel::Exponential {
            request.conjugation(params, level - self.sine_depth());
        }
    }

    /// Evaluates in cleartext what [`EvalMod::evaluate`] computes from x/width. It has the approximation's error
    /// without the encryption's.
    pub fn evaluate_clear(&self, x: f64) -> f64 {
        let doublings = 0..self.literal.double_angles;
        let sine = match self.literal.kernel {
            Kernel::Cosine | Kernel::Wave { .. } => {
                let cosine = self.series.evaluate(x);
                doublings.fold(cosine, |c, _| 2.0 * c * c - 1.0)
            }
            Kernel::Exponential => {
                let (plus, minus) = (self.series.evaluate(x), self.series.evaluate(-x));
                let z = Complex64::new((plus + minus) / 2.0, (plus - minus) / 2.0);
                doublings.fold(z, |z, _| z * z).im
            }
        };
        self.arcsine.as_ref().map_or(sine, |(series, _)| series.evaluate(sine))
    }

    /// Number of conjugations.
    pub fn conjugations(&self) -> usize {
        usize::from(self.literal.kernel == Kernel::Exponential)
    }

    /// Number of relinearizations.
    pub fn relinearizations(&self) -> usize {
        let arcsine = self.arcsine.as_ref().map_or(0, |(_, plan)| plan.relinearizations());
        self.plan.relinearizations() + self.literal.double_angles as usize + arcsine
    }

    /// The sums of products that the evaluation computes.
    pub(crate) fn sums(&self) -> Vec<SumOfProducts> {
        let (sine, series) = (self.sine_depth(), self.plan.depth());
        let mut sums = self.plan.sums();
        // 2c² − 1 is a sum of two products, z² one.
        let products = if self.literal.kernel == Kernel::Exponential { 1 } else { 2 };
        sums.extend((series..sine).map(|depth| SumOfProducts { depth, products, multiples: 0 }));
        if let Some((_, plan)) = &self.arcsine {
            sums.extend(plan.sums().into_iter().map(|sum| SumOfProducts { depth: sine + sum.depth, ..sum }));
        }
        sums
    }

    /// Takes x/width in each slot, where x = t/q₀, to 2π times x's distance from the nearest integer; without an
    /// arcsine to the sine of that, and with a wave to the cosine of its phase.
    ///
    /// Result: [`EvalMod::depth`] levels below `x`, at `scale`.
    ///
    /// # Errors
    /// [`CkksError::LevelTooLow`] if `x` has fewer levels than the depth, [`CkksError::MissingKey`] if the
    /// relinearization key or (exponential) that of the conjugation is missing; those of [`polynomial::evaluate`].
    pub fn evaluate(&self, evaluator: &Evaluator, x: &Ciphertext, scale: f64) -> Result<Ciphertext, CkksError> {
        if x.level() < self.depth() {
            return Err(CkksError::LevelTooLow { operation: "EvalMod", found: x.level(), wanted: self.depth() });
        }
        let sine_scale = if self.arcsine.is_some() { x.scale() } else { scale };
        let sine = match self.literal.kernel {
            Kernel::Cosine | Kernel::Wave { .. } => self.sine_by_cosine(evaluator, x, sine_scale)?,
            Kernel::Exponential => self.sine_by_exponential(evaluator, x, sine_scale)?,
        };
        match &self.arcsine {
            None => Ok(sine),
            Some((_, plan)) => {
                let _part = meter::part("EvalMod: arcsine", 0);
                polynomial::evaluate(evaluator, plan, &sine, scale)
            }
        }
    }

    /// Returns the scale before the double angles that gives `scale` after them: each takes the scale s to s²/q.
    fn scale_before_doubling(&self, params: &Parameters, level: usize, scale: f64) -> f64 {
        let after = level - self.sine_depth();
        (1..=self.literal.double_angles as usize).fold(scale, |scale, k| (scale * params.prime(after + k)).sqrt())
    }

    fn sine_by_cosine(&self, evaluator: &Evaluator, x: &Ciphertext, scale: f64) -> Result<Ciphertext, CkksError> {
        let before = self.scale_before_doubling(evaluator.params(), x.level(), scale);
        let mut c = series(|| polynomial::evaluate(evaluator, &self.plan, x, before))?;
        let _part = meter::part(DOUBLING, 0);
        for _ in 0..self.literal.double_angles {
            let raised = c.scale() * c.scale();
            c = evaluator.combine(&[(&c, &c), (&c, &c)], &[], -integer(raised)?, c.level(), 1)?;
        }
        Ok(c)
    }

    fn sine_by_exponential(&self, evaluator: &Evaluator, x: &Ciphertext, scale: f64) -> Result<Ciphertext, CkksError> {
        // z − z̄ is 2i·Im z. The scale absorbs the factor 2.
        let before = self.scale_before_doubling(evaluator.params(), x.level(), scale / 2.0);
        let mut z = series(|| polynomial::evaluate_even_plus_i_odd(evaluator, &self.plan, x, before))?;
        let _part = meter::part(DOUBLING, 0);
        for _ in 0..self.literal.double_angles {
            z = evaluator.square_rescale(&z)?;
        }
        let difference = evaluator.sub(&evaluator.conjugate(&z)?, &z)?;
        let mut sine = evaluator.multiply_by_i(&difference);
        sine.set_scale(scale);
        Ok(sine)
    }
}

/// The name of the double angles as a part of a computation.
const DOUBLING: &str = "EvalMod: double angles";

/// Evaluates a series as a part of its own.
fn series<T>(evaluate: impl FnOnce() -> T) -> T {
    let _part = meter::part("EvalMod: series", 0);
    evaluate()
}

/// Returns the series of a wave, over v = (x − phase)/width. `spread` is the width over the deviation of x.
///
/// The double angles multiply an error of cos θ by the derivative 2^r·sin(2^r·θ)/sin θ, which counts too.
fn wave_series(literal: &EvalModLiteral, turns: f64, spread: f64) -> ChebyshevSeries {
    let double = f64::from(1u32 << literal.double_angles);
    // A phase moves x by less than a third of its deviation: the weight is centred all the same.
    let weight = |v: f64| {
        let sine = (turns * v).sin();
        let angles = if sine.abs() < 1e-6 { double * double } else { double * (double * turns * v).sin() / sine };
        (density(v * spread) + LEAST_WEIGHT) * (1.0 + angles * angles)
    };
    even_least_squares(|v| (turns * v).cos(), weight, literal.degree)
}

/// Returns the density of the normal distribution over that at 0.
fn density(deviations: f64) -> f64 {
    (-deviations * deviations / 2.0).exp()
}

/// Returns half the length of the interval of x: the integer part, and room for a message or for the cosine's shift. The
/// messages of a wave fill half of the modulus on either side.
fn width(literal: &EvalModLiteral) -> f64 {
    let room = match literal.kernel {
        Kernel::Wave { phase, .. } => 0.5 + phase.abs(),
        Kernel::Cosine | Kernel::Exponential => 0.25,
    };
    f64::from(literal.range) + room
}
