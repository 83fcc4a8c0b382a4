"""Checks that the weights can be read. They are used as they are, and encoded when they are multiplied."""
from network import HIDDEN, INPUTS, weights

first, first_constants, second, second_constants = weights()
assert (len(first), len(first[0]), len(first_constants)) == (INPUTS, HIDDEN, HIDDEN), "the first layer"
assert (len(second), len(second[0]), len(second_constants)) == (HIDDEN, 10, 10), "the second layer"
