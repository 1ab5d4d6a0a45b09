"""Equality of numbers that two computations found."""

from numpy.testing import assert_allclose


def assert_equal_to_rounding(actual, desired):
    """For results that the mathematics makes equal, but not the last bits of every machine.

    Linear algebra and compiled loops may add in another order for arrays that lie otherwise in
    memory, on another processor or in other threads.
    """
    assert_allclose(actual, desired, rtol=1e-10, atol=1e-10)
