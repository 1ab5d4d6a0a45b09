"""The maximum mean discrepancy: a distance between two samples by a kernel."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_distances, pairwise_kernels

from .._tables import check_table
from .._validation import RandomState, check_generator, shown

BLOCK_CELLS = 2**22  # cells of the kernel matrix computed at once
HEURISTIC_ROWS = 1000  # most rows for the median distance
# Metric of each kernel that depends on a distance, and gamma from the median distance.
SCALES: dict[str, tuple[str, Callable[[float], float]]] = {
    "rbf": ("euclidean", lambda median: 1 / (2 * median**2)),
    "laplacian": ("manhattan", lambda median: 1 / median),
}


def maximum_mean_discrepancy(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    kernel: str | Callable = "rbf",
    gamma: float | None = None,
    n_permutations: int = 0,
    random_state: RandomState = None,
) -> float | tuple[float, float]:
    """Compute the squared maximum mean discrepancy of two samples, and test whether it is zero.

    It is the unbiased estimate of the squared distance between the mean embeddings of the two
    distributions, so it is near zero, and often negative, for samples of the same distribution.

    Parameters
    ----------
    X : array-like of shape (n_samples_X, n_features)
        One sample, for example observed rows.
    Y : array-like of shape (n_samples_Y, n_features)
        The other sample, for example rows drawn from a density.
    kernel : str or callable, default="rbf"
        Name of a kernel in :func:`sklearn.metrics.pairwise.pairwise_kernels`, or a function of two
        rows.
    gamma : float or None, default=None
        Parameter of the kernels that have one. None means the median heuristic for "rbf",
        ``1 / (2 median**2)`` of the Euclidean distances between all rows, and for "laplacian",
        ``1 / median`` of the Manhattan distances; for the others, scikit-learn's default. If there
        are more than 1,000 rows, the median is taken over a random 1,000 of them.
    n_permutations : int, default=0
        Number of random exchanges of rows between the samples, for a p-value; 0 means no p-value.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness for the permutations.

    Returns
    -------
    discrepancy : float
        The unbiased estimate of the squared discrepancy.
    p_value : float
        Share of the permutations, counting the given split as one, whose discrepancy is at least as
        large. Only if ``n_permutations`` is above 0.

    Raises
    ------
    ValueError
        If a sample has fewer than two rows, the columns differ, values are missing or a parameter
        is invalid.

    See Also
    --------
    kullback_leibler : Divergence between two densities.

    Notes
    -----
    Time is quadratic in the number of rows, but memory only linear: the kernel matrix is summed in
    blocks, once for all permutations.

    Columns should have comparable scales; see :class:`sklearn.preprocessing.StandardScaler`.

    References
    ----------
    .. [1] A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schoelkopf and A. Smola, "A Kernel
       Two-Sample Test", Journal of Machine Learning Research 13, 2012, Lemma 6.
    .. [2] B. Phipson and G. K. Smyth, "Permutation P-values Should Never Be Zero", Statistical
       Applications in Genetics and Molecular Biology 9(1), 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import GaussianDensity
    >>> from skdgm.metrics import maximum_mean_discrepancy
    >>> X = np.random.default_rng(0).exponential(size=(200, 1))
    >>> drawn = GaussianDensity().fit(X).sample(200, random_state=0)
    >>> discrepancy, p_value = maximum_mean_discrepancy(
    ...     X, drawn, n_permutations=99, random_state=0
    ... )
    >>> p_value < 0.05  # X is not normal
    True
    """
    X, Y = _check_samples(X, Y)
    _check_parameters(kernel, gamma, n_permutations)
    generator = check_generator(random_state)
    rows, n = np.concatenate([X, Y]), len(X)
    if gamma is None:
        gamma = _median_heuristic(rows, kernel)
    # One column per split of the rows, 1 where a row is in the first sample.
    split = np.zeros((len(rows), 1 + n_permutations))
    split[:n, 0] = 1
    for column in range(1, 1 + n_permutations):
        split[generator.permutation(len(rows))[:n], column] = 1
    values, scale = _unbiased(rows, split, kernel, gamma)
    if n_permutations == 0:
        return float(values[0])
    as_large = values[1:] >= values[0] - 1e-12 * scale  # equal splits differ by rounding
    return float(values[0]), float((1 + np.count_nonzero(as_large)) / (1 + n_permutations))


def _unbiased(
    rows: np.ndarray, split: np.ndarray, kernel: str | Callable, gamma: float | None
) -> tuple[np.ndarray, float]:
    """Return the estimate for each split, from sums over the kernel matrix without its diagonal.

    The second value is the mean absolute value of the matrix's cells.
    """
    parameters = {} if gamma is None or callable(kernel) else {"gamma": gamma}
    within_x, from_x, total, size = 0.0, 0.0, 0.0, 0.0
    n_rows = max(1, BLOCK_CELLS // len(rows))
    for start in range(0, len(rows), n_rows):
        block = slice(start, start + n_rows)
        cells = pairwise_kernels(rows[block], rows, metric=kernel, filter_params=True, **parameters)
        own = np.arange(len(cells))
        cells[own, start + own] = 0.0
        sums = cells.sum(axis=1)
        within_x = within_x + np.einsum("ij,ij->j", cells @ split, split[block])
        from_x = from_x + sums @ split[block]
        total += float(sums.sum())
        size += float(np.abs(cells).sum())
    n = split[:, 0].sum()
    m = len(rows) - n
    between = from_x - within_x
    within_y = total - from_x - between
    values = within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2 * between / (n * m)
    return values, size / len(rows) ** 2


def _median_heuristic(rows: np.ndarray, kernel: str | Callable) -> float | None:
    if callable(kernel) or kernel not in SCALES:
        return None
    metric, gamma = SCALES[kernel]
    if len(rows) > HEURISTIC_ROWS:
        rows = rows[np.random.default_rng(0).choice(len(rows), HEURISTIC_ROWS, replace=False)]
    distance = pairwise_distances(rows, metric=metric)[np.triu_indices(len(rows), 1)]
    median = float(np.median(distance))
    if median == 0:  # most rows are equal: use the distances between rows that differ
        median = float(np.median(distance[distance > 0])) if distance.any() else 1.0
    return gamma(median)


def _check_samples(X: ArrayLike, Y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    checked = [
        check_table(sample, name, dtype=np.float64, ensure_min_samples=2)
        for sample, name in ((X, "X"), (Y, "Y"))
    ]
    if checked[0].shape[1] != checked[1].shape[1]:
        raise ValueError(
            f"X and Y must have the same columns, but X has {checked[0].shape[1]} and Y has "
            f"{checked[1].shape[1]}."
        )
    return checked[0], checked[1]


def _check_parameters(kernel: str | Callable, gamma: float | None, n_permutations: int) -> None:
    if not callable(kernel) and (
        not isinstance(kernel, str) or kernel not in PAIRWISE_KERNEL_FUNCTIONS
    ):
        raise ValueError(
            f"kernel must be a function of two rows or one of {sorted(PAIRWISE_KERNEL_FUNCTIONS)}, "
            f"got {shown(kernel)}."
        )
    if gamma is not None and (
        isinstance(gamma, bool) or not isinstance(gamma, Real) or not 0 < gamma < np.inf
    ):
        raise ValueError(f"gamma must be a number above 0, or None, got {shown(gamma)}.")
    if (
        isinstance(n_permutations, bool)
        or not isinstance(n_permutations, Integral)
        or n_permutations < 0
    ):
        raise ValueError(
            f"n_permutations must be 0 or a larger integer, got {shown(n_permutations)}."
        )
