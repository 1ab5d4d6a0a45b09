"""The progress of a comparison: one live line on a terminal, plain lines elsewhere."""

import io
import re
import sys
import warnings

import pytest

from skdgm.comparison import _progress
from skdgm.comparison._progress import Progress, readable_time


class Terminal(io.StringIO):
    """A terminal that remembers what was written, and shows what is left of it."""

    def isatty(self):
        return True

    def screen(self):
        """The lines as a reader sees them: text after a carriage return replaces what it covers."""
        lines = []
        for line in self.getvalue().split("\n"):
            shown = ""
            for part in line.split("\r"):
                shown = part + shown[len(part) :]
            lines.append(shown.rstrip())
        return lines


@pytest.fixture
def clock(monkeypatch):
    time = [100.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: time[0])
    return time


def on_terminal(monkeypatch):
    """Let standard error be a terminal; pytest takes it away again between fixtures and tests."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def test_terminal_shows_one_line_with_the_time_left(clock, monkeypatch):
    terminal = on_terminal(monkeypatch)
    with Progress(["a", "b", "c"], 2, verbose=True) as progress:
        progress("a", "first search")
        assert terminal.screen() == ["[1/3] a: first search"]
        clock[0] += 20
        progress("a", "fold 1 of 1")  # 20 s of a, and 40 s of each of the others are left
        assert terminal.screen() == ["[1/3] a: fold 1 of 1, about 2 min left"]
        clock[0] += 20
        progress("a", "accuracy 0.5")
        assert terminal.screen() == ["[1/3] a: accuracy 0.5, about 1 min left"]
        progress("b", "first search")
        clock[0] += 5
        progress("b", "fold 1 of 1")  # 5 s of b, and 25 s of c, as a and b take on average
        assert terminal.screen() == ["[2/3] b: fold 1 of 1, about 30 s left"]
    assert terminal.screen() == [""]


def test_live_line_fits_the_terminal(clock, monkeypatch):
    terminal = on_terminal(monkeypatch)
    monkeypatch.setattr(_progress, "_width", lambda _: 40)
    with Progress(["a" * 50], 2, verbose=True) as progress:
        progress("a" * 50, "first search")
        clock[0] += 20
        progress("a" * 50, "fold 1 of 1")
        line = terminal.screen()[-1]
    assert line == f"[1/1] {'a' * 13}..., about 20 s left"
    assert len(line) == 39
    assert max(map(len, re.split("[\r\n]", terminal.getvalue()))) == 39


def test_warnings_are_shown_above_the_live_line(monkeypatch):
    terminal = on_terminal(monkeypatch)

    def show(message, *_):
        terminal.write(f"{message}\n")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        with Progress(["a"], 1, verbose=True) as progress:
            progress("a", "first search")
            warnings.warn("note", UserWarning, stacklevel=1)
            assert terminal.screen() == ["note", "[1/1] a: first search"]
        assert warnings.showwarning is show


def test_other_streams_get_plain_lines(capsys):
    with Progress(["a"], 1, verbose=True) as progress:
        progress("a", "first search")
        progress("a", "accuracy 0.5")
    assert capsys.readouterr().err == "[1/1] a: first search\n[1/1] a: accuracy 0.5\n"


def test_nothing_is_shown_unless_asked_or_if_nobody_can_see_it(monkeypatch):
    terminal = on_terminal(monkeypatch)
    with Progress(["a"], 1, verbose=False) as progress:
        progress("a", "first search")
    assert terminal.getvalue() == ""
    terminal.close()
    for stream in (terminal, None):
        monkeypatch.setattr(sys, "stderr", stream)
        with Progress(["a"], 1, verbose=True) as progress:
            progress("a", "first search")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "5 s"), (32, "30 s"), (54, "55 s"), (56, "1 min"), (400, "7 min"), (5400, "1.5 h")],
)
def test_time_is_readable(seconds, text):
    assert readable_time(seconds) == f"about {text}"
