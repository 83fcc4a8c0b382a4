"""What a file of weights and its card say about a network, as `cipherlab model import` writes them."""
import dataclasses, json, pathlib, re
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from pictures import MEAN, STD

# Other names of PyTorch's `fc` and `downsample`.
OTHERS = [(r"^(linear|classifier)\.", "fc."), (r"\.shortcut\.", ".downsample.")]


@dataclasses.dataclass
class Shape:
    """A ResNet of basic blocks for pictures of 32x32 pixels: in stage s + 1 blocks[s] blocks of widths[s] channels."""
    blocks: tuple = (3, 3, 3)
    widths: tuple = (16, 32, 64)
    stem: int = 16
    channels: int = 3
    classes: int = 10
    shortcut: str = None        # the form of shortcuts without weights, by its name in the card
    eps: float = 1e-5
    mean: tuple = MEAN
    std: tuple = STD

    def depth(self):
        return 2 * sum(self.blocks) + 2


def read(path):
    """The shape, the tensors by PyTorch's names, and the card (None where there is none) of weights NAME.safetensors."""
    path = pathlib.Path(path)
    card = path.with_name(path.name.removesuffix(".safetensors") + ".json")
    card = json.loads(card.read_text()) if card.exists() else None
    tensors = named(path, load_file(path))
    with safe_open(path, "pt") as file:
        stated = (file.metadata() or {}) | (card or {})
    return shape(path, tensors, stated), tensors, card


def named(path, tensors):
    """The tensors by PyTorch's names, without what stands before all of them."""
    tensors = {name: tensor.float() for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}
    stems = [name.removesuffix("conv1.weight") for name in tensors if re.fullmatch(r"(\w+\.)*conv1\.weight", name) and not re.search(r"layer\d", name)]
    if len(stems) != 1 or any(not name.startswith(stems[0]) for name in tensors):
        raise SystemExit(f"{path}: wanted the tensors of one network, `conv1`, `layer1` and so on: `cipherlab model import` writes them")
    renamed = {}
    for name, tensor in tensors.items():
        name = name.removeprefix(stems[0])
        for other, ours in OTHERS:
            name = re.sub(other, ours, name)
        renamed[name] = tensor
    if "bn1.running_mean" not in renamed:
        raise SystemExit(f"{path}: found no batch norm `bn1`, wanted it: training needs weights in which it is not folded")
    return renamed


def shape(path, tensors, stated):
    """The shape of a network: from its tensors, and from its card what they do not show."""
    blocks, widths = [], []
    while f"layer{len(blocks) + 1}.0.conv1.weight" in tensors:
        stage = f"layer{len(blocks) + 1}."
        blocks.append(len({name.split(".")[1] for name in tensors if name.startswith(stage)}))
        widths.append(len(tensors[f"{stage}0.conv1.weight"]))
    stem, channels = tensors["conv1.weight"].shape[:2]
    tensors.setdefault("fc.bias", torch.zeros(len(tensors["fc.weight"])))
    inputs = (stem, *widths)
    changed = [stage for stage, width in enumerate(widths) if stage > 0 or width != inputs[stage]]
    bare = [stage for stage in changed if f"layer{stage + 1}.0.downsample.0.weight" not in tensors]
    if bare and stated.get("shortcut") is None:
        raise SystemExit(f"{path}: found shortcuts without weights, wanted `shortcut` in the card: `cipherlab model import --shortcut FORM` writes it")
    mean, std = [tuple(stated.get(key, usual[:channels])) for key, usual in (("mean", MEAN), ("std", STD))]
    if len(mean) != channels or len(std) != channels:
        raise SystemExit(f"{path}: found {len(mean)} means and {len(std)} deviations in the card, wanted {channels}, one for each channel")
    eps = float(stated.get("bn_eps") or 1e-5)
    return Shape(tuple(blocks), tuple(widths), stem, channels, len(tensors["fc.weight"]), stated["shortcut"] if bare else None, eps, mean, std)


def kept(card):
    """The fields of a card that training does not change."""
    return {key: value for key, value in (card or {}).items() if key in ("mean", "std", "classes", "shortcut", "bn_eps") and value is not None}
