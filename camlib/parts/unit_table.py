"""A table of units, best first: how far from where they should be their answers lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
from scipy.stats import spearmanr
from torch import Tensor

from ..pictures.pixels import several
from ..scores.keypoints import KeypointErrors, pck_of
from ..wording import listing

__all__ = ["Unit", "UnitScore", "UnitTable"]

Unit: TypeAlias = tuple[str, int]


class UnitScore(NamedTuple):
    """A row of the table: the unit, its PCK, its NME where it answered, and the share where it did."""

    layer: str
    unit: int
    pck: float
    nme: float
    found: float


@dataclass(frozen=True, eq=False)
class UnitTable:
    """U units, best first: by PCK@alpha, of equals by NME, then in the network's order.

    keys: each unit as (layer, number).  errors: float32 (N, U), distances in sizes, as in `KeypointErrors`:
    inf where the unit was silent, NaN where there was nothing to find.  alpha: what counts as right.
    The first of many is there by luck too: its score here is too good, its score in other pictures is not.
    """

    keys: tuple[Unit, ...]
    errors: Tensor
    alpha: float

    @classmethod
    def ranked(cls, keys: tuple[Unit, ...], errors: Tensor, alpha: float) -> "UnitTable":
        """The table of units in any order."""
        pck, nme = pck_of(errors, alpha), _nme(errors)
        order = nme.nan_to_num(nan=torch.inf).sort(stable=True).indices
        order = order[pck[order].sort(stable=True, descending=True).indices]
        return cls(tuple(keys[i] for i in order.tolist()), errors[:, order], alpha)

    @property
    def labels(self) -> int:
        """In how many pictures there was something to find: the labels that the ranking used."""
        return int((~self.errors.isnan().all(1)).sum())

    @property
    def pck(self) -> Tensor:
        """float32 (U,): each unit's share of answers no further than alpha sizes away."""
        return pck_of(self.errors, self.alpha)

    @property
    def nme(self) -> Tensor:
        """float32 (U,): each unit's mean error, where it answered; NaN for one that never does."""
        return _nme(self.errors)

    @property
    def best(self) -> Unit:
        """The first unit, to give to `locate`."""
        return self.keys[0]

    def within(self, layer: str) -> "UnitTable":
        """The units of one layer. Raises ValueError for a layer that is not there."""
        chosen = [i for i, (name, _) in enumerate(self.keys) if name == layer]
        if not chosen:
            raise ValueError(f"no units of {layer!r}; there are {listing(dict(self.keys))}")
        return UnitTable(tuple(self.keys[i] for i in chosen), self.errors[:, chosen], self.alpha)

    def using(self, pictures: Any) -> "UnitTable":
        """Ranked again, as if only these pictures, an index or a mask of the N, had been labelled.

        Raises ValueError where none of them has a label.
        """
        errors = self.errors[several(len(self.errors), pictures)]
        if errors.isnan().all():
            raise ValueError("none of these pictures has anything to find")
        return UnitTable.ranked(self.keys, errors, self.alpha)

    def of(self, unit: Unit) -> KeypointErrors:
        """One unit's errors. Raises ValueError for a unit that is not there."""
        if unit not in self.keys:
            raise ValueError(f"no unit {unit!r}; there are {listing(map(str, sorted(self.keys)), 4)}")
        return KeypointErrors(self.errors[:, [self.keys.index(unit)]])

    def spearman(self, other: "UnitTable") -> float:
        """The rank correlation of the PCKs in two tables of the same units: does one tell of the other?

        Raises ValueError where they do not hold the same units.
        """
        if set(self.keys) != set(other.keys):
            raise ValueError("the tables hold different units")
        theirs = dict(zip(other.keys, other.pck.tolist(), strict=True))
        return float(spearmanr(self.pck, [theirs[key] for key in self.keys]).statistic)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, rank: int) -> UnitScore:
        errors = KeypointErrors(self.errors[:, [rank]])
        return UnitScore(*self.keys[rank], errors.pck(self.alpha), errors.nme, errors.found)

    def __iter__(self) -> Iterator[UnitScore]:
        return (self[rank] for rank in range(len(self)))

    def __repr__(self) -> str:
        rows = (self[rank] for rank in range(min(3, len(self))))
        first = ", ".join(f"{row.layer} {row.unit} {row.pck:.3f}" for row in rows)
        return f"UnitTable(PCK@{self.alpha:g} with {self.labels} labels: {first}, … {len(self)} units)"


def _nme(errors: Tensor) -> Tensor:
    there = errors.isfinite()
    return errors.where(there, 0).sum(0) / there.sum(0)
