"""Generative models with exact likelihoods for scikit-learn users.

Names are imported when they are first asked for, so that ``import skdgm`` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same for type checkers and editors, which do not run __getattr__
    from .comparison import ClassifierComparison as ClassifierComparison
    from .comparison import ComparisonDisplay as ComparisonDisplay
    from .comparison import compare_classifiers as compare_classifiers
    from .comparison import load_table as load_table
    from .conditional import ChainRuleConditional as ChainRuleConditional
    from .conditional import ConditionalDensity as ConditionalDensity
    from .conditional import GaussianDiscriminant as GaussianDiscriminant
    from .conditional import GenerativeClassifier as GenerativeClassifier
    from .density import *
    from .displays import CompletionDisplay as CompletionDisplay
    from .displays import ComponentsDisplay as ComponentsDisplay
    from .displays import DensityContourDisplay as DensityContourDisplay
    from .displays import DependenceDisplay as DependenceDisplay
    from .displays import MissingAccuracyDisplay as MissingAccuracyDisplay
    from .displays import RealAgainstSampledDisplay as RealAgainstSampledDisplay
    from .displays import SampleDisplay as SampleDisplay
    from .displays import ScoreDisplay as ScoreDisplay
    from .displays import SurpriseDisplay as SurpriseDisplay
    from .displays import TreeDisplay as TreeDisplay
    from .impute import DensityImputer as DensityImputer
    from .impute import MultipleImputer as MultipleImputer
    from .impute import PooledEstimate as PooledEstimate
    from .impute import pool_estimates as pool_estimates
    from .outliers import DensityOutlierDetector as DensityOutlierDetector
    from .projection import PCAProjection as PCAProjection

    TRUSTED_TYPES: list[str]

__version__ = "0.1.0"

HOMES = {
    "comparison": (
        "ClassifierComparison",
        "ComparisonDisplay",
        "compare_classifiers",
        "load_table",
    ),
    "conditional": (
        "ChainRuleConditional",
        "ConditionalDensity",
        "GaussianDiscriminant",
        "GenerativeClassifier",
    ),
    "displays": (
        "CompletionDisplay",
        "ComponentsDisplay",
        "DensityContourDisplay",
        "DependenceDisplay",
        "MissingAccuracyDisplay",
        "RealAgainstSampledDisplay",
        "SampleDisplay",
        "ScoreDisplay",
        "SurpriseDisplay",
        "TreeDisplay",
    ),
    "impute": ("DensityImputer", "MultipleImputer", "PooledEstimate", "pool_estimates"),
    "outliers": ("DensityOutlierDetector",),
    "projection": ("PCAProjection",),
}  # of public names; all others are those of the densities
MODULES = (*HOMES, "compare", "density", "display", "metrics")


def __getattr__(name: str) -> Any:
    """Import a public name, or one of the modules."""
    if name == "__all__":
        of_densities = import_module(".density", __name__).__all__
        return sorted(["TRUSTED_TYPES", *sum(HOMES.values(), ()), *of_densities])
    if name in MODULES:
        return import_module(f".{name}", __name__)
    if name == "TRUSTED_TYPES":
        return import_module("._trusted_types", __name__).trusted_types()
    home = next((module for module, names in HOMES.items() if name in names), "density")
    if not name.startswith("_"):
        module = import_module(f".{home}", __name__)
        if home != "density" or name in module.__all__:
            value = globals()[name] = getattr(module, name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *MODULES, *__getattr__("__all__")})
