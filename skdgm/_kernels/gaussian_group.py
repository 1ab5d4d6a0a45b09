"""Normals side by side: distances to all means in one pass, which stays with deviations.

A product of matrices for ``x'x - 2 x'm + m'm`` is no quicker, and cancels where means lie far from
each other beside the variance.
"""

import numpy as np

from ._compile import kernel


@kernel(fastmath={"reassoc", "nsz", "contract"})
def log_prob_independent(X, mean, precision, log_factor, out):
    """``out[row, c] = sum_j log_factor[c, j] - precision[c, j] (x_j - mean[c, j])**2 / 2``.

    A value that is NaN adds nothing. Two rows at a time share what is loaded of the means; past the
    end the last row is done again.
    """
    n_rows, n_columns = X.shape
    for row_0 in range(0, n_rows, 2):
        row_1 = min(row_0 + 1, n_rows - 1)
        for c in range(len(mean)):
            total_0, total_1 = 0.0, 0.0
            for j in range(n_columns):
                m, p, factor = mean[c, j], 0.5 * precision[c, j], log_factor[c, j]
                y_0, y_1 = X[row_0, j] - m, X[row_1, j] - m
                total_0 += 0.0 if np.isnan(y_0) else factor - y_0 * y_0 * p
                total_1 += 0.0 if np.isnan(y_1) else factor - y_1 * y_1 * p
            out[row_0, c], out[row_1, c] = total_0, total_1


@kernel(fastmath={"reassoc", "nsz", "contract"})
def squared_distances(Z, mean, out):
    """``out[row, c] = |z - mean[c]|**2``."""
    n_rows, n_columns = Z.shape
    for row in range(n_rows):
        for c in range(len(mean)):
            total = 0.0
            for j in range(n_columns):
                y = Z[row, j] - mean[c, j]
                total += y * y
            out[row, c] = total


@kernel(fastmath={"reassoc", "nsz", "contract"})
def add_squares(X, weight, mean, squares):
    """``squares[c, j] += sum_rows weight[row, c] (x_j - mean[c, j])**2``, NaN aside.

    Four rows at a time, as the sums are then read and written once.
    """
    n_rows, n_columns = X.shape
    for row_0 in range(0, n_rows, 4):
        row_1, row_2 = min(row_0 + 1, n_rows - 1), min(row_0 + 2, n_rows - 1)
        row_3 = min(row_0 + 3, n_rows - 1)
        for c in range(len(mean)):
            w_0 = weight[row_0, c]  # past the end the last row comes again, with no weight
            w_1 = weight[row_1, c] if row_0 + 1 < n_rows else 0.0
            w_2 = weight[row_2, c] if row_0 + 2 < n_rows else 0.0
            w_3 = weight[row_3, c] if row_0 + 3 < n_rows else 0.0
            for j in range(n_columns):
                y_0, y_1 = X[row_0, j] - mean[c, j], X[row_1, j] - mean[c, j]
                y_2, y_3 = X[row_2, j] - mean[c, j], X[row_3, j] - mean[c, j]
                square_0 = 0.0 if np.isnan(y_0) else w_0 * (y_0 * y_0)
                square_1 = 0.0 if np.isnan(y_1) else w_1 * (y_1 * y_1)
                square_2 = 0.0 if np.isnan(y_2) else w_2 * (y_2 * y_2)
                square_3 = 0.0 if np.isnan(y_3) else w_3 * (y_3 * y_3)
                squares[c, j] += (square_0 + square_1) + (square_2 + square_3)


@kernel(fastmath={"reassoc", "nsz", "contract"})
def expected_deviations(X, weight, mean, root_weight, deviation):
    """Divide each row's weights by the root of their sum t, and sum its deviations with them.

    With ``v_c = w_c / sqrt(t)``, ``deviation = sum_c v_c (x - mean[c])``.
    """
    n_rows, n_columns = X.shape
    k = len(mean)
    for row in range(n_rows):
        total = 0.0
        for c in range(k):
            total += weight[row, c]
        scale = 1.0 / np.sqrt(total) if total > 0.0 else 0.0
        deviation[row] = 0.0
        for c in range(k):
            v = weight[row, c] * scale
            root_weight[row, c] = v
            for j in range(n_columns):
                deviation[row, j] += v * (X[row, j] - mean[c, j])
