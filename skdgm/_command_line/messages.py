"""Messages of the command line: results to standard output, notes and errors to the other."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import Any

OPTIONS = {  # options by the names of the arguments of the Python functions
    "target": "--target",
    "y": "--target",
    "output": "--output",
    "html": "--html",
    "folds": "--folds",
    "random_state": "--seed",
    "n_jobs": "--jobs",
    "sep": "--sep",
    "decimal": "--decimal",
    "missing_values": "--missing",
    "drop": "--drop",
    "keep": "--keep",
    "model": "--model",
    "given": "--given",
    "evidence": "--given",
    "columns": "--columns",
    "n_samples": "-n",
}
CANNOT_WRITE, BAD_INPUT, INTERRUPTED = 1, 2, 130  # exit codes
OF_DATA = ("sep", "decimal", "missing_values", "drop", "keep")  # options about reading the file
KIND_IN_PYTHON = "columns={name: kind}"
UNKNOWN_IN_PYTHON = re.compile(r"set handle_unknown to .*")
_said = {"command": "skdgm", "table": "FILE.csv"}  # by the command that runs


def run_as(command: str) -> None:
    """Note the command that runs, and how its usage names the table."""
    _said["command"] = f"skdgm {command}"
    _said["table"] = "--data" if command == "compare" else "FILE.csv"


def written(where: str, write: Callable[[], Any]) -> bool:
    """Return whether a result could be written; say so if not."""
    try:
        write()
    except OSError as error:
        say(f"error: {where} cannot be written: {error.strerror or error}.")
        return False
    return True


def put(stream: Any, text: str) -> bool:
    """Write to a stream at once; return whether somebody reads it, which is no error if not."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        _discard(stream)
        if not isinstance(error, BrokenPipeError):
            raise
        return False
    return True


def _discard(stream: Any) -> None:
    """Send what a stream still holds to nowhere, or Python would fail at exit to write it."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except OSError:  # not a file of the system
        return


def say(message: str) -> None:
    """Write a line to standard error, if that is possible and there is something to say."""
    try:
        put(sys.stderr, f"{_said['command']}: {message}\n" if message else "")
    except OSError:
        return


def as_options(message: str) -> str:
    """Replace the argument that a sentence of ours starts with by its option, on a single line.

    Other libraries' messages may start with these words, too ("data type not understood").
    """
    options = {**OPTIONS, "data": _said["table"], "X": _said["table"]}
    first, _, rest = message.partition(" ")
    if rest.startswith(("must ", "cannot ", "has ", "contains ", "holds ")):
        first = options.get(first, first)
    told = f"{first} {rest}".strip().replace("\n", " ")
    for argument in ("X", "evidence"):
        told = told.replace(f" in {argument}: ", f" in {options[argument]}: ")
    return UNKNOWN_IN_PYTHON.sub("correct it, or make a model of a table that holds it.", told)


def show_warning(message: Warning | str, *_: Any) -> None:
    told = re.sub(rf"(?<= in )({'|'.join(OF_DATA)})(?= to | if |, or |\.$)", _option, str(message))
    say(f"note: {told.replace(KIND_IN_PYTHON, '--columns NAME=KIND')}")


def _option(argument: re.Match[str]) -> str:
    return OPTIONS[argument[0]]
