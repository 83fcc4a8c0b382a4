"""Checks that the weights can be read. They are used as they are, and encoded when they are multiplied."""
from network import HIDDEN, INPUTS, weights

first, second, constants = weights()
assert (len(first), len(first[0])) == (INPUTS + 1, HIDDEN), "the first layer"
assert (len(second), len(second[0]), len(constants)) == (HIDDEN, 10, 10), "the second layer"
