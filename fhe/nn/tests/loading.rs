//! The weight files that are read, and the refusals of others.

use std::collections::{BTreeMap, HashMap};

use fhe_nn::plain::Relu;
use fhe_nn::ranges::ModelCard;
use fhe_nn::weights::{self, Loaded, PaddedShortcut};
use fhe_nn::{Error, ResNet};
use safetensors::tensor::{Dtype, TensorView};

/// Tensors by name, and the metadata, of a file that is not written yet.
#[derive(Clone)]
struct File {
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    metadata: HashMap<String, String>,
    dtype: Dtype,
}

impl Default for File {
    fn default() -> Self {
        Self { tensors: BTreeMap::new(), metadata: HashMap::new(), dtype: Dtype::F32 }
    }
}

impl File {
    /// A ResNet of one or more narrow blocks a stage, batch norm unfolded, with arbitrary but fixed values.
    fn new(width: usize, n: usize) -> Self {
        Self::with_stages(width, n, 3)
    }

    fn with_stages(width: usize, n: usize, stages: usize) -> Self {
        let mut file = Self::default();
        file.conv("conv1", "bn1", [width, 3], 3);
        let mut channels = width;
        for stage in 0..stages {
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
        let element = |value: &f32| match self.dtype {
            Dtype::F64 => f64::from(*value).to_le_bytes().to_vec(),
            Dtype::BF16 => value.to_le_bytes()[2..].to_vec(),
            _ => value.to_le_bytes().to_vec(),
        };
        let data: Vec<(&String, &Vec<usize>, Vec<u8>)> =
            self.tensors.iter().map(|(n, (s, v))| (n, s, v.iter().flat_map(element).collect())).collect();
        let views = data.iter().map(|(n, s, b)| (n.as_str(), TensorView::new(self.dtype, s.to_vec(), b).unwrap()));
        safetensors::serialize(views, Some(self.metadata.clone())).unwrap()
    }

    fn load(&self) -> Result<ResNet, Error> {
        ResNet::from_safetensors(&self.bytes())
    }

    fn loaded(&self) -> Loaded {
        weights::load(&self.bytes(), None).unwrap()
    }

    fn refusal(&self) -> String {
        self.load().unwrap_err().to_string()
    }

    fn state(&mut self, key: &str, value: &str) {
        self.metadata.insert(key.to_owned(), value.to_owned());
    }

    fn drop_shortcuts(&mut self) {
        self.tensors.retain(|name, _| !name.contains("downsample"));
    }
}

/// A card that states these conventions.
fn card(conventions: &str) -> ModelCard {
    ModelCard::from_json(&format!(
        r#"{{"architecture": "a", "test_accuracy": 0.5, "mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2],
            "range_on_training_images": {{}} {conventions}}}"#
    ))
    .unwrap()
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
fn prefixes_that_all_names_share_are_left_out() {
    let wanted = File::new(2, 1).load().unwrap();
    for prefix in ["module.", "model.", "_orig_mod.", "module._orig_mod.model."] {
        let mut file = File::new(2, 1);
        file.tensors = file.tensors.into_iter().map(|(name, values)| (format!("{prefix}{name}"), values)).collect();
        file.put("n_averaged", &[1], 0.0);
        let loaded = file.loaded();
        assert_eq!(loaded.network, wanted);
        assert!(loaded.notes[0].contains(&format!("`{prefix}`")), "{:?}", loaded.notes);
        // Errors name the tensor as the file does.
        file.put(&format!("{prefix}fc.bias"), &[9], 0.0);
        assert!(file.refusal().contains(&format!("`{prefix}fc.bias`: found shape [9], wanted [10]")));
    }
    let mut file = File::new(2, 1);
    file.put("linear.weight", &[10, 8], 0.0);
    assert_eq!(
        file.refusal(),
        "tensors `fc.weight` and `linear.weight`: found both, wanted one of them for `fc.weight`"
    );
}

