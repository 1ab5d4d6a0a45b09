"""
There is a hole in the picture: what belongs into it?
=====================================================

Inpainting is a conditional generative task: say how probable each filling of the hole is, given the
pixels around it, and draw fillings. A joint density of all pixels does so for every hole there may
be, for ``log p(hidden | visible) = log p(hidden, visible) - log p(visible)``. How good is one
density, fitted once to whole pictures without their labels, at holes in any place?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, ShuffleSplit, train_test_split

from skdgm import BernoulliIndependentDensity, GenerativeClassifier, HiddenChowLiuTreeDensity

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    (X > 7).astype(float), y, stratify=y, random_state=0
)

# %%
# The holes
# ---------
# What is hidden is NaN: 4 x 4 pixels in the middle, 4 x 4 pixels in another place of every image,
# or the pixels that a coin picks. The models do not know of any of these when they are fitted.

rng = np.random.default_rng(0)
row, column = np.divmod(np.arange(64), 8)
top, left = rng.integers(0, 5, size=(2, len(X_test), 1))


def square(top, left):
    """True at the 4 x 4 pixels that start at this row and this column."""
    return (row >= top) & (row < top + 4) & (column >= left) & (column < left + 4)


holes = {
    "middle": np.broadcast_to(square(2, 2), X_test.shape),
    "any place": square(top, left),
    "half of all pixels": rng.random(X_test.shape) < 0.5,
}

# %%
# Two models
# ----------
# The simple one takes the pixels for independent once the digit is known, and has learned the ten
# digits from their labels. Which of them is likely, given what is visible, says ``predict_proba``.
#
# The other is one density of all images, a tree with a hidden variable beside every pixel. Of six
# settings, it has the one under which a quarter of the training images is most likely.

independent = GenerativeClassifier(BernoulliIndependentDensity()).fit(X_train, y_train)
search = GridSearchCV(
    HiddenChowLiuTreeDensity(n_categories=2, max_iter=10, random_state=0),
    {"n_states": [16, 32, 64], "alpha": [0.3, 1.0]},
    cv=ShuffleSplit(1, test_size=0.25, random_state=0),
)
tree = search.fit(X_train).best_estimator_
print("chosen for the hidden tree:", search.best_params_)


def independent_mean(seen):
    """The probability of ink under each digit, averaged over the digits that may be seen."""
    means = [density.conditional_mean(seen) for density in independent.densities_]
    return np.einsum("ic,cij->ij", independent.predict_proba(seen), means)


# %%
# In the table, the log-probability of what is hidden is in nats, as the mean over the test images.
# The error is the share of the hidden pixels that are wrong if each gets its more probable colour.

models = {
    "independent, given digit": (independent.score_samples, independent_mean),
    "hidden tree": (tree.score_samples, tree.conditional_mean),
}
print(f"\n{'':24}", *(f"{name:>20}" for name in holes))
print(f"{'':24}", *(f"{'log p':>12}{'wrong':>8}" for _ in holes))
for name, (score_samples, mean) in models.items():
    print(f"{name:24}", end="")
    for hole in holes.values():
        seen = np.where(hole, np.nan, X_test)
        log_prob = np.mean(score_samples(X_test) - score_samples(seen))
        wrong = np.mean(((mean(seen) > 0.5) != X_test)[hole])
        print(f"{log_prob:13.2f}{wrong:8.1%}", end="")
    print()

# %%
# What the tree puts into the holes
# ---------------------------------
# The mean is the probability of ink. A draw is a whole filling, and so is the most probable one.

shown = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
seen = np.where(holes["any place"], np.nan, X_test)[shown]
rows = {
    "true": X_test[shown],
    "seen": seen,
    "mean": tree.conditional_mean(seen),
    "most probable": tree.conditional_mode(seen),
    "a draw": tree.conditional_sample(seen, random_state=0),
    "another draw": tree.conditional_sample(seen, random_state=1),
}

BLUE = "#4c8fc7"
greys = plt.get_cmap("gray_r").with_extremes(bad="#b5d3ec")
fig, axes = plt.subplots(len(rows), 1, figsize=(9.5, 5.8))
fig.subplots_adjust(left=0.17, right=0.99, top=0.92, bottom=0.02, hspace=0.12)
for ax, (name, images) in zip(axes, rows.items(), strict=True):
    strip = np.zeros((8, 10 * 9 - 1))
    for place, image in enumerate(images):
        strip[:, 9 * place : 9 * place + 8] = image.reshape(8, 8)
        corner = 9 * place + left[shown[place], 0] - 0.5, top[shown[place], 0] - 0.5
        ax.add_patch(plt.Rectangle(corner, 4, 4, fill=False, edgecolor=BLUE, linewidth=1.5))
    ax.imshow(strip, cmap=greys, vmin=0, vmax=1)
    ax.set_axis_off()
    ax.text(-2, 3.5, name, ha="right", va="center", fontsize=13)
fig.suptitle("What was in the hole (blue)? One density answers for any place", fontsize=14)
plt.show()

# %%
# **Finding.**
#
# - One density fills holes of all three kinds. What was really there is more probable under it than
#   under independent pixels: by 1.5 nats in the middle (4.5 times as probable), by 1.1 nats in any
#   place, and by 2.1 nats where half of all pixels are hidden. It had no labels, the other had.
# - Fewer hidden pixels are wrong, too: 21.7 % instead of 26.4 %, 16.2 % instead of 19.4 %, and
#   10.7 % instead of 13.8 %.
# - The mean is sharp where the visible pixels settle the matter, and grey where they do not, as in
#   the lower half of the two. There draws differ, and the most probable filling looks like a three.
