"""Tables of any kind as frames of pandas, for results that are looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._sources import Source


def import_pandas(what: str) -> Any:
    """Import pandas, or raise an ImportError that says what needs it and how to install it."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f'{what} needs pandas; install it with: pip install "skdgm[compare]"'
        ) from error
    return pandas


def as_pandas(X: Any, what: str) -> Any:
    """Return a copy of a table as a frame of pandas, with its index and the names of its columns.

    ``what`` is said to need pandas, if it is not installed.
    """
    pd = import_pandas(what)
    source = Source.of(X, "X")
    if source is None:
        return pd.DataFrame(np.array(X))
    if source.kind == "pandas":
        return source.native.copy()
    if source.kind == "polars":
        return pd.DataFrame(source.native.to_dict(as_series=False))
    if source.kind == "pyarrow":
        return pd.DataFrame(source.native.to_pydict())
    array = source.native
    if isinstance(array, np.ma.MaskedArray):
        array = np.ma.filled(array.astype(object), None)
    return pd.DataFrame(np.array(array)).infer_objects()
