"""Files that commands write: never half of one, and never over what they read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .._files import replace_file
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


def give(text: str, output: str | None) -> bool:
    """Write a result to a file, or to standard output; return whether it could be written."""
    if output is None:
        return written("standard output", lambda: put(sys.stdout, text))
    return written(output, lambda: replace_file(Path(output), text.encode("utf-8")))
