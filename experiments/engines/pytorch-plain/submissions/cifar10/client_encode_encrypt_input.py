"""Sends the inputs as they are: this engine encrypts nothing."""
import shutil

from places import folder

shutil.copy(folder("intermediate") / "inputs.npy", folder("ciphertexts_upload") / "inputs.npy")
