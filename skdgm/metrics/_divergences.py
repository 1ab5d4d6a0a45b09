"""Divergences between two fitted densities."""

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

    It is the loss in mean log-likelihood of a model q on rows drawn from p, relative to p itself.
    Swap the arguments for the other direction.

    Parameters
    ----------
    p : density estimator
        A fitted density.
    q : density estimator
        A fitted density of the same columns, discrete if and only if p is.
    n_samples : int, default=10_000
        Number of rows to draw, half from p and half from q, where no exact method is known.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness; exact methods use none.
    return_std : bool, default=False
        Whether to also return the standard error of the estimate.

    Returns
    -------
    divergence : float
        At least 0, in nats; inf if q has probability zero where p does not.
    std : float
        Its standard error: 0 if the method is exact. Only if ``return_std``.

    Raises
    ------
    ValueError
        If a density is not fitted, or the densities differ in columns or kind.

    See Also
    --------
    jensen_shannon : Symmetric and bounded divergence.
    log_likelihood_gap : Divergence from data to a density.

    Notes
    -----
    The divergence is exact for:

    - two normal distributions, by formula;
    - two Markov chains along the same scan, of any orders with dense conditional probabilities,
      including independent columns, by a recursion over the columns;
    - two trees, including chains of order 1 along any scans and independent columns, from pairs of
      columns;
    - two :class:`~skdgm.FullCategoricalDensity`, and one with ``alpha=0``, which lists all states
      of positive probability, as p with any discrete q;
    - any two discrete densities with up to ``2**20`` joint states, by enumeration.

    For other pairs it is estimated from rows drawn from both, by the mean of a nonnegative
    quantity. A category unknown to a density has probability zero under it.

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
    """Compute the Jensen-Shannon divergence ``(KL(p || m) + KL(q || m)) / 2``, ``m = (p + q) / 2``.

    It is symmetric: the information that one row gives about which of the two densities it was
    drawn from. Its square root is a distance, ``scipy.spatial.distance.jensenshannon``.

    Parameters
    ----------
    p : density estimator
        A fitted density.
    q : density estimator
        A fitted density of the same columns, discrete if and only if p is.
    n_samples : int, default=10_000
        Number of rows to draw, half from p and half from q, where no exact method is known.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness; exact methods use none.
    return_std : bool, default=False
        Whether to also return the standard error of the estimate.

    Returns
    -------
    divergence : float
        From 0 to ``log(2)``, in nats.
    std : float
        Its standard error: 0 if the method is exact. Only if ``return_std``.

    Raises
    ------
    ValueError
        If a density is not fitted, or the densities differ in columns or kind.

    See Also
    --------
    kullback_leibler : Mean loss in log-likelihood.

    Notes
    -----
    The divergence is exact for:

    - two normal distributions with one column or with the same covariance, by an integral along the
      direction in which they differ;
    - two :class:`~skdgm.FullCategoricalDensity`, and one with ``alpha=0`` with any discrete
      density;
    - any two discrete densities with up to ``2**20`` joint states.

    For other pairs it is estimated from rows drawn from both.

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
    """Compute the total variation distance, half the sum (or integral) of ``|p(x) - q(x)|``.

    It is the largest difference between the probabilities of any event under p and q.

    Parameters
    ----------
    p : density estimator
        A fitted density.
    q : density estimator
        A fitted density of the same columns, discrete if and only if p is.
    n_samples : int, default=10_000
        Number of rows to draw, half from p and half from q, where no exact method is known.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness; exact methods use none.
    return_std : bool, default=False
        Whether to also return the standard error of the estimate.

    Returns
    -------
    distance : float
        From 0 to 1.
    std : float
        Its standard error: 0 if the method is exact. Only if ``return_std``.

    Raises
    ------
    ValueError
        If a density is not fitted, or the densities differ in columns or kind.

    See Also
    --------
    hellinger : A related distance, known exactly for more pairs.

    Notes
    -----
    The distance is exact for the same pairs as :func:`jensen_shannon`.

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
        A fitted density of the same columns, discrete if and only if p is.
    n_samples : int, default=10_000
        Number of rows to draw, half from p and half from q, where no exact method is known.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness; exact methods use none.
    return_std : bool, default=False
        Whether to also return the standard error of the estimate.

    Returns
    -------
    distance : float
        From 0 to 1.
    std : float
        Its standard error: 0 if the method is exact. Only if ``return_std``.

    Raises
    ------
    ValueError
        If a density is not fitted, or the densities differ in columns or kind.

    See Also
    --------
    total_variation : Between ``h**2`` and ``sqrt(2) h``, where h is the Hellinger distance.

    Notes
    -----
    The distance is exact for the same pairs as :func:`kullback_leibler`, except that the edges of
    two trees together must form no cycle, and that a :class:`~skdgm.FullCategoricalDensity` with
    ``alpha=0`` may be p or q. The sum in the definition is the Bhattacharyya coefficient.

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
    if not isinstance(result, tuple):
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

    It is the variance of ``p(x) / q(x)`` over rows drawn from q, which says how poor q is as a
    proposal for importance sampling from p. Swap the arguments for the other direction.

    Parameters
    ----------
    p : density estimator
        A fitted density.
    q : density estimator
        A fitted density of the same columns, discrete if and only if p is.
    n_samples : int, default=10_000
        Number of rows to draw, half from p and half from q, where no exact method is known.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness; exact methods use none.
    return_std : bool, default=False
        Whether to also return the standard error of the estimate.

    Returns
    -------
    divergence : float
        At least 0; inf if q has probability zero where p does not or has much lighter tails, or if
        the number is too large for a float.
    std : float
        Its standard error: 0 if the method is exact. Only if ``return_std``.

    Raises
    ------
    ValueError
        If a density is not fitted, or the densities differ in columns or kind.

    See Also
    --------
    kullback_leibler : Divergence of at most ``log(1 + chi_square(p, q))``.

    Notes
    -----
    The divergence is exact for the same pairs as :func:`kullback_leibler`, except that the edges of
    two trees together must form no cycle. Estimates are rough if p and q are far apart: most of the
    sum then comes from a few rows, and rows that were never drawn may hold more of it, which the
    standard error does not show.

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
