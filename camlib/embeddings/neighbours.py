"""The nearest neighbours of a code: the pictures that a layer finds most alike.

With the distance of Krizhevsky, Sutskever, Hinton (2012), section 6.1, d(a, b) = ‖a - b‖₂, or the cosine
distance, 1 - a · b / (‖a‖ ‖b‖), which asks only where the codes point. scikit-learn compares everything with
everything, block by block.
"""

from typing import Literal

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from ..given import tensor, told, whole
from .codes import finite
from .scale import centred

__all__ = ["nearest"]

_MOST = torch.finfo(torch.float32).max
_BLOCK = 64  # MB of distances in memory at once
_WIDE = 2**22  # numbers of codes that each thread of scikit-learn copies, in double precision, at once


def nearest(
    codes: Tensor, queries: Tensor, *, k: int = 5, metric: Literal["l2", "cosine"] = "l2"
) -> tuple[Tensor, Tensor]:
    """The k codes nearest to each query, nearest first: distances float32 (Q, k), indices int64 (Q, k).

    codes: floats (N, D).  queries: floats (Q, D); or whole numbers (Q,), rows of `codes`, none of which is
    then its own neighbour.  metric: "l2", or "cosine", from 0 to 2.
    By brute force, so exact but for rounding. Memory does not grow with N × Q.
    Raises ValueError for k above what there is, a code that is not finite, widths that differ, another
    metric, distances beyond single precision, and for a code of zeros under "cosine": it points nowhere.
    """
    if metric not in ("l2", "cosine"):
        raise ValueError(f"no metric {told(metric)}; there are 'l2' and 'cosine'")
    finite(codes)
    tensor(queries, "queries")
    own = None if queries.is_floating_point() else _rows(queries, len(codes))
    if own is None:
        finite(queries, "queries")
        if queries.shape[1] != codes.shape[1]:
            raise ValueError(f"codes of {codes.shape[1]} numbers, queries of {queries.shape[1]}")
    there = len(codes) - (own is not None)
    k = whole(k, "k", 1)
    if k > there:
        raise ValueError(f"{k} neighbours of each query; there are 1 to {there}")
    asked = queries if own is None else codes[own]
    if metric == "cosine":
        known, wanted, scale = _array(_directions(codes, "codes")), _array(_directions(asked, "queries")), 1.0
    else:
        both, scale, middle = centred(codes)
        known, wanted = _array(both), _array(asked.detach().cpu().to(both.dtype) / scale - middle)
    search = NearestNeighbors(algorithm="brute", metric="euclidean" if metric == "l2" else metric).fit(known)
    rows = min(256, max(20, _WIDE // known.shape[1]))  # its own 256 of a picture's pixels would be 200 MB
    with sklearn.config_context(working_memory=_BLOCK, pairwise_dist_chunk_size=rows):
        distances, found = map(torch.from_numpy, search.kneighbors(wanted, k + (own is not None)))
    if own is not None:  # among many copies of itself it may be missing: then the last goes
        others = (found == own[:, None]).int().sort(dim=1, stable=True).indices[:, :k]
        distances, found = distances.gather(1, others), found.gather(1, others)
    distances = (distances.double() * scale).float()
    if not distances.isfinite().all():
        raise ValueError(
            f"distances beyond single precision ({_MOST:.2g}); divide codes and queries by a number"
        )
    return distances, found


def _directions(rows: Tensor, what: str) -> Tensor:
    """Rows whose squares neither overflow nor vanish, which point where they pointed."""
    largest = rows.detach().abs().amax(1, keepdim=True)
    if not largest.all():
        row = int((largest == 0).nonzero()[0, 0])
        raise ValueError(f"row {row} of the {what} is all zeros: it points nowhere")
    ordinary = bool(((largest > 1e-9) & (largest < 1e9)).all())
    return rows if ordinary else rows.double() / largest.double()


def _array(rows: Tensor) -> NDArray[np.floating]:
    """NumPy's, which has no bfloat16."""
    kind = torch.promote_types(rows.dtype, torch.float32)
    return rows.detach().cpu().to(kind).numpy()


def _rows(queries: Tensor, count: int) -> Tensor:
    """Numbers of rows, checked."""
    if queries.ndim != 1 or queries.dtype == torch.bool or not len(queries):
        kind = str(queries.dtype).removeprefix("torch.")
        raise ValueError(f"queries are floats (Q, D) or rows (Q,); given {kind} {tuple(queries.shape)}")
    queries = queries.long().cpu()  # `count` might not fit into bytes
    wrong = (queries < 0) | (queries >= count)
    if wrong.any():
        raise ValueError(f"no row {int(queries[wrong][0])}; there are {count} codes")
    return queries
