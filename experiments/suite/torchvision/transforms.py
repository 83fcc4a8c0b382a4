"""The one transform that drawing test images takes. Training ones are absent: the harness's model is not trained here."""
import numpy as np, torch


class ToTensor:
    """A picture of bytes as a tensor in [0, 1], planes first."""

    def __call__(self, picture):
        return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).float() / 255
