"""
PCA and a Gaussian discriminant against logistic regression
===========================================================

Logistic regression models only the boundary between classes. Discriminant analysis models the
classes themselves, with one normal distribution per class, and gets the boundary by Bayes' rule.
That takes more parameters: ``(C - 1) + C D + C D (D + 1) / 2`` for C classes and D columns, against
``C D + C``. Projecting to fewer columns first makes it affordable. Which is better on digits?
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Ellipse
from matplotlib.ticker import PercentFormatter
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skdgm import GaussianDiscriminant, PCAProjection

GENERATIVE, LINEAR = "#0072B2", "#D55E00"

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

# %%
# Both candidates are pipelines, and cross-validation on the training images chooses their settings.

discriminant = GridSearchCV(
    Pipeline([("pca", PCAProjection()), ("gauss", GaussianDiscriminant())]),
    {"pca__n_components": [10, 20, 30, 40], "gauss__shrinkage": [0, 0.05, 0.1, 0.2]},
)
logistic = GridSearchCV(
    Pipeline([("scale", StandardScaler()), ("logistic", LogisticRegression(max_iter=1000))]),
    {"logistic__C": [0.001, 0.01, 0.1, 1, 10]},
)
for search in (discriminant, logistic):
    search.fit(X_train, y_train)

# %%
# The projection has parameters of its own: the mean and the axes.

pca, gauss = discriminant.best_estimator_
linear = logistic.best_estimator_["logistic"]
n_discriminant = pca.mean_.size + pca.components_.size + gauss.n_parameters_
n_linear = linear.coef_.size + linear.intercept_.size

print(f"{'':27}  {'chosen':37}  {'parameters':>10}  {'test accuracy':>13}")
for name, search, n_parameters in [
    ("PCA + Gaussian discriminant", discriminant, n_discriminant),
    ("scaled logistic regression", logistic, n_linear),
]:
    settings = search.best_params_.items()
    chosen = ", ".join(f"{key.split('__')[1]} {value}" for key, value in settings)
    accuracy = search.score(X_test, y_test)
    print(f"{name:27}  {chosen:37}  {n_parameters:10,}  {accuracy:13.1%}")

# %%
# A single split may be luck, so here are five others, with the settings chosen anew in each.

folds = StratifiedKFold(5, shuffle=True, random_state=0)
for fold, (train, test) in enumerate(folds.split(X, y), start=1):
    accuracies = [
        clone(search).fit(X[train], y[train]).score(X[test], y[test])
        for search in (discriminant, logistic)
    ]
    print("fold {}: discriminant {:.1%}, logistic regression {:.1%}".format(fold, *accuracies))

# %%
# Two components are too few to classify well, but they can be drawn: each ellipse holds about 86
# in 100 images of its class (two standard deviations), and the shades are the predicted classes.

flat = Pipeline([("pca", PCAProjection(2)), ("gauss", GaussianDiscriminant())])
flat.fit(X_train, y_train)
Z_test = flat["pca"].transform(X_test)

colors = plt.colormaps["tab10"].colors
low, high = Z_test.min(axis=0) - 5, Z_test.max(axis=0) + 9
z1, z2 = np.meshgrid(np.linspace(low[0], high[0], 400), np.linspace(low[1], high[1], 400))
regions = flat["gauss"].predict(np.column_stack([z1.ravel(), z2.ravel()])).reshape(z1.shape)

fig, ax = plt.subplots(figsize=(8.5, 6.5), layout="constrained")
ax.imshow(
    regions,
    extent=(low[0], high[0], low[1], high[1]),
    origin="lower",
    cmap=ListedColormap(colors),
    vmin=0,
    vmax=9,
    alpha=0.15,
    interpolation="nearest",
)
for digit, mean, covariance in zip(
    flat.classes_, flat["gauss"].means_, flat["gauss"].covariances_, strict=True
):
    ax.scatter(*Z_test[y_test == digit].T, s=14, color=colors[digit])
    variance, axes = np.linalg.eigh(covariance)
    width, height = 4 * np.sqrt(variance)  # two standard deviations to either side
    angle = np.degrees(np.arctan2(axes[1, 0], axes[0, 0]))
    ax.add_patch(Ellipse(mean, width, height, angle=angle, fill=False, ec=colors[digit], lw=2))
    box = {"boxstyle": "circle,pad=0.2", "fc": "white", "ec": colors[digit], "lw": 1.5}
    ax.text(*mean, str(digit), ha="center", va="center", weight="bold", bbox=box)
ax.set(
    xlabel="first principal component",
    ylabel="second principal component",
    title=f"Ten normal distributions in the plane: {flat.score(X_test, y_test):.0%} correct",
)
plt.show()

# %%
# More components lose less of the image (``reconstruction_error`` is the mean squared distance of
# an image from its projection), and separate the classes better.

n_components = np.array([1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 50, 64])
loss, error, error_unshrunk = [], [], []
for n in n_components:
    pca = PCAProjection(n).fit(X_train)
    Z_train, Z_test = pca.transform(X_train), pca.transform(X_test)
    loss.append(pca.reconstruction_error(X_test))
    gauss = GaussianDiscriminant(shrinkage=0.1).fit(Z_train, y_train)
    error.append(1 - gauss.score(Z_test, y_test))
    gauss = GaussianDiscriminant().fit(Z_train, y_train)
    error_unshrunk.append(1 - gauss.score(Z_test, y_test))
loss = np.array(loss) / np.mean(np.sum((X_test - X_train.mean(axis=0)) ** 2, axis=1))

print("components   loss   test error   without shrinkage")
for row in zip(n_components, loss, error, error_unshrunk, strict=True):
    print("{:10}   {:4.0%}   {:10.1%}   {:17.1%}".format(*row))

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.plot(n_components, loss, "o-", color=GENERATIVE, lw=2)
left.set(
    xlabel="components",
    ylabel="squared distance, share of the total",
    ylim=(0, 1),
    title="What the projection loses of new images",
)
left.yaxis.set_major_formatter(PercentFormatter(1))
right.plot(n_components, error, "o-", color=GENERATIVE, lw=2, label="discriminant, shrinkage 0.1")
right.plot(n_components, error_unshrunk, "o:", color=GENERATIVE, label="without shrinkage")
right.axhline(
    1 - logistic.score(X_test, y_test),
    color=LINEAR,
    ls="--",
    lw=2,
    label="logistic regression, all pixels",
)
right.set(
    xlabel="components",
    ylabel="test error",
    yscale="log",
    yticks=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
    title="How well the rest tells digits apart",
)
right.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
right.minorticks_off()
right.legend(frameon=False)
plt.show()

# %%
# **Finding.** The discriminant behind PCA beats logistic regression on digits: 98.4 against 96.9 %
# of the test images, and by 1.7 to 2.2 percentage points in each of the five other splits. It pays
# with about ten times as many parameters, 6,943 against 650.
#
# From 15 components on it is ahead, although the projection then still loses a sixth of the squared
# distance. Thirty components lose 4 % of it and no accuracy: all 64 do no better, with more than
# three times as many parameters. Beyond 30, what matters is shrinkage. Without it the last
# components, which hardly vary within a class, are trusted too much, and the discriminant falls
# behind logistic regression.
