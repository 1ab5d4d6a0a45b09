"""Small positive definite systems, one for each pattern of missing values.

Of a normal with loadings W and noise s2, the factors of a row are known from its observed columns o
by the matrix ``M = I + W_o' W_o / s2``.
"""

import numpy as np

from ._compile import kernel


@kernel(fastmath={"reassoc", "nsz", "contract"})
def factorise(products, noise, factor, log_det):
    """Fill lower triangles with ``factor factor' = I + P / noise``, and their log-determinants.

    A row of ``products`` holds the lower triangle of P, row by row.
    """
    n_factors = factor.shape[1]
    for pattern in range(len(factor)):
        lower = factor[pattern]
        place = 0
        total_log = 0.0
        for i in range(n_factors):
            for j in range(i):
                total = products[pattern, place + j] / noise
                for k in range(j):
                    total -= lower[i, k] * lower[j, k]
                lower[i, j] = total / lower[j, j]
            total = 1.0 + products[pattern, place + i] / noise
            for k in range(i):
                total -= lower[i, k] * lower[i, k]
            lower[i, i] = np.sqrt(total)
            lower[i, i + 1 :] = 0.0
            total_log += np.log(total)
            place += i + 1
        log_det[pattern] = total_log


@kernel(fastmath={"reassoc", "nsz", "contract"})
def solve(factor, pattern, right, out):
    """Solve ``factor[p] factor[p]' out[row] = right[row]`` with the row's pattern p."""
    n_factors = factor.shape[1]
    for row in range(len(right)):
        lower, x = factor[pattern[row]], out[row]
        for i in range(n_factors):
            total = right[row, i]
            for k in range(i):
                total -= lower[i, k] * x[k]
            x[i] = total / lower[i, i]
        for i in range(n_factors - 1, -1, -1):
            x[i] /= lower[i, i]
            for k in range(i):  # row by row, as the triangle lies in memory
                x[k] -= lower[i, k] * x[i]
