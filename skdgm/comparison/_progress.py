"""Progress of a comparison on standard error: one live line on a terminal, else plain lines."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

NARROWEST, USUAL_WIDTH = 20, 80  # columns of a terminal


class Progress:
    """The course of a comparison, and on a terminal the time left.

    A model takes ``n_steps`` steps, each of which starts with a call; another call ends the last.
    The time left supposes that the rest of a model goes on at its own pace, and that models to come
    take as long as those before them. The live line is cleared at the end, and while a warning is
    shown.
    """

    def __init__(self, models: Sequence[str], n_steps: int, verbose: bool) -> None:
        self.models = list(models)
        self.n_steps = n_steps
        self.verbose = verbose
        self.is_live = verbose and _is_terminal(sys.stderr)
        self.n_done = 0
        self.shown = ""  # the live line
        self.started_at: dict[str, float] = {}

    def __enter__(self) -> Self:
        self.show_warning: Any = warnings.showwarning
        if self.is_live:
            warnings.showwarning = self._show_warning
        return self

    def __exit__(self, *_: Any) -> None:
        if self.is_live:
            warnings.showwarning = self.show_warning
            self._clear()

    def __call__(self, model: str, message: str) -> None:
        """Say that a model starts a step, or has ended its last one."""
        now = time.monotonic()
        if model not in self.started_at:
            self.started_at[model], self.n_done = now, 0
        else:
            self.n_done += 1
        if not self.verbose:
            return
        place = self.models.index(model) + 1
        line = f"[{place}/{len(self.models)}] {model}: {message}"
        if self.is_live:
            self._clear()
            self.shown = _fitting(line, self._left(place, now), _width(sys.stderr))
            _write(self.shown)
        else:
            _write(f"{line}\n")

    def _left(self, place: int, now: float) -> str:
        """Return the time left in words, or nothing before a step is done."""
        starts = list(self.started_at.values())
        own = now - starts[-1]
        if self.n_done:
            own *= self.n_steps / self.n_done
        elif len(starts) > 1:
            own = (starts[-1] - starts[0]) / (len(starts) - 1)
        else:
            return ""
        per_model = (starts[-1] - starts[0] + own) / len(starts)
        left = starts[-1] + own - now + per_model * (len(self.models) - place)
        return f", {readable_time(left)} left"

    def _show_warning(self, *arguments: Any, **settings: Any) -> None:
        self._clear()
        self.show_warning(*arguments, **settings)
        _write(self.shown)

    def _clear(self) -> None:
        _write(f"\r{' ' * (_width(sys.stderr) - 1)}\r")


def readable_time(seconds: float) -> str:
    """Return a duration in words, to a precision that an estimate deserves."""
    if seconds < 55:
        return f"about {max(5 * round(seconds / 5), 5)} s"
    if seconds < 55 * 60:
        return f"about {max(round(seconds / 60), 1)} min"
    return f"about {seconds / 3600:.1f} h"


def _fitting(line: str, ending: str, width: int) -> str:
    """Return a line that leaves the last column free, the ending whole if there is room."""
    room = max(width, NARROWEST) - 1 - len(ending)
    return (line if len(line) <= room else f"{line[: room - 3]}...") + ending


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # none, or closed
        return False


def _width(stream: Any) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_WIDTH
    except (AttributeError, ValueError, OSError):
        return USUAL_WIDTH


def _write(text: str) -> None:
    # Nobody listens any more, or there is no such stream: no reason to stop the work.
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()
