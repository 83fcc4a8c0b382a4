"""Turns the images into the network's inputs, in the clear."""
import numpy as np
from network import normalised
from places import folder, images

np.save(folder("intermediate") / "inputs.npy", np.stack([normalised(image) for image in images()]))
