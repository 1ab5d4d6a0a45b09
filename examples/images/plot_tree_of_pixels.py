"""
Which pixels depend on each other?
==================================

Of all trees over the pixels, the Chow-Liu tree keeps the dependences with the largest sum of mutual
information. Nobody tells it that pixels have neighbours: columns could be in any order. Does it
find out how the image is laid out?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    MarkovChainImageDensity,
    TreeDisplay,
)

X, y = load_digits(return_X_y=True)
X_train, X_test = train_test_split((X > 7).astype(np.uint8), stratify=y, random_state=0)

# %%
# The first and the last column of pixels hardly ever have ink. Of the 48 others, each depends on
# none, on the one before it, row by row or column by column, or on the one that the tree has found.
# The last three models have equally many parameters.

inner = np.arange(64).reshape(8, 8)[:, 1:7].ravel()
X_train, X_test = X_train[:, inner], X_test[:, inner]
models = {
    "independent": BernoulliIndependentDensity(),
    "row by row": MarkovChainImageDensity(order=1, n_categories=2),
    "column by column": MarkovChainImageDensity(
        order=1, n_categories=2, scan="column", image_shape=(8, 6)
    ),
    "learned tree": ChowLiuTreeDensity(n_categories=2),
}
print(f"{'':18}{'parameters':>11}{'held-out nats':>15}")
for name, model in models.items():
    model.fit(X_train)
    print(f"{name:18}{model.n_parameters_:11}{model.score(X_test):15.2f}")

# %%
# How far apart are the pixels that the tree has joined?

tree = models["learned tree"]
rows, columns = np.divmod(tree.edges_, 6)
steps = np.maximum(abs(rows[:, 0] - rows[:, 1]), abs(columns[:, 0] - columns[:, 1]))
for step, count in zip(*np.unique(steps, return_counts=True), strict=True):
    print(f"{count:2} of {len(steps)} edges reach {step} pixel{'s' if step > 1 else ''} far")
upright = np.sum((steps == 1) & (columns[:, 0] == columns[:, 1]))
across = np.sum((steps == 1) & (rows[:, 0] == rows[:, 1]))
print(f"of the shortest, {upright} are upright and {across} across")

# %%
# The wider and the darker an edge, the more its two pixels tell about each other.

display = TreeDisplay.from_estimator(tree, image_shape=(8, 6))
plt.show()

# %%
# **Finding.** With 95 parameters, new images score -20.4 nats under the learned tree, 1.7 more than
# under the better of the two chains, and 4.6 more than under independent pixels. The tree has found
# out that pixels have neighbours: 36 of its 47 edges join pixels that touch, more of them upright
# than across. The others show what neighbours do not tell. The strongest of all joins the top and
# the bottom of one column, seven pixels apart: a digit that has ink in one of them is of the kind
# that has it in the other.
