"""Equality of the results of two computations."""

from numpy.testing import assert_allclose


def assert_equal_to_rounding(actual, desired):
    """Assert that results are equal but for the last bits.

    Linear algebra and compiled loops may add in another order on another processor, in other
    threads, or for arrays with another layout.
    """
    assert_allclose(actual, desired, rtol=1e-10, atol=1e-10)
