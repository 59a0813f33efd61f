"""Does the network process a dream as it processes natural pictures? A check of dreams that needs no truth.

With c(x) a layer's means over places, and ρ the rank correlation over the layer's units, for each unit k

    own = mean ρ(dream of k, best picture of k)           how alike the dream is to what really excites the
    unit among = mean ρ(best picture of k, another of k)       the most that can be asked for others = mean
    ρ(best picture of k, one of another)    the least

Geirhos et al. (2024), "Don't trust your eyes", section 3, compare classes so, and lay `others` at 0 and
`among` at 1; where a layer's pictures are all alike that scale has no length, so the three are given as they
are.
"""

from typing import NamedTuple

import torch
from scipy.stats import rankdata
from torch import Tensor

from ..networks.images import check_images
from ..networks.net import Net
from ..running.extractor import FeatureExtractor

__all__ = ["Paths", "path_similarity"]


class Paths(NamedTuple):
    """Of each unit, float32 (U,), from -1 to 1: see above."""

    own: Tensor
    among: Tensor
    others: Tensor


def path_similarity(net: Net, layer: str, dreams: Tensor, natural: Tensor) -> Paths:
    """How alike a unit's dreams and best pictures are in one layer, for each of U units.

    dreams: (U, D, C, H, W), for each unit its dreams.  natural: (U, K, C, H, W), its best pictures, K at
    least 2.  Raises ValueError for an unknown layer, other shapes, fewer than two units, and pictures outside
    [0, 1].
    """
    for name, given, least in (("dreams", dreams, 1), ("natural", natural, 2)):
        if not isinstance(given, Tensor) or given.ndim != 5 or given.shape[1] < least:
            raise ValueError(f"{name}: give pictures (units, {least} or more of each, C, H, W)")
        check_images(net, given.flatten(0, 1))
    if len(dreams) != len(natural) or len(natural) < 2:
        raise ValueError(
            f"dreams of {len(dreams)} units, natural pictures of {len(natural)}; give both of 2 or more"
        )
    extract = FeatureExtractor(net, layer)
    made, true = (_ranks(extract, layer, given) for given in (dreams, natural))
    units, each = true.shape[:2]
    own = torch.einsum("udc,ukc->uk", made, true).mean(1) / made.shape[1]
    alike = torch.einsum("akc,blc->abkl", true, true)
    among = (alike.diagonal(dim1=0, dim2=1).sum((0, 1)) - each) / (each * (each - 1))
    others = (alike.mean((2, 3)).sum(1) - alike.mean((2, 3)).diagonal()) / (units - 1)
    return Paths(own.float(), among.float(), others.float())


def _ranks(extract: FeatureExtractor, layer: str, given: Tensor) -> Tensor:
    """Each picture's ranks of the layer's means, centred, of length 1: (U, K, C)."""
    found = torch.cat([extract(some)[layer].float().cpu() for some in torch.split(given.flatten(0, 1), 64)])
    means = found.flatten(2).mean(2) if found.ndim > 2 else found
    ranks = torch.from_numpy(rankdata(means.numpy(), axis=1)).double()
    centred = ranks - ranks.mean(1, keepdim=True)
    rows: Tensor = centred / centred.norm(dim=1, keepdim=True).clamp_min(1e-12)
    return rows.view(*given.shape[:2], -1)
