"""CIFAR-10 as the harness asks for it."""
import json, os, pathlib
import numpy as np


class CIFAR10:
    """The images of the training or the test batches, in their official order. `root` and `download` are not used."""

    def __init__(self, root, train=True, download=False, transform=None):
        folder = pathlib.Path(os.environ["CIPHERLAB_CIFAR10"])
        names = [f"data_batch_{i}" for i in range(1, 6)] if train else ["test_batch"]
        if (folder / "test_batch.bin").exists():
            raw = np.concatenate([np.fromfile(folder / f"{name}.bin", np.uint8).reshape(-1, 3073) for name in names])
            self.labels, self.pictures = raw[:, 0].tolist(), raw[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        else:
            from PIL import Image
            Image.MAX_IMAGE_PIXELS = None
            strips = [np.array(Image.open(folder / f"{name}.png")).reshape(-1, 32, 32, 3) for name in names]
            labels = "train_lables.json" if train else "test_lables.json"
            self.labels, self.pictures = json.loads((folder / labels).read_text()), np.concatenate(strips)
        assert len(self.labels) == len(self.pictures)
        self.transform = transform or (lambda picture: picture)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.transform(self.pictures[index]), int(self.labels[index])
