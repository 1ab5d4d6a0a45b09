"""
Text, dates, counts, numbers and holes: what can one density tell about a table?
================================================================================

A table as it was read from a file has columns of every kind, and holes. ``TableDensity`` models the
columns together, as they are. Which questions does the one model answer, and can its answers be
trusted?
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_wine

from skdgm import TableDensity

# %%
# The numbers are chemical analyses of Italian wines of three cultivars. To have columns of all
# kinds, two are made up: each cultivar is bottled around a day of its own, and the stronger a wine,
# the more bottles of it are ordered. A tenth of all cells are missing.

rng = np.random.default_rng(0)
wine = load_wine(as_frame=True)
table = wine.data[["alcohol", "flavanoids", "color_intensity", "proline"]].copy()
table["cultivar"] = np.array(["Barolo", "Grignolino", "Barbera"])[wine.target]
day = np.array([60, 100, 140])[wine.target] + rng.normal(0, 15, len(table))
table["bottled"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(day.round(), unit="D")
table["ordered"] = rng.poisson(np.exp(table["alcohol"] - 11))
table = table.mask(rng.random(table.shape) < 0.1).astype({"ordered": "Int64"})
test = table.sample(60, random_state=0)
train = table.drop(test.index)
print(train.head().to_string())

# %%
# The kinds of the columns are found, and the model is fitted. Rows are scored by the cells that
# they have; new rows are drawn as a frame like the one that was learned from.

density = TableDensity(random_state=0).fit(train)
print(density.column_kinds_)
print(f"mean log-density of the test rows: {density.score(test):.1f} nats")
print(density.sample(3, random_state=0).to_string())

# %%
# Holes are filled with what goes best with the rest of the row.

print(density.conditional_mode(test.head(3)).to_string())

# %%
# Any column can be asked about, from whatever is known of the others: a category and its
# probability, a number and an interval. Here the model learned nothing about which column would be
# asked for.

known = test[test["cultivar"].notna()]
predicted = density.predict_column(known.assign(cultivar=None), "cultivar")
print(f"cultivar: {np.mean(predicted == known['cultivar']):.0%} of {len(known)} test rows right")

known = test[test["proline"].notna()]
asked = known.assign(proline=np.nan)
middle = density.conditional_quantile(asked, 0.5)["proline"]
low, high = (frame["proline"] for frame in density.conditional_interval(asked, 0.8))
inside = known["proline"].between(low, high)
print(f"proline: {inside.mean():.0%} of {len(known)} test rows within their 80 % intervals")
error = (known["proline"] - middle).abs().mean()
constant = (known["proline"] - train["proline"].median()).abs().mean()
print(f"mean error of the medians: {error:.0f}, of the column's median: {constant:.0f}")

# %%
# The intervals of proline, from the shortest to the longest: the model knows where it is unsure.

order = np.argsort((high - low).to_numpy(), kind="stable")
place = np.arange(len(order))
figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
ax.vlines(place, low.iloc[order], high.iloc[order], color="#56B4E9", lw=4, label="80 % interval")
ax.plot(place, middle.iloc[order], "_", color="#0072B2", ms=7, mew=2, label="median")
for mask, color, side in [(inside, "black", "inside"), (~inside, "#D55E00", "outside")]:
    own = place[mask.to_numpy()[order]]
    ax.plot(own, known["proline"].iloc[order[own]], "o", color=color, ms=4, label=f"true, {side}")
ax.set(xlabel="Test row, by length of its interval", ylabel="Proline (mg/l)", ylim=(200, 2000))
ax.set_title("Proline, predicted from the rest of each row")
ax.legend(ncols=2, loc="upper left")
plt.show()

# %%
# **Finding.** From 118 rows with holes, one model learned to tell the cultivar of 96 % of the test
# rows from whatever cells these have, and to predict proline with half the error of the column's
# median. Its intervals are short for wines of little proline and long for others. They hold 73 % of
# the true values, where 80 % were asked for; of 51 rows that are inside with probability 80 %, as
# few are inside in one of eight cases.
