//! The server's half: the network on a ciphertext. It holds evaluation keys and weights, and no secret.

use std::collections::BTreeMap;
use std::sync::Arc;

use fhe_circuits::{BootstrapLiteral, Bootstrapper, Stored};
use fhe_ckks::{Ciphertext, CkksError, EvaluationKeys, Evaluator, Parameters};
use fhe_ring::Shelf;
use fhe_ring::buffer::{trim_allocator, trim_pool_below};
use fhe_ring::meter::{Held, Holder};

use super::holding::ConstantPlace;
use super::layout::Layout;
use super::program::{Machine, Program, StepInfo};
use super::slots::{Encrypted, Operand};
use super::{linear, parts};
use crate::plain::MessageActivation;

/// Evaluates a [`Program`] with evaluation keys; [`Client`](super::Client) has an example.
pub struct Server {
    program: Program,
    client_ring: Parameters,
    evaluator: Evaluator,
    /// The bootstrapping circuits by their slots; none if their constants are encoded when they are used.
    bootstrappers: BTreeMap<usize, Bootstrapper>,
}

impl Server {
    /// A server with these keys. The constants of the bootstrapping circuits are encoded here.
    ///
    /// # Errors
    /// If the parameters have too few slots or levels for the bootstrapping circuits.
    pub fn new(program: Program, params: &Parameters, keys: EvaluationKeys) -> Result<Self, CkksError> {
        Self::holding(program, params, keys, ConstantPlace::Memory, None)
    }

    /// A server with these keys and the constants in their `place`. In a file they are on the shelf.
    ///
    /// # Errors
    /// Those of [`Server::new`], and [`CkksError::Shelf`].
    ///
    /// # Panics
    /// If the place is a file and there is no shelf.
    pub fn holding(
        program: Program,
        params: &Parameters,
        keys: EvaluationKeys,
        place: ConstantPlace,
        shelf: Option<&Shelf>,
    ) -> Result<Self, CkksError> {
        let bootstrappers = match place {
            ConstantPlace::WhenUsed => BTreeMap::new(),
            ConstantPlace::Memory => bootstrappers(&program, |literal| Bootstrapper::new(params, literal))?,
            ConstantPlace::File => {
                let shelf = shelf.expect("a shelf for constants in a file");
                bootstrappers(&program, |literal| Bootstrapper::shelved(params, literal, shelf))?
            }
        };
        Self::with(program, params, keys, bootstrappers)
    }

    /// A server with these keys whose constants are in a file: [`write_constants`] wrote it for this program and these
    /// parameters.
    ///
    /// # Errors
    /// Those of [`Server::new`]; [`CkksError::Parameters`] for a file that has ended or holds something else.
    pub fn with_constants(
        program: Program,
        params: &Parameters,
        keys: EvaluationKeys,
        mut stored: Stored,
    ) -> Result<Self, CkksError> {
        let read = |literal| Bootstrapper::from_constants(params, literal, &mut stored);
        let bootstrappers = bootstrappers(&program, read)?;
        Self::with(program, params, keys, bootstrappers)
    }

    fn with(
        program: Program,
        params: &Parameters,
        keys: EvaluationKeys,
        bootstrappers: BTreeMap<usize, Bootstrapper>,
    ) -> Result<Self, CkksError> {
        let client_ring = program.client_ring(params)?;
        // The cleartext of the matrices is gone.
        trim_allocator();
        Ok(Self { program, client_ring, evaluator: Evaluator::new(params, keys), bootstrappers })
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The evaluator, with the keys.
    pub fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }

