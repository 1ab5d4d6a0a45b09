"""Densities ``p(x)``: one file a family, and the contract they share."""

from ._base import BaseDensity
from ._bernoulli import BernoulliIndependentDensity
from ._chain_rule import ChainRuleDensity
from ._chow_liu_tree import ChowLiuTreeDensity
from ._columns import ColumnDensity
from ._full_categorical import FullCategoricalDensity
from ._gaussian import GaussianDensity
from ._hidden_tree import HiddenChowLiuTreeDensity
from ._markov_chain import MarkovChainImageDensity
from ._mixture import MixtureDensity
from ._transformed import TransformedDensity

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
