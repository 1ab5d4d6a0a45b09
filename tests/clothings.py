"""One table of numbers in every clothing in which it may come, and tables that hold no numbers."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from scipy import sparse

NULLABLE = {"i": "Int64", "f": "Float64", "b": "boolean"}
ARROW = {"i": "int16[pyarrow]", "f": "double[pyarrow]", "b": "bool[pyarrow]"}
GARBAGE = -999  # what lies under masks


def names(table):
    return [f"c{j}" for j in range(table.shape[1])]


def cells(table, kind="f", missing=None):
    """Nested lists of Python numbers, with ``missing`` in place of NaN."""
    convert = {"f": float, "i": int, "b": bool}[kind]
    return [[missing if np.isnan(x) else convert(x) for x in row] for row in table]


def objects(table, kind="f", missing=None):
    array = np.empty(table.shape, dtype=object)
    array[:] = cells(table, kind, missing)
    return array


def masked(table, dtype):
    mask = np.isnan(table)
    return np.ma.masked_array(np.where(mask, GARBAGE, table).astype(dtype), mask=mask)


def polars_frame(table, kind="f"):
    columns = zip(*cells(table, kind), strict=True)
    return pl.DataFrame({name: list(own) for name, own in zip(names(table), columns, strict=True)})


def swapped(table):
    return table.astype(table.dtype.newbyteorder("S"))


def strided(table):
    wide = np.full((2 * len(table), 3 * table.shape[1]), float(GARBAGE))
    wide[::2, ::3] = table
    return wide[::2, ::3]


def readonly(table):
    table = table.copy()
    table.flags.writeable = False
    return table


def floats(table, folder):
    """Every clothing of a table of floats, whether or not cells are missing."""
    frame = pd.DataFrame(table, columns=names(table))
    yield "lists of NaN", table.tolist()
    yield "tuples", tuple(map(tuple, table.tolist()))
    yield "list of arrays", list(table)
    yield "list of masked rows", list(masked(table, float))
    yield "lists of masked cells", cells(table, missing=np.ma.masked)
    yield "objects NaN", table.astype(object)
    yield "objects pd.NA", objects(table, missing=pd.NA)
    yield "objects NaT", objects(table, missing=np.datetime64("NaT"))
    yield "objects pd.NaT", objects(table, missing=pd.NaT)
    yield "objects masked", objects(table, missing=np.ma.masked)
    yield "decimals", np.vectorize(Decimal, otypes=[object])(table)
    yield "Fortran", np.asfortranarray(table)
    yield "strided", strided(table)
    yield "reversed", table[::-1, ::-1].copy()[::-1, ::-1]
    yield "swapped", swapped(table)
    yield "read-only", readonly(table)
    np.save(folder / "table.npy", table)
    yield "memory-mapped", np.load(folder / "table.npy", mmap_mode="r")
    yield "float16", table.astype(np.float16)
    yield "float32 swapped", swapped(table.astype(np.float32))
    yield "long double", table.astype(np.longdouble)
    yield "pandas", frame
    yield "pandas object", pd.DataFrame(objects(table), columns=names(table))
    yield "pandas object pd.NA", pd.DataFrame(objects(table, missing=pd.NA))
    yield "pandas mixed", frame.astype({"c0": object, "c1": "Float32"})
    yield "pandas categorical", frame.astype("category")
    yield "pandas sparse", frame.astype(pd.SparseDtype(float, np.nan))
    yield "pandas one sparse", frame.astype({"c0": pd.SparseDtype(float, 0.0)})


def either(table, kind):
    """Every clothing of a table of numbers of one kind: "f", "i" or "b"."""
    frame = polars_frame(table, kind)
    pandas = pd.DataFrame(objects(table, kind, pd.NA), columns=names(table))
    yield "lists", cells(table, kind)
    yield "objects", objects(table, kind)
    yield "masked", masked(table, {"f": float, "i": np.int8, "b": bool}[kind])
    yield "masked objects", np.ma.masked_array(objects(table, kind, "?"), mask=np.isnan(table))
    yield "pandas nullable", pandas.astype(NULLABLE[kind])
    yield "pandas arrow", pandas.astype(ARROW[kind])
    yield "pandas categories", pandas.apply(lambda column: column.astype("category"))
    yield "polars", frame
    yield (
        "polars objects",
        frame.select(
            pl.Series(name, own, dtype=pl.Object)
            for name, own in zip(names(table), zip(*cells(table, kind), strict=True), strict=True)
        ),
    )
    yield "pyarrow", frame.to_arrow()
    yield "pyarrow batch", frame.to_arrow().combine_chunks().to_batches()[0]
    yield (
        "pyarrow dictionary",
        pa.table(
            {
                name: frame.to_arrow()[name].combine_chunks().dictionary_encode()
                for name in names(table)
            }
        ),
    )


def whole(table, kind):
    """Clothings that only a table of integers, zeros and ones without missing cells can have."""
    for dtype in (np.uint8, np.int8, np.uint16, ">i4", np.int64, ">u8"):
        yield f"{np.dtype(dtype)}", table.astype(dtype)
    yield "pandas mixed integers", pd.DataFrame(table.astype(int)).astype({0: np.uint8, 1: float})
    if kind == "b":
        yield "bool", table.astype(bool)
        yield "pandas bool", pd.DataFrame(table.astype(bool)).astype({0: float})


def clothings(table, kind, folder):
    """Every clothing of a table of floats that are "f" any, "i" integers or "b" zeros and ones."""
    yield from floats(table, folder)
    for own in {"f": "f", "i": "fi", "b": "fib"}[kind]:
        for name, clothed in either(table, own):
            yield f"{name} ({own})", clothed
    if kind != "f" and not np.isnan(table).any():
        yield from whole(table, kind)


def sparse_tables(table):
    """Every sparse format, with unsorted, repeated and explicit zero entries where it has them."""
    rows, columns = np.nonzero(table)
    rows, columns = rows[::-1], columns[::-1]
    zeros = np.argwhere(table == 0)[:2].T
    values = table[rows, columns]
    half = np.where(np.isnan(values), 1.0, values / 2)  # NaN and a number make NaN
    data = np.concatenate([half, np.zeros(2), values - np.where(np.isnan(values), 0, half)])
    places = np.concatenate([rows, zeros[0], rows]), np.concatenate([columns, zeros[1], columns])
    for kind in ("array", "matrix"):
        repeated = getattr(sparse, f"coo_{kind}")((data, places), shape=table.shape)
        yield f"coo {kind}", repeated
        yield f"csr {kind}", in_order(repeated, 0, getattr(sparse, f"csr_{kind}"))
        yield f"csc {kind}", in_order(repeated, 1, getattr(sparse, f"csc_{kind}"))
        for other in ("lil", "dok", "dia", "bsr"):
            yield f"{other} {kind}", getattr(sparse, f"{other}_{kind}")(table)
    csr = in_order(repeated, 0, sparse.csr_array)
    csr.has_canonical_format = True  # wrong
    yield "csr that denies", csr
    yield "csr swapped", sparse.csr_array((swapped(csr.data), csr.indices, csr.indptr), csr.shape)
    bsr = sparse.bsr_array(table[:1])
    twice = np.concatenate([bsr.data / 2] * 2), np.tile(bsr.indices, 2), bsr.indptr * 2
    yield "bsr of one row", sparse.bsr_array(twice, shape=bsr.shape)


def in_order(coo, axis, container):
    """A matrix of compressed rows (0) or columns (1) that stores each entry that another does."""
    index = (coo.row, coo.col)
    order = np.argsort(index[axis], kind="stable")
    counts = np.bincount(index[axis], minlength=coo.shape[axis])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return container((coo.data[order], index[1 - axis][order], indptr), shape=coo.shape)


def no_numbers():
    """Columns of a frame that hold no numbers, with the name of the dtype or value in the error."""
    days = pd.to_datetime(["2020-01-01", None, "2020-03-01"])
    yield "dates", days, "datetime64"
    yield "dates with time zone", days.tz_localize("UTC"), "datetime64"
    yield "arrow dates", pd.Series(days).astype(pd.ArrowDtype(pa.timestamp("ns"))), "timestamp"
    yield "categories of dates", pd.Categorical(days), "datetime64"
    yield "objects of dates", [datetime.date(2020, 1, 1), None, pd.NaT], "datetime.date"
    yield "durations", pd.to_timedelta([1, None, 2], "D"), "timedelta64"
    yield "periods", pd.period_range("2020", periods=3, freq="D"), "period"
    yield "intervals", pd.interval_range(0, 3), "interval"
    yield "cut numbers", pd.cut([0.0, 1, 2], 2), "interval"
    yield "text", ["a", None, "b"], "'a'"
    yield "text of numbers", pd.Series([None, "1", "2"], dtype="string"), "'1'"
    yield "categories of text", pd.Categorical(["a", None, "b"]), "'a'"
    yield "bytes", [b"a", None, b"b"], "b'a'"
    yield "complex", [1j, 2, 3], "complex"
    yield "complex objects", pd.Series([1, None, 1j], dtype=object), "1j"
    yield "lists", [[1], [2], [3]], "list"
    for dtype in (pl.Categorical, pl.Enum(["a", "b"])):
        yield str(dtype), pl.Series(["a", None, "b"], dtype=dtype), "'a'"
    yield "polars dates", pl.Series([datetime.date(2020, 1, 1), None, None]), "Date"
    yield "polars durations", pl.Series([datetime.timedelta(1), None, None]), "Duration"
    yield "polars lists", pl.Series([[1], None, [2]]), "list"


def refused_tables():
    """Tables that are no tables of numbers, with what the error says of them."""
    for name, column, seen in no_numbers():
        frame = pl if isinstance(column, pl.Series) else pd
        table = frame.DataFrame({"a": [1.0, 2.0, 3.0], "b": column})
        yield name, table, rf"(?=.*column 1 \('b'\)).*{seen}"
    yield "text in lists", [[1, 2], [1, "a"]], "X holds text in row 1, column 1: 'a'"
    yield "text of numbers in objects", objects(np.ones((2, 2)), missing=None).astype(str), "'1.0'"
    yield "array of dates", np.array([["2020", "NaT"]], dtype="M8[D]"), "datetime64"
    yield "masked dates", np.ma.masked_array([["2020"]], [[True]], dtype="M8[D]"), "datetime64"
    yield "ragged", [[1, 2], [3]], "row 0 has 2 and row 1 has 1"
    yield "nested", [[1, [2]], [3, 4]], "as many cells in every row"
    yield "structured", np.ones(2, dtype=[("a", int), ("b", float)]), r"fields \['a', 'b'\]"
    yield "lazy", pl.DataFrame({"a": [1.0]}).lazy(), r"call its collect\(\)"
    yield "same names", pa.table([[1.0], [2.0]], names=["a", "a"]), "several columns named 'a'"
    yield "huge", [[1, 10**400], [1, 1]], "row 0, column 1; scale"
    yield "iterator", iter([[1, 2]]), "must be a table of numbers"