    /// The slots for a step whose results have this scale.
    fn slots(&self, linear_scale: f64) -> Encrypted<'_> {
        Encrypted { evaluator: &self.evaluator, linear_scale, interleave: self.program.interleave() }
    }

    /// Number of bytes of the encoded bootstrapping constants; 0 if they are encoded when they are used.
    pub fn constant_bytes(&self) -> usize {
        self.bootstrappers.values().map(Bootstrapper::bytes).sum()
    }

    /// The encrypted logits of the encrypted images of a ciphertext, in the first slots of each image. Both ciphertexts
    /// are of the client's ring; the logits are at level 0. `observe` gets the result of every step, in the main ring; the
    /// time that it needs is the caller's.
    ///
    /// # Errors
    /// A missing key, or an input of another ring, level, scale or slot count than those that
    /// [`Client::encrypt`](super::Client::encrypt) returns.
    pub fn evaluate(
        &self,
        image: &Ciphertext,
        observe: &mut dyn FnMut(&StepInfo, &Ciphertext),
    ) -> Result<Ciphertext, CkksError> {
        self.check(image)?;
        let image = self.evaluator.from_client(image)?;
        let logits = self.program.run(&mut Evaluation { server: self, observe, held: None }, image)?;
        self.answer(logits)
    }

    fn check(&self, image: &Ciphertext) -> Result<(), CkksError> {
        let operation = "classification";
        let interface = self.program.interface();
        let (found, wanted) = (image.parts()[0].ring().n(), self.client_ring.n());
        if found != wanted {
            let (what, wanted) = ("ring dimension of encrypted images", wanted.to_string());
            return Err(CkksError::Parameters { what, found: found.to_string(), wanted });
        }
        let (found, wanted) = (image.level(), interface.level);
        if found < wanted {
            return Err(CkksError::LevelTooLow { operation, found, wanted });
        }
        CkksError::check_slots(operation, interface.slots(), image.slots())?;
        CkksError::check_scales(operation, interface.scale, image.scale())
    }

    /// The logits in the client's ring. Their scale is lowered first where they might not fit the first prime, the only
    /// one that is left at level 0.
    fn answer(&self, mut logits: Ciphertext) -> Result<Ciphertext, CkksError> {
        let params = self.evaluator.params();
        let scale = self.program.logit_scale(params);
        if scale < logits.scale() {
            let factor = params.prime(logits.level()) * scale / logits.scale();
            logits = self.evaluator.rescale(self.evaluator.multiply_constant(&logits, 1.0, factor)?)?;
        }
        self.evaluator.to_client(&self.client_ring, &logits)
    }
}

/// The bootstrapping circuits of a program, by their slots.
fn bootstrappers(
    program: &Program,
    mut make: impl FnMut(BootstrapLiteral) -> Result<Bootstrapper, CkksError>,
) -> Result<BTreeMap<usize, Bootstrapper>, CkksError> {
    let circuit = program.circuit();
    program.slot_counts().into_iter().map(|slots| Ok((slots, make(circuit.bootstrap(slots))?))).collect()
}

/// Encodes the constants of a program and writes them, for [`Server::with_constants`]. It holds those of one circuit at a
/// time in memory; with a `shelf`, one encoded matrix, beside the matrices of one transform in cleartext.
///
/// # Errors
/// Those of [`Server::new`], those of the stream, and [`CkksError::Shelf`].
pub fn write_constants(
    program: &Program,
    params: &Parameters,
    shelf: Option<&Shelf>,
    out: &mut impl std::io::Write,
) -> Result<(), ConstantsError> {
    program.slot_counts().into_iter().try_for_each(|slots| {
        let literal = program.circuit().bootstrap(slots);
        let bootstrapper = match shelf {
            Some(shelf) => Bootstrapper::shelved(params, literal, shelf)?,
            None => Bootstrapper::new(params, literal)?,
        };
        Ok(bootstrapper.write_constants(out)?)
    })
}

/// The reason why constants could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ConstantsError {
    /// The circuit has none.
    #[error(transparent)]
    Circuit(#[from] CkksError),
    /// The stream failed.
    #[error("constants: {0}")]
    Io(#[from] std::io::Error),
}

/// The interpreter on ciphertexts.
struct Evaluation<'a> {
    server: &'a Server,
    observe: &'a mut dyn FnMut(&StepInfo, &Ciphertext),
    /// The bytes of the ciphertexts that are held between two layers.
    held: Option<Held>,
}

