//! The agreement of client and server: how images become slots, and slots logits.

use fhe_ckks::{Ciphertext, CkksError, Parameters, Plaintext, SeededCiphertext};
use fhe_ring::Basis;
use num_complex::Complex64;

use super::interleave::Interleave;
use super::layout::Layout;
use super::placement::BootstrapPlace;
use super::program::Program;

/// The way in which a server expects images, and returns logits. A client needs nothing else of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// Level of encrypted images.
    pub level: usize,
    /// Scale of encrypted images.
    pub scale: f64,
    /// The places of an image's values among the slots.
    pub layout: Layout,
    /// The images of a ciphertext.
    pub interleave: Interleave,
    /// Number of logits of an image.
    pub classes: usize,
}

impl Interface {
    /// The number of slots of encrypted images.
    pub fn slots(&self) -> usize {
        self.interleave.slots(self.layout.slots())
    }

    /// Encodes normalised images, planes of 32 × 32 values one after another, for encryption in a client's ring. Missing
    /// images are zeros.
    ///
    /// # Errors
    /// Those of [`Parameters::encode`]: a value that is not finite or too large for the scale.
    ///
    /// # Panics
    /// If there are more images than a ciphertext holds, or the number of an image's values is wrong.
    pub fn encode(&self, ring: &Parameters, images: &[&[f64]]) -> Result<Plaintext, CkksError> {
        let room = self.interleave.images();
        assert!(images.len() <= room, "{} images for a ciphertext of {room}", images.len());
        let images: Vec<Vec<f64>> = images.iter().map(|image| self.layout.pack(image)).collect();
        let slots = self.interleave.join(&images, self.layout.slots());
        ring.encode(&slots, self.scale, Basis::main(self.level + 1))
    }

    /// The logits of each image in decrypted slots.
    pub fn logits(&self, slots: &[Complex64]) -> Vec<Vec<f64>> {
        let mut images = self.interleave.split(slots);
        images.iter_mut().for_each(|slots| slots.truncate(self.classes));
        images
    }
}

impl Program {
    /// The agreement with clients.
    pub fn interface(&self) -> Interface {
        Interface {
            level: self.circuit().linear_level,
            scale: self.circuit().linear_scale(),
            layout: self.input_layout(),
            interleave: self.interleave(),
            classes: self.network().classifier.out_features,
        }
    }

    /// The ring in which clients encrypt images and get logits: the smallest that is secure and has the slots.
    ///
    /// # Errors
    /// Those of [`Parameters::client_ring`].
    pub fn client_ring(&self, params: &Parameters) -> Result<Parameters, CkksError> {
        let layers = self.layers();
        let last = layers.last().map_or(0, |layer| self.interleave().slots(layer.layout.slots()));
        params.client_ring(self.circuit().linear_level, self.interface().slots().max(last))
    }

    /// Bytes of an upload and a download: a ciphertext of images that the holder of the secret encrypts, and one of logits.
    ///
    /// # Errors
    /// Those of [`Program::client_ring`].
    pub fn transfer_bytes(&self, params: &Parameters) -> Result<[u64; 2], CkksError> {
        let ring = self.client_ring(params)?;
        let up = SeededCiphertext::serialized_len_at(&ring, self.circuit().linear_level);
        Ok([up, Ciphertext::serialized_len_at(&ring, 0)])
    }

    /// The scale of returned logits: the largest power of two up to that of the circuit at which they stay below half the
    /// first prime. That holds for the largest logits that weights and intervals allow where the last activation is a
    /// wave, which no value leaves, and otherwise for eight times as large ones. The step to the client's ring rounds
    /// coefficients to integers, so the smaller the scale, the larger its error of a logit.
    pub fn logit_scale(&self, params: &Parameters) -> f64 {
        let classifier = &self.network().classifier;
        let range = self.ranges().last().copied().unwrap_or(1.0);
        let rows = classifier.weight.chunks(classifier.in_features).zip(&classifier.bias);
        let bounds = rows.map(|(row, bias)| bias.abs() + range * row.iter().map(|w| w.abs()).sum::<f64>());
        let bound = bounds.fold(1.0, f64::max);
        let bounded = self.layers().last().is_some_and(|layer| layer.place.bootstrap == BootstrapPlace::Within);
        let room = if bounded { 1.0 } else { 8.0 };
        let most = (params.prime(0) / 2.0 / (room * bound)).log2().floor().exp2();
        most.min(self.circuit().linear_scale())
    }
}
