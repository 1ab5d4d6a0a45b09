"""
May one believe a classifier's probabilities?
=============================================

A classifier is calibrated if, among all rows to which it gives a probability of 80 %, eight in ten
have the class. Naive Bayes counts what dependent columns say as often as they say it. How far off
are its probabilities, and those of densities that know the dependences?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdgm import BinnedDensity, ChowLiuTreeDensity, GaussianDiscriminant, GenerativeClassifier

# %%
# Ten columns, seven of which are combinations of the other three, and noise.

X, y = make_classification(
    6000, 10, n_informative=3, n_redundant=7, class_sep=0.6, n_clusters_per_class=2, random_state=1
)
X += 0.3 * np.random.default_rng(0).normal(size=X.shape)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.75, random_state=0)
models = {
    "naive Bayes": GaussianDiscriminant("diag"),
    "full normal": GaussianDiscriminant("full"),
    "tree": GenerativeClassifier(BinnedDensity(ChowLiuTreeDensity(), n_bins=8)),
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
}

# %%
# The first column of numbers is the share of test rows whose more probable class has at least 95 %,
# and the second the share of errors among these.

print(f"{'':13}{'sure':>7}{'wrong then':>12}{'accuracy':>10}{'log loss':>10}{'Brier':>8}")
figure, ax = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
styles = zip(["o", "s", "^", "D"], ["#D55E00", "#0072B2", "#009E73", "#CC79A7"], strict=True)
for (name, model), (marker, color) in zip(models.items(), styles, strict=True):
    share = model.fit(X_train, y_train).predict_proba(X_test)[:, 1]
    sure = np.maximum(share, 1 - share) >= 0.95
    wrong = (share > 0.5) != y_test
    print(f"{name:13}{sure.mean():7.0%}{wrong[sure].mean():12.1%}{1 - wrong.mean():10.1%}", end="")
    print(f"{log_loss(y_test, share):10.3f}{brier_score_loss(y_test, share):8.3f}")
    CalibrationDisplay.from_predictions(
        y_test, share, n_bins=10, name=name, ax=ax, marker=marker, color=color
    )
ax.set(xlabel="Predicted probability of class 1", ylabel="Share that is of class 1")
plt.show()

# %%
# **Finding.** Naive Bayes and the tree, which keeps but one dependence for each column, are sure of
# half of the rows, and wrong in one of ten of these: they count the same evidence several times.
# The full normal knows the dependences. Its curve is nearest to the diagonal, it is wrong in 1.8 %
# of the rows of which it is sure, and its log loss is the least. Logistic regression, whose
# boundary is a plane, is not sure where it could be.
