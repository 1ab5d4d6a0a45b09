"""Densities ``p(x)``, a folder or file for each family, and the contract that they share.

A new family is registered here, in ``__all__``, and nowhere else.
"""

from ._bagging import BaggingDensity
from ._base import BaseDensity
from ._bernoulli import BernoulliIndependentDensity
from ._categorical_independent import CategoricalIndependentDensity
from ._composite import CompositeDensity
from ._em import EM_CONSTRAINTS, EMDensity
from ._engine.statistics import Statistics
from ._evidence import DensityView as DensityView
from ._group import DensityGroup
from ._queries import Surprise
from ._steps import StepIndependentDensity
from .binned import BinnedDensity
from .chain_rule import ChainRuleDensity
from .columns import ColumnDensity
from .counts import NegativeBinomialIndependentDensity, PoissonIndependentDensity
from .full_categorical import FullCategoricalDensity
from .gaussian import GaussianDensity
from .hidden_tree import HiddenChowLiuTreeDensity
from .markov_chain import MarkovChainImageDensity
from .mixture import MixtureDensity
from .table import TableDensity
from .transformed import NormalScoreTransformer, TransformedDensity
from .tree import ChowLiuTreeDensity

__all__ = [
    "EM_CONSTRAINTS",
    "BaggingDensity",
    "BaseDensity",
    "BernoulliIndependentDensity",
    "BinnedDensity",
    "CategoricalIndependentDensity",
    "ChainRuleDensity",
    "ChowLiuTreeDensity",
    "ColumnDensity",
    "CompositeDensity",
    "DensityGroup",
    "EMDensity",
    "FullCategoricalDensity",
    "GaussianDensity",
    "HiddenChowLiuTreeDensity",
    "MarkovChainImageDensity",
    "MixtureDensity",
    "NegativeBinomialIndependentDensity",
    "NormalScoreTransformer",
    "PoissonIndependentDensity",
    "Statistics",
    "StepIndependentDensity",
    "Surprise",
    "TableDensity",
    "TransformedDensity",
]
