"""
How near do imputed values come to the true ones?
=================================================

A part of the cells of a table are hidden, and imputers put values there. scikit-learn has three to
choose from; ``DensityImputer`` takes the mean given the observed part of the row. How far from the
hidden values are they?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.preprocessing import StandardScaler

from skdgm import DensityImputer, TableDensity

# %%
# Seven measurements of wines, of which 30 % are hidden at random. They are standardised, so that an
# error of 1 is a standard deviation of the column; the nearest neighbours need that, too.
# ``DensityImputer`` would not. Its density is the one that it takes by itself, for any frame.

X = load_wine(as_frame=True).data.iloc[:, -7:]
hidden = np.random.default_rng(0).random(X.shape) < 0.3
scaler = StandardScaler().fit(X.mask(hidden))
truth = (X - scaler.mean_) / scaler.scale_
table = truth.mask(hidden)

imputers = {
    "mean": SimpleImputer(),
    "neighbours": KNNImputer(),
    "iterative": IterativeImputer(max_iter=50, tol=1e-2, random_state=0),
    "density": DensityImputer(TableDensity(random_state=0)),
}
errors = {}
for name, imputer in imputers.items():
    filled = imputer.set_output(transform="pandas").fit_transform(table)
    errors[name] = (((filled - truth) ** 2).where(hidden).mean()) ** 0.5

# %%
# Root mean squared errors, over all columns and in each of them:

print(f"{'imputer':12}{'error':>8}{'columns in which it is best':>30}")
best = np.argmin([own.to_numpy() for own in errors.values()], axis=0)
for place, (name, own) in enumerate(errors.items()):
    print(f"{name:12}{np.sqrt(np.mean(own**2)):8.3f}{np.sum(best == place):30}")

order = np.argsort(errors["density"].to_numpy())
figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
styles = {"mean": ("s", "#999999"), "neighbours": ("^", "#E69F00")}
styles |= {"iterative": ("D", "#009E73"), "density": ("o", "#0072B2")}
for name, (marker, color) in styles.items():
    ax.plot(errors[name].iloc[order], range(len(order)), marker, color=color, label=name)
ax.set_yticks(range(len(order)), X.columns[order].str.replace("_", " "))
ax.set(xlabel="Error of hidden cells (standard deviations)", ylabel="Column")
ax.set_title("30 % of the cells hidden")
ax.legend(title="imputer")
plt.show()

# %%
# **Finding.** The density is nearest in all seven columns, with an error of 0.72 standard
# deviations over all, after 0.80 of the nearest neighbours and 0.82 of iterated regressions. Where
# a column hardly depends on the others, as proanthocyanins, no imputer is much better than the
# mean. A mean is nearest in squares; for draws that vary as the data do, see ``strategy="sample"``.