#[test]
fn a_tensor_listed_twice_is_refused() {
    let whole = File::new(1, 1).bytes();
    let length = u64::from_le_bytes(*whole.first_chunk().unwrap()) as usize;
    let header = std::str::from_utf8(&whole[8..8 + length]).unwrap();
    let twice = header.replacen('{', r#"{"fc.bias":{"dtype":"F32","shape":[10],"data_offsets":[0,40]},"#, 1);
    let bytes = [&(twice.len() as u64).to_le_bytes(), twice.as_bytes(), &whole[8 + length..]].concat();
    let error = ResNet::from_safetensors(&bytes).unwrap_err().to_string();
    assert!(error.contains("`fc.bias`: found both, wanted one"), "{error}");
}

#[test]
fn other_floating_point_types_are_converted() {
    let mut file = File::new(2, 1);
    file.tensors.values_mut().for_each(|(_, values)| {
        // Numbers that a bfloat16 holds.
        values.iter_mut().for_each(|value| *value = f32::from_bits(value.to_bits() & 0xFFFF_0000));
    });
    let wanted = file.load().unwrap();
    for (dtype, name) in [(Dtype::F64, "float64"), (Dtype::BF16, "bfloat16")] {
        let loaded = File { dtype, ..file.clone() }.loaded();
        assert_eq!(loaded.network, wanted);
        assert!(loaded.notes.iter().any(|note| note.contains(&format!("tensors of {name} were converted"))));
    }
}

#[test]
fn batch_norm_without_weight_and_bias_counts_as_one_and_zero() {
    let mut wanted = File::new(2, 1);
    for (name, (_, values)) in &mut wanted.tensors {
        if name.contains("bn1.weight") {
            values.fill(1.0);
        } else if name.contains("bn1.bias") {
            values.fill(0.0);
        }
    }
    let mut file = wanted.clone();
    file.tensors.retain(|name, _| !name.contains("bn1.weight") && !name.contains("bn1.bias"));
    let loaded = file.loaded();
    assert_eq!(loaded.network, wanted.load().unwrap());
    assert!(loaded.notes.iter().any(|note| note.starts_with("4 batch norms have no weight and bias")));
    let mut half = File::new(2, 1);
    half.tensors.remove("bn1.weight");
    assert!(half.refusal().contains("`bn1.weight` not found"));
}

#[test]
fn the_epsilon_of_batch_norm_is_stated_or_assumed_with_a_note() {
    let assumed = File::new(2, 1).loaded();
    assert!(assumed.notes[0].contains("1e-5, PyTorch's default, was assumed"), "{:?}", assumed.notes);
    let mut file = File::new(2, 1);
    let by_card = weights::load(&file.bytes(), Some(&card(r#", "bn_eps": 1e-3"#))).unwrap();
    file.state("bn_eps", "1e-3");
    let by_file = file.loaded();
    assert_eq!(by_file.network, by_card.network);
    assert_ne!(by_file.network, assumed.network);
    assert!(by_file.notes.is_empty() && by_card.notes.is_empty());
    let (value, gamma) = (|name: &str| f64::from(file.tensors[name].1[0]), "bn1.weight");
    let wanted = value("conv1.weight") * value(gamma) / (value("bn1.running_var") + 1e-3).sqrt();
    assert!((by_file.network.stem.weight[0] - wanted).abs() < 1e-12);
    let error = weights::load(&file.bytes(), Some(&card(r#", "bn_eps": 1e-4"#))).unwrap_err().to_string();
    assert_eq!(error, "`bn_eps`: found 1e-3 in the weights and 1e-4 in the card, wanted the same in both");
    for text in ["0", "-1e-5", "NaN", "default"] {
        file.state("bn_eps", text);
        assert!(file.refusal().contains(&format!("`bn_eps`: found `{text}`, wanted a number above 0")));
    }
    // A card states an accuracy, which a wrong epsilon would miss.
    assert!(weights::load(&File::new(2, 1).bytes(), Some(&card(""))).unwrap().notes.is_empty());
}

#[test]
fn padded_shortcuts_are_read_if_file_or_card_state_their_form() {
    let mut file = File::new(2, 1);
    file.drop_shortcuts();
    let refusal = file.refusal();
    for word in ["`layer2.0.downsample.0.weight`", "`pad-centre`", "`average-pool-pad-after`", "model card"] {
        assert!(refusal.contains(word), "{refusal}");
    }
    for convention in PaddedShortcut::ALL {
        let by_card = weights::load(&file.bytes(), Some(&card(&format!(r#", "shortcut": "{convention}""#)))).unwrap();
        file.state("shortcut", convention.name());
        let by_file = file.loaded();
        file.metadata.clear();
        assert_eq!(by_file.network, by_card.network);
        assert!(!by_file.notes.iter().any(|note| note.contains("shortcut")));
        let shortcut = by_file.network.blocks[1].shortcut.as_ref().unwrap();
        assert_eq!((shortcut.kernel, shortcut.stride), (if convention.average { 3 } else { 1 }, 2));
        assert!(by_file.network.forward(&input(), &Relu).class().is_some());
    }
    file.state("shortcut", "pad-after");
    let after = file.load().unwrap();
    assert_eq!(after.blocks[1].shortcut.as_ref().unwrap().weight, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    let error = weights::load(&file.bytes(), Some(&card(r#", "shortcut": "pad-centre""#))).unwrap_err().to_string();
    assert_eq!(
        error,
        "`shortcut`: found `pad-after` in the weights and `pad-centre` in the card, wanted the same in both"
    );
    file.state("shortcut", "padded");
    assert!(file.refusal().contains("`shortcut`: found `padded`, wanted `pad-centre`"));
    let mut projected = File::new(2, 1);
    projected.state("shortcut", "pad-after");
    assert!(projected.refusal().contains("`pad-after`, and the tensor `layer2.0.downsample.0.weight`, wanted one"));
}

#[test]
fn a_file_that_only_says_that_shortcuts_are_padded_is_read_with_a_note() {
    let mut file = File::new(2, 1);
    file.drop_shortcuts();
    file.state("shortcut", "identity-padded");
    let Loaded { network, notes } = file.loaded();
    let shortcut = network.blocks[1].shortcut.as_ref().unwrap();
    // Two channels in the middle of four.
    assert_eq!(shortcut.weight, [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!((shortcut.kernel, shortcut.stride, &shortcut.bias), (1, 2, &vec![0.0; 4]));
    assert!(notes[0].contains("`pad-centre` was assumed, others are"), "{notes:?}");
    let by_card = weights::load(&file.bytes(), Some(&card(r#", "shortcut": "pad-after""#))).unwrap();
    assert_ne!(by_card.network, network);
    assert!(by_card.notes.is_empty());
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
    let unused = refusal(&|f| f.put("layer1.0.conv4.weight", &[2, 2, 1, 1], 0.0));
    assert_eq!(
        unused,
        "tensor `layer1.0.conv4.weight`: found it, wanted none: it belongs to no layer of the ResNet-8 that the others make"
    );
}

#[test]
fn other_numbers_of_stages_are_read_as_long_as_the_image_can_be_halved() {
    for stages in [1, 2, 4, 6] {
        let network = File::with_stages(2, 1, stages).load().unwrap();
        assert_eq!((network.depth(), network.layers().last().unwrap().stage), (2 * stages + 2, stages));
        assert!(network.forward(&input(), &Relu).class().is_some());
    }
    let refusal = File::with_stages(1, 1, 7).refusal();
    assert!(refusal.starts_with("found 7 stages, `layer1` to `layer7`, wanted at most 6"), "{refusal}");
}

#[test]
fn stages_may_have_any_width_and_number_of_blocks() {
    let mut file = File::new(2, 1);
    // A third stage of the second's width: its first block still has a stride, and needs a shortcut.
    file.conv("layer3.0.conv1", "layer3.0.bn1", [4, 4], 3);
    file.conv("layer3.0.conv2", "layer3.0.bn2", [4, 4], 3);
    file.conv("layer3.0.downsample.0", "layer3.0.downsample.1", [4, 4], 1);
    file.conv("layer3.1.conv1", "layer3.1.bn1", [4, 4], 3);
    file.conv("layer3.1.conv2", "layer3.1.bn2", [4, 4], 3);
    file.put("fc.weight", &[10, 4], 0.0);
    let network = file.load().unwrap();
    let strides: Vec<_> = network.blocks.iter().map(|block| (block.stride, block.shortcut.is_some())).collect();
    assert_eq!(strides, [(1, false), (2, true), (2, true), (1, false)]);
    assert!(network.forward(&input(), &Relu).class().is_some());
    // Padding cannot take channels away.
    let mut shrinking = File::new(2, 1);
    shrinking.conv("layer2.0.conv1", "layer2.0.bn1", [1, 2], 3);
    shrinking.conv("layer2.0.conv2", "layer2.0.bn2", [1, 1], 3);
    shrinking.drop_shortcuts();
    shrinking.state("shortcut", "pad-centre");
    assert!(shrinking.refusal().contains("`layer2.0.downsample.0.weight`"), "{}", shrinking.refusal());
}

#[test]
fn one_to_three_channels_and_two_to_a_thousand_classes_are_read() {
    let refused = |change: &dyn Fn(&mut File)| {
        let mut file = File::new(2, 1);
        change(&mut file);
        file.refusal()
    };
    for (channels, classes) in [(1, 2), (2, 100), (3, 1000)] {
        let mut file = File::new(2, 1);
        file.put("conv1.weight", &[2, channels, 3, 3], -0.5);
        file.put("fc.weight", &[classes, 8], -0.5);
        file.put("fc.bias", &[classes], -0.5);
        let network = file.load().unwrap();
        assert_eq!((network.input_channels(), network.classes()), (channels, classes));
        assert_eq!(network.forward(&input()[..channels * 1024], &Relu).logits.len(), classes);
    }
    let four = refused(&|file| file.put("conv1.weight", &[2, 4, 3, 3], -0.5));
    assert_eq!(four, "found 4 input channels (`conv1.weight`), wanted 1 to 3: grey, two, or red, green, blue");
    for classes in [1, 1001] {
        let refusal = refused(&|file| file.put("fc.weight", &[classes, 8], -0.5));
        assert_eq!(refusal, format!("found {classes} classes (`fc.weight`), wanted 2 to 1000"));
    }
}

#[test]
fn other_families_are_refused_by_name() {
    let refused = |change: &dyn Fn(&mut File)| {
        let mut file = File::new(2, 1);
        change(&mut file);
        let refusal = file.refusal();
        assert!(!refusal.contains('\n') && refusal.contains("wanted"), "{refusal}");
        refusal
    };
    // torchvision's ResNet-18 and ResNet-50.
    let imagenet = refused(&|file| file.put("conv1.weight", &[64, 3, 7, 7], -0.5));
    assert!(imagenet.starts_with("found `conv1.weight` of 7 x 7, a ResNet for ImageNet's"), "{imagenet}");
    let bottleneck = refused(&|file| file.put("layer1.0.conv3.weight", &[8, 2, 1, 1], -0.5));
    assert!(bottleneck.contains("bottleneck blocks of three convolutions as from ResNet-50 on"), "{bottleneck}");
    let vgg = refused(&|file| file.rename("layer1", "features"));
    assert!(vgg.contains("a VGG, AlexNet or MobileNet"), "{vgg}");
    let wide = refused(&|file| file.rename("layer1", "block1.layer"));
    assert!(wide.contains("a Wide ResNet with batch norm first"), "{wide}");
    // kuangliu's PreActResNet-18 has a norm of the block's input.
    let before = refused(&|file| file.put("layer2.0.bn1.weight", &[2], 0.5));
    assert!(before.contains("a pre-activation ResNet"), "{before}");
}

/// A safetensors file with this header and as many bytes of zeros.
fn raw(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn dimensions_of_zero_are_refused_by_name_and_take_no_memory() {
    let mut file = File::new(2, 1);
    file.put("conv1.weight", &[0, 3, 3, 3], 0.0);
    assert_eq!(file.refusal(), "tensor `conv1.weight`: found shape [0, 3, 3, 3], wanted 1 or more in every dimension");
    for classes in [1_000_000_000_000, 1 << 62] {
        let mut file = File::new(2, 1);
        file.tensors.insert("fc.weight".into(), (vec![classes, 0], vec![]));
        assert!(file.refusal().contains(&format!("`fc.weight`: found shape [{classes}, 0]")));
    }
    let huge = raw(r#"{"conv1.weight":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,4]}}"#, 4);
    assert!(matches!(ResNet::from_safetensors(&huge), Err(Error::Format(_))));
    let far = raw(r#"{"conv1.weight":{"dtype":"F32","shape":[16,3,3,3],"data_offsets":[0,1728]}}"#, 4);
    let error = ResNet::from_safetensors(&far).unwrap_err().to_string();
    assert!(error.contains(&format!("found {} bytes, wanted the {}", far.len(), far.len() + 1724)), "{error}");
}

#[test]
fn other_formats_are_refused_by_name_with_the_remedy() {
    let zip = |name: &str| {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.resize(26, 0);
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(name.as_bytes());
        bytes
    };
    let cases: &[(Vec<u8>, &str, &str)] = &[
        (zip("resnet20/data.pkl"), "found a PyTorch checkpoint", "`weights::read`"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.".to_vec(), "found a pickle", "`weights::read`"),
        (b"\x08\x07\x12\x07pytorch\x1a\x032.1".to_vec(), "found an ONNX model", "onnx.load(sys.argv[1])"),
        (zip("conv1.weight.npy"), "found NumPy arrays (.npz)", "numpy.load(sys.argv[1])"),
        (zip("script/data/0"), "found a TorchScript program", "torch.jit.load(sys.argv[1]"),
        (zip("readme.txt"), "found a zip archive", "unzip"),
        (b"\x93NUMPY\x01\0".to_vec(), "found a NumPy array (.npy)", "single array"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n".to_vec(), "Git LFS pointer", "git lfs pull"),
        (b"<!DOCTYPE html><html>".to_vec(), "found an HTML or XML page", "download the file itself"),
        (b"\x1F\x8B\x08\0".to_vec(), "found a gzip file", "gunzip"),
        (b"\x89HDF\r\n\x1a\n".to_vec(), "found an HDF5 file", "torch.save(model.state_dict()"),
        (b"GGUF\x03\0\0\0".to_vec(), "found a GGUF file", "model.state_dict()"),
        (b"{\"conv1.weight\": [0.1]}".to_vec(), "found text", "save_file"),
        (b"no tensors".to_vec(), "found text", "save_file"),
        (Vec::new(), "found an empty file", "download the file itself"),
    ];
    for (bytes, found, remedy) in cases {
        let error = ResNet::from_safetensors(bytes).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        for word in ["not a safetensors file", found, remedy] {
            assert!(error.contains(word), "{word}: {error}");
        }
    }
    for bytes in [&[0x80][..], &[0; 9], b"\xFF\xFE\0\x01\x02\x03\x04\x05\x06"] {
        assert!(matches!(ResNet::from_safetensors(bytes), Err(Error::Format(_))), "{bytes:?}");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = File::new(1, 1).bytes();
    for length in (0..whole.len()).step_by(13) {
        let error = ResNet::from_safetensors(&whole[..length]).unwrap_err();
        let header = u64::from_le_bytes(*whole.first_chunk().unwrap()) as usize;
        match error {
            Error::WrongLength { found, wanted } if length >= 8 + header => {
                assert_eq!((found, wanted), (length as u64, whole.len() as u64));
            }
            Error::WrongLength { found, wanted } => {
                assert_eq!((found, wanted), (length as u64, 8 + header as u64));
            }
            Error::Format(_) | Error::OtherFormat { .. } => assert!(length < 9),
            error => panic!("{length}: {error}"),
        }
    }
    let longer = [&whole[..], b"\n"].concat();
    assert!(matches!(ResNet::from_safetensors(&longer), Err(Error::WrongLength { .. })));
}

#[test]
fn other_element_types_and_places_are_refused() {
    let integers = TensorView::new(Dtype::I8, vec![1, 3, 3, 3], &[0; 27]).unwrap();
    let bytes = safetensors::serialize([("conv1.weight", integers)], None).unwrap();
    let refusal = ResNet::from_safetensors(&bytes).unwrap_err().to_string();
    assert_eq!(refusal, "tensor `conv1.weight`: found elements of type I8, wanted F32, F16, BF16 or F64");
    let error = |path: &str| ResNet::from_file(path.as_ref()).unwrap_err();
    assert!(matches!(error("/nowhere/weights.safetensors"), Error::Io { .. }));
    assert!(matches!(error("/"), Error::NotAFile { found: "a folder", .. }));
    if cfg!(unix) {
        assert!(matches!(error("/dev/zero"), Error::NotAFile { found: "a device", .. }));
    }
    assert!(std::error::Error::source(&error("/nowhere/weights.safetensors")).is_none());
}
