"""Encrypts the inputs of each image in a ciphertext, and a 1 for the constants of the first layer."""
import numpy as np
import tenseal
from places import folder

context = tenseal.context_from((folder("public_keys") / "context.bin").read_bytes())
for number, inputs in enumerate(np.load(folder("intermediate") / "inputs.npy")):
    ciphertext = tenseal.ckks_vector(context, [*inputs.tolist(), 1.0])
    (folder("ciphertexts_upload") / f"{number}.bin").write_bytes(ciphertext.serialize())
