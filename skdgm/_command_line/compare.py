"""``skdgm compare``: generative classifiers against discriminative ones."""

from __future__ import annotations

import argparse
import itertools
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from sklearn.datasets import load_digits

from .._files import replace_file
from ..comparison import (
    check_n_folds,
    compare_classifiers,
    load_table,
    make_figure,
    make_page,
)
from .files import check_output, is_same
from .messages import CANNOT_WRITE, INTERRUPTED, OF_DATA, OPTIONS, put, say, written
from .options import add_reading, comma_list, reading_options

DEFAULT_OUTPUT = "skdgm-compare"
IMAGE_SHAPE = (8, 8)  # of the digits


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "compare",
        help="compare generative classifiers with logistic regression and boosted trees",
        description="Cross-validate logistic regression, boosted trees and generative classifiers "
        "on a table of labelled rows. Prints one row per model (accuracy, accuracy with a share of "
        "the test cells hidden, log-loss, parameters, seconds), and saves the table as PREFIX.csv "
        "and a plot as PREFIX.png. A CSV file is also given to TableDensity as it is, with its "
        "log-likelihood of the test rows. Hidden cells are missing values: generative classifiers "
        "and boosted trees take them as they are; for logistic regression they are imputed, in one "
        "row by the mean and in another by IterativeImputer. Identifiers, row numbers and dates "
        "are left out, with a note. Ctrl-C keeps the models that are finished.",
        epilog="examples: skdgm compare; skdgm compare --data iris.csv --target species",
    )
    add = command.add_argument
    add(
        "--data",
        metavar="FILE.csv",
        help="table with a header line, plain or as .csv.gz (default: the digits data)",
    )
    add("--target", metavar="COLUMN", help="column of --data that holds the class labels")
    add_reading(command)
    add(
        "--drop",
        metavar="COLUMNS",
        action="append",
        type=comma_list,
        help="columns to leave out, such as id,date",
    )
    add(
        "--keep",
        metavar="COLUMNS",
        action="append",
        type=comma_list,
        help="columns to use even if they look like identifiers, row numbers or dates",
    )
    add(
        "--output",
        metavar="PREFIX",
        help="where to save; files that exist are replaced only with --force (default: "
        f"{DEFAULT_OUTPUT}, or its next free number)",
    )
    add(
        "--html",
        metavar="FILE.html",
        help="where to save a report: one page with the table, the plot, samples of each model "
        "and what was searched",
    )
    add("--force", action="store_true", help="replace files that exist")
    add("--folds", type=int, default=5, metavar="N", help="number of folds (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="random seed (default: %(default)s)")
    add(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="processes (default: %(default)s)",
    )
    add("--quiet", action="store_true", help="show no progress")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print the table and save it with its plot, and a report if asked for."""
    check_n_folds(arguments.folds)
    prefix = _check_output(arguments)
    _check_html(arguments, prefix)
    figure = make_figure(pyplot=False)
    X, y = _load(arguments)
    comparison = compare_classifiers(
        X,
        y,
        folds=arguments.folds,
        random_state=arguments.seed,
        n_jobs=arguments.jobs,
        verbose=not arguments.quiet,
    )
    if comparison.table.empty:
        say("interrupted before a model was finished")
        return INTERRUPTED
    # Files first: whatever happens to the output, the work is kept; and the other way round.
    comparison.plot(ax=figure.subplots(1, 2))
    if not arguments.force:
        prefix = _next_free(prefix)  # files may have come up meanwhile
    table_file, picture_file = _files(prefix)
    saved = [
        written(str(table_file), lambda: comparison.to_csv(table_file)),
        written(str(picture_file), lambda: figure.savefig(picture_file, dpi=150)),
    ]
    names = [str(table_file), str(picture_file)]
    if arguments.html is not None:
        page = make_page(
            comparison,
            IMAGE_SHAPE if arguments.data is None else None,
            shlex.join(["skdgm", *arguments.argv]),
        ).encode("utf-8", "replace")
        names.append(arguments.html)
        saved.append(written(arguments.html, lambda: replace_file(Path(arguments.html), page)))
    report = f"{comparison}\n"
    if all(saved):
        report += f"\nSaved {', '.join(names[:-1])} and {names[-1]}\n"
    saved.append(written("standard output", lambda: put(sys.stdout, report)))
    if not all(saved):
        return CANNOT_WRITE
    return INTERRUPTED if comparison.interrupted else 0


def _load(arguments: argparse.Namespace) -> tuple[Any, Any]:
    data, target = arguments.data, arguments.target
    given = reading_options(arguments, OF_DATA)
    if data is None:
        for name in ["target"] * (target is not None) + list(given):
            raise ValueError(f"{OPTIONS[name]} needs --data, the CSV file that it is about.")
        return load_digits(return_X_y=True)
    if target is None:
        raise ValueError(f"--data {data} needs --target, the column that holds the class labels.")
    return load_table(data, target, **given)


# ---------------------------------------------------------------------- files to write
def _files(prefix: str) -> tuple[Path, Path]:
    return Path(f"{prefix}.csv"), Path(f"{prefix}.png")


def _next_free(prefix: str) -> str:
    """Return the prefix, or the first of prefix-2, prefix-3, ... of which no file exists."""
    numbered = (f"{prefix}-{number}" for number in itertools.count(2))
    return next(
        free
        for free in itertools.chain([prefix], numbered)
        if not any(map(os.path.lexists, _files(free)))
    )


def _check_output(arguments: argparse.Namespace) -> str:
    """Return the prefix of the files to write, after checking that they can be written."""
    prefix, data = arguments.output, arguments.data
    if prefix is None:
        prefix = DEFAULT_OUTPUT if arguments.force else _next_free(DEFAULT_OUTPUT)
    if os.path.basename(prefix) in ("", ".", ".."):
        raise ValueError(f"output must end in a name for the files, got {prefix!r}.")
    for file in _files(prefix):
        existed = os.path.lexists(file)
        if existed and data is not None and is_same(file, data):
            raise ValueError(
                f"output must not replace the data: {str(file)!r} is the file given as --data; "
                "pass another prefix."
            )
        if existed and not arguments.force:
            raise ValueError(
                f"output must be the prefix of new files, but {str(file)!r} exists; pass another "
                "prefix, or --force to replace it."
            )
        try:
            file.open("ab").close()
        except OSError as error:
            raise ValueError(
                f"output must be a prefix of files that can be written, but {str(file)!r} cannot: "
                f"{error.strerror}."
            ) from None
        if not existed:
            file.unlink()
    return prefix


def _check_html(arguments: argparse.Namespace, prefix: str) -> None:
    """Raise a ValueError unless the report can be written, and replaces nothing unasked."""
    html = arguments.html
    if html is None:
        return
    check_output(html, arguments.data, argument="html")
    if os.path.abspath(html) in [os.path.abspath(file) for file in _files(prefix)]:
        raise ValueError(f"html must be a file of its own, but {html!r} is the table or the plot.")
    if os.path.lexists(html) and not arguments.force:
        raise ValueError(
            f"html must be a new file, but {html!r} exists; pass another name, or --force to "
            "replace it."
        )
