"""Coverage of 95 % intervals after imputation, on simulated rows whose parameters are known.

Rows of four columns are normal; of 30 % of the rows' cells in three columns the values are removed,
either all alike or more often where the fourth, which stays complete, is high.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats
from scipy.special import expit, logit

from skdgm import DensityImputer, GaussianDensity, MultipleImputer
from skdgm.impute import column_means, linear_regression

N_ROWS, N_REPLICATES, N_IMPUTATIONS, SHARE = 250, 1000, 20, 0.3
COVARIANCE = np.array(
    [[1.0, 0.5, 0.6, 0.4], [0.5, 1.0, 0.5, 0.3], [0.6, 0.5, 1.0, 0.4], [0.4, 0.3, 0.4, 1.0]]
)
SLOPES = np.linalg.solve(COVARIANCE[1:, 1:], COVARIANCE[1:, 0])
TRUTH = {"mean of x0": 0.0, **{f"slope of x{j}": SLOPES[j - 1] for j in (1, 2, 3)}}


def run(tables: dict[str, pd.DataFrame], quick: bool) -> None:
    """Print the coverage, width and bias of the intervals of each method."""
    n_replicates = 40 if quick else N_REPLICATES
    print(
        f"{n_replicates} replicates of {N_ROWS} rows, {SHARE:.0%} of the cells of three of four "
        f"columns missing; {N_IMPUTATIONS} imputations by `GaussianDensity()`. Coverage of 95 % "
        "intervals, with their mean width and the bias of the estimates.\n"
    )
    print(f"| missing | method | {' | '.join(TRUTH)} |")
    print("|---|---|" + "---:|" * len(TRUTH))
    truth = np.array(list(TRUTH.values()))
    for missing in ("at random", "by x3"):
        results = Parallel(n_jobs=-1)(
            delayed(_replicate)(seed, missing) for seed in range(n_replicates)
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


def _replicate(seed: int, missing: str) -> dict[str, np.ndarray]:
    """Return estimates and ends of intervals, of shape (3, n_parameters), by each method."""
    rng = np.random.default_rng([seed, 17])
    X = rng.normal(size=(N_ROWS, 4)) @ np.linalg.cholesky(COVARIANCE).T
    share = np.full(N_ROWS, SHARE)
    if missing == "by x3":
        share = expit(logit(0.25) + 1.5 * X[:, 3])
        share *= SHARE / share.mean()
    holes = X.copy()
    holes[:, :3][rng.random((N_ROWS, 3)) < share[:, np.newaxis]] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        imputer = MultipleImputer(GaussianDensity(), N_IMPUTATIONS, random_state=seed).fit(holes)
        pooled = imputer.pool(holes, _analyse)
        single = DensityImputer(GaussianDensity(), "sample", random_state=seed)
        means = DensityImputer(GaussianDensity())
        return {
            "no cell missing": _alone(X),
            "multiple imputation": np.vstack([pooled.estimate, pooled.confidence_interval().T]),
            "a single draw": _alone(single.fit_transform(holes)),
            "conditional means": _alone(means.fit_transform(holes)),
            "complete cases": _alone(holes[~np.isnan(holes).any(axis=1)]),
        }


def _analyse(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate the parameters of TRUTH, with their variances and degrees of freedom."""
    (mean, of_mean, df), (slopes, of_slopes, rest) = (
        column_means(table, [0]),
        linear_regression(table, 0),
    )
    estimate = np.array([*mean.values(), *list(slopes.values())[1:]])
    variance = np.append(np.diag(of_mean), np.diag(of_slopes)[1:])
    return estimate, variance, np.append(df, np.full(len(slopes) - 1, rest))


def _alone(table: np.ndarray) -> np.ndarray:
    estimate, variance, df = _analyse(table)
    reach = stats.t.ppf(0.975, df) * np.sqrt(variance)
    return np.stack([estimate, estimate - reach, estimate + reach])
