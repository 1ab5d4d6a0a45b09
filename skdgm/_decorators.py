"""Decorators of scikit-learn that keep the types of the methods that they decorate.

Type checkers and editors see nothing of a method behind an untyped decorator: ``fit`` would return
anything, not the estimator itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from sklearn.base import _fit_context
from sklearn.utils import metaestimators

Method = TypeVar("Method", bound=Callable[..., Any])


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Method], Method]:
    """Validate the parameters of an estimator before its method is called."""
    decorate = _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)
    return cast(Callable[[Method], Method], decorate)


def available_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
    """Give an estimator a method only if a check of the estimator is true."""
    return cast(Callable[[Method], Method], metaestimators.available_if(check))
