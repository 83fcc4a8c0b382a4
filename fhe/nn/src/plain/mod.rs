//! The network in cleartext: the reference every encrypted evaluation is held against.

mod activation;
mod conv;

use rayon::prelude::*;

use crate::network::{INPUT_CHANNELS, INPUT_SIDE, Linear, Op, ResNet};
pub use activation::{Activation, ApproximateRelu, Relu};

/// Values of a layer: `channels` planes of `height` rows of `width` values, the last index fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Planes.
    pub channels: usize,
    /// Rows of a plane.
    pub height: usize,
    /// Values of a row.
    pub width: usize,
    /// All values.
    pub data: Vec<f64>,
}

/// A step of an evaluation and what came out of it. The values before an activation are those of the step before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// See [`ResNet::steps`].
    pub name: String,
    /// What was done.
    pub op: Op,
    /// Its result.
    pub output: Tensor,
}

/// The result for one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// One value a class. They may be infinite or NaN where `overflow` is not all zeros.
    pub logits: Vec<f64>,
    /// For each activation, how many values lay outside the interval it holds on.
    pub overflow: Vec<usize>,
}

impl Outcome {
    /// The class of the largest logit (the first of equals); `None` where a logit is infinite or NaN.
    pub fn class(&self) -> Option<usize> {
        if self.logits.iter().any(|l| !l.is_finite()) {
            return None;
        }
        let best = |best: usize, i| {
            if self.logits[i] > self.logits[best] { i } else { best }
        };
        (0..self.logits.len()).reduce(best)
    }

    /// Values outside their interval, over all activations.
    pub fn overflows(&self) -> usize {
        self.overflow.iter().sum()
    }
}

impl ResNet {
    /// Evaluates one image.
    ///
    /// # Panics
    /// Where `input` has another length than 3 * 32 * 32.
    pub fn forward(&self, input: &[f64], activation: &dyn Activation) -> Outcome {
        self.walk(input, &mut |index, values| activation.apply(index, values), &mut |_, _| {})
    }

    /// Evaluates one image and keeps what came out of every step, in the order of [`ResNet::steps`].
    ///
    /// # Panics
    /// Where `input` has another length than 3 * 32 * 32.
    pub fn trace(&self, input: &[f64], activation: &dyn Activation) -> (Outcome, Vec<Step>) {
        let mut names = self.steps().into_iter();
        let mut steps = Vec::with_capacity(names.len());
        let outcome = self.walk(input, &mut |index, values| activation.apply(index, values), &mut |op, output| {
            let (name, named) = names.next().expect("the walk takes no more steps than are named");
            assert_eq!(op, named, "{name}");
            steps.push(Step { name, op, output: output.clone() });
        });
        (outcome, steps)
    }

    /// Evaluates many images on all threads of the current rayon pool; `input` turns an item into the network's input.
    /// One image's overflow never touches another's outcome.
    ///
    /// # Panics
    /// Where an input has another length than 3 * 32 * 32.
    pub fn forward_all<T: Sync>(
        &self,
        items: &[T],
        input: impl Fn(&T) -> Vec<f64> + Sync,
        activation: &dyn Activation,
    ) -> Vec<Outcome> {
        items.par_iter().map(|item| self.forward(&input(item), activation)).collect()
    }

    /// The evaluation itself; `activation` is an [`Activation`] of one image, `see` is shown the result of every step.
    pub(crate) fn walk(
        &self,
        input: &[f64],
        activation: &mut dyn FnMut(usize, &mut [f64]) -> usize,
        see: &mut dyn FnMut(Op, &Tensor),
    ) -> Outcome {
        let mut x = Tensor::image(input);
        let mut buffers = conv::Buffers::default();
        let mut overflow = Vec::with_capacity(self.activations());
        let mut activate = |x: &mut Tensor, see: &mut dyn FnMut(Op, &Tensor)| {
            let index = overflow.len();
            overflow.push(activation(index, &mut x.data));
            see(Op::Activation(index), x);
        };
        x = self.stem.apply_with(&x, &mut buffers);
        see(Op::Conv, &x);
        activate(&mut x, see);
        for block in &self.blocks {
            let mut y = block.conv1.apply_with(&x, &mut buffers);
            see(Op::Conv, &y);
            activate(&mut y, see);
            let mut y = block.conv2.apply_with(&y, &mut buffers);
            match &block.shortcut {
                Some(shortcut) => y.add(&shortcut.apply_with(&x, &mut buffers)),
                None => y.add(&x),
            }
            see(Op::Conv, &y);
            activate(&mut y, see);
            x = y;
        }
        x = x.average();
        see(Op::Pool, &x);
        x = self.classifier.apply(&x);
        see(Op::Linear, &x);
        Outcome { logits: x.data, overflow }
    }
}

impl Tensor {
    /// The network's input.
    ///
    /// # Panics
    /// Where `values` has another length than 3 * 32 * 32.
    pub fn image(values: &[f64]) -> Self {
        let wanted = INPUT_CHANNELS * INPUT_SIDE * INPUT_SIDE;
        assert_eq!(values.len(), wanted, "values of an image: found {}, wanted {wanted}", values.len());
        Self { channels: INPUT_CHANNELS, height: INPUT_SIDE, width: INPUT_SIDE, data: values.to_vec() }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        debug_assert_eq!(self.data.len(), other.data.len());
        self.data.iter_mut().zip(&other.data).for_each(|(a, b)| *a += b);
    }

    /// The average of each plane, as planes of one value.
    pub(crate) fn average(&self) -> Self {
        let area = self.height * self.width;
        let data = self.data.chunks_exact(area).map(|plane| plane.iter().sum::<f64>() / area as f64).collect();
        Self { channels: self.channels, height: 1, width: 1, data }
    }
}

impl Linear {
    pub(crate) fn apply(&self, input: &Tensor) -> Tensor {
        let row = |row: &[f64]| -> f64 { row.iter().zip(&input.data).map(|(w, x)| w * x).sum() };
        let data = self.weight.chunks_exact(self.in_features).zip(&self.bias).map(|(w, b)| row(w) + b).collect();
        Tensor { channels: self.out_features, height: 1, width: 1, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_without_numbers_has_no_class() {
        let outcome = |logits: &[f64]| Outcome { logits: logits.to_vec(), overflow: vec![0, 2, 1] };
        assert_eq!(outcome(&[1.0, 3.0, 3.0, -1.0]).class(), Some(1));
        assert_eq!(outcome(&[1.0, f64::NAN]).class(), None);
        assert_eq!(outcome(&[1.0, f64::INFINITY]).class(), None);
        assert_eq!(outcome(&[]).class(), None);
        assert_eq!(outcome(&[1.0]).overflows(), 3);
    }

    #[test]
    #[should_panic(expected = "found 5, wanted 3072")]
    fn an_input_of_another_length_is_refused() {
        Tensor::image(&[0.0; 5]);
    }
}
