"""The model of a table: learned from it, or read from a file and checked to fit it."""

from __future__ import annotations

import argparse
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._csv.file import CsvFile
from .._files import replace_file
from ..density import TableDensity
from ..impute import DensityImputer
from .files import check_output
from .messages import say, written
from .options import column_kinds, reading_options

if TYPE_CHECKING:
    import pandas as pd

READING = ("sep", "decimal", "missing_values")
LEARNED_CELLS = 2_000_000  # of a table, at most


@dataclass(frozen=True)
class LearnedRows:
    """The rows of a file that a model learns from.

    Parameters
    ----------
    places : ndarray of shape (n_rows,)
        Their numbers, which ascend.
    frame : DataFrame of shape (n_rows, n_columns)
        The rows.
    """

    places: np.ndarray
    frame: pd.DataFrame

    @classmethod
    def of(cls, file: CsvFile, seed: int) -> Self:
        """Return all rows of a file, or as many as are learned from, drawn by a seed."""
        most = max(1, LEARNED_CELLS // len(file.columns))
        if file.n_rows <= most:
            return cls(np.arange(file.n_rows), file.frame)
        generator = np.random.default_rng(seed)
        places = np.sort(generator.choice(file.n_rows, most, replace=False, shuffle=False))
        return cls(places, file.rows_at(places))


def open_table(
    arguments: argparse.Namespace,
) -> tuple[CsvFile, DensityImputer, LearnedRows | None]:
    """Read the file, and return it with a fitted imputer whose density is the model of its rows.

    The last are the rows that it has learned from, None if it comes from a file. They are all rows
    of a table of up to ``LEARNED_CELLS`` cells, and as many of a larger one as have so many, drawn
    by the seed.
    """
    check_output(arguments.output, arguments.data, arguments.model)
    check_output(arguments.model, arguments.data)
    told = column_kinds(arguments)
    file = CsvFile.read(arguments.data, **reading_options(arguments, READING))
    model = arguments.model
    if not model_is_new(arguments):
        if told:
            raise ValueError(
                f"columns must be told when a model is made, but {model!r} exists; leave the "
                "option out, or name another file."
            )
        return file, _load(model, file), None
    skops = None if model is None else _skops()
    learned = LearnedRows.of(file, arguments.seed)
    n_learned, n_columns = learned.frame.shape
    if n_learned < file.n_rows:
        say(f"note: the model is learned from {n_learned} of {file.n_rows} rows, drawn by --seed.")
    progress(arguments, f"learning from {n_learned} rows of {n_columns} columns")
    density = TableDensity(columns=told, random_state=arguments.seed, n_jobs=arguments.jobs)
    imputer = DensityImputer(density, random_state=arguments.seed).fit(learned.frame)
    if skops is not None:
        content = skops.dumps(imputer, compression=zipfile.ZIP_DEFLATED)
        arguments.is_kept = written(model, lambda: replace_file(Path(model), content))
    return file, imputer, learned


def model_is_new(arguments: argparse.Namespace) -> bool:
    """Return whether the model is learned from the table, not read from a file."""
    return arguments.model is None or not Path(arguments.model).exists()


def progress(arguments: argparse.Namespace, what: str) -> None:
    """Say what goes on, on a terminal."""
    if sys.stderr.isatty() and not arguments.quiet:
        say(what)


def _load(model: str, file: CsvFile) -> DensityImputer:
    """Load a model, or raise a ValueError if it is none of the table's."""
    from .. import TRUSTED_TYPES

    skops = _skops()
    try:
        content = Path(model).read_bytes()
    except OSError as error:
        raise ValueError(f"model cannot be read: {model!r}: {error.strerror or error}.") from None
    try:
        strange = skops.get_untrusted_types(data=content)
        known = [own for own in strange if own in TRUSTED_TYPES]
        if len(known) < len(strange):
            others = ", ".join(sorted(set(strange) - set(known)))
            raise ValueError(f"model {model!r} holds types that are not trusted: {others}.")
        imputer = skops.loads(content, trusted=known)
    except ValueError:
        raise
    except Exception as error:  # whatever a damaged file makes of its reader
        raise ValueError(f"model must be a file that skdgm wrote, but {model!r} is not.") from error
    if not isinstance(imputer, DensityImputer) or not hasattr(imputer, "density_"):
        raise ValueError(f"model must be a file that skdgm wrote, but {model!r} is not.")
    names, own = list(imputer.feature_names_in_), list(file.columns)
    if names != own:
        lacking = [name for name in names if name not in own]
        told = f"lacks {lacking[0]!r}" if lacking else "has them in another order, or more"
        raise ValueError(
            f"model {model!r} was made of a table with {len(names)} columns, but the table "
            f"{told}; make another model, or correct the table."
        )
    return imputer


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise ImportError(
            'Files of models need skops; install it with: pip install "skdgm[skops]"'
        ) from error
    return skops.io
