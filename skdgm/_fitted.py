"""The fitted state of an estimator: learned apart, replaced in one step, read as a whole.

While one thread fits an estimator again, queries in others answer by the old state or by the new
one, never by a mixture of both. A fit that fails leaves the old state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ._versions import LEARNED_BY, lacking_in_words

Estimator = TypeVar("Estimator", bound=BaseEstimator)
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

# Parameters that say how to answer, not what to learn: a query reads their current values.
OF_ANSWERS = frozenset({"n_jobs", "random_state", "strategy", "verbose"})


class GivenTable:
    """The table that a user has passed to ``fit``: parts see it as it came, while the fit lasts."""

    def __init__(self, table: Any) -> None:
        self.table = table


@contextmanager
def learning(estimator: Estimator, anew: bool = False) -> Iterator[Estimator]:
    """Yield a copy to fit; at the end of the block the estimator takes over its state at once.

    If an exception leaves the block, the estimator stays as it was. ``anew`` hides the attributes
    of an earlier fit from the copy, so that none outlives it.
    """
    state = estimator.__dict__.copy()
    if anew:
        state = {name: value for name, value in state.items() if not _is_learned(name)}
    learner = _with_state(estimator, state)
    with lacking_in_words(learner):
        yield learner
    learned = learner.__dict__
    if "_given" in learned:
        learned.pop("_given").table = None
    parameters = learner.get_params(deep=False)
    learned["_learned_with"] = {
        name: value for name, value in parameters.items() if name not in OF_ANSWERS
    }
    # Parameters that were set during the fit are the next fit's.
    current = {name: estimator.__dict__[name] for name in parameters if name in learned}
    estimator.__dict__ = {**learned, **current}


def query(
    method: Callable[Concatenate[Estimator, Arguments], Result],
) -> Callable[Concatenate[Estimator, Arguments], Result]:
    """Let a public method read one state of its fitted estimator, with the parameters of its fit.

    It raises a NotFittedError if there is none.
    """

    @wraps(method)
    def answer(self: Estimator, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        fitted = snapshot(self)
        check_is_fitted(fitted)
        with lacking_in_words(fitted):
            return method(fitted, *args, **kwargs)

    answer.__dict__["_is_query"] = True
    return answer


def snapshot(estimator: Estimator) -> Estimator:
    """Return a copy of an estimator that shares its fitted attributes."""
    state = estimator.__dict__  # read once: a fit in another thread replaces it
    return _with_state(estimator, {**state, **state.get("_learned_with", {})})


def _with_state(estimator: Estimator, state: dict[str, Any]) -> Estimator:
    copy = object.__new__(type(estimator))
    copy.__dict__ = state
    return copy


def _is_learned(name: str) -> bool:
    return (name.endswith("_") and not name.startswith("_")) or name == LEARNED_BY
