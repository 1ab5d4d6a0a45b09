"""Coverage of 95 % intervals after imputation, on simulated rows whose parameters are known.

Three columns lose 30 % of their cells, either all alike or more often where the fourth, which stays
complete, is high. All four are normal and the first is regressed on the others; or the fourth is a
class, given which the others are normal, and has a logistic regression on them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats
from scipy.special import expit, logit

from skdgm import DensityImputer, GaussianDensity, MultipleImputer
from skdgm.impute import column_means, linear_regression, logistic_regression

N_ROWS, N_REPLICATES, N_IMPUTATIONS, SHARE = 250, 1000, 20, 0.3
COVARIANCE = np.array(
    [[1.0, 0.5, 0.6, 0.4], [0.5, 1.0, 0.5, 0.3], [0.6, 0.5, 1.0, 0.4], [0.4, 0.3, 0.4, 1.0]]
)
SLOPES = np.linalg.solve(COVARIANCE[1:, 1:], COVARIANCE[1:, 0])
TRUTH = {"mean of x0": 0.0, **{f"slope of x{j}": SLOPES[j - 1] for j in (1, 2, 3)}}
SHIFT = np.array([0.8, 0.4, 0.0])  # between the means of two classes, of equal size
LOG_ODDS = np.linalg.solve(COVARIANCE[:3, :3], SHIFT)
TRUTH_OF_CLASSES = {
    "intercept": -SHIFT @ LOG_ODDS / 2,
    **{f"log-odds of x{j}": LOG_ODDS[j] for j in (0, 1, 2)},
}


def run(tables: dict[str, pd.DataFrame], quick: bool) -> None:
    """Print the coverage, width and bias of the intervals of each method."""
    n_replicates = 40 if quick else N_REPLICATES
    print(
        f"{n_replicates} replicates of {N_ROWS} rows, {SHARE:.0%} of the cells of three of four "
        f"columns missing; {N_IMPUTATIONS} imputations by `GaussianDensity()`. Coverage of 95 % "
        "intervals, with their mean width and the bias of the estimates.\n"
    )
    _table(TRUTH, _normal_rows, _analyse, ("at random", "by x3"), n_replicates)
    print("\nA class y, which is never missing, and its logistic regression.\n")
    _table(TRUTH_OF_CLASSES, _rows_of_classes, _analyse_classes, ("by y",), n_replicates)


def _table(
    parameters: dict[str, float],
    simulate: Callable,
    analyse: Callable,
    mechanisms: tuple[str, ...],
    n_replicates: int,
) -> None:
    """Print a row for each mechanism and method."""
    print(f"| missing | method | {' | '.join(parameters)} |")
    print("|---|---|" + "---:|" * len(parameters))
    truth = np.array(list(parameters.values()))
    for missing in mechanisms:
        results = Parallel(n_jobs=-1)(
            delayed(_replicate)(seed, missing, simulate, analyse) for seed in range(n_replicates)
        )
        for method in results[0]:
            estimate, low, high = np.stack([result[method] for result in results], axis=2)
            own = truth[:, np.newaxis]
            covered = np.mean((low <= own) & (own <= high), axis=1)
            width, bias = np.mean(high - low, axis=1), estimate.mean(axis=1) - truth
            cells = [
                f"{share:.1%} ({wide:.2f}, {off:+.3f})"
                for share, wide, off in zip(covered, width, bias, strict=True)
            ]
            print(f"| {missing} | {method} | {' | '.join(cells)} |", flush=True)


def _replicate(
    seed: int, missing: str, simulate: Callable, analyse: Callable
) -> dict[str, np.ndarray]:
    """Return estimates and ends of intervals, of shape (3, n_parameters), by each method."""
    rng = np.random.default_rng([seed, 17])
    X = simulate(rng)
    share = np.full(N_ROWS, SHARE)
    if missing != "at random":
        share = expit(logit(0.25) + 1.5 * X[:, 3])
        share *= SHARE / share.mean()
    holes = X.copy()
    holes[:, :3][rng.random((N_ROWS, 3)) < share[:, np.newaxis]] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        imputer = MultipleImputer(GaussianDensity(), N_IMPUTATIONS, random_state=seed).fit(holes)
        pooled = imputer.pool(holes, analyse)
        single = DensityImputer(GaussianDensity(), "sample", random_state=seed)
        means = DensityImputer(GaussianDensity())
        return {
            "no cell missing": _alone(X, analyse),
            "multiple imputation": np.vstack([pooled.estimate, pooled.confidence_interval().T]),
            "a single draw": _alone(single.fit_transform(holes), analyse),
            "conditional means": _alone(means.fit_transform(holes), analyse),
            "complete cases": _alone(holes[~np.isnan(holes).any(axis=1)], analyse),
        }


def _normal_rows(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(N_ROWS, 4)) @ np.linalg.cholesky(COVARIANCE).T


def _rows_of_classes(rng: np.random.Generator) -> np.ndarray:
    """Draw rows of which the last column is a class, 0 or 1."""
    y = rng.random((N_ROWS, 1)) < 0.5
    noise = rng.normal(size=(N_ROWS, 3)) @ np.linalg.cholesky(COVARIANCE[:3, :3]).T
    return np.hstack([noise + y * SHIFT, y])


def _analyse(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate the parameters of TRUTH, with their variances and degrees of freedom."""
    (mean, of_mean, df), (slopes, of_slopes, rest) = (
        column_means(table, [0]),
        linear_regression(table, 0),
    )
    estimate = np.array([*mean.values(), *list(slopes.values())[1:]])
    variance = np.append(np.diag(of_mean), np.diag(of_slopes)[1:])
    return estimate, variance, np.append(df, np.full(len(slopes) - 1, rest))


def _analyse_classes(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Estimate the parameters of TRUTH_OF_CLASSES, with their variances and degrees of freedom."""
    estimate, covariance, df = logistic_regression(table, 3)
    return np.array(list(estimate.values())), np.diag(covariance), df


def _alone(table: np.ndarray, analyse: Callable) -> np.ndarray:
    estimate, variance, df = analyse(table)
    reach = stats.t.ppf(0.975, df) * np.sqrt(variance)
    return np.stack([estimate, estimate - reach, estimate + reach])
