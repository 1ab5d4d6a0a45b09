"""
Likelihood against the number of parameters
===========================================

An 8 x 8 binary image has ``2**64`` states, and a table with one probability per state can represent
every distribution. Independent pixels need only 64 parameters, but ignore that neighbours go
together. Chains are in between: each pixel depends on the ``order`` pixels before it. Which of
these families gives new images of handwritten digits the highest likelihood?
"""

import math

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skdgm import BernoulliIndependentDensity, FullCategoricalDensity, MarkovChainImageDensity

TRAIN, TEST, COINS = "#56B4E9", "#D55E00", "#666666"

# %%
# The digits have 17 grey levels; above 7 a pixel counts as ink. A quarter of the images is held
# out.

X, y = load_digits(return_X_y=True)
X = (X > 7).astype(np.uint8)
X_train, X_test = train_test_split(X, stratify=y, random_state=0)

families = {"independence": BernoulliIndependentDensity()}
for order in range(1, 13):
    families[f"order {order}"] = MarkovChainImageDensity(order=order, n_categories=2)
families["full table"] = FullCategoricalDensity(n_categories=2)

# %%
# ``n_parameters_`` is an exact Python integer, however large, and ``math.log10`` accepts it.
# Scores are mean log-likelihoods, in nats per image. For comparison, an image of 64 fair coins has
# ``-64 log(2) = -44.4`` nats.

log10_parameters, train, test = [], [], []
print(f"{'family':12}  {'parameters':>26}  {'train':>6}  {'test':>6}")
for name, model in families.items():
    model.fit(X_train)
    log10_parameters.append(math.log10(model.n_parameters_))
    train.append(model.score(X_train))
    test.append(model.score(X_test))
    print(f"{name:12}  {model.n_parameters_:26,}  {train[-1]:6.2f}  {test[-1]:6.2f}")
fair_coins = -64 * math.log(2)
print(f"{'fair coins':12}  {0:26}  {fair_coins:6.2f}  {fair_coins:6.2f}")

seen = {row.tobytes() for row in X_train}
share = np.mean([row.tobytes() in seen for row in X_test])
print(f"{share:.1%} of the test images are among the training images")

# %%
# On the left all families; on the right the same numbers without the full table.

parameters = 10.0 ** np.array(log10_parameters)
fig, (whole, zoom) = plt.subplots(1, 2, figsize=(6.8, 4), layout="constrained")
for label, scores, color in [("training", train, TRAIN), ("held-out", test, TEST)]:
    whole.semilogx(parameters, scores, "o-", color=color, label=f"{label} images")
    zoom.semilogx(parameters[:-1], scores[:-1], "o-", color=color)
whole.axhline(fair_coins, color=COINS, ls="--", label="64 fair coins")
zoom.annotate("order 8", (parameters[8], test[8]), (1000, -20), arrowprops={"arrowstyle": "->"})
for ax, title in [(whole, "with the full table, right"), (zoom, "without it")]:
    ax.set(xlabel="free parameters", ylabel="log-likelihood (nats per image)", title=title)
fig.legend(loc="outside lower center", ncols=3)
plt.show()

# %%
# **Finding.** On held-out images, scores rise from independence to the chain of order 9, at -19.3
# nats, and then fall. The largest step is not the first but the one to order 8: the images are read
# row by row, eight pixels per row, so the value eight places back is the pixel above, and those
# seven and nine back are its neighbours. Orders 4 and 5 double the parameters twice and gain
# nothing, because four or five pixels to the left say little that three do not. Past order 9 most
# contexts are seen a few times or never; past order 10 their pseudo-counts pull even the training
# score down.
#
# The full table is the best of all on the images it was fitted to, and worse than fair coins on new
# ones. It has a separate probability for every image and learns nothing about one image from
# another. Only 3 % of the test images occurred in training; the others are left with an equal share
# of one pseudo-count, about -52 nats each. Restricting the family is what makes learning possible.
