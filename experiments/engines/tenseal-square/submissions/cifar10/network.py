"""The network of this engine: squares of linear forms, and linear forms of these."""
import pathlib

import numpy as np

# Means of 2 x 2 pixels: three planes of 16 x 16.
INPUTS = 3 * 16 * 16
HIDDEN = 64
MEAN = np.array([0.4914, 0.4822, 0.4465])
DEVIATION = np.array([0.2023, 0.1994, 0.2010])


def normalised(pixels):
    """The inputs for an image of 3072 numbers from 0 to 1: means of 2 x 2 pixels, less the data's mean, over its deviation."""
    means = np.asarray(pixels).reshape(3, 16, 2, 16, 2).mean(axis=(2, 4))
    return ((means - MEAN[:, None, None]) / DEVIATION[:, None, None]).reshape(-1)


def weights():
    """The two matrices, inputs by outputs, and the constants of the second, as lists of floats.

    The last row of the first matrix holds its constants, for a last input of 1: TenSEAL adds a plain vector to the first slots of
    a ciphertext only, and its product with a matrix reads slots behind them too.
    """
    stored = np.load(pathlib.Path(__file__).resolve().with_name("weights.npz"))
    floats = lambda name: stored[name].astype(np.float64)
    first = np.vstack([floats("first_weight").T, floats("first_bias")])
    return first.tolist(), floats("second_weight").T.tolist(), floats("second_bias").tolist()
