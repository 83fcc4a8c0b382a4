"""Encrypts the inputs of each image in a ciphertext."""
import numpy as np
import tenseal
from places import folder

context = tenseal.context_from((folder("public_keys") / "context.bin").read_bytes())
for number, inputs in enumerate(np.load(folder("intermediate") / "inputs.npy")):
    ciphertext = tenseal.ckks_vector(context, inputs.tolist())
    (folder("ciphertexts_upload") / f"{number}.bin").write_bytes(ciphertext.serialize())
