"""Rubin's rules: one estimate, with its standard error, from those of several completed tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._tables import import_pandas
from .._validation import shown

if TYPE_CHECKING:
    import pandas as pd

NEGLIGIBLE = 1e-12  # share of a variance that rounding may leave between equal tables


@dataclass(frozen=True, eq=False)
class PooledEstimate:
    """Estimates of k parameters that are pooled over several completed tables.

    :func:`pool_estimates` and :meth:`MultipleImputer.pool` make it. It prints as a table.

    Parameters
    ----------
    names : list of str
        Names of the parameters.
    estimate : ndarray of shape (k,)
        Mean of the estimates.
    within : ndarray of shape (k, k)
        Mean of the covariances of the estimates, within tables.
    between : ndarray of shape (k, k)
        Covariance of the estimates between tables.
    n_imputations : int
        Number of tables.
    degrees_of_freedom_complete : ndarray of shape (k,)
        Degrees of freedom that the estimates would have without missing values.

    Examples
    --------
    >>> from skdgm import pool_estimates
    >>> pool_estimates([10.0, 11.0, 12.0], [1.0, 1.1, 0.9], degrees_of_freedom=50)
        estimate  std error  df   low   high  p value  missing
    x0     11.00       1.53   5  7.00  15.00    0.001    0.682
    """

    names: list[str]
    estimate: np.ndarray
    within: np.ndarray
    between: np.ndarray
    n_imputations: int
    degrees_of_freedom_complete: np.ndarray

    @property
    def covariance(self) -> np.ndarray:
        """Total covariance of the estimates, ``within + (1 + 1 / m) between``."""
        return self.within + (1 + 1 / self.n_imputations) * self.between

    @property
    def standard_error(self) -> np.ndarray:
        """Standard error of each estimate."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def _share_between(self) -> np.ndarray:
        """Share of the total variance that is due to missing values."""
        extra = (1 + 1 / self.n_imputations) * np.diag(self.between)
        total = np.diag(self.covariance)
        share = np.divide(extra, total, out=np.zeros(len(total)), where=total > 0)
        return np.where(share > NEGLIGIBLE, share, 0.0)

    @property
    def relative_increase(self) -> np.ndarray:
        """Increase of the variance of each estimate by missing values, relative to ``within``."""
        share = self._share_between
        return np.divide(share, 1 - share, out=np.full(len(share), np.inf), where=share < 1)

    @property
    def degrees_of_freedom(self) -> np.ndarray:
        """Degrees of freedom of each estimate, by Barnard and Rubin (1999)."""
        share, complete = self._share_between, self.degrees_of_freedom_complete
        varies = share > 0
        infinite = np.isinf(complete)
        known = np.where(infinite, 1.0, complete)
        observed = np.where(infinite, np.inf, (known + 1) / (known + 3) * known * (1 - share))
        with np.errstate(divide="ignore"):
            of_tables = (self.n_imputations - 1) / np.where(varies, share, 1.0) ** 2
            both = 1 / (1 / of_tables + 1 / observed)
        return np.where(varies, both, complete)

    @property
    def fraction_missing(self) -> np.ndarray:
        """Fraction of the information about each parameter that is missing."""
        share, df = self._share_between, self.degrees_of_freedom
        # (r + 2 / (df + 3)) / (1 + r) with r / (1 + r) = share, which may be 1
        return np.where(share > 0, share + 2 / (df + 3) * (1 - share), 0.0)

    @property
    def p_value(self) -> np.ndarray:
        """Two-sided p-value of each parameter being zero, by the t distribution."""
        from scipy import stats

        size, error, df = np.abs(self.estimate), self.standard_error, self.degrees_of_freedom
        t = np.divide(size, error, out=np.where(size > 0, np.inf, 0.0), where=error > 0)
        return np.where(df > 0, 2 * stats.t.sf(t, np.where(df > 0, df, 1.0)), 1.0)

    def confidence_interval(self, level: float = 0.95) -> np.ndarray:
        """Return the confidence interval of each parameter, by the t distribution.

        Parameters
        ----------
        level : float, default=0.95
            Probability that an interval holds the parameter, between 0 and 1.

        Returns
        -------
        interval : ndarray of shape (k, 2)
            Lower and upper ends; infinite ones where no degree of freedom is left.
        """
        from scipy import stats

        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {shown(level)}.")
        df = self.degrees_of_freedom
        quantile = stats.t.ppf((1 + level) / 2, np.where(df > 0, df, 1.0))
        reach = np.where(df > 0, quantile * self.standard_error, np.inf)
        return np.column_stack([self.estimate - reach, self.estimate + reach])

    def to_frame(self) -> pd.DataFrame:
        """Return a frame with a row for each parameter.

        Returns
        -------
        frame : DataFrame
            The columns "estimate", "standard_error", "degrees_of_freedom", "low" and "high" (of the
            95 % confidence interval), "p_value" and "fraction_missing".
        """
        pd = import_pandas("PooledEstimate.to_frame")
        return pd.DataFrame(self._columns, index=pd.Index(self.names, name="parameter"))

    @property
    def _columns(self) -> dict[str, np.ndarray]:
        low, high = self.confidence_interval().T
        return {
            "estimate": self.estimate,
            "standard_error": self.standard_error,
            "degrees_of_freedom": self.degrees_of_freedom,
            "low": low,
            "high": high,
            "p_value": self.p_value,
            "fraction_missing": self.fraction_missing,
        }

    def __repr__(self) -> str:
        heads = ["", "estimate", "std error", "df", "low", "high", "p value", "missing"]
        rows = [heads]
        for name, *numbers in zip(self.names, *self._columns.values(), strict=True):
            estimate, error, df, low, high, p, missing = map(float, numbers)
            digits = 2 if not error > 0 else max(0, 2 - int(np.floor(np.log10(error))))
            decimals = [f"{x:.{digits}f}" for x in (estimate, error, low, high)]
            of_df = "inf" if np.isinf(df) else f"{df:.0f}"
            rows.append([name, *decimals[:2], of_df, *decimals[2:], f"{p:.2g}", f"{missing:.3f}"])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return "\n".join(lines)


