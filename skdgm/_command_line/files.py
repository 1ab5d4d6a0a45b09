"""Files that commands write: never half of one, and never over what they read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .._files import new_file
from .._tables import ColumnError
from .messages import put, written


def is_same(file: Path, data: str) -> bool:
    """Return whether two paths are those of one file."""
    try:
        return file.samefile(data)
    except OSError:  # one of them does not exist
        return False


def check_output(output: str | None, *inputs: str | None, argument: str = "output") -> None:
    """Raise a ValueError if a file cannot be written, or is one that is read."""
    if output is None:
        return
    path = Path(output)
    for own in inputs:
        if own is not None and is_same(path, own):
            raise ValueError(f"{argument} must not replace a file that is read, {output!r}.")
    folder = path.parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ValueError(f"{argument} must be a file that can be written, but {output!r} cannot.")


def give(texts: Iterable[str], output: str | None) -> bool:
    """Write the parts of a result as they come; return whether they could be written.

    A file is replaced when all are there. Standard output gets each at once, until nobody listens.
    """

    def to_file(name: str) -> None:
        with new_file(Path(name)) as file:
            for text in texts:
                file.write(text.encode("utf-8"))

    def to_output() -> None:
        for text in texts:
            if not put(sys.stdout, text):
                return

    if output is None:
        return written("standard output", to_output)
    return written(output, lambda: to_file(output))


@contextmanager
def rows_from(first: int) -> Iterator[None]:
    """Let errors about rows of a part of a table give their numbers in the table."""
    try:
        yield
    except ColumnError as error:
        raise error.in_rows_from(first) from None
