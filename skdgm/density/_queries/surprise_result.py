"""The result of ``surprise``: frames about rows and cells, and the list of suspicious cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..._tables import import_pandas, rows_at
from ..._validation import check_count

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5  # suspicious cells when printed


@dataclass(frozen=True, eq=False, repr=False)
class Surprise:
    """The surprise of rows and of their cells, as ``surprise`` of a density returns it.

    All frames have the index of the rows that were asked about, if they had one.

    Attributes
    ----------
    rows : DataFrame of shape (n_samples, 2)
        Columns ``log_prob``, in nats, and ``tail_probability``, by which rows with different cells
        observed compare; unusual rows have small values.
    cells : DataFrame of shape (n_samples, n_features)
        ``-log p(x_j | the other observed cells of the row)`` in nats, with the column names of X;
        NaN where a cell is missing. It is inf where the model rules a cell out, and in all cells of
        a row whose other cells it rules out.
    cell_tails : DataFrame of shape (n_samples, n_features)
        The probability of a cell at least as surprising: small values are unusual, whatever the
        kind and the unit of the column. Exact for categories, given the rest of the row, and
        estimated from draws for numbers. It is 0 where the surprise is inf, and NaN where the cell
        is missing.
    values : DataFrame of shape (n_samples, n_features)
        A copy of the rows.

    See Also
    --------
    SurpriseDisplay : A picture of the least usual rows.
    DensityOutlierDetector.explain : The surprise of rows under a detector's density.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import ChowLiuTreeDensity
    >>> X = np.repeat([[0, 0, 1], [1, 1, 0], [2, 2, 0]], 50, axis=0)
    >>> ChowLiuTreeDensity().fit(X).surprise([[0, 0, 1], [1, 1, 0], [1, 2, 0]], random_state=0)
    Surprise of 3 rows and 3 columns. The least usual cells:
     row  column value expected surprise tail_probability
       2       0     1        2     4.21            0.015
       2       1     2        1     4.23            0.029
       0       1     0        0     0.03                1
       1       1     1        1     0.03                1
       2       2     0        0     0.02                1
    """

    rows: pd.DataFrame
    cells: pd.DataFrame
    cell_tails: pd.DataFrame
    values: pd.DataFrame
    _densities: tuple[Any, ...]  # that judge the rows,
    _judge: np.ndarray  # by number, of shape (n_samples,)
    _baseless: np.ndarray  # mask of the cells of which the rest of the row is ruled out
    _table: Any  # the rows, of the kind that the user gave

    @classmethod
    def of(
        cls,
        parts: list[tuple[Any, np.ndarray]],
        X: Any,
        values: pd.DataFrame,
        rows: np.ndarray,
        cells: np.ndarray,
        cell_tails: np.ndarray,
        baseless: np.ndarray,
    ) -> Self:
        """Make frames like that of the values; the parts are densities and the rows they judge."""
        frame = import_pandas("surprise").DataFrame
        judge = np.empty(len(values), dtype=np.intp)
        for place, (_, own) in enumerate(parts):
            judge[own] = place
        table = values if isinstance(X, frame) else X
        return cls(
            frame(rows, index=values.index, columns=["log_prob", "tail_probability"]),
            frame(cells, index=values.index, columns=values.columns),
            frame(cell_tails, index=values.index, columns=values.columns),
            values,
            tuple(density for density, _ in parts),
            judge,
            baseless,
            table.copy() if isinstance(table, np.ndarray) else table,
        )

    def suspects(self, n: int = 10) -> pd.DataFrame:
        """List the least usual cells, and what the rest of their rows lets expect.

        Parameters
        ----------
        n : int, default=10
            Number of cells to list.

        Returns
        -------
        suspects : DataFrame
            A line for each cell, the smallest tail probability first: the index label of its
            ``row``, its ``column``, its ``value``, the value ``expected`` there by
            ``predict_column``, its ``surprise`` in nats, and its ``tail_probability``. Where the
            model rules out the rest of the row, nothing is expected (None), and the cell stands
            behind those that it rules out by themselves.

        Raises
        ------
        ValueError
            If ``n`` is not an integer of 1 or more.
        """
        n = check_count(n, "n")
        rows, columns = self._order(int(n))
        values, expected = np.empty((2, len(rows)), dtype=object)
        has_basis = ~self._baseless[rows, columns]
        for column in np.unique(columns).tolist():
            own = columns == column
            values[own] = self.values.iloc[rows[own], column].to_numpy(dtype=object)
            for judge in np.unique(self._judge[rows[own]]).tolist():
                asked = own & has_basis & (self._judge[rows] == judge)
                if asked.any():
                    table = rows_at(self._table, rows[asked])
                    expected[asked] = self._densities[judge].predict_column(table, column)
        found = {
            "row": self.cells.index[rows],
            "column": self.cells.columns[columns],
            "value": values,
            "expected": expected,
            "surprise": self.cells.to_numpy()[rows, columns],
            "tail_probability": self.cell_tails.to_numpy()[rows, columns],
        }
        return import_pandas("surprise").DataFrame(found).infer_objects()

    def _order(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and columns of the least usual cells, in order."""
        tails, cells = self.cell_tails.to_numpy(), self.cells.to_numpy()
        rows, columns = np.nonzero(~np.isnan(tails))
        by = (-cells[rows, columns], self._baseless[rows, columns], tails[rows, columns])
        first = np.lexsort(by)[:n]
        return rows[first], columns[first]

    def __repr__(self) -> str:
        n_rows, n_columns = self.cells.shape
        suspects = self.suspects(SHOWN)
        title = f"Surprise of {n_rows} rows and {n_columns} columns"
        if suspects.empty:
            return f"{title}, without any observed cell."
        text = suspects.assign(
            surprise=suspects["surprise"].map("{:.2f}".format),
            tail_probability=suspects["tail_probability"].map("{:.2g}".format),
            value=suspects["value"].map(short),
            expected=suspects["expected"].map(short),
        )
        return f"{title}. The least usual cells:\n{text.to_string(index=False)}"


def short(value: Any) -> str:
    """Return a value as text, with six digits of a number."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
