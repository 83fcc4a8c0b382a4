//! EvalMod: the remainder modulo q₀ as a scaled cosine with double angles (Han and Ki, ePrint 2019/688; Bossuat et
//! al., ePrint 2020/1203, section 5.4).
//!
//! For t = m + q₀·I with |I| ≤ K and |m| ≤ q₀/ρ: sin(2π·t/q₀)·q₀/2π ≈ m. With x = t/q₀ the sine is cos(2π(x − 1/4)), and
//! that cosine comes from cos(2π(x − 1/4)/2^r) by r double angles c ↦ 2c² − 1. Shifted by 1/4, the inner cosine is an
//! even function, so that half of its Chebyshev coefficients vanish.

use std::f64::consts::TAU;

use fhe_ckks::{Ciphertext, CkksError, Evaluator};

use crate::chebyshev::ChebyshevSeries;
use crate::polynomial::{self, PolynomialPlan};

/// Which approximation of the remainder.
#[derive(Clone, Debug, PartialEq)]
pub struct EvalModLiteral {
    /// The bound K of the integer part: a sparse ephemeral secret of weight h needs at most (h + 1)/2.
    pub range: u32,
    /// Degree of the cosine's Chebyshev series.
    pub degree: usize,
    /// Number of double angles r.
    pub double_angles: u32,
    /// Degree of the arcsine that straightens the sine, 0 for none: the sine alone errs by (2π/ρ)²/6 relative to the
    /// largest message, at ratio ρ of the modulus to it.
    pub arcsine_degree: usize,
}

impl EvalModLiteral {
    /// Whether there is such a circuit for messages up to 1/`ratio` of the modulus.
    ///
    /// # Errors
    /// A range of 0, a cosine of degree 0, more double angles than a cosine has use for, an arcsine of even degree (its
    /// last term is zero), or a ratio at which messages overlap: 2 for the sine, and 4 where an arcsine undoes it.
    pub fn check(&self, ratio: f64) -> Result<(), CkksError> {
        let wanted = |what, found: String, wanted: &str| Err(CkksError::Parameters { what, found, wanted: wanted.into() });
        if self.range == 0 {
            return wanted("range of EvalMod", "0".into(), "at least 1, half the weight of the ephemeral secret");
        }
        if self.degree == 0 {
            return wanted("degree of EvalMod's cosine", "0".into(), "at least 1");
        }
        if self.double_angles > MAX_DOUBLE_ANGLES {
            let most = format!("at most {MAX_DOUBLE_ANGLES}");
            return wanted("double angles of EvalMod", self.double_angles.to_string(), &most);
        }
        if self.arcsine_degree > 0 && self.arcsine_degree.is_multiple_of(2) {
            return wanted("degree of EvalMod's arcsine", self.arcsine_degree.to_string(), "an odd degree, or 0 for none");
        }
        let least = if self.arcsine_degree > 0 { 4.0 } else { 2.0 };
        if !(ratio > least && ratio.is_finite()) {
            return wanted("ratio of the first prime to the messages", ratio.to_string(), &format!("more than {least}"));
        }
        Ok(())
    }
}

/// Each double angle costs two bits: more of them leave nothing of a double, nor of an encryption.
const MAX_DOUBLE_ANGLES: u32 = 12;

/// The circuit of EvalMod.
pub struct EvalMod {
    literal: EvalModLiteral,
    cosine: ChebyshevSeries,
    plan: PolynomialPlan,
    arcsine: Option<(ChebyshevSeries, PolynomialPlan)>,
}

impl EvalMod {
    /// The circuit for messages up to 1/`ratio` of the modulus.
    ///
    /// # Errors
    /// As [`EvalModLiteral::check`].
    pub fn new(literal: EvalModLiteral, ratio: f64) -> Result<Self, CkksError> {
        literal.check(ratio)?;
        let width = f64::from(literal.range) + 0.25;
        let turns = TAU * width / f64::from(1u32 << literal.double_angles);
        let cosine = ChebyshevSeries::interpolate(|v| (turns * v).cos(), literal.degree, -1.0, 1.0);
        let arcsine = (literal.arcsine_degree > 0).then(|| {
            let reach = (TAU / ratio).sin();
            let series = ChebyshevSeries::interpolate(f64::asin, literal.arcsine_degree, -reach, reach);
            let plan = PolynomialPlan::new(&series);
            (series, plan)
        });
        let plan = PolynomialPlan::new(&cosine);
        Ok(Self { literal, cosine, plan, arcsine })
    }

    /// Input slots hold x divided by this.
    pub fn width(&self) -> f64 {
        f64::from(self.literal.range) + 0.25
    }

    /// Levels spent.
    pub fn depth(&self) -> usize {
        let arcsine = self.arcsine.as_ref().map_or(0, |(_, plan)| plan.depth());
        self.plan.depth() + self.literal.double_angles as usize + arcsine
    }

    /// What [`EvalMod::evaluate`] makes of x/width, computed in the clear: the error of the approximation without that of
    /// encryption.
    pub fn evaluate_clear(&self, x: f64) -> f64 {
        let cosine = self.cosine.evaluate(x - 0.25 / self.width());
        let sine = (0..self.literal.double_angles).fold(cosine, |c, _| 2.0 * c * c - 1.0);
        self.arcsine.as_ref().map_or(sine, |(series, _)| series.evaluate(sine))
    }

    /// From x/width in each slot, x = t/q₀, to x's distance from the nearest integer times 2π, at `scale`: the sine of
    /// it where no arcsine is asked for.
    ///
    /// # Errors
    /// Fewer levels than the depth, or no relinearization key.
    pub fn evaluate(&self, evaluator: &Evaluator, x: &Ciphertext, scale: f64) -> Result<Ciphertext, CkksError> {
        let params = evaluator.params();
        // Scales go back from the end: a double angle from scale s to s²/q.
        let after = x
            .level()
            .checked_sub(self.plan.depth() + self.literal.double_angles as usize)
            .ok_or(CkksError::LevelTooLow { operation: "EvalMod", found: x.level(), wanted: self.depth() })?;
        let sine_scale = if self.arcsine.is_some() { x.scale() } else { scale };
        let cosine_scale = (1..=self.literal.double_angles as usize)
            .fold(sine_scale, |scale, k| (scale * params.prime(after + k)).sqrt());

        let shifted = evaluator.add_constant(x, -0.25 / self.width());
        let mut c = polynomial::evaluate(evaluator, &self.plan, &self.cosine, &shifted, cosine_scale)?;
        for _ in 0..self.literal.double_angles {
            let raised = c.scale() * c.scale();
            c = evaluator.combine(&[(&c, &c), (&c, &c)], &[], -raised.round() as i128, c.level(), 1)?;
        }
        match &self.arcsine {
            None => Ok(c),
            Some((series, plan)) => polynomial::evaluate(evaluator, plan, series, &c, scale),
        }
    }
}
