"""The stored state of an estimator: a plain form of all it holds, and the versions behind it."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

from ._packing import Packer, UnfitForm, Unpacker
from ._versions import LEARNED_BY, OWN, cure, is_other, present_versions, warn_of_other


def stored_form(estimator: BaseEstimator) -> dict[str, Any]:
    """Return what pickle and others store of an estimator."""
    versions = vars(estimator).get(LEARNED_BY) or present_versions()
    return {"versions": dict(versions), "plain": Packer.pack(estimator)}


def restore(estimator: BaseEstimator, state: dict[str, Any]) -> None:
    """Make an empty estimator what was stored.

    It warns if another version of the library has learned the model, once for all that the model
    is made of.

    Raises
    ------
    ValueError
        If this version of the library cannot know what the model means.
    """
    name, present = type(estimator).__name__, present_versions()[OWN]
    if state.keys() != {"versions", "plain"}:
        raise ValueError(
            f"This is no state of a {name} that {OWN} {present} can read; fit it again, or load it "
            "with the version that has stored it."
        )
    versions = state["versions"]
    try:
        estimators = Unpacker.unpack(state["plain"], estimator)
    except UnfitForm as error:
        raise ValueError(
            f"A {name} learned by {OWN} {versions[OWN]} {error.what}, which {OWN} {present} "
            f"{error.verb}; {cure(versions[OWN])}."
        ) from None
    if is_other(versions):
        for own in estimators:
            vars(own)[LEARNED_BY] = versions
        warn_of_other(name, versions)
