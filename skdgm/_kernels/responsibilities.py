"""The rows of ``log p(x, z)`` turned into ``p(z | x)``, around the exponentials of NumPy."""

import numpy as np

from ._compile import kernel


@kernel
def subtract_largest(log_joint, largest):
    """Take the largest of each row, unless that is -inf, from all its entries, and keep it."""
    n_rows, k = log_joint.shape
    for row in range(n_rows):
        best = log_joint[row, 0]
        for c in range(1, k):
            best = max(best, log_joint[row, c])
        largest[row] = best
        if best > -np.inf:
            for c in range(k):
                log_joint[row, c] -= best


@kernel
def normalise(shares, otherwise, total):
    """Divide each row by its total; a row of zeros becomes ``otherwise``."""
    n_rows, k = shares.shape
    for row in range(n_rows):
        own = 0.0
        for c in range(k):
            own += shares[row, c]
        total[row] = own
        for c in range(k):
            shares[row, c] = shares[row, c] / own if own > 0.0 else otherwise[c]
