"""``skdgm score``: how usual each row of a table is, and which of its cells are not."""

from __future__ import annotations

import argparse
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from .._csv.file import CsvFile
from .files import give, rows_from
from .messages import CANNOT_WRITE
from .model import LearnedRows, open_table, progress
from .options import add_table

N_CELLS = 3  # of each row that are named, at most
N_DRAWS = 1000  # that rows and cells are compared with
UNLIKELY = 0.05  # probability below which a cell is named
CELL = ("column", "value", "expected", "probability")


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "score",
        help="tell how usual each row of a table is, and which cells are not",
        description="Learns a density of the rows of a table, and writes a line for each row: its "
        "log-probability in nats; the probability that a row of the model is no more probable, "
        "which is small for outliers and compares rows with holes; and up to three of its cells "
        "less likely than 1 in 20 given the rest of the row, with what was expected there.",
        epilog="example: skdgm score payments.csv --output scores.csv",
    )
    add_table(command, "the scores")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score rows and cells."""
    file, imputer, learned = open_table(arguments)
    progress(arguments, f"scoring {file.n_rows} rows")
    lines = scored(file, imputer.density_, learned, arguments.seed)
    return 0 if give(lines, arguments.output) else CANNOT_WRITE


def scored(file: CsvFile, density: Any, learned: LearnedRows | None, seed: int) -> Iterator[str]:
    """Yield the lines of the scores.

    Rows that the model has learned from are judged by the members that have not.
    """
    known: dict[int, list[str]] = {}
    if learned is not None:
        surprise = density.surprise(learned.frame, N_DRAWS, seed, out_of_bag=True)
        known = dict(zip(learned.places.tolist(), cells_of(file, surprise), strict=True))
    names = [f"{what}_{place}" for place in range(1, N_CELLS + 1) for what in CELL]
    yield _as_csv([["row", "log_prob", "tail_probability", *names]])
    if len(known) == file.n_rows:
        yield _as_csv([row + 1, *known[row]] for row in range(file.n_rows))
        return
    counts: Counter[bytes] = Counter()
    for part in file.parts():
        with rows_from(part.first):
            counts += density._count_patterns(part.frame)
    for part in file.parts():
        rows = range(part.first, part.first + len(part.frame))
        surprise = density._surprise(part.frame, N_DRAWS, seed, False, counts)
        yield _as_csv(
            [row + 1, *known.get(row, own)]
            for row, own in zip(rows, cells_of(file, surprise), strict=True)
        )


def cells_of(file: CsvFile, surprise: Any) -> list[list[str]]:
    """Return the cells of the line of each row, but for its number."""
    scores = surprise.rows.to_numpy()
    lines = []
    for (score, tail), told in zip(scores, unlikely_cells(file, surprise), strict=True):
        texts = [text for cell in told for text in cell]
        empty = [""] * (N_CELLS * len(CELL) - len(texts))
        lines.append([f"{score:.4f}", f"{tail:.4g}", *texts, *empty])
    return lines


def _as_csv(rows: Iterable[list[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def unlikely_cells(file: CsvFile, surprise: Any) -> list[list[tuple[str, str, str, str]]]:
    """Return the unlikely cells of each row: column, value, what was expected, and how likely."""
    n_unlikely = int((surprise.cell_tails < UNLIKELY).to_numpy().sum())
    told: list[list[tuple[str, str, str, str]]] = [[] for _ in range(len(surprise.rows))]
    if not n_unlikely:
        return told
    for cell in surprise.suspects(n_unlikely).itertuples():
        own, column = told[cell.row], file.columns[str(cell.column)]
        if len(own) < N_CELLS:
            expected = "" if cell.expected is None else column.text_of(cell.expected)
            value, probability = column.text_of(cell.value), f"{cell.tail_probability:.2g}"
            if value != expected:  # as the column shows them
                own.append((str(cell.column), value, expected, probability))
    return told
