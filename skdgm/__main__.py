"""The command line: ``skdgm compare``."""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sklearn.datasets import load_digits

from . import __version__
from .comparison import check_n_folds, compare_classifiers, load_table, make_figure

CANNOT_WRITE, BAD_INPUT, INTERRUPTED = 1, 2, 130  # exit codes
OPTIONS = {  # options by the names of the arguments of the Python functions
    "data": "--data",
    "X": "--data",
    "target": "--target",
    "y": "--target",
    "output": "--output",
    "folds": "--folds",
    "random_state": "--seed",
    "n_jobs": "--jobs",
    "sep": "--sep",
    "decimal": "--decimal",
    "missing_values": "--missing",
    "drop": "--drop",
    "keep": "--keep",
}
OF_DATA = ("sep", "decimal", "missing_values", "drop", "keep")  # options that need --data
DEFAULT_OUTPUT = "skdgm-compare"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str or None, default=None
        The arguments; None takes those of the process.

    Returns
    -------
    code : int
        Exit code: 0, 1 if a result could not be written, 2 for invalid input, or 130 after Ctrl-C.
        A reader that stops listening, as ``head`` does, is no error.
    """
    arguments = _parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning  # type: ignore[assignment]
        try:
            return _compare(arguments)
        except (ValueError, ImportError, MemoryError) as error:
            _say(f"error: {_as_options(str(error))}")
            return BAD_INPUT
        except KeyboardInterrupt:
            _say("interrupted")
            return INTERRUPTED
        finally:
            _say("")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skdgm", description="Generative models with exact likelihoods."
    )
    parser.add_argument("--version", action="version", version=f"skdgm {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compare = commands.add_parser(
        "compare",
        help="compare generative classifiers with logistic regression",
        description="Cross-validate logistic regression and generative classifiers on a table of "
        "labelled rows. Prints one row per model (accuracy, log-loss, parameters, seconds, "
        "accuracy with a share of the test cells hidden), and saves the table as PREFIX.csv and a "
        "plot as PREFIX.png. A CSV file is also given to TableDensity as it is, with its "
        "log-likelihood of the test rows. Hidden cells are missing values: generative classifiers "
        "take them as they are; for logistic regression they are imputed, in one row by the mean "
        "and in another by IterativeImputer. Identifiers, row numbers and dates are left out, with "
        "a note. Ctrl-C keeps the models that are finished.",
        epilog="examples: skdgm compare; skdgm compare --data iris.csv --target species",
    )
    add = compare.add_argument
    add(
        "--data",
        metavar="FILE.csv",
        help="table with a header line, plain or as .csv.gz (default: the digits data)",
    )
    add("--target", metavar="COLUMN", help="column of --data that holds the class labels")
    add("--sep", metavar="CHARACTER", help="what separates cells, such as ';' (default: found)")
    add("--decimal", metavar="MARK", help="mark of fractions, '.' or ',' (default: found)")
    add(
        "--missing",
        dest="missing_values",
        metavar="VALUES",
        action="append",
        type=_comma_list,
        help="cells that are missing values in any column, such as '?,unknown'",
    )
    add(
        "--drop",
        metavar="COLUMNS",
        action="append",
        type=_comma_list,
        help="columns to leave out, such as id,date",
    )
    add(
        "--keep",
        metavar="COLUMNS",
        action="append",
        type=_comma_list,
        help="columns to use even if they look like identifiers, row numbers or dates",
    )
    add(
        "--output",
        metavar="PREFIX",
        help="where to save; files that exist are replaced only with --force (default: "
        f"{DEFAULT_OUTPUT}, or its next free number)",
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
    return parser


def _comma_list(text: str) -> list[str]:
    """Return the parts of a list between commas, which stand in quotes where they are no marks."""
    return [part.strip() for row in csv.reader([text], skipinitialspace=True) for part in row]


def _compare(arguments: argparse.Namespace) -> int:
    check_n_folds(arguments.folds)
    prefix = _check_output(arguments)
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
        _say("interrupted before a model was finished")
        return INTERRUPTED
    # Files first: whatever happens to the output, the work is kept; and the other way round.
    comparison.plot(ax=figure.subplots(1, 2))
    if not arguments.force:
        prefix = _next_free(prefix)  # files may have come up meanwhile
    table_file, picture_file = _files(prefix)
    saved = [
        _written(str(table_file), lambda: comparison.to_csv(table_file)),
        _written(str(picture_file), lambda: figure.savefig(picture_file, dpi=150)),
    ]
    report = f"{comparison}\n"
    if all(saved):
        report += f"\nSaved {table_file} and {picture_file}\n"
    saved.append(_written("standard output", lambda: _put(sys.stdout, report)))
    if not all(saved):
        return CANNOT_WRITE
    return INTERRUPTED if comparison.interrupted else 0


def _written(where: str, write: Callable[[], Any]) -> bool:
    """Return whether a result could be written; say so if not."""
    try:
        write()
    except OSError as error:
        _say(f"error: {where} cannot be written: {error.strerror or error}.")
        return False
    return True


def _put(stream: Any, text: str) -> None:
    """Write to a stream at once; a reader that has stopped listening is no error."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        _discard(stream)
        if not isinstance(error, BrokenPipeError):
            raise


def _discard(stream: Any) -> None:
    """Send what a stream still holds to nowhere, or Python would fail at exit to write it."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except OSError:  # not a file of the system
        return


def _say(message: str) -> None:
    """Write a line to standard error, if that is possible and there is something to say."""
    try:
        _put(sys.stderr, f"skdgm compare: {message}\n" if message else "")
    except OSError:
        return


def _load(arguments: argparse.Namespace) -> tuple[Any, Any]:
    data, target = arguments.data, arguments.target
    given = {name: getattr(arguments, name) for name in OF_DATA}
    given = {name: value for name, value in given.items() if value is not None}
    if data is None:
        for name in ["target"] * (target is not None) + list(given):
            raise ValueError(f"{OPTIONS[name]} needs --data, the CSV file that it is about.")
        return load_digits(return_X_y=True)
    if target is None:
        raise ValueError(f"--data {data} needs --target, the column that holds the class labels.")
    for name in ("missing_values", "drop", "keep"):
        if name in given:
            given[name] = list(itertools.chain.from_iterable(given[name]))
    if given.get("sep") == "\\t":
        given["sep"] = "\t"
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
        if existed and data is not None and _is_same(file, data):
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


def _is_same(file: Path, data: str) -> bool:
    try:
        return file.samefile(data)
    except OSError:  # one of them does not exist
        return False


def _as_options(message: str) -> str:
    """Replace the argument that a sentence of ours starts with by its option, on a single line.

    Other libraries' messages may start with these words, too ("data type not understood").
    """
    first, _, rest = message.partition(" ")
    if rest.startswith(("must ", "cannot ", "has ", "contains ")):
        first = OPTIONS.get(first, first)
    return f"{first} {rest}".strip().replace("\n", " ")


def _show_warning(message: Warning | str, *_: Any) -> None:
    told = re.sub(rf"(?<= in )({'|'.join(OF_DATA)})(?= to | if |, or |\.$)", _option, str(message))
    _say(f"note: {told}")


def _option(argument: re.Match[str]) -> str:
    return OPTIONS[argument[0]]


if __name__ == "__main__":
    sys.exit(main())
