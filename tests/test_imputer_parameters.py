"""Parameters that DensityImputer shares with scikit-learn's imputers: limits, marks of holes."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.impute import SimpleImputer

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    DensityImputer,
    GaussianDensity,
    TableDensity,
)

from .rows import hide

IRIS = load_iris().data
HOLES = hide(IRIS, 0.3)
MISSING = np.isnan(HOLES)


# ---------------------------------------------------------------------- limits
@pytest.mark.parametrize("strategy", ["mean", "mode", "sample"])
@pytest.mark.parametrize(
    ("low", "high"), [(2.5, 5.0), (None, 1.4), ([5, 2, 1, 0.2], np.inf), (-np.inf, [6, 3, 5, 2])]
)
def test_imputed_values_are_moved_to_the_limits(strategy, low, high):
    def imputer(**limits):
        return DensityImputer(GaussianDensity(), strategy, random_state=0, **limits)

    free = imputer().fit_transform(HOLES)
    limited = imputer(min_value=low, max_value=high).fit_transform(HOLES)
    expected = np.clip(free, -np.inf if low is None else low, high)
    assert_allclose(limited[MISSING], expected[MISSING])
    assert_array_equal(limited[~MISSING], HOLES[~MISSING])  # also those beyond the limits
    assert (expected != free)[MISSING].any()


def test_limits_hold_in_the_columns_that_are_left():
    X = HOLES.copy()
    X[:, 1] = np.nan
    imputer = DensityImputer(GaussianDensity(), max_value=[9, 9, 2, 9]).fit(X)
    filled = imputer.transform(X)
    assert filled.shape == (150, 3)
    assert filled[MISSING[:, 2], 1].max() == 2
    assert filled[MISSING[:, 3], 2].max() > 2


def test_limits_of_a_frame_are_those_of_its_numbers():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "kind": rng.choice(["a", "b"], 80),
            "legs": pd.array(rng.integers(0, 9, 80), dtype="Int64"),
            "size": rng.normal(size=80),
            "day": np.datetime64("2024-01-01") + np.arange(80).astype("m8[D]"),
        }
    )
    holes = frame.mask(hide(np.zeros(frame.shape), 0.3) != 0)
    density = TableDensity(ChowLiuTreeDensity())
    filled = DensityImputer(density, min_value=0.5, max_value=3.7).fit_transform(holes)
    assert filled.dtypes.equals(holes.dtypes)
    own = filled["legs"][holes["legs"].isna()].astype(int)
    assert own.between(1, 3).all()
    assert filled["size"][holes["size"].isna()].between(0.5, 3.7).all()
    assert not filled.isna().any(axis=None)
    limits = [2, -np.inf, -np.inf, -np.inf]
    with pytest.raises(ValueError, match=r"min_value is 2 for column 0 \('kind'\), which holds no"):
        DensityImputer(density, min_value=limits).fit(holes)
    with pytest.raises(
        ValueError, match=r"an integer must lie between them, but column 1 has 1 an"
    ):
        DensityImputer(density, min_value=0.2, max_value=0.8).fit(holes)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"min_value": [1, 2]}, r"min_value must be one number or one for each of the 4 columns"),
        ({"min_value": 3, "max_value": [9, 2, 9, 9]}, r"less than max_value.*column 1 has 3 and 2"),
        (
            {"max_value": [9, np.nan, 9, 9]},
            "max_value must hold numbers or inf, for no limit, got nan",
        ),
        ({"min_value": np.inf}, "min_value must hold numbers or -inf, for no limit, got inf"),
        ({"min_value": "low"}, "'min_value' parameter of DensityImputer"),
    ],
)
def test_limits_that_do_not_fit_are_refused(limits, message):
    with pytest.raises(ValueError, match=message):
        DensityImputer(GaussianDensity(), **limits).fit(HOLES)


# ---------------------------------------------------------------------- marks of missing values
MARKED = np.where(MISSING, -1.0, IRIS)
CLOTHINGS = {
    "array": np.asarray,
    "list": np.ndarray.tolist,
    "objects": lambda X: X.astype(object),
    "masked": np.ma.array,
    "pandas": pd.DataFrame,
    "nullable": lambda X: pd.DataFrame(X).convert_dtypes(convert_integer=False),
    "polars": lambda X: pl.DataFrame(X, schema=list("abcd")),
    "pyarrow": lambda X: pa.table(dict(zip("abcd", X.T, strict=True))),
}


@pytest.mark.parametrize("clothing", CLOTHINGS)
def test_marked_values_are_missing_in_any_clothing(clothing):
    X = CLOTHINGS[clothing](MARKED)
    imputer = DensityImputer(GaussianDensity("diag"), missing_values=-1, add_indicator=True)
    filled = imputer.fit_transform(X)
    theirs = SimpleImputer(missing_values=-1, add_indicator=True).fit_transform(MARKED)
    assert_allclose(filled, theirs)
    assert_allclose(imputer.transform(X), theirs)


def test_marks_are_of_their_own_sort():
    words = HOLES.astype(object)
    words[MISSING] = "?"
    words[0, 0] = None
    expected = HOLES.copy()
    expected[0, 0] = np.nan
    filled = DensityImputer(GaussianDensity(), missing_values=["?", -1]).fit_transform(words)
    assert_allclose(filled, DensityImputer(GaussianDensity()).fit_transform(expected))
    bits = np.array([[True, False], [True, True], [False, True]])
    same = DensityImputer(BernoulliIndependentDensity(), missing_values=1).fit_transform(bits)
    assert_array_equal(same, bits)
    with pytest.raises(ValueError, match="missing_values must be a number, a text or a list"):
        DensityImputer(GaussianDensity(), missing_values=object()).fit(IRIS)


@pytest.mark.parametrize("density", [None, TableDensity(ChowLiuTreeDensity(), missing_values="?")])
def test_frames_with_marked_values_keep_their_dtypes(density):
    rng = np.random.default_rng(0)
    kinds = rng.choice(["a", "b"], 40)
    frame = pd.DataFrame({"kind": kinds, "legs": np.where(kinds == "a", 2, 8)})
    marked = frame.copy()
    marked.loc[:4, "legs"] = -1
    marks = -1
    if density is not None:
        marked.loc[7, "kind"] = "?"
    imputer = DensityImputer(density, "mode", missing_values=marks, random_state=0)
    pd.testing.assert_frame_equal(imputer.fit_transform(marked), frame)


def test_marked_values_of_sparse_rows_are_missing():
    rng = np.random.default_rng(0)
    X = (rng.random((60, 6)) < 0.4).astype(float)
    marked = np.where(rng.random(X.shape) < 0.2, -1, X)
    density = BernoulliIndependentDensity()
    filled = DensityImputer(density, missing_values=-1).fit_transform(sparse.csr_array(marked))
    holes = np.where(marked == -1, np.nan, marked)
    assert_allclose(filled.toarray(), DensityImputer(density).fit_transform(holes))
    limited = DensityImputer(density, max_value=0.3).fit_transform(sparse.csr_array(holes))
    assert limited.toarray()[marked == -1].max() == 0.3
    with pytest.raises(ValueError, match="missing_values holds 0, which a sparse X does not store"):
        DensityImputer(density, missing_values=0).fit(sparse.csr_array(X))


# ---------------------------------------------------------------------- steps
def test_steps_of_expectation_maximisation_are_told():
    imputer = DensityImputer(GaussianDensity()).fit(HOLES)
    assert imputer.n_iter_ == imputer.density_.n_iter_ > 1
    assert not hasattr(DensityImputer(BernoulliIndependentDensity()).fit(HOLES > 3), "n_iter_")
