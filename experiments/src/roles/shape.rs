//! The shape of a model: all of it that keys depend on, and nothing of its weights.

use std::fmt::Write;

use datasets::digest::sha256;
use fhe_nn::encrypted::Program;

/// Returns a digest of the shape of a program: its layers with their convolutions, layouts and places of bootstraps. Two
/// programs of one shape need the same keys.
pub(super) fn digest(program: &Program) -> String {
    sha256(describe(program).as_bytes())
}

/// Returns a line for each layer and one for the classifier.
fn describe(program: &Program) -> String {
    let mut text = String::new();
    let strings = "strings take all text";
    for planned in program.layers() {
        let layer = &planned.layer;
        write!(text, "{} {} {:?}", layer.name, layer.activation, planned.layout).expect(strings);
        for term in &layer.terms {
            let conv = term.conv;
            let [from, to, kernel, stride] = [conv.in_channels, conv.out_channels, conv.kernel, conv.stride];
            write!(text, " [{} of {from} to {to}, kernel {kernel}, stride {stride}]", term.input).expect(strings);
        }
        writeln!(text, " identity {:?}, refreshed {}", layer.identity, planned.place.refreshed).expect(strings);
    }
    let classifier = &program.network().classifier;
    writeln!(text, "classifier {} to {}", classifier.in_features, classifier.out_features).expect(strings);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Case, CaseSpec, HEADROOM, Model};
    use fhe_nn::encrypted::Packing;

    #[test]
    fn the_shape_depends_on_the_packing_and_not_on_the_weights() {
        let program = |packing, scale: f64| {
            let spec = CaseSpec { ring_dim: 1 << 16, relu: "chebyshev:7".parse().unwrap(), packing, profile: None };
            let mut model = Model::embedded(HEADROOM).unwrap();
            model.network.classifier.weight.iter_mut().for_each(|w| *w *= scale);
            Case::new(&spec, model, None).unwrap().program
        };
        let fused = digest(&program(Packing::Fused, 1.0));
        assert_eq!(fused, digest(&program(Packing::Fused, 0.5)));
        assert_ne!(fused, digest(&program(Packing::Vector, 1.0)));
    }
}
