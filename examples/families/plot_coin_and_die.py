"""
A coin, a die, and what a restricted family costs
=================================================

A family of models is a set of distributions; fitting picks the member under which the data are
most likely. A large family has a member close to any coin or die, but more to learn. A small one
learns from little data, but even its best member may be far from the truth. When is the small
family the better choice?
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone

from skdgm import BernoulliIndependentDensity, FullCategoricalDensity

FULL, SMALL, TRUTH = "#0072B2", "#D55E00", "#666666"

# %%
# A coin
# ------
# The coin shows heads 45 times in 100. One family contains all coins, the other only those with a
# probability of heads from 0.2 to 0.3, so the true coin is not among them. Both have one parameter.

theta_true = 0.45
tosses = (np.random.default_rng(0).random((2000, 1)) < theta_true).astype(np.uint8)
few = tosses[:60]

members = {
    "all coins": BernoulliIndependentDensity(alpha=0),
    "0.2 to 0.3": BernoulliIndependentDensity(alpha=0, bounds=(0.2, 0.3)),
}
for name, model in members.items():
    theta, nats = model.fit(few).probability_[0], model.score(few)
    print(f"{name:10}  picks theta = {theta:.3f}: {nats:.3f} nats per toss")

# %%
# The likelihood of every coin comes from families of one member, ``bounds=(theta, theta)``. On the
# right, tosses arrive in batches of ten, and ``partial_fit`` adds each to what was learned before.

thetas = np.linspace(0.05, 0.95, 181)
curve = [BernoulliIndependentDensity(bounds=(t, t)).fit(few).score(few) for t in thetas]

growing = {name: clone(model) for name, model in members.items()}
n_tosses = np.arange(10, len(tosses) + 1, 10)
picked = {
    name: [model.partial_fit(tosses[n - 10 : n]).probability_[0] for n in n_tosses]
    for name, model in growing.items()
}

fig, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3.4), layout="constrained")
left.plot(thetas, curve, color=TRUTH, label="every coin")
right.axhline(theta_true, color=TRUTH, ls="--", label="true coin")
for (name, model), color in zip(members.items(), [FULL, SMALL], strict=True):
    left.plot(model.probability_[0], model.score(few), "o", color=color, label=f"best of {name}")
    right.plot(n_tosses, picked[name], color=color, label=f"picked from {name}")
left.set(xlabel=r"probability of heads $\theta$", ylabel="log-likelihood (nats per toss)")
right.set(xlabel="number of tosses", ylabel=r"$\theta$ picked", xscale="log", ylim=(0.2, 0.6))
fig.legend(loc="outside lower center", ncols=2)
plt.show()

# %%
# **Finding.** The likelihood has one peak, so the restricted family picks its end nearest to the
# peak, 0.3, and stays there however many tosses follow, while the family of all coins settles near
# 0.45. The loss is the distance between the coin and the family, which more data do not reduce:

few_score, many_score = (
    [model.score(tosses) for model in models.values()] for models in (members, growing)
)
divergence = 0.45 * np.log(0.45 / 0.3) + 0.55 * np.log(0.55 / 0.7)
print("loss in nats per toss of the restricted family")
print(f"picked from   60 tosses:          {few_score[0] - few_score[1]:.3f}")
print(f"picked from 2000 tosses:          {many_score[0] - many_score[1]:.3f}")
print(f"KL divergence of 0.45 from 0.3:   {divergence:.3f}")

# %%
# A die
# -----
# A loaded die is given as a density: six faces, weighted by their probabilities. The large family
# contains all dice (5 parameters). In the small one, faces 1 to 3 share one probability and faces 4
# to 6 another (1 parameter). The true die is near the small family, but not in it.

faces = np.arange(6).reshape(-1, 1)
probability = np.array([0.09, 0.13, 0.11, 0.19, 0.26, 0.22])
die = FullCategoricalDensity(alpha=0).fit(faces, sample_weight=probability)

families = {
    "all dice": FullCategoricalDensity(n_categories=6),
    "tied dice": FullCategoricalDensity(n_categories=6, ties=[0, 0, 0, 1, 1, 1]),
}
for name, family in families.items():
    print(f"{name:9}  {family.fit(faces).n_parameters_} free parameters")

# %%
# Each family is fitted to few and to many rolls, 100 times, and scored on new rolls.

held_out = die.sample(20_000, random_state=1)
share = np.bincount(held_out[:, 0]) / len(held_out)  # per face, so that six rows are scored below
n_rolls = np.array([5, 10, 20, 50, 100, 200, 500, 1000, 2000])
score = {name: np.empty((100, len(n_rolls))) for name in families}
generator = np.random.default_rng(2)
for repetition in range(100):
    rolls = die.sample(n_rolls[-1], random_state=generator)
    for column, n in enumerate(n_rolls):
        for name, family in families.items():
            log_prob = family.fit(rolls[:n]).score_samples(faces)
            score[name][repetition, column] = log_prob @ share

ceiling = die.score(held_out)
print(f"{'rolls':>5}  {'all dice':>9}  {'tied dice':>9}  (held-out nats)")
for column, n in enumerate(n_rolls):
    print(f"{n:5}  {score['all dice'][:, column].mean():9.4f}", end="  ")
    print(f"{score['tied dice'][:, column].mean():9.4f}")
print(f"true die {ceiling:.4f}")

# %%
# On the left, the members that the two families pick from 20 rolls. On the right, the gap between
# the mean held-out log-likelihood and that of the true die. The dotted lines are a rule of thumb: a
# family loses its distance from the die, and ``1 / (2 n)`` for each free parameter.

tied_best = np.repeat([probability[:3].mean(), probability[3:].mean()], 3)
distance = probability @ np.log(probability / tied_best)
rule = {"all dice": 5 / (2 * n_rolls), "tied dice": distance + 1 / (2 * n_rolls)}
rolls = die.sample(20, random_state=0)
picked = {name: np.exp(family.fit(rolls).score_samples(faces)) for name, family in families.items()}

fig, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3.8), layout="constrained")
left.bar(faces[:, 0] + 0.73, probability, width=0.25, color=TRUTH, label="true die")
for name, color, place in [("all dice", FULL, 1.0), ("tied dice", SMALL, 1.27)]:
    left.bar(faces[:, 0] + place, picked[name], width=0.25, color=color, label=name)
    right.loglog(n_rolls, ceiling - score[name].mean(axis=0), "o-", color=color, label=name)
    right.plot(n_rolls, rule[name], ":", color=color, label=f"{name}, rule of thumb")
left.set(xlabel="face", ylabel="probability", title="picked from 20 rolls")
right.set(xlabel="number of rolls", ylabel="nats below the true die", title="loss on new rolls")
left.legend()
fig.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
plt.show()

# %%
# **Finding.** Up to 200 rolls the tied die is better on new rolls, although it is wrong; from 500
# on, the family of all dice is better, because the tied one has reached its best. The rule of thumb
# says where they cross: four more parameters cost ``2 / n`` nats per roll, and gain the distance of
# the tied family from the true die.

print(f"distance {distance:.4f} nats: they cross near {2 / distance:.0f} rolls")
