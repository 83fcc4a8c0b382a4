//! Networks of other families, named by the tensors that tell them.

use super::tensors::Tensors;
use crate::Error;
use crate::network::INPUT_CHANNELS;

/// Fails for tensors of a network that is no ResNet of basic blocks for images of 32 x 32 pixels, and names it.
///
/// # Errors
/// [`Error::OtherNetwork`].
pub(super) fn check(tensors: &Tensors<'_>) -> Result<(), Error> {
    let other = |found: String, wanted: &str| Err(Error::OtherNetwork { found, wanted: wanted.to_owned() });
    let there = |name: &str| tensors.shape(name).is_some();
    if let Some(&[_, channels, kernel, _]) = tensors.shape("conv1.weight").as_deref() {
        if kernel == 7 {
            let found = "`conv1.weight` of 7 x 7, a ResNet for ImageNet's 224 x 224 pixels".to_owned();
            return other(found, "3 x 3, a ResNet for 32 x 32 pixels");
        }
        if channels > INPUT_CHANNELS {
            return other(
                format!("{channels} input channels (`conv1.weight`)"),
                "1 to 3: grey, two, or red, green, blue",
            );
        }
    }
    if there("layer1.0.conv3.weight") {
        let found = "`layer1.0.conv3.weight`, bottleneck blocks of three convolutions as from ResNet-50 on".to_owned();
        return other(found, "basic blocks of two");
    }
    if tensors.any("features.") {
        return other(
            "tensors `features…`, a VGG, AlexNet or MobileNet".to_owned(),
            "`conv1`, `layer1` and so on, a ResNet",
        );
    }
    if tensors.any("block1.layer.") {
        return other(
            "tensors `block1.layer…`, a Wide ResNet with batch norm first".to_owned(),
            "batch norm after convolutions",
        );
    }
    if there("layer1.0.conv1.weight") && there("bn1.weight") && preactivated(tensors) {
        return other(
            "batch norm of a block's input, a pre-activation ResNet".to_owned(),
            "batch norm after convolutions",
        );
    }
    Ok(())
}

/// Whether the first norm of a block that changes the channels has those of the input.
fn preactivated(tensors: &Tensors<'_>) -> bool {
    let channels = |name: &str| tensors.shape(name).and_then(|shape| shape.first().copied());
    let (norm, conv) = (channels("layer2.0.bn1.weight"), tensors.shape("layer2.0.conv1.weight"));
    matches!((norm, conv.as_deref()), (Some(norm), Some(&[out, inp, ..])) if norm == inp && inp != out)
}
