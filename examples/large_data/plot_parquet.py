"""
A Parquet file has more rows than are needed: after how many may one stop?
==========================================================================

Parquet keeps columns together and rows in groups, so that ``iter_batches`` of ``pyarrow`` reads the
columns that are asked for, a few rows at a time. A tree over categories and a table of independent
columns learn from the same batches. After each, both are asked for the mean log-likelihood of rows
that they have not seen.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skdgm import CategoricalIndependentDensity, ChowLiuTreeDensity

rng = np.random.default_rng(0)
folder = tempfile.TemporaryDirectory()
path = Path(folder.name, "answers.parquet")
N_COLUMNS, N_CATEGORIES, BATCH = 30, 8, 250

# %%
# Answers to 30 questions, of which each is the answer to an earlier one in half of the rows, and
# any of eight otherwise. There is also a column of text, which is not read.


def draw(n_rows):
    """Draw rows of answers."""
    rows = rng.integers(0, N_CATEGORIES, (n_rows, N_COLUMNS), dtype=np.uint8)
    for column in range(1, N_COLUMNS):
        repeats = rng.random(n_rows) < 0.5
        rows[repeats, column] = rows[repeats, column // 2]
    return rows


names = [f"q{number}" for number in range(1, N_COLUMNS + 1)]
schema = pa.schema([*((name, pa.uint8()) for name in names), ("remark", pa.string())])
with pq.ParquetWriter(path, schema) as writer:
    for _ in range(4):
        columns = dict(zip(names, draw(5000).T, strict=True))
        columns["remark"] = ["nothing to add"] * 5000
        writer.write_table(pa.table(columns, schema))
test = draw(5000)

# %%
# ``partial_fit`` takes a batch as a table of Arrow. All categories are told beforehand, because the
# first batches may lack one.

tree = ChowLiuTreeDensity(n_categories=N_CATEGORIES)
independent = CategoricalIndependentDensity(n_categories=N_CATEGORIES)
scores = []
for batch in pq.ParquetFile(path).iter_batches(BATCH, columns=names):
    table = pa.Table.from_batches([batch])
    scores.append(
        [
            density.partial_fit(table).score(pa.table(dict(zip(names, test.T, strict=True))))
            for density in (tree, independent)
        ]
    )
scores = np.array(scores)
rows = BATCH * np.arange(1, len(scores) + 1)
near = rows[np.argmax(scores >= scores[-1] - 0.1, axis=0)]
for name, own, first in zip(("tree", "independent columns"), scores.T, near, strict=True):
    print(
        f"{name:20} {own[0]:.2f} nats after {rows[0]} rows, {own[-1]:.2f} after {rows[-1]:,}; "
        f"within 0.1 from {first:,} rows on"
    )

# %%
# Independent columns have learned all they can from the first batches. The tree has more parameters
# and needs more rows, and then it is far ahead: here the file may be closed long before its end.

figure, ax = plt.subplots(figsize=(7, 4))
for name, own, first in zip(("tree", "independent columns"), scores.T, near, strict=True):
    (line,) = ax.semilogx(rows, own, label=name)
    ax.plot(first, own[rows == first], "o", color=line.get_color())
ax.set(
    xlabel="rows read",
    ylabel="mean log-likelihood of other rows (nats)",
    title="Dots: within 0.1 nats of the score after all rows",
)
ax.legend(loc="center right")
plt.show()
folder.cleanup()
