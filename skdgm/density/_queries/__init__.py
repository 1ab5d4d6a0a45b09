"""The questions that every density answers, beyond fitting, scoring and sampling.

Each module holds one kind of question, asked by public methods and answered through the hooks.
"""

from .completions import Completions
from .conditioning import Conditioning
from .dependence import Dependence
from .of_columns import ColumnQueries
from .spread import Spread
from .surprise import SurpriseQueries
from .surprise_result import Surprise
from .tail import TailProbability

__all__ = ["Queries", "Surprise"]


class Queries(
    Completions,
    Conditioning,
    ColumnQueries,
    Dependence,
    Spread,
    SurpriseQueries,
    TailProbability,
):
    """All questions."""
