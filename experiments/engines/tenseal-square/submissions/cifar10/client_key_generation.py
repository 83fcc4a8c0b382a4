"""Makes the keys. The server's part holds no secret key; this program checks it."""
import sys

import tenseal
from places import folder

# 128 bits of security: ternary secrets, log Q = 180 of 218 at N = 8192 (the Homomorphic Encryption Standard of 2018). The
# library refuses parameters below. Two products of matrices and a square take three of the primes of 30 bits.
CONTEXT = {"poly_modulus_degree": 8192, "coeff_mod_bit_sizes": [45, 30, 30, 30, 45]}

context = tenseal.context(tenseal.SCHEME_TYPE.CKKS, **CONTEXT)
context.global_scale = 2**30
context.generate_galois_keys()
context.generate_relin_keys()
secret = context.serialize(save_secret_key=True, save_galois_keys=False, save_relin_keys=False)
public = context.serialize(save_secret_key=False)
if tenseal.context_from(public).is_private():
    sys.exit("the public keys hold the secret key")
(folder("secret_key") / "context.bin").write_bytes(secret)
(folder("public_keys") / "context.bin").write_bytes(public)
