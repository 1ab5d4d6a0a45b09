"""
Only the middle of the image is left: what may have been around it?
===================================================================

Uncropping invents the surroundings of an image. Many surroundings fit one crop, so a single
prediction is not enough: a conditional generative model gives the probability of every answer,
``p(surroundings | crop)``, and draws as many as you like. Are the draws digits, and are the
probabilities calibrated?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    CompletionDisplay,
    ConditionalDensity,
    GenerativeClassifier,
    MixtureDensity,
)

images, digits = load_digits(return_X_y=True)
images_train, images_test, digits_train, digits_test = train_test_split(
    (images > 7).astype(float), digits, stratify=digits, random_state=0
)

# %%
# The middle 4 x 4 pixels are the input x, the 48 pixels around them the output y.

row, column = np.divmod(np.arange(64), 8)
middle = (abs(row - 3.5) < 2) & (abs(column - 3.5) < 2)
X_train, Y_train = images_train[:, middle], images_train[:, ~middle]
X_test, Y_test = images_test[:, middle], images_test[:, ~middle]

# %%
# A joint density makes a conditional model
# -----------------------------------------
# ``ConditionalDensity`` fits a joint density to x and y side by side and computes ``log p(y | x) =
# log p(x, y) - log p(x)``. Its score is the mean of that, so a grid search finds the model that
# predicts surroundings best. Here the joint density is a mixture of trees, in each of which a pixel
# depends on one other.

trees = ConditionalDensity(
    MixtureDensity(ChowLiuTreeDensity(n_categories=2), tol=0.01, random_state=0)
)
search = GridSearchCV(trees, {"density__n_components": [1, 5, 10]}, cv=3)
trees = search.fit(X_train, Y_train).best_estimator_
print("log p(y | x) by number of trees, in cross-validation:")
for n_trees, log_prob in zip([1, 5, 10], search.cv_results_["mean_test_score"], strict=True):
    print(f"{n_trees:6}{log_prob:10.2f}")

# %%
# The simple model has learned the ten digits from their labels, and treats pixels as independent
# given the digit: ``p(y | x)`` is the sum over digits of ``p(digit | x) p(y | digit)``.

independent = GenerativeClassifier(BernoulliIndependentDensity())
independent.fit(np.hstack([X_train, Y_train]), digits_train)
known = np.hstack([X_test, np.full(Y_test.shape, np.nan)])
joint = independent.score_samples(np.hstack([X_test, Y_test]))
models = {
    "independent, given digit": (
        np.mean(joint - independent.score_samples(known)),
        independent.conditional_mean(known)[:, 16:],
    ),
    "mixture of trees": (trees.score(X_test, Y_test), trees.predict(X_test)),
}
print(f"\n{'held-out images':24}{'log p(y | x)':>14}{'wrong pixels':>14}")
for name, (log_prob, mean) in models.items():
    print(f"{name:24}{log_prob:14.2f}{np.mean((mean > 0.5) != Y_test):14.1%}")

# %%
# Surroundings for ten crops
# --------------------------
# The mean is the probability of ink in each pixel. A draw is a whole image.

shown = [np.flatnonzero(digits_test == digit)[1] for digit in range(10)]
x, draws = X_test[shown], trees.sample_y(X_test[shown], n_samples=5, random_state=0)


def whole(around):
    """Put crops and their surroundings together."""
    order = np.concatenate([np.flatnonzero(middle), np.flatnonzero(~middle)])
    return np.hstack([x, around])[:, np.argsort(order)]


completions = {"mean": whole(trees.predict(x))}
completions |= {f"draw {k + 1}": whole(draws[:, :, k]) for k in range(5)}
seen, true = whole(np.full((10, 48), np.nan)), whole(Y_test[shown])
display = CompletionDisplay(seen, completions, image_shape=(8, 8), truth=true).plot()
display.ax_.set_title("What was around the crop? Five draws for each", fontsize=11)
plt.show()

# %%
# Are the probabilities calibrated?
# ---------------------------------
# If they are, then three in ten of the pixels that the model predicts to be ink with a probability
# near 30 % are ink.

share, probability = calibration_curve(Y_test.ravel(), trees.predict(X_test).ravel(), n_bins=5)
print("probability of ink:", "".join(f"{value:8.1%}" for value in probability))
print("share of ink:      ", "".join(f"{value:8.1%}" for value in share))

# %%
# **Finding.**
#
# - The true surroundings are 2.2 nats, or a factor of 9, more probable under the mixture of trees
#   than under independent pixels, although the trees never saw a label. Of the pixels, 9.2 % are
#   wrong instead of 10.8 %. Ten trees are better than five, and one is too few.
# - The draws continue the strokes at the frame, most of them to a digit, though not always the same
#   one: the four is sometimes closed to a nine. The mean shows all of them at once, and no digit.
# - The probabilities are calibrated: where the model says 30 % ink, there is 32 % ink.
