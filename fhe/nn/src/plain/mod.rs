//! The network in the clear: the reference that every encrypted evaluation is compared with.

mod activation;
mod conv;
mod message;

use rayon::prelude::*;

use crate::network::{INPUT_SIDE, Linear, Op, ResNet};
pub use activation::{Activation, ApproximateRelu, Interval, Relu};
pub(crate) use conv::Buffers;
pub(crate) use message::MessageActivation;

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

/// A step of an evaluation with its result. The values before an activation are the result of the step before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// See [`ResNet::steps`].
    pub name: String,
    /// The operation.
    pub op: Op,
    /// Its result.
    pub output: Tensor,
    /// Number of values that lay outside the interval of an activation; `None` for other operations.
    pub overflow: Option<usize>,
}

/// The result for one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// One value for each class. They may be infinite or NaN where `overflow` is not all zeros.
    pub logits: Vec<f64>,
    /// For each activation, the number of values outside the interval on which it holds.
    pub overflow: Vec<usize>,
}

/// The index of the largest logit (the first of equals); `None` if a logit is infinite or NaN, or if there is
/// none.
pub fn class(logits: &[f64]) -> Option<usize> {
    if logits.iter().any(|logit| !logit.is_finite()) {
        return None;
    }
    (0..logits.len()).reduce(|best, i| if logits[i] > logits[best] { i } else { best })
}

impl Outcome {
    /// The class of the largest logit; see [`class`].
    pub fn class(&self) -> Option<usize> {
        class(&self.logits)
    }

    /// The number of values outside their interval, over all activations.
    pub fn overflows(&self) -> usize {
        self.overflow.iter().sum()
    }

    /// The activations of `network` whose interval some values left, by name, with the number of those values.
    pub fn overflowed(&self, network: &ResNet) -> Vec<(String, usize)> {
        let counted = network.activation_names().into_iter().zip(self.overflow.iter().copied());
        counted.filter(|&(_, count)| count > 0).collect()
    }
}

impl ResNet {
    /// Evaluates one image.
    ///
    /// # Panics
    /// If `input` has another length than the network's channels times 32 · 32.
    pub fn forward(&self, input: &[f64], activation: &dyn Activation) -> Outcome {
        self.walk(input, activation, &mut |_, _, _| {})
    }

    /// Evaluates one image and keeps the result of every step, in the order of [`ResNet::steps`].
    ///
    /// # Panics
    /// If `input` has another length than the network's channels times 32 · 32.
    pub fn trace(&self, input: &[f64], activation: &dyn Activation) -> (Outcome, Vec<Step>) {
        let mut names = self.steps().into_iter();
        let mut steps = Vec::with_capacity(names.len());
        let outcome = self.walk(input, activation, &mut |op, output, overflow| {
            let (name, named) = names.next().expect("the walk has no more steps than the list of layers");
            assert_eq!(op, named, "{name}");
            steps.push(Step { name, op, output: output.clone(), overflow });
        });
        assert_eq!(names.next(), None, "steps that the walk left out");
        (outcome, steps)
    }

    /// Evaluates many images on all threads of the current rayon pool; `input` turns an item into the network's input.
    /// The overflow of one image never affects the outcome of another.
    ///
    /// # Panics
    /// If an input has another length than the network's channels times 32 · 32.
    pub fn forward_all<T: Sync>(
        &self,
        items: &[T],
        input: impl Fn(&T) -> Vec<f64> + Sync,
        activation: &dyn Activation,
    ) -> Vec<Outcome> {
        items.par_iter().map(|item| self.forward(&input(item), activation)).collect()
    }

    /// The evaluation itself. It does not read [`ResNet::layers`], which it is the oracle of. `observe` gets the
    /// operation, the result and the overflow of every step.
    fn walk(
        &self,
        input: &[f64],
        activation: &dyn Activation,
        observe: &mut dyn FnMut(Op, &Tensor, Option<usize>),
    ) -> Outcome {
        let mut x = Tensor::image(input, self.input_channels());
        let mut buffers = Buffers::default();
        let mut overflow = Vec::new();
        let mut activate = |x: &mut Tensor, observe: &mut dyn FnMut(Op, &Tensor, Option<usize>)| {
            observe(Op::Convolution, x, None);
            let outside = activation.apply(overflow.len(), &mut x.data);
            overflow.push(outside);
            observe(Op::Activation, x, Some(outside));
        };
        x = self.stem.apply_with(&x, &mut buffers);
        activate(&mut x, observe);
        for block in &self.blocks {
            let mut y = block.conv1.apply_with(&x, &mut buffers);
            activate(&mut y, observe);
            let mut y = block.conv2.apply_with(&y, &mut buffers);
            match &block.shortcut {
                Some(shortcut) => y.add(&shortcut.apply_with(&x, &mut buffers)),
                None => y.add(&x),
            }
            activate(&mut y, observe);
            x = y;
        }
        x = self.classifier.apply(&x.average());
        observe(Op::Classifier, &x, None);
        Outcome { logits: x.data, overflow }
    }
}

impl Tensor {
    /// The input of a network that takes this number of channels.
    ///
    /// # Panics
    /// If `values` has another length than channels · 32 · 32.
    pub fn image(values: &[f64], channels: usize) -> Self {
        let wanted = channels * INPUT_SIDE * INPUT_SIDE;
        assert_eq!(values.len(), wanted, "values of an image: found {}, wanted {wanted}", values.len());
        Self { channels, height: INPUT_SIDE, width: INPUT_SIDE, data: values.to_vec() }
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
    fn an_outcome_that_is_not_finite_has_no_class() {
        let outcome = |logits: &[f64]| Outcome { logits: logits.to_vec(), overflow: vec![0, 2, 1] };
        assert_eq!(outcome(&[1.0, 3.0, 3.0, -1.0]).class(), Some(1));
        assert_eq!(outcome(&[1.0, f64::NAN]).class(), None);
        assert_eq!(outcome(&[1.0, f64::INFINITY]).class(), None);
        assert_eq!(outcome(&[]).class(), None);
        assert_eq!(outcome(&[1.0]).overflows(), 3);
    }

    #[test]
    fn activations_that_overflowed_are_named() {
        let network = ResNet::from_safetensors(datasets::pretrained::RESNET20).unwrap();
        let mut overflow = vec![0; 19];
        (overflow[0], overflow[18]) = (7, 2);
        let outcome = Outcome { logits: vec![f64::NAN; 10], overflow };
        assert_eq!(outcome.overflowed(&network), [("act".to_owned(), 7), ("layer3.2.act2".to_owned(), 2)]);
    }

    #[test]
    #[should_panic(expected = "found 5, wanted 3072")]
    fn an_input_of_another_length_is_refused() {
        Tensor::image(&[0.0; 5], 3);
    }
}
