"""Types of the public calls, which mypy reads; nothing runs this file."""

from typing import assert_type

import numpy as np

import skdgm
from skdgm import (
    ChainRuleConditional,
    ConditionalDensity,
    DensityImputer,
    DensityOutlierDetector,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    MixtureDensity,
    MultipleImputer,
    NormalScoreTransformer,
    PCAProjection,
    Surprise,
    TableDensity,
)


def estimators_are_returned_as_what_they_are(X: np.ndarray, y: np.ndarray, each: object) -> None:
    assert_type(GaussianDensity().fit(X), GaussianDensity)
    assert_type(GaussianDensity().partial_fit(X, sample_weight=y), GaussianDensity)
    assert_type(TableDensity().fit(X), TableDensity)
    assert_type(MixtureDensity(GaussianDensity(), 3).fit(X), MixtureDensity)
    assert_type(skdgm.BaggingDensity(GaussianDensity()).fit(X), skdgm.BaggingDensity)
    assert_type(GenerativeClassifier(GaussianDensity()).fit(X, y), GenerativeClassifier)
    assert_type(GaussianDiscriminant("tied").fit(X, y), GaussianDiscriminant)
    assert_type(ConditionalDensity(GaussianDensity()).fit(X, y), ConditionalDensity)
    assert_type(ChainRuleConditional(each).fit(X, y), ChainRuleConditional)
    assert_type(DensityImputer(strategy="mode").fit(X), DensityImputer)
    assert_type(MultipleImputer().fit(X), MultipleImputer)
    assert_type(DensityOutlierDetector(GaussianDensity()).fit(X), DensityOutlierDetector)
    assert_type(PCAProjection("mle").fit(X), PCAProjection)
    assert_type(NormalScoreTransformer().fit(X), NormalScoreTransformer)


def answers_have_types(X: np.ndarray) -> None:
    density = GaussianDensity().fit(X)
    assert_type(density.score(X), float)
    assert_type(density.score_samples(X), np.ndarray)
    assert_type(density.conditional_mean(X), np.ndarray)
    assert_type(density.surprise(X), Surprise)
    assert_type(density.n_parameters_, int)


def unknown_choices_are_refused() -> None:
    GaussianDensity("ful")  # type: ignore[arg-type]
    skdgm.ChowLiuTreeDensity(handle_unknown="ignore")  # type: ignore[arg-type]
    DensityImputer(strategy="median")  # type: ignore[arg-type]
