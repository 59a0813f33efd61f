"""Does the network process a dream as it processes natural pictures? A check of dreams that needs no truth.

For a unit, with c(x) a layer's means over places and ρ the rank correlation over its units,

    s = (ρ(dream, natural) - ρ(other, natural)) / (ρ(natural, natural) - ρ(other, natural))

each ρ a mean over pairs: of the unit's dreams with its best natural pictures, of those with one another, and
with other units' best. 1: the dream is processed as a natural picture of that unit is; 0: no more alike than
any other natural picture. Geirhos et al. (2024), "Don't trust your eyes", section 3, for classes; here for
units.
"""

import torch
from scipy.stats import rankdata
from torch import Tensor

from ..networks.images import check_images
from ..networks.net import Net
from ..running.extractor import FeatureExtractor

__all__ = ["path_similarity"]


def path_similarity(net: Net, layer: str, dreams: Tensor, natural: Tensor) -> Tensor:
    """s of each unit in one layer: float32 (U,); NaN where natural pictures are no more alike than others.

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
    room = among - others
    return torch.where(room > 1e-6, (own - others) / room.clamp_min(1e-6), torch.nan).float()


def _ranks(extract: FeatureExtractor, layer: str, given: Tensor) -> Tensor:
    """Each picture's ranks of the layer's means, centred, of length 1: (U, K, C)."""
    found = torch.cat([extract(some)[layer].float().cpu() for some in given.flatten(0, 1).split(64)])
    means = found.flatten(2).mean(2) if found.ndim > 2 else found
    ranks = torch.from_numpy(rankdata(means.numpy(), axis=1)).double()
    centred = ranks - ranks.mean(1, keepdim=True)
    return (centred / centred.norm(dim=1, keepdim=True).clamp_min(1e-12)).view(*given.shape[:2], -1)
