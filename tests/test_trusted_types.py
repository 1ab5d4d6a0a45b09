"""Fitted estimators stored by skops, which loads trusted types alone."""

import fractions
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import skdgm
from skdgm import ChowLiuTreeDensity, DensityImputer, TableDensity
from skdgm._tables._plain import from_plain, plain_form


def stored(estimator):
    skops = pytest.importorskip("skops.io")
    return skops.loads(skops.dumps(estimator), trusted=skdgm.TRUSTED_TYPES)


def a_frame():
    rng = np.random.default_rng(1)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 90, 30), "D")
    frame = pd.DataFrame(
        {
            "text": rng.choice(["a", "b"], 30),
            "label": pd.Categorical(rng.choice(["u", "v"], 30), categories=["v", "u", "w"]),
            "day": days,
            "zoned": days.tz_localize("Europe/Berlin"),
            "whole": pd.array(rng.integers(0, 5, 30), dtype="Int64"),
            "flag": rng.random(30) < 0.5,
            "real": rng.normal(size=30).astype(np.float32),
        }
    )
    return frame.mask(rng.random(frame.shape) < 0.1)


def test_models_of_frames_are_stored():
    frame = a_frame()
    of_text = frame.drop(columns=["label", "zoned"]).astype({"text": object})
    tables = {"pandas": frame, "polars": pl.from_pandas(of_text)}
    tables["pyarrow"] = pa.Table.from_pandas(of_text, preserve_index=False)
    for table in tables.values():
        density = TableDensity(ChowLiuTreeDensity(), random_state=0)
        imputer = DensityImputer(density, random_state=0).fit(table)
        for again in (stored(imputer), pickle.loads(pickle.dumps(imputer))):
            drawn, same = (one.density_.sample(9, random_state=0) for one in (imputer, again))
            assert type(same) is type(drawn)
            assert same.equals(drawn)
            assert again.transform(table).equals(imputer.transform(table))


def test_what_frames_bring_along_comes_back_from_plain_forms():
    labels = pd.CategoricalDtype([3, 1], ordered=True)
    others = [fractions.Fraction, pl.Object]  # without a plain form
    plain = [
        *map(np.dtype, ("f4", "i8", "O", "M8[s]", "U3", ">f8")),
        *map(pd.api.types.pandas_dtype, ("Int8", "boolean", "datetime64[us, UTC]", "string")),
        *(labels, pd.SparseDtype(float), pd.RangeIndex(3), pd.Index(["a", 1], name="x")),
        *(pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]), pd.NA, pd.NaT, str, pd.Timestamp),
        *(pl.Series([1]).dtype, pl.Enum(["b", "a"]), pl.Datetime("ms", "UTC")),
        *(pa.int8(), pa.timestamp("ns", "UTC"), pa.dictionary(pa.int8(), pa.string())),
    ]
    for value in [*plain, *others]:
        sort, form = plain_form(value)
        assert (sort == "itself") == any(value is other for other in others), value
        again = from_plain((sort, form))
        assert again is value or (type(again) is type(value) and repr(again) == repr(value))
    assert plain_form(None) == ("itself", None)


def test_other_types_are_not_trusted():
    skops = pytest.importorskip("skops.io")
    model = ChowLiuTreeDensity().fit(np.eye(3))
    model.added_ = fractions.Fraction(1, 2)
    with pytest.raises(Exception, match=r"fractions\.Fraction"):
        skops.loads(skops.dumps(model), trusted=skdgm.TRUSTED_TYPES)
    assert all(name.startswith("skdgm.") for name in skdgm.TRUSTED_TYPES)