def pool_estimates(
    estimates: ArrayLike,
    variances: ArrayLike,
    degrees_of_freedom: ArrayLike = np.inf,
    names: Sequence[str] | None = None,
) -> PooledEstimate:
    """Pool the estimates from several completed tables by Rubin's rules.

    With m tables, estimates q_i and variances u_i, the pooled estimate is their mean, of the
    variance ``T = W + (1 + 1/m) B``: W is the mean of the u_i and B the variance of the q_i [1]_.
    Degrees of freedom follow Barnard and Rubin [2]_.

    Parameters
    ----------
    estimates : array-like of shape (m,) or (m, k)
        The estimates of one or k parameters from each table.
    variances : array-like of shape (m,), (m, k) or (m, k, k)
        Their variances, or covariance matrices.
    degrees_of_freedom : float or array-like of shape (k,), default=inf
        Degrees of freedom of the estimates where nothing is missing.
    names : sequence of str or None, default=None
        Names of the parameters; None calls them x0, x1, ...

    Returns
    -------
    pooled : PooledEstimate
        The estimates, with standard errors, intervals and fractions of missing information.

    Raises
    ------
    ValueError
        If there are fewer than two tables, or shapes or values fit no estimates.

    References
    ----------
    .. [1] D. B. Rubin, "Multiple Imputation for Nonresponse in Surveys", Wiley, 1987.
    .. [2] J. Barnard and D. B. Rubin, "Small-sample Degrees of Freedom with Multiple Imputation",
       Biometrika 86(4), 1999.

    Examples
    --------
    >>> from skdgm import pool_estimates
    >>> pooled = pool_estimates([2.0, 2.5, 3.0], [0.04, 0.05, 0.06])
    >>> pooled.standard_error.round(3), pooled.degrees_of_freedom.round(1)
    (array([0.619]), array([2.6]))
    """
    q, u = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    q = q[:, np.newaxis] if q.ndim == 1 else q
    u = u[:, np.newaxis] if u.ndim == 1 else u
    if q.ndim != 2 or len(q) < 2:
        raise ValueError(
            "estimates must hold those of at least two completed tables, as an array of shape (m,) "
            f"or (m, k); got the shape {np.shape(estimates)}."
        )
    m, k = q.shape
    if u.shape == (m, k):
        u = u[:, :, np.newaxis] * np.eye(k)
    if u.shape != (m, k, k):
        raise ValueError(
            f"variances must have the shape {(m, k)} or {(m, k, k)} for estimates of the shape "
            f"{(m, k)}, got {np.shape(variances)}."
        )
    if not (np.isfinite(q).all() and np.isfinite(u).all()):
        raise ValueError("estimates and variances must be finite numbers, got NaN or infinity.")
    if (np.diagonal(u, axis1=1, axis2=2) < 0).any():
        raise ValueError("variances must not be negative.")
    df = np.asarray(degrees_of_freedom, dtype=np.float64)
    if df.shape not in ((), (1,), (k,)):
        raise ValueError(
            f"degrees_of_freedom must be a number or have the shape {(k,)}, got {df.shape}."
        )
    df = np.broadcast_to(df, (k,))
    if not (df > 0).all():
        raise ValueError(f"degrees_of_freedom must be positive, got {shown(degrees_of_freedom)}.")
    own = [f"x{place}" for place in range(k)] if names is None else list(map(str, names))
    if len(own) != k:
        raise ValueError(f"names must name the {k} parameters, got {len(own)}.")
    between = np.atleast_2d(np.cov(q, rowvar=False))
    return PooledEstimate(own, q.mean(axis=0), u.mean(axis=0), between, m, df)


def read_analysis(result: Any) -> tuple[list[str] | None, np.ndarray, np.ndarray, np.ndarray]:
    """Read what an analysis of a completed table returns: names, estimates, variances and df."""
    if not isinstance(result, tuple) or len(result) != 3:
        raise TypeError(
            "analysis must return a tuple (estimate, variance, degrees of freedom) for a completed "
            f"table, got {type(result).__name__}."
        )
    estimate, variance, df = result
    keys = _keys(estimate)
    q = np.atleast_1d(np.asarray(_ordered(estimate, keys), dtype=np.float64))
    u = np.atleast_1d(np.asarray(_ordered(variance, keys), dtype=np.float64))
    names = None if keys is None else [str(key) for key in keys]
    return names, q, u, np.asarray(_ordered(df, keys), dtype=np.float64)


def _keys(values: Any) -> list[Any] | None:
    """Return the names of a dict's, Series' or frame's entries; None for other objects."""
    return list(values.keys()) if hasattr(values, "keys") else None


def _ordered(values: Any, keys: list[Any] | None) -> Any:
    """Return values in the order of the estimate's names, if they have names themselves."""
    own = _keys(values)
    if own is None:
        return values
    keys = [] if keys is None else keys
    is_matrix = hasattr(values, "columns")  # a covariance, whose rows have names, too
    for names in (own, list(values.index)) if is_matrix else (own,):
        if len(names) != len(set(keys)) or set(names) != set(keys):
            raise ValueError(
                "analysis must name the same parameters, each once, in all that it returns, but "
                f"gives the names {names} beside estimates named {keys}."
            )
    return values.loc[keys, keys] if is_matrix else [values[key] for key in keys]
