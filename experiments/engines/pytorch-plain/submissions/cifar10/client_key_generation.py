"""Makes no keys: this engine encrypts nothing. The two folders stay empty."""
from places import folder

folder("public_keys")
folder("secret_key")
