"""The k largest numbers of a stream of maps, unit by unit, with the pictures and cells they came from.

A cell that is among a unit's k best lies in one of the k pictures where the unit's peak is highest. So one
maximum over each map leaves few maps to search, and after some batches hardly any.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor

__all__ = ["Best", "largest"]


class Best(NamedTuple):
    """What was found so far, best first; equal values by picture, then cell.

    values: (U, K).  images, cells: int64 (U, K).  K grows up to the k wanted.
    """

    values: Tensor
    images: Tensor
    cells: Tensor

    @classmethod
    def none(cls, units: int, like: Tensor) -> Self:
        """Nothing found yet, for that many units, on the device of `like`."""
        nothing = torch.empty(units, 0, dtype=torch.int64, device=like.device)
        return cls(nothing.to(like.dtype), nothing, nothing)

    def update(self, maps: Tensor, indices: Tensor, k: int, one_per_image: bool = False) -> "Best":
        """The k best of these and of a batch's maps (B, U, cells), whose pictures come after all before.

        indices: int64 (B,), the pictures' numbers, ascending.  one_per_image: a picture's best cell only.
        Raises ValueError for a value that is not a number.
        """
        peaks, indices = maps.amax(2), indices.to(maps.device)
        if peaks.isnan().any():
            picture = int(indices[peaks.isnan().any(1).nonzero()[0, 0]])
            raise ValueError(f"an activation for picture {picture} is not a number")
        full = self.values.shape[1] == k
        # Later pictures lose a tie, so only what is greater than the last of a full list gets in.
        better = peaks > self.values[:, -1] if full else torch.ones_like(peaks, dtype=torch.bool)
        most = min(k, int(better.sum(0).max()))
        if not most:
            return self
        units = better.any(0).nonzero()
        pictures = largest(peaks[:, units[:, 0]].T, most).sort(dim=1).values
        looks = maps[pictures, units]  # (units, pictures, cells)
        if one_per_image:
            cells, values = looks.argmax(2), peaks[pictures, units]
        else:
            found = largest(looks.flatten(1), k)
            values = looks.flatten(1).gather(1, found)
            pictures, cells = pictures.gather(1, found // maps.shape[2]), found % maps.shape[2]
        joined = [
            torch.cat([old[units[:, 0]], new], 1)
            for old, new in zip(self, (values, indices[pictures], cells), strict=True)
        ]
        order = largest(joined[0], k)
        kept = [one.gather(1, order) for one in joined]
        if not full:  # then all units are in it
            return Best(*kept)
        return Best(*(old.index_copy(0, units[:, 0], new) for old, new in zip(self, kept, strict=True)))


def largest(values: Tensor, k: int) -> Tensor:
    """Places of the k largest of each row, largest first and the first of equals first: (rows, k).

    What `values.sort(dim=1, descending=True, stable=True).indices[:, :k]` says, in a fraction of the time.
    """
    k = min(k, values.shape[1])
    top = values.topk(k, dim=1)  # which of several equal to the last it takes is not defined
    places = top.indices.sort(dim=1).values
    order = values.gather(1, places).sort(dim=1, descending=True, stable=True).indices
    places = places.gather(1, order)
    tied = ((values >= top.values[:, -1:]).sum(1) > k).nonzero()[:, 0]
    if len(tied):
        places[tied] = values[tied].sort(dim=1, descending=True, stable=True).indices[:, :k]
    return places
