"""The contract of every conditional model ``p(y | x)`` of whole vectors y.

A model writes the hooks; the checks of y and the shapes of the results are written here, once.
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import (
    _get_feature_names,
    check_array,
)

from .._decorators import fit_context
from .._estimator import CommonEstimator
from .._fitted import learning, query
from .._memory import check_rows
from .._tables import check_table, frame_header, read_labels, refuse_missing_y, validate_table
from .._validation import (
    RandomState,
    check_generator,
    check_n_samples,
    check_weight,
    leave_out_weightless,
)


class BaseConditional(CommonEstimator, metaclass=ABCMeta):
    """A distribution over rows y for each row of X that can be fitted, scored and sampled.

    A subclass writes these hooks, for validated tables X and Y, of two dimensions each:

    - ``_fit(X, Y, weight)``: set the fitted attributes.
    - ``_log_prob(X, Y)``: ``log p(y | x)`` of each row, ``-inf`` where x itself is impossible.
    - ``_predict(X)`` and ``_predict_mode(X)``: tables like Y.
    - ``_sample(X, n_samples, generator)``: draws of shape (n_rows, n_outputs, n_samples).

    ``_input_checks`` and ``_output_checks`` are the options of scikit-learn's checks of X and y.
    """

    _output_checks: dict = {}

    # ------------------------------------------------------------------ what a user calls
    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: ArrayLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit the model to the rows of X and y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The conditions.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The outputs observed under these conditions, which must be given.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.
            Pseudo-counts such as ``alpha`` count rows, so scale weights to sum to the number of
            rows. The largest must lie between 1e-100 and 1e100; those below 1e-100 times the
            largest count as zero.

        Returns
        -------
        self : object
            The fitted model.

        Raises
        ------
        ValueError
            If the model does not accept X, y or the weights, y is not given, or their lengths
            differ. The model is then left as it was before the call.
        """
        with learning(self, anew=True) as new:
            refuse_missing_y(new, y)
            rows = validate_table(new, X, **new._input_checks)
            Y = new._check_outputs(rows, y, reset=True)
            weight, rows, Y = leave_out_weightless(check_weight(sample_weight, rows), rows, Y)
            new._fit(rows, Y, weight)
        return self

    @query
    def score_samples(self, X: ArrayLike, y: ArrayLike | None = None) -> np.ndarray:
        """Compute the log-probability (or log-density) of each row of y given that of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The conditions.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Outputs to score. With None nothing is observed, which scores 0.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            ``log p(y | x)`` in nats; ``-inf`` where the model rules y, or x itself, out.

        Raises
        ------
        ValueError
            If X or y do not match those seen in fit, or differ in length.
        """
        X = self._check_conditions(X)
        if y is None:
            return np.zeros(X.shape[0])
        return self._log_prob(X, self._check_outputs(X, y))

    @query
    def score(
        self, X: ArrayLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Compute the mean log-probability of y given X, comparable between folds of any size.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The conditions.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Outputs to score, which must be given.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.

        Returns
        -------
        score : float
            Mean of ``score_samples(X, y)``, in nats.

        Notes
        -----
        It judges the whole distribution, not predictions alone, and is what searches maximise.
        Accuracy or R2 come from ``cross_val_score`` or a search with ``scoring="accuracy"`` or
        ``scoring="r2"``.
        """
        if y is None:
            raise ValueError("y must be given: without it there is nothing to score.")
        log_prob = self.score_samples(X, y)
        weight, log_prob = leave_out_weightless(check_weight(sample_weight, log_prob), log_prob)
        return float(np.average(log_prob, weights=weight))

    @query
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict y for each row of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The conditions.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predictions, with as many dimensions as y had in fit.
        """
        return self._like_outputs(self._predict(self._check_conditions(X)), means=True)

    @query
    def predict_mode(self, X: ArrayLike) -> np.ndarray:
        """Find the jointly most probable y for each row of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The conditions.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The modes of ``p(y | x)``, with as many dimensions as y had in fit.
        """
        return self._like_outputs(self._predict_mode(self._check_conditions(X)))

    @query
    def sample_y(
        self, X: ArrayLike, n_samples: int = 1, random_state: RandomState = None
    ) -> np.ndarray:
        """Draw y from ``p(y | x)`` for each row of X.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            The conditions.
        n_samples : int, default=1
            Number of draws for each row.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness.

        Returns
        -------
        y : ndarray of shape (n_rows, n_samples) or (n_rows, n_outputs, n_samples)
            The draws; two-dimensional if y had one dimension in fit.

        Raises
        ------
        ValueError
            If a row of X has probability zero under the model, so that nothing follows from it.
        """
        X = self._check_conditions(X)
        check_rows(check_n_samples(n_samples), X.shape[0] * self.n_outputs_, 8)
        drawn = self._sample(X, n_samples, check_generator(random_state))
        return self._like_outputs(drawn)

    # ------------------------------------------------------------------ hooks of a subclass
    @property
    @abstractmethod
    def _input_checks(self) -> dict: ...

    @abstractmethod
    def _fit(self, X: np.ndarray, Y: np.ndarray, weight: np.ndarray | None) -> None: ...

    @abstractmethod
    def _log_prob(self, X: np.ndarray, Y: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _predict(self, X: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _predict_mode(self, X: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _sample(
        self, X: np.ndarray, n_samples: int, generator: np.random.Generator
    ) -> np.ndarray: ...

    # ------------------------------------------------------------------ shared machinery
    def _check_conditions(self, X: ArrayLike) -> np.ndarray:
        return validate_table(self, X, reset=False, **self._input_checks)

    def _check_outputs(self, X: np.ndarray, y: Any, reset: bool = False) -> np.ndarray:
        """Return y as a table with as many rows as X and as many columns as in fit."""
        names, name = _get_feature_names(frame_header(y, "y")), getattr(y, "name", None)
        if reset and names is None and isinstance(name, str) and name:
            names = np.array([name], dtype=object)  # a Series
        Y = self._read_outputs(y, reset)
        if len(Y) != X.shape[0]:
            raise ValueError(
                f"X and y have inconsistent numbers of samples: {X.shape[0]} and {len(Y)} rows; "
                "give y one row for each row of X."
            )
        one_dimensional = Y.ndim == 1
        Y = Y.reshape(len(Y), -1)
        if reset:
            self.n_outputs_ = Y.shape[1]
            self._one_dimensional, self._output_names = one_dimensional, names
            return Y
        if Y.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {Y.shape[1]} columns, but {type(self).__name__} was fitted to "
                f"{self.n_outputs_}; give y the columns it had in fit."
            )
        known = self._output_names
        if names is not None and known is not None and list(names) != list(known):
            raise ValueError(
                f"y has the columns {list(names)}, but {type(self).__name__} was fitted to "
                f"{list(known)}; give y the same columns in the same order."
            )
        return Y

    def _read_outputs(self, y: Any, reset: bool) -> np.ndarray:
        checks = {"ensure_2d": False, **self._output_checks}
        if "dtype" in checks:  # labels of any kind
            return check_array(read_labels(y), input_name="y", **checks)
        return check_table(y, "y", **checks)

    def _like_outputs(self, table: np.ndarray, means: bool = False) -> Any:
        """Return predictions or draws with as many dimensions as y had in fit."""
        return table[:, 0] if self._one_dimensional else table

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_outputs_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