impl Evaluation<'_> {
    /// Frees the memory of the weights of the layers so far. Encoded weights are as long as two vectors of slots, so layers
    /// of other slot counts cannot reuse it.
    fn drop_encoded_weights(&self) {
        trim_pool_below(self.server.evaluator.params().n());
    }

    fn bootstrapped(&self, at: Layout, x: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let Server { program, evaluator, bootstrappers, .. } = self.server;
        let slots = program.interleave().slots(at.slots());
        match bootstrappers.get(&slots) {
            Some(bootstrapper) => bootstrapper.bootstrap(evaluator, x),
            None => Bootstrapper::new(evaluator.params(), program.circuit().bootstrap(slots))?.bootstrap(evaluator, x),
        }
    }
}

impl Machine for Evaluation<'_> {
    type Value = Ciphertext;
    type Error = CkksError;

    fn holds<'a>(&mut self, values: impl Iterator<Item = &'a Ciphertext>) {
        let bytes = values.map(Ciphertext::bytes).sum();
        self.held = Some(Held::new(Holder::Ciphertexts, bytes));
    }

    fn convolve(
        &mut self,
        step: &StepInfo,
        to: Layout,
        operands: &[Operand<'_, Ciphertext>],
        identity: Option<(&Ciphertext, f64)>,
    ) -> Result<Ciphertext, CkksError> {
        let (mut slots, circuit) = (self.server.slots(step.scale), self.server.program.circuit());
        let sum = linear::convolve(&mut slots, circuit, operands, identity, to, step.target())?;
        if operands.iter().any(|operand| operand.from.slots() != to.slots()) {
            self.drop_encoded_weights();
        }
        (self.observe)(step, &sum);
        Ok(sum)
    }

    fn bootstrap(&mut self, step: &StepInfo, at: Layout, x: Ciphertext) -> Result<Ciphertext, CkksError> {
        let fresh = self.bootstrapped(at, &x)?;
        (self.observe)(step, &fresh);
        Ok(fresh)
    }

    fn activate(
        &mut self,
        step: &StepInfo,
        _: Layout,
        function: &Arc<MessageActivation>,
        x: Ciphertext,
    ) -> Result<Ciphertext, CkksError> {
        let Server { program, evaluator, .. } = self.server;
        let (approximant, scale) = (function.approximant(), program.circuit().linear_scale());
        let y = if program.interleave().complex {
            parts::apart(evaluator, &x, |part| approximant.evaluate(evaluator, part, scale))?
        } else {
            approximant.evaluate(evaluator, &x, scale)?
        };
        (self.observe)(step, &y);
        Ok(y)
    }

    fn activate_by_bootstrap(
        &mut self,
        step: &StepInfo,
        at: Layout,
        _: &Arc<MessageActivation>,
        x: Ciphertext,
    ) -> Result<Ciphertext, CkksError> {
        let circuit = self.server.program.circuit();
        let wave = circuit.approximation.wave().expect("the circuit's bootstrap evaluates a wave");
        let mut y = self.bootstrapped(at, &x)?;
        y.set_scale(y.scale() / circuit.wave_factor(wave));
        let mean = self.server.program.interleave().in_parts(wave.mean);
        let y = self.server.evaluator.add_constant(&y, mean)?;
        (self.observe)(step, &y);
        Ok(y)
    }

    fn classify(&mut self, step: &StepInfo, x: &Ciphertext, from: Layout, range: f64) -> Result<Ciphertext, CkksError> {
        let (classifier, circuit) = (&self.server.program.network().classifier, self.server.program.circuit());
        let logits = linear::classify(&mut self.server.slots(step.scale), circuit, classifier, x, from, range)?;
        self.drop_encoded_weights();
        (self.observe)(step, &logits);
        Ok(logits)
    }
}
