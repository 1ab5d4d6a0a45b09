"""
The table is on disk: does a model copy it into memory?
=======================================================

``numpy.load(file, mmap_mode="r")`` gives an array whose pages the system reads when they are looked
at, and forgets when memory is short. A density reads it as any other array, in blocks of rows. How
much memory do training and scoring take for themselves?
"""

import tempfile
import tracemalloc
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from skdgm import BernoulliIndependentDensity, ChowLiuTreeDensity, GaussianDensity

rng = np.random.default_rng(0)
folder = tempfile.TemporaryDirectory()
N_ROWS, BLOCK = 200_000, 20_000

# %%
# Two tables are written block by block: one of binary columns as ``uint8``, each column equal to
# the one before it in nine of ten rows, and one of numbers as ``float32``.


def write(name, dtype, n_columns, draw):
    """Write a table of which each block is drawn, and return it as a memory map."""
    path = Path(folder.name, name)
    table = np.lib.format.open_memmap(path, "w+", dtype, (N_ROWS, n_columns))
    for start in range(0, N_ROWS, BLOCK):
        table[start : start + BLOCK] = draw(n_columns)
    table.flush()
    return np.load(path, mmap_mode="r")


def binary(n_columns):
    """Draw binary rows."""
    return np.logical_xor.accumulate(rng.random((BLOCK, n_columns)) < 0.1, axis=1)


def numbers(n_columns):
    """Draw rows of numbers."""
    return rng.normal(size=(BLOCK, n_columns))


bits = write("bits.npy", np.uint8, 200, binary)
floats = write("floats.npy", np.float32, 50, numbers)

# %%
# ``tracemalloc`` counts the arrays that Python code makes, and not the pages of a map.


def memory_of(call):
    """Return the peak memory of a call in MB."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


densities = {
    "Bernoulli": (BernoulliIndependentDensity(), bits),
    "Chow-Liu tree": (ChowLiuTreeDensity(), bits),
    "normal, diag": (GaussianDensity("diag"), floats),
    "normal, full": (GaussianDensity("full"), floats),
}
used = []
for name, (density, table) in densities.items():
    density.fit(table[:1000]).score_samples(table[:1000])  # loads what a first call loads
    fit = memory_of(lambda density=density, table=table: density.fit(table))
    score = memory_of(lambda density=density, table=table: density.score_samples(table))
    used.append((table.nbytes / 1e6, fit, score))
    print(
        f"{name:14} table {used[-1][0]:4.0f} MB, fit {fit:5.1f} MB, score_samples {score:5.1f} MB"
    )

# %%
# All of them take less than the table. What training needs is set by the size of a block and of the
# model; scoring also returns eight bytes per row.

figure, ax = plt.subplots(figsize=(7, 4))
places = np.arange(len(densities))
for shift, (label, own) in enumerate(
    zip(("table on disk", "fit", "score_samples"), np.transpose(used), strict=True)
):
    bars = ax.bar(places + 0.27 * (shift - 1), own, 0.27, label=label)
    ax.bar_label(bars, fmt="%.1f", fontsize=8)
ax.set(ylabel="memory (MB)", title="A memory map stays on disk", xticks=places, ylim=(0, 55))
ax.set_xticklabels(densities)
ax.legend(loc="upper center", ncols=3)
plt.show()

# %%
# The files go with their folder.

del bits, floats, table, densities
folder.cleanup()
