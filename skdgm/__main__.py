"""The command line: ``skdgm compare``, ``describe``, ``impute``, ``sample`` and ``score``."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence

from . import __version__
from ._command_line import compare, describe, impute, sample, score
from ._command_line.messages import (
    BAD_INPUT,
    CANNOT_WRITE,
    INTERRUPTED,
    as_options,
    run_as,
    say,
    show_warning,
)

COMMANDS = (compare, describe, impute, sample, score)


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
    arguments.argv = list(sys.argv[1:] if argv is None else argv)
    run_as(arguments.command)
    with warnings.catch_warnings():
        warnings.showwarning = show_warning  # type: ignore[assignment]
        try:
            code = arguments.run(arguments)
            is_kept = getattr(arguments, "is_kept", True)  # the model, if that was asked for
            return code or (0 if is_kept else CANNOT_WRITE)
        except (ValueError, ImportError, MemoryError) as error:
            say(f"error: {as_options(str(error))}")
            return BAD_INPUT
        except KeyboardInterrupt:
            say("interrupted")
            return INTERRUPTED
        finally:
            say("")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skdgm", description="Generative models with exact likelihoods."
    )
    parser.add_argument("--version", action="version", version=f"skdgm {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
