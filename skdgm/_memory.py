"""The memory that the machine has left, and errors in words for what cannot fit.

Only what is known beforehand to be needed counts, so that nothing that fits is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ._validation import ColumnError

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

LEAST_CHECKED = 2**27  # bytes; less than that always fits, and is not worth a look
CGROUP = Path("/sys/fs/cgroup")


class TooLargeError(ValueError, MemoryError):
    """Raised for what would take more memory than there is."""


class TooLargeColumnError(ColumnError, TooLargeError):
    """The same, because of one column."""


def check_memory(n_bytes: int | float, what: str, cure: str, column: int | None = None) -> None:
    """Raise a TooLargeError if so many bytes more do not fit, or do nothing if nobody knows.

    Parameters
    ----------
    n_bytes : int or float
        Bytes that are certainly needed at once.
    what : str
        What needs them: the start of the sentence. ``{column}`` stands for the column.
    cure : str
        What to do instead: its end.
    column : int or None
        The column that is to blame, if one is.
    """
    if n_bytes < LEAST_CHECKED:
        return
    available = available_memory()
    if available is None or n_bytes <= available:
        return
    sentence = (
        f"{what} needs at least {_in_gib(n_bytes)} of memory, but {_in_gib(available)} are "
        f"available; {cure}."
    )
    raise TooLargeError(sentence) if column is None else TooLargeColumnError(sentence, column)


def check_rows(n_rows: int, n_columns: int, itemsize: int, name: str = "n_samples") -> None:
    """Raise a TooLargeError if so many rows cannot be drawn."""
    check_memory(
        n_rows * n_columns * itemsize,
        f"{name}={n_rows} with {n_columns} values per draw",
        "draw fewer at once, several times with one numpy.random.Generator as random_state",
    )


@contextmanager
def memory_errors_in_words(what: str) -> Iterator[None]:
    """Turn a MemoryError in the block into a sentence."""
    try:
        yield
    except MemoryError as error:
        if isinstance(error, TooLargeError):
            raise
        reason = f" ({str(error).rstrip('.')})" if str(error) else ""
        raise TooLargeError(
            f"{what} needs more memory than there is{reason}; pass fewer rows or columns at once, "
            "choose a smaller model, or n_jobs=1."
        ) from error


def available_memory() -> float | None:
    """Return the number of bytes that this process may still take, or None if that is unknown."""
    known = [one for one in (_of_machine(), _of_cgroup(), _of_address_space()) if one is not None]
    return max(0, min(known)) if known else None


def _in_gib(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:,.1f} GiB"


def _of_machine() -> float | None:
    """Memory and swap that is free or can be freed at once; all memory where only that is known."""
    with suppress(OSError, ValueError, KeyError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        size = {name: int(rest.split()[0]) for name, _, rest in (x.partition(":") for x in lines)}
        return 1024 * (size["MemAvailable"] + size["SwapFree"])
    with suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _of_cgroup() -> float | None:
    """Rest of the limit of a container, file caches aside."""
    for limit, usage, folder, cache in (
        ("memory.max", "memory.current", CGROUP, "inactive_file"),
        (
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            CGROUP / "memory",
            "total_inactive_file",
        ),
    ):
        with suppress(OSError, ValueError, KeyError):
            most = int((folder / limit).read_text())  # "max" is no number
            lines = (folder / "memory.stat").read_text().splitlines()
            cached = dict(line.split() for line in lines)[cache]
            return most - int((folder / usage).read_text()) + int(cached)
    return None


def _of_address_space() -> float | None:
    if resource is None:
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return limit - pages * os.sysconf("SC_PAGE_SIZE")
    return limit
