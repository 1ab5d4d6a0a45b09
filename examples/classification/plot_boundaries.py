"""
Lines, ellipses or both: where does a classifier change its mind?
=================================================================

Each class has a normal density, and Bayes' rule tells which class a point belongs to. Where two
classes are equally probable, there is a boundary. What is its form if the columns are independent,
if all classes have the same covariance, and if each has its own?
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from sklearn.datasets import load_wine
from sklearn.model_selection import cross_val_score

from skdgm import GaussianDiscriminant

# %%
# Two measurements of wines of three cultivars.

wine = load_wine(as_frame=True)
X, y = wine.data[["flavanoids", "color_intensity"]], wine.target
models = {
    "naive Bayes": GaussianDiscriminant("diag"),
    "linear": GaussianDiscriminant("tied"),
    "quadratic": GaussianDiscriminant("full"),
}
print(f"{'':12}{'accuracy':>10}{'log p(x, y)':>13}{'parameters':>12}")
for name, model in models.items():
    accuracy = cross_val_score(model, X, y, cv=10).mean()
    joint = model.fit(X, y).predict_joint_log_proba(X)[range(len(y)), y].mean()
    print(f"{name:12}{accuracy:10.1%}{joint:13.2f}{model.n_parameters_:12}")

# %%
# The regions in which each class is the most probable, with the wines.

colors = ["#0072B2", "#E69F00", "#009E73"]
grid = np.meshgrid(np.linspace(0, 5.4, 150), np.linspace(0.5, 13.5, 150))
points = pd.DataFrame({X.columns[0]: grid[0].ravel(), X.columns[1]: grid[1].ravel()})
figure, axes = plt.subplots(1, 3, figsize=(7, 3.6), sharey=True, layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    region = model.predict(points).reshape(grid[0].shape)
    ax.pcolormesh(*grid, region, cmap=ListedColormap(colors), alpha=0.3, rasterized=True)
    for k, color in enumerate(colors):
        ax.scatter(*X[y == k].to_numpy().T, s=12, color=color, label=f"cultivar {k + 1}")
    ax.set(title=name, xlabel="Flavanoids (g/l)")
axes[0].set_ylabel("Colour intensity")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %%
# **Finding.** With one covariance for all classes the boundaries are straight lines. Naive Bayes
# has curves whose axes are those of the plot. Only the quadratic discriminant lets each cloud lie
# aslant in its own direction: it is right about 92.8 % of the wines held out, after 89.4 and
# 88.8 %, for 17 parameters in place of 14 and 11.
