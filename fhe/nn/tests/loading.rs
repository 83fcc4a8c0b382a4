//! Which weight files are taken, and how the others are refused.

use std::collections::{BTreeMap, HashMap};

use fhe_nn::plain::Relu;
use fhe_nn::{Error, ResNet};
use safetensors::tensor::{Dtype, TensorView};

/// A file in the making: tensors by name, and its metadata.
#[derive(Clone, Default)]
struct File {
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    metadata: HashMap<String, String>,
}

impl File {
    /// A ResNet of one or more narrow blocks a stage, batch norm unfolded, with arbitrary but fixed values.
    fn new(width: usize, n: usize) -> Self {
        let mut file = Self::default();
        file.conv("conv1", "bn1", [width, 3], 3);
        let mut channels = width;
        for stage in 0..3 {
            for k in 0..n {
                let (block, out) = (format!("layer{}.{k}", stage + 1), width << stage);
                file.conv(&format!("{block}.conv1"), &format!("{block}.bn1"), [out, channels], 3);
                file.conv(&format!("{block}.conv2"), &format!("{block}.bn2"), [out, out], 3);
                if out != channels {
                    file.conv(&format!("{block}.downsample.0"), &format!("{block}.downsample.1"), [out, channels], 1);
                }
                channels = out;
            }
        }
        file.put("fc.weight", &[10, channels], -0.5);
        file.put("fc.bias", &[10], -0.5);
        file
    }

    fn conv(&mut self, conv: &str, norm: &str, [out, inp]: [usize; 2], kernel: usize) {
        self.put(&format!("{conv}.weight"), &[out, inp, kernel, kernel], -0.5);
        for (part, least) in [("weight", 0.5), ("bias", -0.5), ("running_mean", -0.5), ("running_var", 0.5)] {
            self.put(&format!("{norm}.{part}"), &[out], least);
        }
    }

    /// Values from `least` to `least + 1`.
    fn put(&mut self, name: &str, shape: &[usize], least: f32) {
        let seed = name.bytes().fold(7usize, |s, b| (s * 31 + usize::from(b)) % 1009);
        let value = |i: usize| least + ((i * 263 + seed) % 97) as f32 / 97.0;
        let values = (0..shape.iter().product()).map(value).collect();
        self.tensors.insert(name.to_owned(), (shape.to_vec(), values));
    }

    fn rename(&mut self, from: &str, to: &str) {
        self.tensors = std::mem::take(&mut self.tensors).into_iter().map(|(k, v)| (k.replace(from, to), v)).collect();
    }

    fn bytes(&self) -> Vec<u8> {
        let data: Vec<(&String, &Vec<usize>, Vec<u8>)> =
            self.tensors.iter().map(|(n, (s, v))| (n, s, v.iter().flat_map(|v| v.to_le_bytes()).collect())).collect();
        let views = data.iter().map(|(n, s, b)| (n.as_str(), TensorView::new(Dtype::F32, s.to_vec(), b).unwrap()));
        safetensors::serialize(views, Some(self.metadata.clone())).unwrap()
    }

    fn load(&self) -> Result<ResNet, Error> {
        ResNet::from_safetensors(&self.bytes())
    }

