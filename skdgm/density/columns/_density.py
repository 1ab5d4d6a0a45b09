"""Independent blocks of columns, each with a density of its own: ``p(x) = prod_b p_b(x_b)``.

Fitting, scoring, drawing and completing go block by block: log-probabilities and numbers of free
parameters add up, statistics and completions are put side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch, get_tags

from ..._codes import as_codes
from ..._validation import EstimatorParameter
from .._base import A_DENSITY, BaseDensity
from .._composite import hand_on_table, table_given
from .._engine.blocks import run_in_threads
from .._engine.distant_rows import DistantRows
from ._answers import BlockAnswers
from ._blocks import (
    ColumnCodes,
    ColumnStatistics,
    fit_block,
    in_block,
    part_at,
    take_columns,
)
from ._group import ColumnGroup
from ._parameters import REMAINDER, NamedBlocks
from ._selection import check_partition, columns_left, selected_columns


class ColumnDensity(NamedBlocks, BlockAnswers):
    """Independent blocks of columns, each with a density of its own.

    ``p(x) = prod_b p_b(x_b)``: pixels beside measurements, or any columns that need different
    families. In a :class:`MixtureDensity` or a :class:`GenerativeClassifier` the blocks depend on
    one another through the class.

    Parameters
    ----------
    densities : list of tuples (name, density, columns)
        The blocks. No column of X may be in several. A block that selects no columns is left out.

        name : str
            Name under which the density can be set and searched, and its parameters as
            ``name__parameter``.
        density : density estimator
            The family of the block.
        columns : int, str, list of either, slice, boolean mask or callable
            Columns of the block, given as in :class:`~sklearn.compose.ColumnTransformer`.
            Strings are column names, and slices of names include the last; a Series of either also
            serves. A callable is given the frame that was passed to ``fit``, or else X as an array,
            and returns any of the above:
            :func:`~sklearn.compose.make_column_selector` makes one.
    remainder : density estimator or None, default=None
        The density of the columns that no block selects, a block named "remainder". None makes such
        columns an error that names them.
    n_jobs : int or None, default=None
        Threads over the blocks of columns when fitting, and over blocks of rows otherwise; None is
        1 unless in a ``joblib.parallel_config`` context. It changes no result.

    Attributes
    ----------
    densities_ : list of tuples (name, density, columns)
        The blocks that have columns, each with its fitted density and the indices of its columns,
        an array.
    named_densities_ : :class:`~sklearn.utils.Bunch`
        The fitted densities by name.
    n_parameters_ : int
        Free parameters, exact: those of the blocks.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    MixtureDensity : With such components, a model in which the blocks depend on one another.
    sklearn.compose.ColumnTransformer : The same for transformers.

    Notes
    -----
    Each block treats its own missing values, in training too. What is observed in one block says
    nothing about the others.

    ``partial_fit`` is available if all blocks have it. X must be dense. Samples have a dtype that
    holds those of all blocks: with a :class:`GaussianDensity`, all columns are floats.

    References
    ----------
    .. [1] L. Hunt and M. Jorgensen, "Mixture Model Clustering Using the MULTIMIX Program",
       Australian and New Zealand Journal of Statistics 41(2), 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import BernoulliIndependentDensity, ChowLiuTreeDensity, ColumnDensity
    >>> from skdgm import GaussianDensity, MixtureDensity
    >>> X = np.array([[1, 0, 2.0], [1, 1, 2.5], [0, 0, -2.0], [0, 1, -2.5]] * 5)
    >>> blocks = ColumnDensity(
    ...     [
    ...         ("words", BernoulliIndependentDensity(), [0, 1]),
    ...         ("size", GaussianDensity(), [2]),
    ...     ]
    ... ).fit(X)
    >>> blocks.n_parameters_, blocks.named_densities_.words.probability_
    (4, array([0.5, 0.5]))
    >>> alone = [density.score(X[:, columns]) for _, density, columns in blocks.densities_]
    >>> round(blocks.score(X) - sum(alone), 12)
    0.0

    A latent class joins the blocks: the word tells the size.

    >>> joined = MixtureDensity(blocks, random_state=0).fit(X)
    >>> joined.conditional_mean([[1, 1, np.nan]]).round(1)
    array([[1. , 1. , 1.9]])

    Blocks by the dtypes of a frame, and a density for the columns that are left:

    >>> import pandas as pd
    >>> from sklearn.compose import make_column_selector
    >>> frame = pd.DataFrame({"loud": [True, False] * 9, "size": range(18), "kind": [2, 0, 1] * 6})
    >>> is_bool = make_column_selector(dtype_include=bool)
    >>> densities = [
    ...     ("coins", BernoulliIndependentDensity(), is_bool),
    ...     ("sizes", GaussianDensity(), ["size"]),
    ... ]
    >>> by_dtype = ColumnDensity(densities, remainder=ChowLiuTreeDensity()).fit(frame)
    >>> [(name, columns.tolist()) for name, _, columns in by_dtype.densities_]
    [('coins', [0]), ('sizes', [1]), ('remainder', [2])]
    """

    _group_type = ColumnGroup
    _parameter_constraints: dict = {
        "densities": [list],
        "remainder": [EstimatorParameter("remainder", A_DENSITY, BaseDensity), None],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        densities: list[tuple[str, BaseDensity, Any]],
        *,
        remainder: BaseDensity | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.densities = densities
        self.remainder = remainder
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------ blocks
    @property
    def _parts(self) -> list[BaseDensity]:
        return [density for _, density, _ in self.densities_]

    @property
    def named_densities_(self) -> Bunch:
        """The fitted densities by name."""
        return Bunch(**{name: density for name, density, _ in self.densities_})

    @property
    def n_parameters_(self) -> int:  # type: ignore[override]
        """Free parameters, exact: those of the blocks."""
        return sum(block.n_parameters_ for block in self._parts)

    def __copy__(self) -> Self:
        """Return a copy with blocks of its own."""
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        if hasattr(self, "densities_"):
            twin.densities_ = self._copied_blocks()
        return twin

    def _without_rows(self) -> Self:
        twin = copy(self)
        twin.densities_ = [(name, own._without_rows(), at) for name, own, at in self.densities_]
        return twin

    def _copied_blocks(self) -> list[tuple[str, BaseDensity, np.ndarray]]:
        return [(name, copy(density), columns) for name, density, columns in self.densities_]

    def _unfitted_blocks(self, X: np.ndarray) -> list[tuple[str, BaseDensity, np.ndarray]]:
        names = getattr(self, "feature_names_in_", None)
        numbers = getattr(self, "_column_numbers", np.arange(X.shape[1]))
        places = self._select(X, names)
        self._left_out = [name for name, columns in places.items() if not len(columns)]
        blocks = []
        for name, family in self._families_by_name:
            columns = places[name]
            if not len(columns):
                continue
            density = clone(family)
            hand_on_table(self, density)
            density.n_features_in_ = len(columns)
            density._column_numbers = numbers[columns]
            if names is not None:
                density.feature_names_in_ = names[columns]
            if hasattr(self, "_known_values"):
                density._known_values = [self._known_values[column] for column in columns]
            blocks.append((name, density, columns))
        return blocks

    def _select(self, X: np.ndarray, names: np.ndarray | None) -> dict[str, np.ndarray]:
        """Return the indices of the columns of each block, of which some may have none."""
        n_columns, table = X.shape[1], table_given(self, X)
        places = {
            name: selected_columns(name, selection, table, n_columns, names)
            for name, _, selection in self.densities
        }
        if self.remainder is not None:
            places[REMAINDER] = columns_left(places, n_columns)
        check_partition(places, n_columns, names)
        return places

    def _blocks_to_extend(self) -> list[tuple[str, BaseDensity, np.ndarray]]:
        """Return copies of the fitted blocks, with the current parameters.

        They are copies so that a batch that fails leaves the fit so far as it was.
        """
        blocks = self._copied_blocks()
        families = [pair for pair in self._families_by_name if pair[0] not in self._left_out]
        known = [(name, type(density)) for name, density, _ in blocks]
        if known != [(name, type(family)) for name, family in families]:
            raise ValueError(
                "densities holds other blocks than the fit so far, so partial_fit cannot continue; "
                "call fit."
            )
        for (_, density, _), (_, family) in zip(blocks, families, strict=True):
            density.set_params(**clone(family).get_params(deep=False))
        return blocks

    # ------------------------------------------------------------------ encoding
    def _encode_training(
        self, X: np.ndarray, weight: np.ndarray | None, extend: bool
    ) -> ColumnCodes:
        def encode(density: BaseDensity, own: np.ndarray) -> Any:
            density._validate_params()
            return density._declare_rows(own, weight, extend)

        self.densities_ = self._blocks_to_extend() if extend else self._unfitted_blocks(X)
        codes = self._encode_blocks(X, encode)
        self._kinds = [part.dtype.kind for part in codes.parts]
        return codes

    def _declare_more(self, other: ColumnDensity) -> None:
        for (name, mine, columns), more in zip(self.densities_, other._parts, strict=True):
            with in_block(name, columns):
                mine._declare_also(more)

    def _check_declared(self) -> None:
        for name, density, columns in self.densities_:
            with in_block(name, columns):
                density._check_declared()

    def _encode_part(self, table: np.ndarray, weight: np.ndarray | None) -> ColumnCodes:
        self._expect_rows(len(table), weight, extend=False)
        self.densities_ = self._blocks_to_extend()
        return self._recode_blocks(table, lambda density, own: density._encode_part(own, weight))

    def _encode(self, X: np.ndarray) -> ColumnCodes:
        return self._encode_blocks(X, lambda density, own: density._encode(own))

    def _recode(self, table: np.ndarray) -> ColumnCodes:
        return self._recode_blocks(table, lambda density, own: density._recode(own))

    def _recode_blocks(
        self, table: np.ndarray, recode: Callable[[BaseDensity, np.ndarray], Any]
    ) -> ColumnCodes:
        """Return the codes of a table of codes, which categorical blocks do not binarise again."""
        kinds = iter(self._kinds)

        def recode_block(density: BaseDensity, own: np.ndarray) -> Any:
            return recode(density, own if next(kinds) == "f" else as_codes(own))

        return self._encode_blocks(table, recode_block)

    def _encode_blocks(
        self, X: np.ndarray, encode: Callable[[BaseDensity, np.ndarray], Any]
    ) -> ColumnCodes:
        parts = []
        for name, density, columns in self.densities_:
            with in_block(name, columns):
                parts.append(encode(density, take_columns(X, columns)))
        return self._as_codes(parts)

    def _as_codes(self, parts: Sequence[Any]) -> ColumnCodes:
        return ColumnCodes(tuple(columns for _, _, columns in self.densities_), tuple(parts))

    # ------------------------------------------------------------------ learning
    @property
    def _is_additive(self) -> bool:
        return all(family._is_additive for family in self._families)

    def _fit(self, codes: ColumnCodes, weight: np.ndarray | None) -> None:
        tasks = [
            (*block, part, weight)
            for block, part in zip(self.densities_, self._codes_of_blocks(codes), strict=True)
        ]
        run_in_threads(fit_block, tasks, self.n_jobs)

    def _codes_of_blocks(self, codes: Any) -> Sequence[Any]:
        if isinstance(codes, DistantRows):
            places = range(len(self.densities_))
            return [codes.of(partial(part_at, place=place)) for place in places]
        return codes.parts

    @property
    def _statistics(self) -> ColumnStatistics:
        """The statistics of the blocks, which may widen them for what a new batch declares."""
        return ColumnStatistics(tuple(block._statistics for block in self._parts))

    def _set(self, statistics: ColumnStatistics) -> None:
        self._estimate(statistics)  # the blocks keep the statistics
        self._finish()

    def _estimate(self, statistics: ColumnStatistics) -> None:
        for block, own in zip(self._parts, statistics.parts, strict=True):
            block._set(own)

    def _count(self, codes: ColumnCodes, weight: np.ndarray | None) -> ColumnStatistics:
        blocks = self._split(codes)
        return ColumnStatistics(tuple(block._count(part, weight) for block, part in blocks))

    def _start_statistics(self, codes: ColumnCodes, weight: np.ndarray) -> ColumnStatistics:
        starts = (block._start_statistics(part, weight) for block, part in self._split(codes))
        return ColumnStatistics(tuple(starts))

    def _expected_statistics(
        self, codes: ColumnCodes, weight: np.ndarray | None
    ) -> ColumnStatistics:
        counts = (block._expected_statistics(part, weight) for block, part in self._split(codes))
        return ColumnStatistics(tuple(counts))

    def _log_prior(self, total: float) -> float:
        return sum(block._log_prior(total) for block in self._parts)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        for family in self._families:
            of_family = get_tags(family).input_tags
            tags.input_tags.categorical |= of_family.categorical
            tags.input_tags.positive_only |= of_family.positive_only
            tags.input_tags.allow_nan &= of_family.allow_nan
        return tags
