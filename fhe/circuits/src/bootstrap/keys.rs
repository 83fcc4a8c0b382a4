//! The evaluation keys of a bootstrapping circuit.

use fhe_ckks::{CkksError, KeyRequest, Parameters};

use super::literal::{BootstrapLiteral, BootstrapOrder, Layout};
use super::matrices::Shapes;
use super::raise;
use crate::eval_mod::EvalMod;

impl BootstrapLiteral {
    /// Returns a request for all keys that the circuit needs, each for the level of its use.
    ///
    /// # Errors
    /// Those of [`Bootstrapper::new`](super::Bootstrapper::new).
    pub fn request_keys(&self, params: &Parameters) -> Result<KeyRequest, CkksError> {
        self.check(params)?;
        let mut request = KeyRequest::default();
        let matrices = Shapes::new(params.max_slots(), self);
        let first = self.first_level_of_slots_to_coeffs(params)?;
        for (k, shape) in matrices.slots_to_coeffs.iter().enumerate() {
            let lower = &self.slots_to_coeffs;
            shape.request_keys(params, first - lower.spent_before(k), lower.giant_step, &mut request);
        }
        let top = params.max_level();
        raise::Trace::new(params, self.slots).request_keys(params, &mut request);
        for (k, shape) in matrices.coeffs_to_slots.iter().enumerate() {
            let raise = &self.coeffs_to_slots;
            shape.request_keys(params, top - raise.spent_before(k), raise.giant_step, &mut request);
        }
        let raised = top - self.coeffs_to_slots.levels;
        // The last stage is rescaled after the sum with the conjugate.
        request.conjugation(params, raised + 1);
        let eval_mod = EvalMod::new(self.eval_mod.clone(), self.raised_ratio(params)?)?;
        eval_mod.request_keys(params, raised, &mut request);
        if self.order == BootstrapOrder::Classic {
            let output = self.output_level(params)?;
            match self.layout(params.max_slots()) {
                Layout::Real => request.conjugation(params, output),
                Layout::Packed => request.rotation(params, self.slots as i64, output),
                Layout::Separate => {}
            }
        }
        Ok(request)
    }
}
