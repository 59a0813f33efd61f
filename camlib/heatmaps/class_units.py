"""Class-specific units: which of the last map's units make a class, and whether these few would be enough.

    S_c = Σ_k w_k^c F_k + b_c,    unit k's share of a picture's logit is w_k^c F_k

Zhou, Khosla, Lapedriza, Oliva, Torralba (2016), section 5, rank a class's units by the weight w_k^c. A unit
that seldom fires has a weight too, but no say; so here they are ranked by `worth`, the weight times the
unit's mean on the class's own pictures. Since the logit is a sum, what is left of it with some units only, or
without them, needs no second run of the network: it is exact.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from ..given import told, whole
from ..networks.images import check_images
from ..networks.net import Net, check_net
from ..networks.targets import class_labels
from ..pictures.batches import batches
from ..unrounded import unrounded
from ..wording import in_short
from .classifier import Classifier, ending

__all__ = ["ClassUnits", "class_units"]


@dataclass(frozen=True, eq=False)
class ClassUnits:
    """What a linear layer on a pooled map makes of N labelled pictures; all on the CPU.

    pooled: float32 (N, K), F_k.  weight: (C, K), w_k^c.  bias: (C,).  labels: int64 (N,).
    """

    pooled: Tensor
    weight: Tensor
    bias: Tensor
    labels: Tensor

    __repr__ = in_short

    @property
    def worth(self) -> Tensor:
        """(C, K): w_k^c times the mean of F_k over class c's pictures. NaN for a class without pictures."""
        means = [self.pooled[self.labels == c].mean(0) for c in range(len(self.weight))]
        return self.weight * torch.stack(means)

    def top(self, count: int = 3) -> Tensor:
        """(C, count): each class's units of the highest worth, the highest first."""
        count = whole(count, "count", 1, self.weight.shape[1])
        return self.worth.topk(count, 1).indices

    @unrounded()
    def only(self, units: Tensor, others: Literal["silent", "mean"] = "silent") -> Tensor:
        """The logits (N, C) if each class had a say through its own units (C, k) alone.

        others: what the other units say: nothing, or in each picture what they say on average over all.
        """
        self._check(units, 2)
        kept = torch.zeros_like(self.weight).scatter_(1, units.long().cpu(), 1.0) * self.weight
        if others == "silent":
            return self.pooled @ kept.T + self.bias
        if others != "mean":
            raise ValueError(f"others is {told(others)}; they are 'silent' or at their 'mean'")
        usual = self.pooled.mean(0)
        return (self.pooled - usual) @ kept.T + self.weight @ usual + self.bias

    @unrounded()
    def without(self, units: Tensor) -> Tensor:
        """The logits (N, C) with these units (k,) silent for all classes, as `silence` leaves them."""
        self._check(units, 1)
        weight = self.weight.clone()
        weight[:, units.long().cpu()] = 0
        return self.pooled @ weight.T + self.bias

    def _check(self, units: Tensor, dims: int) -> None:
        classes, count = self.weight.shape
        shape = f"({classes}, k)" if dims == 2 else "(k,)"
        right = isinstance(units, Tensor) and not units.is_floating_point() and units.dtype != torch.bool
        if not right or units.ndim != dims or (dims == 2 and len(units) != classes):
            raise ValueError(f"units are {told(units)}; give whole numbers {shape}")
        if units.numel() and not 0 <= int(units.min()) <= int(units.max()) < count:
            raise ValueError(f"units reach from {int(units.min())} to {int(units.max())}; there are {count}")


def class_units(net: Net, data: Any, *, batch_size: int = 64) -> ClassUnits:
    """The pooled units of labelled pictures, and the weights by which they make the logits.

    data: anything that `batches` takes, with labels: class indices. One run of the network.
    Raises ValueError where the logits are not one linear layer on the mean or the maximum of a map
    (`find_classifier`), and for data without labels.
    """
    check_net(net)
    pooled: list[Tensor] = []
    labels: list[Tensor] = []
    found: Classifier | None = None
    for batch in batches(data, batch_size=batch_size, progress="units"):
        labels.append(class_labels(net, batch.labels))
        found = ending(net, batch.images, check_images(net, batch.images))
        maps = found.features.flatten(2).to(found.weight.dtype)  # by autocast it may be another
        pooled.append((maps.mean(2) if found.pool == "mean" else maps.amax(2)).cpu())
    if found is None:
        raise ValueError("the data set gives no picture")
    every = torch.cat(labels)
    return ClassUnits(
        torch.cat(pooled), found.weight.detach().cpu().clone(), found.bias.detach().cpu().clone(), every
    )
