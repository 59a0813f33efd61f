"""Class activation maps of a whole data set, added up by class: where a class's evidence lies on average.

    mean map of class c = (1 / N_c) Σ M_c over the N_c pictures of class c

and, where the data know the objects' masks, how often the maximum lies on the object (the pointing game,
Zhang et al. 2016) and what share of the positive heat does. All are sums over pictures, so shards add up.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..networks.net import Net, check_net
from ..networks.targets import class_labels
from ..pictures.batches import batches, data_set
from ..scores.pointing import pointing_game
from ..wording import in_short
from .cam import cam

__all__ = ["CamSums", "cam_sums"]


@dataclass(frozen=True, eq=False)
class CamSums:
    """Sums over the pictures of each of C classes, each map for its picture's true class.

    counts: int64 (C,), the pictures.  maps: float64 (C, H, W), in logits.
    hits: int64 (C,), maxima on the object.  inside: float64 (C,), the shares of positive heat on the object,
    0 for a map without any. Both are None where the data have no masks.
    """

    counts: Tensor
    maps: Tensor
    hits: Tensor | None
    inside: Tensor | None

    __repr__ = in_short

    @property
    def mean(self) -> Tensor:
        """float64 (C, H, W): the mean map; NaN for a class without pictures."""
        return self.maps / self.counts[:, None, None]

    @property
    def pointing(self) -> Tensor:
        """float64 (C,): the share of pictures whose maximum lies on the object."""
        return _there(self.hits).double() / self.counts

    @property
    def mass(self) -> Tensor:
        """float64 (C,): the mean share of the positive heat that lies on the object."""
        return _there(self.inside) / self.counts

    def __or__(self, other: "CamSums") -> "CamSums":
        """What one pass over the pictures of both would have found; sums of floats to rounding (float64).

        Raises ValueError where classes or maps are of other sizes, or only one has masks.
        """
        if self.maps.shape != other.maps.shape or (self.hits is None) != (other.hits is None):
            raise ValueError("only sums of the same classes and size, all with masks or none, can be joined")
        hits = None if self.hits is None else self.hits + _there(other.hits)
        inside = None if self.inside is None else self.inside + _there(other.inside)
        return CamSums(self.counts + other.counts, self.maps + other.maps, hits, inside)


def cam_sums(net: Net, data: Any, *, batch_size: int = 64) -> CamSums:
    """Class activation maps of labelled pictures, for their own classes, added up by class.

    data: anything that `batches` takes, with labels: class indices; where its kind has `masks` (`Scenes`,
    `Pets`), bool (N, H, W), the objects' places are counted, too. Memory does not grow with N.
    Raises ValueError for data without labels, and as `cam` does.
    """
    check_net(net)
    data = data_set(data)
    masked = hasattr(type(data), "masks")
    sums: CamSums | None = None
    for batch in batches(data, batch_size=batch_size, progress="class maps"):
        c, classes = class_labels(net, batch.labels), len(net.classes)
        heat, indices = cam(net, batch.images, c).cpu(), batch.indices
        maps = torch.zeros(classes, *heat.shape[1:], dtype=torch.float64).index_add_(0, c, heat.double())
        hits = inside = None
        if masked:
            on, positive = data[indices].masks.cpu(), heat.double().clamp(min=0)
            share = (positive * on).sum((1, 2)) / positive.sum((1, 2)).clamp(min=torch.finfo().tiny)
            hits = torch.bincount(c[pointing_game(heat, on, 0).hits], minlength=classes)
            inside = torch.zeros(classes, dtype=torch.float64).index_add_(0, c, share)
        more = CamSums(torch.bincount(c, minlength=classes), maps, hits, inside)
        sums = more if sums is None else sums | more
    assert sums is not None  # `batches` gives at least one
    return sums


def _there(sums: Tensor | None) -> Tensor:
    if sums is None:
        raise ValueError("these data have no masks: where the objects are is not known")
    return sums
