"""Normalises the images."""
import numpy as np
from places import folder, images

MEAN = (0.4914, 0.4822, 0.4465)
DEVIATION = (0.2023, 0.1994, 0.2010)

pixels = np.array(images(), dtype=np.float64).reshape(-1, 3, 32, 32)
mean, deviation = (np.array(values)[:, None, None] for values in (MEAN, DEVIATION))
np.save(folder("intermediate") / "inputs.npy", ((pixels - mean) / deviation).astype(np.float32))
