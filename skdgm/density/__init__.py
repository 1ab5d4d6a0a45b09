"""Densities ``p(x)``: one folder or file per family, and the contract they share."""

from ._base import BaseDensity
from ._bernoulli import BernoulliIndependentDensity
from ._mixture import MixtureDensity
from .chain_rule import ChainRuleDensity
from .columns import ColumnDensity
from .full_categorical import FullCategoricalDensity
from .gaussian import GaussianDensity
from .hidden_tree import HiddenChowLiuTreeDensity
from .markov_chain import MarkovChainImageDensity
from .transformed import TransformedDensity
from .tree import ChowLiuTreeDensity

__all__ = [
    "BaseDensity",
    "BernoulliIndependentDensity",
    "ChainRuleDensity",
    "ChowLiuTreeDensity",
    "ColumnDensity",
    "FullCategoricalDensity",
    "GaussianDensity",
    "HiddenChowLiuTreeDensity",
    "MarkovChainImageDensity",
    "MixtureDensity",
    "TransformedDensity",
]
