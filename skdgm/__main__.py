"""The command line: ``skdgm compare``."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sklearn.datasets import load_digits

from . import __version__
from .comparison import compare_classifiers, load_table, make_figure

BAD_INPUT, INTERRUPTED = 2, 130  # exit codes
OPTIONS = {  # options by the names of the arguments of the Python functions
    "data": "--data",
    "X": "--data",
    "target": "--target",
    "y": "--target",
    "output": "--output",
    "folds": "--folds",
    "random_state": "--seed",
    "n_jobs": "--jobs",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str or None, default=None
        The arguments; None takes those of the process.

    Returns
    -------
    code : int
        Exit code: 0, 2 for invalid input, or 130 after Ctrl-C.
    """
    arguments = _parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning  # type: ignore[assignment]
        try:
            return _compare(arguments)
        except (ValueError, ImportError) as error:
            print(f"skdgm compare: error: {_as_options(str(error))}", file=sys.stderr)
            return BAD_INPUT
        except KeyboardInterrupt:
            print("skdgm compare: interrupted", file=sys.stderr)
            return INTERRUPTED


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
        "plot as PREFIX.png. Hidden cells are missing values: generative classifiers take them as "
        "they are; for logistic regression they are imputed, in one row by the mean and in another "
        "by IterativeImputer. Ctrl-C keeps the models that are finished.",
        epilog="examples: skdgm compare; skdgm compare --data iris.csv --target species",
    )
    add = compare.add_argument
    add("--data", metavar="FILE.csv", help="table with a header line (default: the digits data)")
    add("--target", metavar="COLUMN", help="column of --data that holds the class labels")
    add(
        "--output",
        metavar="PREFIX",
        default="skdgm-compare",
        help="where to save; existing files are replaced (default: %(default)s)",
    )
    add("--folds", type=int, default=5, metavar="N", help="number of folds (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="random seed (default: %(default)s)")
    add("--jobs", type=int, default=1, metavar="N", help="processes (default: %(default)s)")
    add("--quiet", action="store_true", help="show no progress")
    return parser


def _compare(arguments: argparse.Namespace) -> int:
    table_file, picture_file = _check_output(arguments.output, arguments.data)
    figure = make_figure(pyplot=False)
    X, y = _load(arguments.data, arguments.target)
    comparison = compare_classifiers(
        X,
        y,
        folds=arguments.folds,
        random_state=arguments.seed,
        n_jobs=arguments.jobs,
        verbose=not arguments.quiet,
    )
    if comparison.table.empty:
        print("skdgm compare: interrupted before a model was finished", file=sys.stderr)
        return INTERRUPTED
    print(comparison)
    comparison.to_csv(table_file)
    comparison.plot(ax=figure.subplots(1, 2))
    figure.savefig(picture_file, dpi=150)
    print(f"\nSaved {table_file} and {picture_file}")
    return INTERRUPTED if comparison.interrupted else 0


def _load(data: str | None, target: str | None) -> tuple[Any, Any]:
    if data is None and target is None:
        return load_digits(return_X_y=True)
    if data is None:
        raise ValueError(f"--target {target} needs --data, the CSV file with that column.")
    if target is None:
        raise ValueError(f"--data {data} needs --target, the column that holds the class labels.")
    return load_table(data, target)


def _check_output(prefix: str, data: str | None) -> tuple[Path, Path]:
    """Return the files to write, after checking before a long run that they can be written."""
    files = Path(f"{prefix}.csv"), Path(f"{prefix}.png")
    for file in files:
        existed = file.exists()
        if existed and data is not None and Path(data).exists() and file.samefile(data):
            raise ValueError(
                f"output must not replace the data: {str(file)!r} is the file given as --data; "
                "pass another prefix."
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
    return files


def _as_options(message: str) -> str:
    """Replace the argument at the start of an error message by its option, on a single line."""
    first, _, rest = message.partition(" ")
    return f"{OPTIONS.get(first, first)} {rest}".replace("\n", " ")


def _show_warning(message: Warning | str, *_: Any) -> None:
    print(f"skdgm compare: note: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
