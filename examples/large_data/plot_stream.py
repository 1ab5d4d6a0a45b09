"""
Rows come in batches and never end: how much memory does a model need?
======================================================================

A normal density is learned from sums over rows, and sums add. ``partial_fit`` keeps them and lets
go of the rows. Here a generator makes batches of 10,000 rows of 20 columns, as a queue or a
database would hand them out. ``tracemalloc`` tells the peak memory of all arrays, for a model that
takes batches and for one that is given all rows at once.
"""

import tracemalloc

import matplotlib.pyplot as plt
import numpy as np

from skdgm import GaussianDensity

N_COLUMNS, BATCH = 20, 10_000


def batches(n_batches):
    """Yield batches of rows, the same ones in each call."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(N_COLUMNS, N_COLUMNS))
    for _ in range(n_batches):
        yield rng.normal(size=(BATCH, N_COLUMNS)) @ mixing


# %%
# The two learn the same parameters. What the batches need does not depend on their number.


def from_batches(n_batches):
    """Learn from one batch after the other."""
    density = GaussianDensity()
    for rows in batches(n_batches):
        density.partial_fit(rows)
    return density


def at_once(n_batches):
    """Learn from all rows together."""
    return GaussianDensity().fit(np.concatenate(list(batches(n_batches))))


def peak_of(learn, n_batches):
    """Return a density and the peak memory of its training in MB."""
    tracemalloc.start()
    density = learn(n_batches)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return density, peak / 1e6


peak_of(from_batches, 1), peak_of(at_once, 1)  # what a first call loads does not count
sizes = [1, 2, 4, 8, 16, 32]
peaks = {"partial_fit": [], "fit": []}
for n_batches in sizes:
    stream, memory = peak_of(from_batches, n_batches)
    peaks["partial_fit"].append(memory)
    whole, memory = peak_of(at_once, n_batches)
    peaks["fit"].append(memory)
    gap = abs(stream.covariance_ - whole.covariance_).max()
    print(
        f"{n_batches * BATCH:7,} rows: {peaks['partial_fit'][-1]:5.1f} MB in batches, "
        f"{peaks['fit'][-1]:6.1f} MB at once, covariances differ by {gap:.0e} at most"
    )

# %%
# From the second batch on, ``partial_fit`` stays at the memory of a few batches, whatever comes.

figure, ax = plt.subplots(figsize=(6, 4))
rows = np.multiply(sizes, BATCH)
for (name, memory), mark in zip(peaks.items(), "os", strict=True):
    ax.loglog(rows, memory, marker=mark, label=name)
ax.set(
    xlabel="rows",
    ylabel="peak memory (MB)",
    title="Batches: the memory does not grow with the rows",
    ylim=(1, 300),
)
ax.legend(loc="upper left")
plt.show()
