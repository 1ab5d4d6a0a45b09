"""Fits and queries on Dask arrays and frames, block by block, on the workers of a cluster.

Sufficient statistics add: each worker counts its blocks, the sums are added in a tree, and the
model is estimated once. Rows are never gathered. The functions run where Dask is told to: on the
workers of the current ``distributed.Client``, or else in threads of this process. They need the
extra ``dask``: ``pip install "skdgm[dask]"``.
"""

try:
    import dask as _dask  # noqa: F401
except ImportError as error:
    raise ImportError('skdgm.dask needs Dask: pip install "skdgm[dask]".') from error

from ._fit import fit
from ._queries import (
    conditional_interval,
    conditional_mean,
    conditional_mode,
    conditional_proba,
    conditional_quantile,
    conditional_sample,
    conditional_std,
    predict,
    predict_column,
    predict_proba,
    score_samples,
)

__all__ = [
    "conditional_interval",
    "conditional_mean",
    "conditional_mode",
    "conditional_proba",
    "conditional_quantile",
    "conditional_sample",
    "conditional_std",
    "fit",
    "predict",
    "predict_column",
    "predict_proba",
    "score_samples",
]
