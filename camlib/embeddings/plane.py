"""Codes of many numbers as points in the plane, to be looked at: PCA and t-SNE, both scikit-learn's.

PCA: the two directions in which the codes differ most, x = (c - μ) V₂ with c - μ = U S Vᵀ. t-SNE: van der
Maaten, Hinton (2008), "Visualizing data using t-SNE": points that lie so that each has the neighbours it had,
where far points may lie anywhere. As is usual it works on the codes' first 50 components, and starts from the
first two (Kobak, Berens 2019, "The art of using t-SNE for single-cell transcriptomics").
"""

from typing import Literal

import torch
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits
from torch import Tensor

from ..given import number, seeded, told
from .codes import finite
from .neighbours import nearest
from .scale import centred

__all__ = ["embed", "neighbours_kept"]

_COMPONENTS, _MANY = 50, 5000


def embed(
    codes: Tensor,
    *,
    method: Literal["tsne", "pca"] = "tsne",
    perplexity: float = 30,
    seed: int = 0,
    start: Literal["pca", "random"] = "pca",
) -> Tensor:
    """The codes' places in the plane: float32 (N, 2).

    codes: floats (N, D).
    perplexity: t-SNE's, about how many neighbours each point tries to keep; 1 to N - 1.
    start: where t-SNE's points begin, in PCA's places or, by `seed`, at random. The same call gives the same
    map on one machine; on another, rounding may turn t-SNE's map into one as good.
    PCA's axes are signed so that each has its largest weight positive.
    Raises ValueError for codes that are not finite, of one number, two that are alike in single precision
    (they would be one point), fewer than three, a perplexity that they do not allow, and for another method
    or start.
    """
    if method not in ("tsne", "pca") or start not in ("pca", "random"):
        raise ValueError(
            f"method {told(method)}, start {told(start)}; there are 'tsne' and 'pca', 'pca' and 'random'"
        )
    finite(codes)
    if len(codes) < 3:
        raise ValueError(f"{len(codes)} codes; a map wants three or more")
    if codes.shape[1] < 2:
        raise ValueError("codes of 1 number lie on a line; a map wants two or more")
    near = number(perplexity, "perplexity", f"a number from 1 to {len(codes) - 1}")
    if method == "tsne" and not 1 <= near < len(codes):
        raise ValueError(f"perplexity {perplexity} for {len(codes)} codes; it is 1 to {len(codes) - 1}")
    seed = seeded(seed, most=2**32 - 1)
    scaled, scale, _ = centred(codes)
    _distinct(scaled.float())
    rows = scaled.float().numpy()
    few = 2 if method == "pca" else min(_COMPONENTS, *rows.shape)
    if few < rows.shape[1]:
        rows = PCA(few, random_state=seed).fit_transform(rows)
    if method == "tsne":
        # On few points threads wait more than they work, on a busy machine several times as long.
        with threadpool_limits(1 if len(rows) < _MANY else None, user_api="openmp"):
            rows = TSNE(perplexity=near, init=start, random_state=seed).fit_transform(rows)
        scale = 1.0  # its map has no unit
    return (torch.from_numpy(rows).double() * scale).float()


def neighbours_kept(codes: Tensor, xy: Tensor, *, k: int = 10) -> float:
    """The share of each point's k nearest neighbours (L2) that are still among its k nearest in the map.

    codes: (N, D).  xy: (N, 2).  1: all, k / (N - 1): as many as in a map drawn by lot.
    Raises ValueError where the numbers of points differ, and for k above N - 1.
    """
    finite(codes)
    finite(xy, "points")
    if len(codes) != len(xy):
        raise ValueError(f"{len(codes)} codes and {len(xy)} points; give one for each")
    every = torch.arange(len(codes))
    before, after = (nearest(rows, every, k=k)[1] for rows in (codes, xy))
    return float((before[:, :, None] == after[:, None]).any(2).float().mean())


def _distinct(codes: Tensor) -> None:
    """Raise ValueError for two equal codes."""
    first: dict[bytes, int] = {}
    for index, row in enumerate(codes.contiguous() + 0.0):  # so that -0 is 0
        earlier = first.setdefault(row.view(torch.uint8).numpy().tobytes(), index)
        if earlier != index:
            raise ValueError(f"codes {earlier} and {index} are alike, and would be one point; leave one out")
