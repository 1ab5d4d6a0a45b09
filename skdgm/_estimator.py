"""Common traits of all estimators: links to their pages, errors about parameters, stored forms.

The public address of the pages is said once, as ``Documentation`` under ``[project.urls]`` in
pyproject.toml.
"""

from __future__ import annotations

import inspect
from contextlib import suppress
from copy import deepcopy
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError

from ._persistence import restore, stored_form
from ._validation import shown


@cache
def project_url(label: str) -> str:
    """Return an address of the project by its label in pyproject.toml, or "" if it has none."""
    try:
        found = metadata("skdgm").get_all("Project-URL") or []
    except PackageNotFoundError:  # run from a folder, not installed
        return ""
    urls = dict(entry.split(", ", 1) for entry in found)
    return urls.get(label, "").rstrip("/")


class CommonEstimator(BaseEstimator):
    """An estimator whose diagram links to its page, and whose errors print no whole table.

    Pickle, joblib and skops store it as plain data, beside the versions that it was learned by.
    """

    _doc_link_module = "skdgm"

    def __init_subclass__(cls, **options: Any) -> None:
        """Keep the signature, which scikit-learn reads whenever it clones or checks parameters."""
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            with suppress(NameError):  # an annotation may name what is defined later
                signature = inspect.signature(cls.__init__)
                cls.__init__.__signature__ = signature  # type: ignore[attr-defined]

    @property
    def _doc_link_template(self) -> str:
        """The address of a page, or "" for no link."""
        url = project_url("Documentation")
        return url and url + "/generated/skdgm.{estimator_name}.html"

    def _validate_params(self) -> None:
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            message = str(error)
            for value in self.get_params(deep=False).values():
                message = message.replace(repr(value), shown(value))
            raise InvalidParameterError(message) from None

    def __getstate__(self) -> dict[str, Any]:
        return stored_form(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        restore(self, state)

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        twin.__dict__ = self.__dict__.copy()
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = memo[id(self)] = object.__new__(type(self))
        twin.__dict__ = deepcopy(self.__dict__, memo)
        return twin
