"""What a dissection finds, kept as counts, so that those of many shards add up to just that of all scenes."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ..scenes.scenes import PARTS
from ..wording import in_short

__all__ = ["CONCEPTS", "DETECTOR", "Dissection", "Highest", "highest"]

DETECTOR = 0.04  # the IoU above which a unit is called a detector
_WHOLE: dict[str, tuple[str, ...]] = {
    "whole head": ("head", "eye", "ear", "nose", "horn"),
    "critter": PARTS[1:],
}
CONCEPTS = (*PARTS[1:], *_WHOLE)


@dataclass(frozen=True, eq=False)
class Dissection:
    """How well each of U units covers each of the concepts, over all scenes.

    lit: int64 (U, P), the pixels of each part that the unit lights up, P in the order of `scenes.PARTS`.
    pixels: int64 (P,), how many the parts have in all.
    thresholds: float32 (U,), T_k.  quantile: the share of cells above T_k that was asked for.
    """

    lit: Tensor
    pixels: Tensor
    thresholds: Tensor
    quantile: float

    __repr__ = in_short

    @cached_property
    def iou(self) -> Tensor:
        """float32 (U, C), C in the order of `concepts`; 0 where neither is ever there."""
        lit, member = self.lit.double(), _member()
        both = lit @ member.T
        return (both / (lit.sum(1, keepdim=True) + member @ self.pixels.double() - both).clamp_min(1)).float()

    @cached_property
    def areas(self) -> Tensor:
        """float32 (C,): the concept's share of all pixels."""
        return (_member() @ self.pixels.double() / self.pixels.sum()).float()

    @property
    def concepts(self) -> tuple[str, ...]:
        """The names of the concepts: the critter's parts, the whole head and the whole critter."""
        return CONCEPTS

    @property
    def best(self) -> Tensor:
        """int64 (U,): the concept of each unit's highest IoU, index into `concepts`."""
        return self.iou.argmax(1)

    @property
    def names(self) -> list[str]:
        """The same by name; "" for a unit that is no detector."""
        pairs = zip(self.best.tolist(), self.detectors.tolist(), strict=True)
        return [CONCEPTS[best] if detector else "" for best, detector in pairs]

    @property
    def detectors(self) -> Tensor:
        """bool (U,): whether the highest IoU is above `DETECTOR`."""
        return self.iou.amax(1) > DETECTOR

    @property
    def unique(self) -> int:
        """How many different concepts have a detector: the paper's measure of a layer."""
        return len(set(self.names) - {""})

    @property
    def ceiling(self) -> Tensor:
        """float32 (C,): the IoU of a unit that lights up `quantile` of the pixels in the best place."""
        low, high = self.areas.clamp(max=self.quantile), self.areas.clamp(min=self.quantile)
        return low / high

    def __or__(self, other: "Dissection") -> "Dissection":
        """What one pass over the scenes of both would have found, with these thresholds; exactly.

        Raises ValueError where the thresholds or the quantile differ.
        """
        same = self.thresholds.shape == other.thresholds.shape and self.quantile == other.quantile
        if not same or not torch.equal(self.thresholds, other.thresholds):
            raise ValueError(
                "only dissections at the same thresholds can be joined; give thresholds= of all scenes"
            )
        return replace(self, lit=self.lit + other.lit, pixels=self.pixels + other.pixels)


@dataclass(frozen=True, eq=False)
class Highest:
    """The highest cells of each of U units: float32 (U, K), K at most `count`, highest first."""

    values: Tensor
    count: int

    __repr__ = in_short

    def __or__(self, other: "Highest") -> "Highest":
        """The highest of both. Raises ValueError where they are of other units, or another count."""
        if len(self.values) != len(other.values) or self.count != other.count:
            raise ValueError("only the same number of cells of the same units can be joined")
        return Highest(highest(torch.cat([self.values, other.values], 1), self.count), self.count)

    @property
    def thresholds(self) -> Tensor:
        """float32 (U,), once all scenes are joined: the least value that count - 1 cells may exceed."""
        return self.values[:, -1].clone()  # a view would be pickled with all that it is a view of


def highest(cells: Tensor, count: int) -> Tensor:
    """Of each row the `count` highest, or all: (U, K), highest first."""
    return cells.topk(min(count, cells.shape[1]), dim=1).values


def _member() -> Tensor:
    """Which parts a concept is made of: 0 or 1, float64 (C, P)."""
    rows = [[part in _WHOLE.get(name, (name,)) for part in PARTS] for name in CONCEPTS]
    return torch.tensor(rows).double()
