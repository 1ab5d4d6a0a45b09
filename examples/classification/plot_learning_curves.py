"""
Few rows or many: when does the generative classifier win?
==========================================================

Naive Bayes and logistic regression have boundaries of the same form. By Ng and Jordan [1]_, naive
Bayes comes near to its best with fewer rows, and logistic regression goes on to a better one. Do
their curves cross, and where?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from skdgm import BernoulliIndependentDensity, GenerativeClassifier

# %%
# Three data sets of binary columns: threes and eights in black and white, and the measurements of
# tumours and of wines, which are above the median of their columns or not. Naive Bayes is a
# generative classifier with independent columns in each class. Logistic regression is hardly
# regularised.

digits = load_digits()
some = np.isin(digits.target, [3, 8])
data = {"digits 3 and 8": (digits.data[some] > 7, digits.target[some])}
for name, load in {"tumours": load_breast_cancer, "wines": load_wine}.items():
    X, y = load(return_X_y=True)
    data[name] = (np.median(X, axis=0) < X, y)
STYLES = ({"color": "#0072B2", "marker": "o"}, {"color": "#D55E00", "marker": "s", "ls": "--"})
models = {
    "naive Bayes": GenerativeClassifier(BernoulliIndependentDensity()),
    "logistic regression": LogisticRegression(C=1000, solver="newton-cholesky"),
}


def error(model, X, y, size):
    """Return the mean error on all other rows, of ten draws of the rows to learn from."""
    found = []
    for seed in range(10):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, train_size=size, stratify=y, random_state=seed
        )
        found.append(1 - model.fit(X_train, y_train).score(X_test, y_test))
    return np.mean(found)


# %%
# The mean errors over ten draws of the training rows:

figure, axes = plt.subplots(1, 3, figsize=(7, 3.4), layout="constrained")
for ax, (name, (X, y)) in zip(axes, data.items(), strict=True):
    sizes = np.geomspace(3 * len(np.unique(y)), 0.8 * len(X), 6).astype(int)
    print(f"{name:22}" + "".join(f"{size:7}" for size in sizes))
    for (label, model), style in zip(models.items(), STYLES, strict=True):
        curve = [error(model, X, y, int(size)) for size in sizes]
        print(f"  {label:20}" + "".join(f"{value:7.1%}" for value in curve))
        ax.plot(sizes, curve, label=label, **style)
    ax.set(title=name, xlabel="Training rows", xscale="log", ylim=(0, None))
axes[0].set_ylabel("Error on other rows")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
plt.show()

# %%
# **Finding.** On the digits the curves are as Ng and Jordan say: naive Bayes errs less with up to
# 28 rows, both err alike with 60 and 131, and with 285 logistic regression errs half as much,
# 2.5 % after 5.4 %. On the tumours it is ahead at both ends, and behind in between, with 80 and
# 191 rows. On the wines, 142 rows are too few for it to catch up: 8.3 % after 5.0 % of naive
# Bayes. Which of the two to take is thus a question of how many rows there are, not of principle.
#
# .. [1] Ng, A. Y. and Jordan, M. I., "On Discriminative vs. Generative Classifiers: A comparison
#    of logistic regression and naive Bayes", NeurIPS 2001.
