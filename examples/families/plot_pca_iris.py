"""
Four measurements in two numbers: what does PCA keep of the irises?
===================================================================

Principal components are unsupervised: they are the directions in which rows differ most, and no
label is asked for. How much of four columns do two directions keep, are the species still apart,
and where does a flower belong of which only a part was measured?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris
from sklearn.neighbors import KNeighborsClassifier

from skdgm import PCAProjection

# %%
# The error is what is lost by going to the components and back, in centimetres. With it goes the
# mean log-density of probabilistic PCA, which is a normal of a low rank, and the accuracy with
# which the five nearest flowers tell the species from the components alone.

iris = load_iris()
X, y = iris.data, iris.target
test = np.arange(len(X)) % 2 == 1
print(f"{'components':>10}{'error (cm)':>12}{'log-density':>13}{'accuracy':>10}")
for k in (1, 2, 3):
    projection = PCAProjection(n_components=k).fit(X)
    Z = projection.transform(X)
    error = np.sqrt(np.mean((projection.inverse_transform(Z) - X) ** 2))
    accuracy = KNeighborsClassifier().fit(Z[~test], y[~test]).score(Z[test], y[test])
    print(f"{k:10}{error:12.3f}{projection.score(X):13.3f}{accuracy:10.1%}")

# %%
# Rows with holes have places, too: the means given what was measured. Here the petals of five
# flowers of each species are missing.

projection = PCAProjection(n_components=2).fit(X)
Z = projection.transform(X)
some = np.arange(5, len(X), 10)
holes = X[some].copy()
holes[:, 2:] = np.nan
moved = projection.transform(holes)
distance = np.linalg.norm(moved - Z[some], axis=1)
spread = np.linalg.norm(Z - Z.mean(axis=0), axis=1)
print(f"mean distance from their true places: {distance.mean():.2f}, ", end="")
print(f"from the centre of all: {spread[some].mean():.2f}")

# %%
# The flowers in two components, and where they are put without their petals.

figure, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
colors = ["#0072B2", "#E69F00", "#009E73"]
for k, name in enumerate(iris.target_names):
    ax.scatter(*Z[y == k].T, s=16, color=colors[k], label=name)
    ax.scatter(*moved[y[some] == k].T, s=60, marker="X", color=colors[k], edgecolor="black")
ax.plot(*np.stack([Z[some], moved], axis=1).T, color="0.5", linewidth=0.8)
ax.plot([], [], color="0.5", linewidth=0.8, label="from its true place")
ax.scatter([], [], s=60, marker="X", color="white", edgecolor="black", label="without petals")
ax.set(xlabel="First component (cm)", ylabel="Second component (cm)", title="Iris")
ax.legend(loc="upper center")
plt.show()

# %%
# **Finding.** Two components lose 0.16 cm in each measurement, and the species of 97.3 % of the
# test flowers are told from them, though no label had a part in finding them. A flower without its
# petals is put 0.58 cm from its true place on average, where flowers are 2.02 cm from the centre:
# sepals alone tell setosas from the others, and confuse some of the other two.
