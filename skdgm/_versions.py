"""The versions by which a model was learned: kept with it, and compared when it is loaded."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sklearn.exceptions import InconsistentVersionWarning

OWN = __package__ or ""
DEPENDENCIES = ("numpy", "scipy", "scikit-learn", "numba")
LEARNED_BY = "_learned_by"  # attribute of estimators that another version has learned


class OtherVersionWarning(InconsistentVersionWarning):
    """Warning that a model was learned by another version of the library than loads it.

    Parameters
    ----------
    estimator_name : str
        Name of the class of the model.
    stored : mapping of str to str
        Versions of packages by which the model was learned.
    present : mapping of str to str
        Versions of these packages that are installed.
    """

    def __init__(
        self, estimator_name: str, stored: Mapping[str, str], present: Mapping[str, str]
    ) -> None:
        super().__init__(
            estimator_name=estimator_name,
            current_sklearn_version=present["scikit-learn"],
            original_sklearn_version=stored.get("scikit-learn", "unknown"),
        )
        self.stored, self.present = dict(stored), dict(present)

    def __str__(self) -> str:
        other = [
            f"{name} {own} for {self.stored[name]}"
            for name, own in self.present.items()
            if name != OWN and name in self.stored and _series(own) != _series(self.stored[name])
        ]
        besides = f" (and with {', '.join(other)})" if other else ""
        return (
            f"A {self.estimator_name} learned by {OWN} {self.stored[OWN]} is loaded by {OWN} "
            f"{self.present[OWN]}{besides}, so it may fail or answer differently; "
            f"{cure(self.stored[OWN])}."
        )

    def __reduce__(self) -> Any:
        return type(self), (self.estimator_name, self.stored, self.present)


@cache
def present_versions() -> dict[str, str]:
    """Return the versions of the library and of its dependencies, by package."""
    return {OWN: import_module(OWN).__version__} | {name: _version(name) for name in DEPENDENCIES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # it was not installed as a package
        return "unknown"


def _series(version: str) -> list[str]:
    return version.split(".")[:2]


def cure(stored: str) -> str:
    """Return what helps if a model was learned by another version of the library."""
    return f"fit it again, or load it with {OWN} {stored}"


def is_other(stored: Mapping[str, str]) -> bool:
    """Return whether a model was learned by another version of the library."""
    return stored[OWN] != present_versions()[OWN]


def warn_of_other(estimator_name: str, stored: Mapping[str, str]) -> None:
    """Warn that a model was learned by another version of the library."""
    warning = OtherVersionWarning(estimator_name, stored, present_versions())
    warnings.warn(warning, stacklevel=4)


@contextmanager
def lacking_in_words(estimator: Any) -> Iterator[None]:
    """Let a model of another version say so if it lacks an attribute."""
    try:
        yield
    except AttributeError as error:
        stored = vars(estimator).get(LEARNED_BY)
        if stored is None:
            raise
        raise AttributeError(
            f"A {type(estimator).__name__} learned by {OWN} {stored[OWN]} lacks what {OWN} "
            f"{present_versions()[OWN]} needs ({error}); {cure(stored[OWN])}."
        ) from error