    fn refusal(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

fn input() -> Vec<f64> {
    (0..3072).map(|i| f64::from(i % 61) / 30.0 - 1.0).collect()
}

#[test]
fn any_depth_and_width_is_read() {
    for (width, n, depth) in [(1, 1, 8), (3, 2, 14)] {
        let network = File::new(width, n).load().unwrap();
        assert_eq!((network.depth(), network.stem.out_channels), (depth, width));
        let strides: Vec<_> = network.blocks.iter().map(|b| (b.stride, b.shortcut.is_some())).collect();
        let later = [vec![(2, true)], vec![(1, false); n - 1]].concat();
        assert_eq!(strides, [vec![(1, false); n], later.clone(), later].concat());
        assert!(network.forward(&input(), &Relu).class().is_some());
    }
}

#[test]
fn a_folded_file_is_the_same_network() {
    let whole = File::new(2, 1).load().unwrap();
    // the same network written back with batch norm folded, as float32
    let mut folded = File::default();
    let mut convs = vec![("conv1".to_owned(), &whole.stem)];
    for (index, block) in whole.blocks.iter().enumerate() {
        let name = whole.layers()[2 * index + 1].name.replace(".conv1", "");
        convs.extend([(format!("{name}.conv1"), &block.conv1), (format!("{name}.conv2"), &block.conv2)]);
        convs.extend(block.shortcut.iter().map(|conv| (format!("{name}.downsample"), conv)));
    }
    let single = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<_>>();
    for (name, conv) in convs {
        let shape = vec![conv.out_channels, conv.in_channels, conv.kernel, conv.kernel];
        folded.tensors.insert(format!("{name}.weight"), (shape, single(&conv.weight)));
        folded.tensors.insert(format!("{name}.bias"), (vec![conv.out_channels], single(&conv.bias)));
    }
    folded.tensors.insert("fc.weight".into(), (vec![10, 8], single(&whole.classifier.weight)));
    folded.tensors.insert("fc.bias".into(), (vec![10], single(&whole.classifier.bias)));
    let found = folded.load().unwrap().forward(&input(), &Relu).logits;
    let wanted = whole.forward(&input(), &Relu).logits;
    let largest = wanted.iter().fold(0.0_f64, |l, x| l.max(x.abs()));
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!((found - wanted).abs() < 1e-5 * largest, "{found} {wanted}");
    }

    let mut unbiased = folded.clone();
    unbiased.tensors.remove("fc.bias");
    assert_eq!(unbiased.load().unwrap().classifier.bias, [0.0; 10]);
}

#[test]
fn other_common_names_are_the_same_network() {
    let wanted = File::new(2, 2).load().unwrap();
    let mut file = File::new(2, 2);
    file.rename("downsample", "shortcut");
    file.rename("fc.", "linear.");
    file.put("bn1.num_batches_tracked", &[1], 0.0);
    assert_eq!(file.load().unwrap(), wanted);
}

#[test]
fn padded_shortcuts_are_taken_if_the_file_says_so() {
    let mut file = File::new(2, 1);
    file.tensors.retain(|name, _| !name.contains("downsample"));
    let refusal = file.refusal();
    assert!(refusal.contains("`layer2.0.downsample.0.weight`") && refusal.contains("identity-padded"), "{refusal}");
    file.metadata.insert("shortcut".into(), "identity-padded".into());
    let network = file.load().unwrap();
    let shortcut = network.blocks[1].shortcut.as_ref().unwrap();
    // two channels in the middle of four
    assert_eq!(shortcut.weight, [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!((shortcut.kernel, shortcut.stride, &shortcut.bias), (1, 2, &vec![0.0; 4]));
}

#[test]
fn refusals_name_the_tensor_and_what_was_wanted() {
    let refusal = |change: &dyn Fn(&mut File)| {
        let mut file = File::new(2, 1);
        change(&mut file);
        file.refusal()
    };
    let missing = refusal(&|f| drop(f.tensors.remove("layer2.0.conv2.weight")));
    assert!(missing.contains("tensor `layer2.0.conv2.weight` not found"), "{missing}");
    let missing = refusal(&|f| drop(f.tensors.remove("layer2.0.bn2.running_var")));
    assert!(missing.contains("tensor `layer2.0.bn2.running_var` not found"), "{missing}");
    let missing = refusal(&|f| f.tensors.retain(|name, _| !name.starts_with("layer3.0.bn1")));
    assert!(missing.contains("`layer3.0.conv1.bias`, or batch norm after `layer3.0.conv1`"), "{missing}");
    let missing = refusal(&|f| f.tensors.retain(|name, _| !name.starts_with("layer1")));
    assert!(missing.contains("tensor `layer1.0.conv1.weight` not found"), "{missing}");
    let shape = refusal(&|f| f.put("layer3.0.conv1.weight", &[8, 5, 3, 3], 0.0));
    assert_eq!(shape, "tensor `layer3.0.conv1.weight`: found shape [8, 5, 3, 3], wanted [8, 4, 3, 3]");
    let shape = refusal(&|f| f.put("conv1.weight", &[54], 0.0));
    assert!(shape.contains("`conv1.weight`: found shape [54], wanted [16, 3, 3, 3]"), "{shape}");
    for value in [f32::NAN, f32::NEG_INFINITY] {
        let number = refusal(&|f| f.tensors.get_mut("fc.bias").unwrap().1[3] = value);
        assert_eq!(number, format!("tensor `fc.bias`: found {value} at element 3, wanted finite numbers"));
    }
    let variance = refusal(&|f| f.tensors.get_mut("bn1.running_var").unwrap().1[1] = -1.0);
    assert_eq!(variance, "tensor `bn1.running_var`: found variance -1 at element 1, wanted 0 or more");
    let unused = refusal(&|f| f.put("layer1.0.conv3.weight", &[2, 2, 1, 1], 0.0));
    assert_eq!(
        unused,
        "tensor `layer1.0.conv3.weight` belongs to no layer of the ResNet-8 that the other tensors make"
    );
}

#[test]
fn other_formats_are_refused() {
    assert!(matches!(ResNet::from_safetensors(b"PK\x03\x04 a zip file, as torch.save writes"), Err(Error::Format(_))));
    let whole = File::new(1, 1).bytes();
    assert!(matches!(ResNet::from_safetensors(&whole[..whole.len() - 1]), Err(Error::Format(_))));
    let halves = TensorView::new(Dtype::F16, vec![1, 3, 3, 3], &[0; 54]).unwrap();
    let bytes = safetensors::serialize([("conv1.weight", halves)], None).unwrap();
    let refusal = ResNet::from_safetensors(&bytes).unwrap_err().to_string();
    assert_eq!(refusal, "tensor `conv1.weight`: found elements of type F16, wanted F32");
    assert!(matches!(ResNet::from_file("/nowhere/weights.safetensors".as_ref()), Err(Error::Io { .. })));
}
