//! A network of seven activations with few channels, whose layers fit a small ring.

use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};

/// Writes the weights of a network for pictures of so many channels, with `width` channels in its first stage, twice and
/// four times as many in the others. Another `seed` gives other weights.
pub(crate) fn write(path: &Path, [channels, width]: [usize; 2], seed: u64) {
    let mut state = seed | 1;
    let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
    let mut random = |count: usize, least: f32, most: f32| -> Vec<f32> {
        let mut number = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            least + (most - least) * ((state >> 40) as f32 / (1u64 << 24) as f32)
        };
        (0..count).map(|_| number()).collect()
    };
    let mut add = |name: String, shape: &[usize], least: f32, most: f32| {
        tensors.push((name, shape.to_vec(), random(shape.iter().product(), least, most)));
    };
    let mut convolution = |conv: &str, norm: &str, [to, from, kernel]: [usize; 3]| {
        let limit = 1.5 / ((from * kernel * kernel) as f32).sqrt();
        add(format!("{conv}.weight"), &[to, from, kernel, kernel], -limit, limit);
        for (name, least, most) in
            [("weight", 0.7, 1.3), ("bias", -0.3, 0.3), ("running_mean", -0.1, 0.1), ("running_var", 0.8, 1.2)]
        {
            add(format!("{norm}.{name}"), &[to], least, most);
        }
    };
    convolution("conv1", "bn1", [width, channels, 3]);
    let mut from = width;
    for stage in 1..=3 {
        let (to, block) = (width << (stage - 1), format!("layer{stage}.0"));
        convolution(&format!("{block}.conv1"), &format!("{block}.bn1"), [to, from, 3]);
        convolution(&format!("{block}.conv2"), &format!("{block}.bn2"), [to, to, 3]);
        if to != from {
            let shortcut = format!("{block}.downsample");
            convolution(&format!("{shortcut}.0"), &format!("{shortcut}.1"), [to, from, 1]);
        }
        from = to;
    }
    add("fc.weight".to_owned(), &[10, from], -0.5, 0.5);
    add("fc.bias".to_owned(), &[10], -0.2, 0.2);
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, _, values)| values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, shape, _), bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}
