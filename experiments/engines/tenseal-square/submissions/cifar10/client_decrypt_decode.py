"""Decrypts the logits of each image."""
import numpy as np
import tenseal
from places import folder, numbered

context = tenseal.context_from((folder("secret_key") / "context.bin").read_bytes())
files = numbered(folder("ciphertexts_download"))
logits = [tenseal.ckks_vector_from(context, file.read_bytes()).decrypt()[:10] for file in files]
np.save(folder("intermediate") / "logits.npy", np.array(logits))
