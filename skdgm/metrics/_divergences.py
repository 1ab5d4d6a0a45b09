"""Divergences between two fitted densities, as functions."""

from __future__ import annotations

import math

from .._validation import RandomState
from ..density import BaseDensity
from ._compute import compute
from ._terms import (
    CHI_SQUARE,
    JENSEN_SHANNON,
    KULLBACK_LEIBLER,
    SQUARED_HELLINGER,
    TOTAL_VARIATION,
)


def kullback_leibler(
    p: BaseDensity,
    q: BaseDensity,
    *,
    n_samples: int = 10_000,
    random_state: RandomState = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    """Compute the Kullback-Leibler divergence ``KL(p || q) = E_p[log p(x) - log q(x)]``.

    It is what a model q loses in mean log-likelihood on rows of p, beside p itself. Exchange the
    arguments for the other direction.

    Parameters
    ----------
    p : density estimator
        A fitted density.
    q : density estimator
        A fitted density of the same columns, discrete if p is.
    n_samples : int, default=10_000
        How many rows to draw, half of them from p and half from q, where no exact method is known.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness; exact methods use none.
    return_std : bool, default=False
        Whether to return the standard error of the estimate besides.

    Returns
    -------
    divergence : float
        At least 0, in nats; inf if q rules out what p allows.
    std : float
        Its standard error: 0 if the method is exact. Only if ``return_std``.

    Raises
    ------
    ValueError
        If a density is not fitted, or both are not of the same columns and kind.

    See Also
    --------
    jensen_shannon : Symmetric and bounded.
    log_likelihood_gap : From data to a density.

    Notes
    -----
    Exact are:

    - two normal distributions, by formula;
    - two Markov chains along the same scan, of any orders whose tables are dense, independent
      columns among them, by a recursion over the columns;
    - two trees, chains of order 1 along any scans and independent columns among them, from the
      pairs of columns;
    - a :class:`~skdgm.FullCategoricalDensity` beside another, and one with ``alpha=0``, which
      lists what it allows, as p beside any discrete q;
    - any two discrete densities of up to ``2**20`` joint states, by their enumeration.

    Other pairs are estimated from rows drawn from both, by the mean of a quantity that is never
    negative. A category that a density does not know has probability zero under it.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", Wiley, 2006, section 2.3.

    Examples
    --------
    >>> from skdgm import BernoulliIndependentDensity
    >>> from skdgm.metrics import kullback_leibler
    >>> tosses = [[0], [0], [0], [1]]
    >>> coin = BernoulliIndependentDensity(alpha=0).fit(tosses)
    >>> fair = BernoulliIndependentDensity(bounds=(0.5, 0.5)).fit(tosses)
    >>> round(kullback_leibler(coin, fair), 4), round(kullback_leibler(fair, coin), 4)
    (0.1308, 0.1438)
    """
    return compute(KULLBACK_LEIBLER, p, q, n_samples, random_state, return_std)


def jensen_shannon(
    p: BaseDensity,
    q: BaseDensity,
    *,
    n_samples: int = 10_000,
    random_state: RandomState = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    """Compute the Jensen-Shannon divergence: ``(KL(p || m) + KL(q || m)) / 2``, m their mean.

    It is what one row tells about which of the two it was drawn from, and symmetric. Its square
    root is a distance, ``scipy.spatial.distance.jensenshannon``.

    Parameters
    ----------
    p : density estimator
        A fitted density.
    q : density estimator
        A fitted density of the same columns, discrete if p is.
    n_samples : int, default=10_000
        How many rows to draw, half of them from p and half from q, where no exact method is known.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness; exact methods use none.
    return_std : bool, default=False
        Whether to return the standard error of the estimate besides.

    Returns
    -------
    divergence : float
        From 0 to ``log(2)``, in nats.
    std : float
        Its standard error: 0 if the method is exact. Only if ``return_std``.

    Raises
    ------
    ValueError
        If a density is not fitted, or both are not of the same columns and kind.

    See Also
    --------
    kullback_leibler : The mean loss in log-likelihood.

    Notes
    -----
    Exact are:

    - two normal distributions of one column or of the same covariance, by an integral along the
      direction in which they differ;
    - a :class:`~skdgm.FullCategoricalDensity` beside another, and one with ``alpha=0`` beside any
      discrete density;
    - any two discrete densities of up to ``2**20`` joint states.

    Other pairs are estimated from rows drawn from both.

    References
    ----------
    .. [1] J. Lin, "Divergence Measures Based on the Shannon Entropy", IEEE Transactions on
       Information Theory 37(1), 1991.

    Examples
    --------
    >>> from skdgm import BernoulliIndependentDensity
    >>> from skdgm.metrics import jensen_shannon
    >>> heads = BernoulliIndependentDensity(alpha=0).fit([[1], [1]])
    >>> tails = BernoulliIndependentDensity(alpha=0).fit([[0], [0]])
    >>> round(jensen_shannon(heads, tails), 4)
    0.6931
    """
    return compute(JENSEN_SHANNON, p, q, n_samples, random_state, return_std)


def total_variation(
    p: BaseDensity,
    q: BaseDensity,
    *,
    n_samples: int = 10_000,
    random_state: RandomState = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    """Compute the total variation distance: half the sum (or integral) of ``|p(x) - q(x)|``.

    It is the largest difference between the probabilities that p and q give to any event.

    Parameters
    ----------
    p : density estimator
        A fitted density.
    q : density estimator
        A fitted density of the same columns, discrete if p is.
    n_samples : int, default=10_000
        How many rows to draw, half of them from p and half from q, where no exact method is known.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness; exact methods use none.
    return_std : bool, default=False
        Whether to return the standard error of the estimate besides.

    Returns
    -------
    distance : float
        From 0 to 1.
    std : float
        Its standard error: 0 if the method is exact. Only if ``return_std``.

    Raises
    ------
    ValueError
        If a density is not fitted, or both are not of the same columns and kind.

    See Also
    --------
    hellinger : Close to it, and known exactly for more pairs.

    Notes
    -----
    Exact for the pairs for which :func:`jensen_shannon` is.

    References
    ----------
    .. [1] A. B. Tsybakov, "Introduction to Nonparametric Estimation", Springer, 2009, section 2.4.

    Examples
    --------
    >>> from skdgm import BernoulliIndependentDensity
    >>> from skdgm.metrics import total_variation
    >>> coin = BernoulliIndependentDensity(alpha=0).fit([[0], [0], [0], [1]])
    >>> fair = BernoulliIndependentDensity(alpha=0).fit([[0], [1]])
    >>> total_variation(coin, fair)
    0.25
    """
    return compute(TOTAL_VARIATION, p, q, n_samples, random_state, return_std)


def hellinger(
    p: BaseDensity,
    q: BaseDensity,
    *,
    n_samples: int = 10_000,
    random_state: RandomState = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    """Compute the Hellinger distance ``sqrt(1 - sum_x sqrt(p(x) q(x)))``.

    Parameters
    ----------
    p : density estimator
        A fitted density.
    q : density estimator
        A fitted density of the same columns, discrete if p is.
    n_samples : int, default=10_000
        How many rows to draw, half of them from p and half from q, where no exact method is known.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness; exact methods use none.
    return_std : bool, default=False
        Whether to return the standard error of the estimate besides.

    Returns
    -------
    distance : float
        From 0 to 1.
    std : float
        Its standard error: 0 if the method is exact. Only if ``return_std``.

    Raises
    ------
    ValueError
        If a density is not fitted, or both are not of the same columns and kind.

    See Also
    --------
    total_variation : Lies from ``h**2`` to ``sqrt(2) h``.

    Notes
    -----
    Exact for the pairs for which :func:`kullback_leibler` is, but of two trees only if their edges
    together make no cycle; a full table with ``alpha=0`` may be p or q. The sum in the definition
    is the Bhattacharyya coefficient.

    References
    ----------
    .. [1] A. B. Tsybakov, "Introduction to Nonparametric Estimation", Springer, 2009, section 2.4.

    Examples
    --------
    >>> from skdgm import BernoulliIndependentDensity
    >>> from skdgm.metrics import hellinger
    >>> heads = BernoulliIndependentDensity(alpha=0).fit([[1], [1]])
    >>> fair = BernoulliIndependentDensity(alpha=0).fit([[0], [1]])
    >>> round(hellinger(heads, fair) ** 2, 4)  # 1 - sqrt(1/2)
    0.2929
    """
    result = compute(SQUARED_HELLINGER, p, q, n_samples, random_state, return_std)
    if not return_std:
        return math.sqrt(result)
    distance = math.sqrt(result[0])
    return distance, result[1] / (2 * distance) if distance > 0 else 0.0


def chi_square(
    p: BaseDensity,
    q: BaseDensity,
    *,
    n_samples: int = 10_000,
    random_state: RandomState = None,
    return_std: bool = False,
) -> float | tuple[float, float]:
    """Compute the chi-square divergence ``sum_x (p(x) - q(x))**2 / q(x)``.

    It is the variance of ``p(x) / q(x)`` over rows of q, and so tells how badly q serves to weigh
    rows for p. Exchange the arguments for the other direction.

    Parameters
    ----------
    p : density estimator
        A fitted density.
    q : density estimator
        A fitted density of the same columns, discrete if p is.
    n_samples : int, default=10_000
        How many rows to draw, half of them from p and half from q, where no exact method is known.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness; exact methods use none.
    return_std : bool, default=False
        Whether to return the standard error of the estimate besides.

    Returns
    -------
    divergence : float
        At least 0; inf if q rules out what p allows or has much lighter tails, or where a float
        cannot hold the number.
    std : float
        Its standard error: 0 if the method is exact. Only if ``return_std``.

    Raises
    ------
    ValueError
        If a density is not fitted, or both are not of the same columns and kind.

    See Also
    --------
    kullback_leibler : At most ``log(1 + chi_square(p, q))``.

    Notes
    -----
    Exact for the pairs for which :func:`kullback_leibler` is, but of two trees only if their edges
    together make no cycle. Estimates are rough where p and q are
    far apart: a few rows then make up most of the sum, and more of it than was drawn may be
    missing, which the standard error does not tell.

    References
    ----------
    .. [1] A. B. Tsybakov, "Introduction to Nonparametric Estimation", Springer, 2009, section 2.4.

    Examples
    --------
    >>> from skdgm import BernoulliIndependentDensity
    >>> from skdgm.metrics import chi_square
    >>> coin = BernoulliIndependentDensity(alpha=0).fit([[0], [0], [0], [1]])
    >>> fair = BernoulliIndependentDensity(alpha=0).fit([[0], [1]])
    >>> round(chi_square(coin, fair), 4)
    0.25
    """
    return compute(CHI_SQUARE, p, q, n_samples, random_state, return_std)
