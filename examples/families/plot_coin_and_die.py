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

all_coins = BernoulliIndependentDensity(alpha=0).fit(few)
some_coins = BernoulliIndependentDensity(alpha=0, bounds=(0.2, 0.3)).fit(few)
for name, model in [("all coins", all_coins), ("0.2 to 0.3", some_coins)]:
    theta, nats = model.probability_[0], model.score(few)
    print(f"{name:10}  picks theta = {theta:.3f}: {nats:.3f} nats per toss")

# %%
# The likelihood of every coin comes from families of one member, ``bounds=(theta, theta)``. On the
# right, tosses arrive in batches of ten, and ``partial_fit`` adds each to what was learned before.

thetas = np.linspace(0.05, 0.95, 181)
curve = [BernoulliIndependentDensity(bounds=(t, t)).fit(few).score(few) for t in thetas]

growing = {
    "all coins": BernoulliIndependentDensity(alpha=0),
    "only 0.2 to 0.3": BernoulliIndependentDensity(alpha=0, bounds=(0.2, 0.3)),
}
n_tosses = np.arange(10, len(tosses) + 1, 10)
picked = {
    name: [model.partial_fit(tosses[n - 10 : n]).probability_[0] for n in n_tosses]
    for name, model in growing.items()
}

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.axvspan(0.2, 0.3, color=SMALL, alpha=0.15, lw=0)
left.plot(thetas, curve, color="black")
for model, color, label, where in [
    (some_coins, SMALL, "best of 0.2 to 0.3", (0.06, -0.55)),
    (all_coins, FULL, "best of all coins", (0.45, -0.55)),
]:
    theta, value = model.probability_[0], model.score(few)
    left.plot(theta, value, "o", color=color, ms=9)
    left.text(*where, f"{label}:\n$\\theta$ = {theta:.3f}", color=color)
left.set(
    xlabel=r"probability of heads $\theta$",
    ylabel="log-likelihood, nats per toss",
    ylim=(-1.6, -0.4),
    title="60 tosses: the likelihood of every coin",
)
right.axhspan(0.2, 0.3, color=SMALL, alpha=0.15, lw=0)
right.axhline(theta_true, color=TRUTH, ls="--", lw=1)
right.text(11, theta_true + 0.006, "true coin", color=TRUTH)
for (name, values), color, height in zip(
    picked.items(), [FULL, SMALL], [0.375, 0.275], strict=True
):
    right.plot(n_tosses, values, color=color, lw=2)
    right.text(n_tosses[-1], height, name, color=color, ha="right")
right.set(
    xscale="log",
    xlabel="number of tosses",
    ylabel=r"$\theta$ picked",
    title="More tosses do not lead out of the family",
)
plt.show()

# %%
# **Finding.** The likelihood has one peak, so the restricted family picks its end nearest to the
# peak, 0.3, and stays there however many tosses follow, while the family of all coins settles near
# 0.45. The loss is the distance between the coin and the family, which more data do not reduce:

gap = all_coins.score(tosses) - some_coins.score(tosses)
gap_many = growing["all coins"].score(tosses) - growing["only 0.2 to 0.3"].score(tosses)
divergence = 0.45 * np.log(0.45 / 0.3) + 0.55 * np.log(0.55 / 0.7)
print(f"loss in nats per toss, members picked from   60 tosses: {gap:.3f}")
print(f"loss in nats per toss, members picked from 2000 tosses: {gap_many:.3f}")
print(f"Kullback-Leibler divergence of 0.45 from 0.3:           {divergence:.3f}")

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
# Each family is fitted to few and to many rolls, 200 times, and scored on new rolls.

held_out = die.sample(20_000, random_state=1)
share = np.bincount(held_out[:, 0]) / len(held_out)  # per face, so that six rows are scored below
n_rolls = np.array([5, 10, 20, 50, 100, 200, 500, 1000, 2000])
score = {name: np.empty((200, len(n_rolls))) for name in families}
generator = np.random.default_rng(2)
for repetition in range(200):
    rolls = die.sample(n_rolls[-1], random_state=generator)
    for column, n in enumerate(n_rolls):
        for name, family in families.items():
            log_prob = family.fit(rolls[:n]).score_samples(faces)
            score[name][repetition, column] = log_prob @ share

ceiling = die.score(held_out)
print(f"{'rolls':>5}  {'all dice':>9}  {'tied dice':>9}   (held-out nats per roll)")
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
rolls = die.sample(20, random_state=0)
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
bars = {
    "true die": probability,
    "all dice": np.exp(families["all dice"].fit(rolls).score_samples(faces)),
    "tied dice": np.exp(families["tied dice"].fit(rolls).score_samples(faces)),
}
for shift, (name, heights), color in zip(
    (-0.27, 0, 0.27), bars.items(), (TRUTH, FULL, SMALL), strict=True
):
    left.bar(np.arange(1, 7) + shift, heights, width=0.25, color=color, label=name)
left.set(xlabel="face", ylabel="probability", title="The dice picked from 20 rolls")
left.legend(frameon=False)

for name, color in [("all dice", FULL), ("tied dice", SMALL)]:
    right.plot(n_rolls, ceiling - score[name].mean(axis=0), "o-", color=color, lw=2, label=name)
right.plot(n_rolls, 5 / (2 * n_rolls), ":", color=FULL)
right.plot(n_rolls, distance + 1 / (2 * n_rolls), ":", color=SMALL)
right.set(
    xscale="log",
    yscale="log",
    xlabel="number of rolls",
    ylabel="held-out nats per roll below the true die",
    title="The small family wins while rolls are few",
)
right.legend(frameon=False)
plt.show()

# %%
# **Finding.** Up to 200 rolls the tied die is better on new rolls, although it is wrong; from 500
# on, the family of all dice is better, because the tied one has reached its best. The rule of thumb
# says where they cross: four more parameters cost ``2 / n`` nats per roll, and gain the distance of
# the tied family from the true die.

print(f"distance {distance:.4f} nats per roll, so the families cross near {2 / distance:.0f} rolls")
