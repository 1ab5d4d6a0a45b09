"""
How sure may one be of an estimate from a table with holes?
===========================================================

Once the holes are filled in, a table looks complete, and a regression on it reports standard errors
as if nothing had been missing. Multiple imputation draws several completions, which differ by what
is not known, and pools their estimates. How often do 95 % intervals hold the true slope?
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import t

from skdgm import DensityImputer, GaussianDensity, MultipleImputer
from skdgm.impute import linear_regression

# %%
# In each of 50 tables of 80 rows, y depends on x with a slope of 1, and most of the x are missing
# where y is positive. They are missing at random: what tells of the holes has been observed.

N_TABLES, N_ROWS, SLOPE = 50, 80, 1.0


def make_table(rng):
    """Draw rows of x and y, and hide some of the x."""
    x = rng.normal(size=N_ROWS)
    y = SLOPE * x + rng.normal(size=N_ROWS)
    x[(y > 0) & (rng.random(N_ROWS) < 0.8)] = np.nan
    return np.column_stack([x, y])


def interval(table):
    """Return the slope of y on x in a complete table, and half the length of its 95 % interval."""
    estimate, covariance, freedom = linear_regression(table, target=1)
    return estimate["x0"], t.ppf(0.975, freedom) * np.sqrt(covariance[1, 1])


# %%
# Three ways to go on: leave out rows with holes, fill them in once with draws, and fill them in
# five times and pool the slopes by Rubin's rules. The density is a normal, fitted to what is
# observed.

density = GaussianDensity(tol=1e-2)
found = {"complete rows": [], "one completion": [], "five, pooled": []}
for seed in range(N_TABLES):
    table = make_table(np.random.default_rng(seed))
    found["complete rows"].append(interval(table[~np.isnan(table).any(axis=1)]))
    once = DensityImputer(density, strategy="sample", random_state=seed)
    found["one completion"].append(interval(once.fit_transform(table)))
    several = MultipleImputer(density, n_imputations=5, random_state=seed).fit(table)
    pooled = several.pool(table, linear_regression, target=1)
    low, high = pooled.confidence_interval()[1]
    found["five, pooled"].append((pooled.estimate[1], (high - low) / 2))

found = {name: np.array(pairs) for name, pairs in found.items()}
print(f"{'':16}{'mean slope':>12}{'half length':>13}{'true slope inside':>19}")
inside = {}
for name, pairs in found.items():
    inside[name] = np.abs(pairs[:, 0] - SLOPE) < pairs[:, 1]
    print(
        f"{name:16}{pairs[:, 0].mean():12.2f}{pairs[:, 1].mean():13.2f}{inside[name].mean():19.0%}"
    )

# %%
# The intervals of all tables:

figure, axes = plt.subplots(1, 3, figsize=(7, 4.4), sharey=True, sharex=True, layout="constrained")
for ax, (name, pairs) in zip(axes, found.items(), strict=True):
    for is_inside, color in [(True, "#0072B2"), (False, "#D55E00")]:
        own = np.flatnonzero(inside[name] == is_inside)
        label = "holds the true slope" if is_inside else "misses it"
        ax.errorbar(
            *pairs[own][:, [0]].T, own, xerr=pairs[own, 1], fmt=".", color=color, label=label
        )
    ax.axvline(SLOPE, color="black", linestyle="--", linewidth=1, label="true slope")
    ax.set(title=f"{name}: {inside[name].mean():.0%}", xlabel="Slope")
axes[0].set_ylabel("Table")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %%
# **Finding.** Rows without holes are rows of small y, and give slopes that are too small: 76 % of
# the intervals hold the true one. A single completion takes that bias away, but its intervals are
# as short as if nothing had been missing, and 80 % of them hold it. The pooled intervals, which are
# longer by two fifths, hold it in all 50 tables, where 95 % were promised.
