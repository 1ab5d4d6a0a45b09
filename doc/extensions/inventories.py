"""Inventories of other documentations, for links to them: Debian's packages, or the network's.

One that cannot be had is a note, not a failure; its names are then printed without links.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
ON_DEBIAN = Path("/usr/share/doc")
SECONDS = 5  # to wait for an answer
ADDRESSES = {
    "python": ("https://docs.python.org/3", "python3*/html"),
    "numpy": ("https://numpy.org/doc/stable", "python-numpy/html"),
    "scipy": ("https://docs.scipy.org/doc/scipy", "python-scipy-doc/html"),
    "sklearn": ("https://scikit-learn.org/stable", "python-sklearn-doc/html"),
    "pandas": ("https://pandas.pydata.org/docs", "python-pandas-doc/html"),
}


def found_inventories() -> dict[str, tuple[str, str]]:
    """Return the address of each documentation with the file of its inventory."""
    folder = Path(tempfile.mkdtemp(prefix="inventories-"))
    found = {}
    for name, (address, package) in ADDRESSES.items():
        files = sorted(ON_DEBIAN.glob(f"{package}/objects.inv"))
        file = files[-1] if files else _fetched(f"{address}/objects.inv", folder / f"{name}.inv")
        if file:
            found[name] = (address, str(file))
        else:
            LOGGER.info("No inventory of %s could be had; its names have no links.", name)
    return found


def _fetched(address: str, file: Path) -> Path | None:
    try:
        with urlopen(address, timeout=SECONDS) as answer:
            file.write_bytes(answer.read())
    except (URLError, OSError):
        return None
    return file
