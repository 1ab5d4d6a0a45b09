"""
How many normals make up the data?
==================================

The more components a mixture has, the more probable it makes the rows that it was fitted to. The
Bayesian information criterion (BIC) charges for each parameter. Which number of components, and
which kind of covariance, does it choose?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.mixture import GaussianMixture

from skdgm import DensityContourDisplay, GaussianDensity, MixtureDensity

# %%
# Two clouds: one is round, the other long and aslant.

rng = np.random.default_rng(0)
aslant = rng.normal(size=(250, 2)) @ [[0.0, -0.1], [1.7, 0.4]]
X = np.concatenate([aslant, 0.7 * rng.normal(size=(250, 2)) + [-6, 3]])

# %%
# Mixtures of one to six components, with four kinds of covariance. In the last column is the BIC of
# scikit-learn's ``GaussianMixture``, which is fitted in the same way.

kinds = ("full", "tied", "diag", "spherical")
numbers = range(1, 7)
bic, mixtures = {}, {}
for kind in kinds:
    for k in numbers:
        mixture = MixtureDensity(GaussianDensity(kind), k, n_init=2, random_state=0).fit(X)
        mixtures[kind, k], bic[kind, k] = mixture, mixture.bic(X)
print(f"{'':12}" + "".join(f"{k:>9}" for k in numbers))
for kind in kinds:
    print(f"{kind:12}" + "".join(f"{bic[kind, k]:9.0f}" for k in numbers))
best = min(bic, key=bic.get)
peer = GaussianMixture(best[1], covariance_type=best[0], random_state=0).fit(X)
print("best:", *best, f"with {mixtures[best].n_parameters_} parameters;", end=" ")
print(f"BIC {bic[best]:.1f}, by GaussianMixture {peer.bic(X):.1f}")

# %%
# The criterion, and the density that it chooses.

figure, axes = plt.subplots(2, 1, figsize=(6.4, 7.4), layout="constrained")
colors = ["#0072B2", "#E69F00", "#009E73", "#CC79A7"]
for kind, marker, color in zip(kinds, "osD^", colors, strict=True):
    axes[0].plot(numbers, [bic[kind, k] for k in numbers], marker=marker, color=color, label=kind)
axes[0].set(xlabel="Components", ylabel="BIC (the less, the better)")
axes[0].legend(title="covariance")
DensityContourDisplay.from_estimator(mixtures[best], X, ax=axes[1])
axes[1].set_title(f"{best[1]} components, {best[0]} covariance")
plt.show()

# %%
# **Finding.** The smallest BIC, 2301, is that of two components with full covariances: the model
# from which the rows were drawn. Each further component of that kind costs about 35 more than it
# gains. Round components and those along the axes need five to cover the long cloud, and are still
# 467 or more behind. ``GaussianMixture`` finds the same fit, with the same criterion.
