"""One density for any table: its columns are read, modelled by their kinds, and given back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils._param_validation import StrOptions

from ..._tables import AnyCells, Schema
from ..._validation import RandomState, check_observed
from .._base import DENSITY, BaseDensity
from .._categorical import CATEGORY_CONSTRAINTS, HandleUnknown
from .._coordinates import CoordinateDensity
from .._engine.columns import Columns, column_labels
from .._engine.completions import best_completions
from .._engine.conditional_margins import ConditionalMargin
from .._engine.coordinates import CoordinateRows
from .._engine.regions import Regions
from .._queries.completions import Limits, within
from ..binned import BinnedDensity
from ._coding import TableCoding
from ._kinds import check_told, infer_kind, warn_of_identifiers
from ._stack import _StackedDensity


class TableDensity(CoordinateDensity):
    """A density of any table: text, categories, counts, numbers and dates, with holes.

    A frame goes in as it was read, and frames come out: scores of its rows, rows like them, and
    what belongs in its holes, all from one distribution ``p(x)`` with exact marginals and
    conditionals. Any column can be predicted from the others, by :meth:`conditional_proba` and
    :meth:`predict_column`.

    Parameters
    ----------
    density : "auto" or density estimator, default="auto"
        What models the columns together. "auto" averages several families, see Notes. A density
        over categories sees columns of numbers by bins, as in :class:`BinnedDensity`; any other is
        given the table with codes in place of categories.
    columns : dict of {column: kind} or None, default=None
        Kinds of columns, by name or index, that are not as their cells suggest: "binary",
        "categorical", "ordinal", "count", "continuous", "constant" or "identifier". Numbers may be
        "categorical", such as postal codes.
    handle_unknown : {"error", "missing", "smooth"}, default="error"
        What becomes of a category in a query that training has not seen: an error, a missing value,
        or a further category. It is no error in a column of numbers, of a single value, or with
        values in less than 5 % of the rows: such a column keeps a share for values never seen.
    missing_values : scalar or list, default=np.nan
        What stands for a missing value besides NaN, None, ``pandas.NA``, NaT, null and masked
        cells, such as -999 or "?".
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness for the folds and starts of "auto".
    n_jobs : int or None, default=None
        Threads over the members of "auto" when fitting, and over blocks of rows otherwise; None is
        1 unless in a ``joblib.parallel_config`` context. It changes no result.

    Attributes
    ----------
    column_kinds_ : dict
        The kind of each column, by its name, or by its index if columns have no names.
    categories_ : list of ndarray
        The values of each column in the order of :meth:`conditional_proba`, as they came in; empty
        for continuous columns.
    candidates_ : dict
        The weight of each family of "auto", and its mean log-density of rows that its members have
        not seen, in nats. Empty for another ``density``.
    density_ : density estimator
        The fitted model of the columns.
    n_parameters_ : int
        Free parameters of ``density_``.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    DensityImputer : Fills holes, by default with this density.
    GenerativeClassifier : Bayes' rule over one of these densities per class.
    BinnedDensity : Numbers by way of bins, which the families use.
    ColumnDensity : Blocks of columns with densities of your choice.

    Notes
    -----
    Kinds are found in this order. A single value makes a column *constant*. As many different
    values as rows make it an *identifier*, if these are text or integers and at least 50 rows: then
    there is a warning. Two values make it *binary*. Text and unordered categories are
    *categorical*, ordered ones *ordinal*, and so are at most ten different whole numbers. Other
    non-negative columns of an integer dtype are *count*, and all that is left is *continuous*, in
    days or seconds if it holds dates, times or durations. Kinds, categories and rounding steps are
    learned once from all rows, and shared by the classes of a classifier and the components of a
    mixture.

    The score of a row is a probability where columns are discrete and a density in the units of
    those that are continuous. Identifiers contribute 0. Of a category, values with fewer than five
    rows are pooled: the model sees one value, and within the pool each has the share of its rows,
    with a share for values never seen by Good and Turing [4]_.

    "auto" fits independent columns, hidden Chow-Liu trees of 2, 4 and 8 states over 8 bins and two
    of 64 states over 16 bins, one of them with little smoothing, and mixtures of 8 normals beside
    independent categories, of the numbers and of their normal scores. Each family has a member for
    each of 8 folds (4 if there are 2,000 rows or more), which learns from the rows outside. The
    log-densities of the rows inside give the families their weights (stacking [2]_), and the
    density is the weighted sum of all members. Small tables have fewer families and folds.

    Draws lie within the range seen in each column, and on its grid if its numbers are rounded. The
    conditional mean of a category is its most probable value.

    References
    ----------
    .. [1] A. Liu and G. Van den Broeck, "Tractable Regularization of Probabilistic Circuits",
       NeurIPS 2021.
    .. [2] P. Smyth and D. Wolpert, "Linearly Combining Density Estimators via Stacking", Machine
       Learning 36, 1999.
    .. [3] H. Liu, J. Lafferty and L. Wasserman, "The Nonparanormal: Semiparametric Estimation of
       High Dimensional Undirected Graphs", Journal of Machine Learning Research 10, 2009.
    .. [4] I. J. Good, "The Population Frequencies of Species and the Estimation of Population
       Parameters", Biometrika 40, 1953.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skdgm import TableDensity
    >>> rng = np.random.default_rng(0)
    >>> kind = rng.choice(["cat", "dog"], size=300)
    >>> weight = np.where(kind == "cat", rng.normal(4, 1, 300), rng.normal(20, 5, 300)).round(1)
    >>> pets = pd.DataFrame({"kind": kind, "weight": weight, "meals": rng.poisson(3, 300)})
    >>> density = TableDensity(random_state=0).fit(pets)
    >>> density.column_kinds_
    {'kind': 'binary', 'weight': 'continuous', 'meals': 'ordinal'}
    >>> query = pd.DataFrame({"kind": [None, None], "weight": [3.5, 18.0], "meals": [2, 2]})
    >>> density.conditional_proba(query, "kind").round(2)
    array([[0.98, 0.02],
           [0.02, 0.98]])
    >>> density.conditional_mode(query)
      kind  weight  meals
    0  cat     3.5      2
    1  dog    18.0      2
    """

    _parameter_constraints: dict = {
        "density": [StrOptions({"auto"}), DENSITY],
        "columns": [Mapping, None],
        "handle_unknown": CATEGORY_CONSTRAINTS["handle_unknown"],
        "missing_values": "no_validation",
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        density: Literal["auto"] | BaseDensity = "auto",
        *,
        columns: Mapping[Any, str] | None = None,
        handle_unknown: HandleUnknown = "error",
        missing_values: Any = np.nan,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.density = density
        self.columns = columns
        self.handle_unknown = handle_unknown
        self.missing_values = missing_values
        self.random_state = random_state
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------ what is known of columns
    @property
    def _input_checks(self) -> dict:
        return {**BaseDensity._input_checks, "schema": AnyCells(self.missing_values)}

    @property
    def column_kinds_(self) -> dict[Any, str]:
        """The kind of each column, by its name, or by its index if columns have no names."""
        pairs = zip(self._names, self._coding.columns, strict=True)
        return {name: column.kind for name, column in pairs}

    @property
    def _names(self) -> list[Any]:
        return list(getattr(self, "feature_names_in_", range(self.n_features_in_)))

    @property
    def candidates_(self) -> dict[str, dict[str, float]]:
        """The weight of each family of "auto", and its score of rows held out."""
        found = getattr(self.density_, "candidates_", {})
        share = self._mean_log_share  # of the values that the model sees as one
        return {
            name: {"weight": own["weight"], "score": own["score"] + share}
            for name, own in found.items()
        }

    @property
    def categories_(self) -> list[np.ndarray]:
        """The values of each column in the order of ``conditional_proba``."""
        pairs = zip(self._coding.columns, self._schema.columns, strict=True)
        return [
            np.empty(0) if own.model_kind == "continuous" else column.values_of(own.values)
            for own, column in pairs
        ]

    # ------------------------------------------------------------------ coordinates
    def _encode_training(
        self, S: np.ndarray, weight: np.ndarray | None, extend: bool
    ) -> CoordinateRows:
        S = np.asarray(S, dtype=np.float64)
        check_observed(S, getattr(self, "feature_names_in_", None))
        if not hasattr(self, "_schema"):  # inside an estimator that reads numbers
            self._schema = Schema.learn(S)
        told = check_told(self.columns, self._names, self._schema.columns)
        kinds = [
            told.get(place) or infer_kind(np.unique(own[~np.isnan(own)]), len(S), column)
            for place, (own, column) in enumerate(zip(S.T, self._schema.columns, strict=True))
        ]
        warn_of_identifiers(
            [
                self._names[place]
                for place, kind in enumerate(kinds)
                if kind == "identifier" and place not in told
            ]
        )
        reorders = isinstance(self.density, str)  # another density may know columns by place
        self._coding = TableCoding.learn(
            S, weight, kinds, self._schema, self.handle_unknown, reorders
        )
        self._schema.closed[:] = self._coding.closed
        values, M, log_share = self._coding.forward(S)
        self._mean_log_share = float(np.average(log_share, weights=weight))
        self._prototype = self._make_model()
        codes = self._prototype._declare(M, weight)
        self._check_lists_categories()
        return CoordinateRows(values, codes, log_share)

    def _check_lists_categories(self) -> None:
        """Raise a ValueError if the model takes a column of categories for one of numbers."""
        listable = self._coding.from_model(self._prototype._columns.listable[np.newaxis])[0]
        taken = [place for place in self._coding.categorical if not listable[place]]
        if taken:
            label = column_labels(self, np.arange(self.n_features_in_) == taken[0])
            raise ValueError(
                f"density takes numbers only, but {label} holds categories: choose "
                'density="auto", a density of categories such as ChowLiuTreeDensity(), or a '
                "ColumnDensity with a block for each; if it holds numbers, say so by "
                f"columns={{{self._names[taken[0]]!r}: 'continuous'}}."
            )

    def _encode(self, S: np.ndarray) -> CoordinateRows:
        values, M, log_share = self._coding.forward(np.asarray(S, dtype=np.float64))
        return CoordinateRows(values, self._prototype._encode(M), log_share)

    def _recode(self, table: np.ndarray) -> CoordinateRows:
        return self._encode(self._columns.decode(np.asarray(table, dtype=np.float64)))

    # ------------------------------------------------------------------ the model
    def _make_model(self) -> BaseDensity:
        """Return the density of what the model sees, unfitted, with what is known of columns."""
        columns = self._coding.in_model
        kinds = [column.model_kind for column in columns]
        rounding = [column.rounding for column in columns]
        if isinstance(self.density, str):
            model: Any = _StackedDensity(
                kinds, rounding, self.random_state, self.n_jobs, self._imputes
            )
        elif get_tags(self.density).input_tags.categorical and set(kinds) != {"categorical"}:
            model = BinnedDensity(clone(self.density), kinds=kinds, rounding=rounding)
        else:
            model = clone(self.density)
        model._validate_params()
        model.n_features_in_ = self.n_features_in_
        model._column_numbers = self._coding.order
        if hasattr(self, "feature_names_in_"):
            model.feature_names_in_ = self.feature_names_in_[self._coding.order]
        model._known_values = [
            None if column.categories is None else np.arange(column.categories.n_codes)
            for column in columns
        ]
        return model

    # ------------------------------------------------------------------ queries
    @property
    def _columns(self) -> Columns:
        return self._coding.columns_of(self._schema)

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self._coding.draw(self.density_._sample(n_samples, generator), generator)

    def _sample_missing(self, codes: CoordinateRows, generator: np.random.Generator) -> np.ndarray:
        drawn = self.density_._sample_missing(codes.transformed, generator)
        return self._coding.draw(drawn, generator)

    def _mean_missing(self, codes: CoordinateRows) -> np.ndarray:
        means = self.density_._mean_missing(codes.transformed)
        return self._with_likeliest(means, codes, self.density_._proba_missing)

    _imputes = False

    def _fit_to_impute(self, X: Any, sample_weight: Any) -> Self:
        self._imputes = True
        return self.fit(X, sample_weight=sample_weight)

    def _impute_means(self, X: Any, limits: Limits | None) -> Any:
        return self._complete(X, within(self._best_answers, limits))

    def _best_answers(self, codes: CoordinateRows) -> np.ndarray:
        """Return means as ``_mean_missing`` does, by the families that answer best."""
        answers = getattr(self.density_, "answers", None)
        if answers is None:  # a model of the user's choice
            return self._mean_missing(codes)
        return self._with_likeliest(answers.mean(codes.transformed), codes, answers.proba)

    def _with_likeliest(self, means: np.ndarray, codes: CoordinateRows, proba: Any) -> np.ndarray:
        """Return the means of numbers, and the most probable values of categories."""
        coding = self._coding
        table = coding.from_model(means).astype(np.float64)
        lacking = np.isnan(codes.values).any(axis=0)
        places = [place for place in coding.categorical if lacking[place]]
        shares = proba(codes.transformed, coding.places_in_model(places)) if places else []
        for place, share in zip(places, shares, strict=True):
            table[:, place] = coding.columns[place].likeliest(share)
        return table

    def _proba_missing(self, codes: CoordinateRows, columns: Sequence[int]) -> list[np.ndarray]:
        coding = self._coding
        places = [column for column in columns if column in coding.categorical]
        in_model = coding.places_in_model(places)
        shares = self.density_._proba_missing(codes.transformed, in_model) if places else []
        found = dict(zip(places, shares, strict=True))
        return [
            coding.columns[column].spread(found[column])
            if column in found
            else super(TableDensity, self)._proba_missing(codes, [column])[0]
            for column in columns
        ]

    def _moments_missing(self, codes: CoordinateRows) -> tuple[np.ndarray, np.ndarray]:
        """Return the moments of numbers; of categories, means as ``_mean_missing`` has them."""
        coding = self._coding
        moments = self.density_._moments_missing(codes.transformed)
        variance = coding.from_model(moments[1])
        lacking = np.isnan(codes.values).any(axis=0)
        places = [place for place in coding.categorical if lacking[place]]
        margins: Any = self._margins_missing(codes, places)
        for place, margin in zip(places, margins, strict=True):
            variance[:, place] = margin.mean_square(margin.mean())
        return self._with_likeliest(moments[0], codes, self.density_._proba_missing), variance

    def _margins_missing(
        self, codes: CoordinateRows, columns: Sequence[int]
    ) -> list[ConditionalMargin]:
        """Return distributions of known values, and of numbers as the column would show them."""
        coding = self._coding
        categories = [column for column in columns if column in coding.categorical]
        numbers = [column for column in columns if column not in coding.categorical]
        found: dict[int, Any] = dict(
            zip(categories, self._proba_missing(codes, categories), strict=True)
        )
        if numbers:
            in_model = coding.places_in_model(numbers)
            margins = self.density_._margins_missing(codes.transformed, in_model)
            found |= zip(numbers, margins, strict=True)
        return [coding.columns[column].margin(found[column]) for column in columns]

    def _values_to_list(self, column: int) -> np.ndarray:
        own = self._coding.columns[column]
        if own.categories is not None:
            return super()._values_to_list(column)
        return own.values if own.model_kind == "count" else np.empty(0)

    def _coordinates_of(self, places: np.ndarray) -> np.ndarray:
        return np.array(self._coding.places_in_model(places.tolist()), dtype=np.intp)

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        given = copy(self)
        given._coding, within = self._coding.restricted(regions)
        density, log_prob = self.density_._given_regions(within)
        given._prototype = given.density_ = density
        return given, log_prob

    def _mode_missing(self, codes: CoordinateRows) -> np.ndarray:
        density, coding = self.density_, self._coding

        def log_prob(M: np.ndarray) -> np.ndarray:
            return density._log_prob(density._recode(M)) + coding.log_peaks(M)

        candidates = [density._mode_missing(codes.transformed)]
        n_values = density._columns.n_categories
        M = best_completions(np.asarray(codes.transformed), candidates, log_prob, n_values)
        return coding.most_probable(M)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
