"""The patches of a data set that excite a unit most, found in one pass.

Each cell of a layer's map looks at one patch, its receptive field; a unit's best patches are those of its
largest activations. Girshick, Donahue, Darrell, Malik (2014), "Rich feature hierarchies", section 3.1.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..geometry.field import ReceptiveField, on_map, receptive_field
from ..given import whole
from ..networks.net import Net
from ..pictures.batches import batches, data_set
from ..running.extractor import FeatureExtractor
from ..running.unit_numbers import unit_numbers
from ..wording import listing
from .top_k import Best

__all__ = ["TopPatches", "top_patches"]


@dataclass(frozen=True, eq=False, repr=False)
class TopPatches:
    """The best patches of U units, K each, best first; K is k, or all patches where there are fewer.

    values: float32 (U, K), the activations.  images: int64 (U, K), numbers of the pictures in the data set.
    cells: int64 (U, K, 2), row and column on the layer's map; (0, 0) in a layer without a map.
    boxes: float32 (U, K, 4), what the cell sees of the picture: (x0, y0, x1, y1) in pixels, half open; behind
    attention (`field.attention`), which sees all, the patch that it stands for.
    layer; units: int64 (U,); k; one_per_image: what was asked for.  field: the layer's receptive field.
    asked, spans: the pictures asked for and those gone through, for each shard the first number and the one
    after the last.  seen: how many were looked at; the others in `spans` could not be read.
    """

    values: Tensor
    images: Tensor
    cells: Tensor
    boxes: Tensor
    layer: str
    units: Tensor
    k: int
    one_per_image: bool
    field: ReceptiveField
    asked: tuple[tuple[int, int], ...]
    spans: tuple[tuple[int, int], ...]
    seen: int

    @property
    def total(self) -> int:
        """How many pictures were asked for."""
        count = end = 0
        for start, stop in sorted(self.asked):  # what continues an interrupted pass was asked for before
            count, end = count + max(0, stop - max(start, end)), max(end, stop)
        return count

    @property
    def skipped(self) -> int:
        """How many pictures could not be read."""
        return sum(stop - start for start, stop in self.spans) - self.seen

    @property
    def complete(self) -> bool:
        """Whether the whole data set was looked at; False after Ctrl-C."""
        return self.seen + self.skipped == self.total

    def pick(self, units: int | Sequence[int]) -> "TopPatches":
        """Only these units, by their numbers, in this order. Raises ValueError for one that is not there."""
        there = self.units.tolist()
        wanted = unit_numbers(units, self.layer)
        if unknown := [unit for unit in wanted if unit not in there]:
            raise ValueError(
                f"no patches of unit {unknown[0]}; there are those of {listing(map(str, there))}"
            )
        rows = torch.tensor([there.index(unit) for unit in wanted], dtype=torch.int64)
        return self._chosen(rows, "units")

    def first(self, k: int) -> "TopPatches":
        """Only each unit's k best; all, where there are fewer. Raises ValueError for k below 1."""
        k = whole(k, "k", 1)
        return replace(self, k=min(k, self.k), **{name: getattr(self, name)[:, :k] for name in _RANKED})

    def crops(self, dataset: Any) -> Tensor:
        """The patches as pictures: float32 (U, K, C, h, w), for `show.images(crops[unit])`.

        dataset: the one in which the pictures have these numbers; each picture is read once. h × w is the
        whole receptive field, mid grey outside the picture, or the picture's own side where that is less;
        without a map, what is seen of the picture. Of many units `pick` some first: all crops are in memory.
        Raises ValueError where the pictures are not of the size that the network saw.
        """
        dataset = data_set(dataset)
        numbers, which = torch.unique(self.images, return_inverse=True)
        cut: dict[int, Tensor] = {}
        for n, number in enumerate(numbers.tolist()):
            item = dataset[number]
            (picture,) = next(
                batches([item[0] if isinstance(item, tuple | list) else item], batch_size=1)
            ).images
            if picture.shape[1:] != self.field.picture:
                raise ValueError(f"picture {number} is {tuple(picture.shape[1:])}, not {self.field.picture}")
            for place in (which.flatten() == n).nonzero()[:, 0].tolist():
                cell = self.cells.flatten(0, 1)[place].tolist()
                (y0, y1, top, bottom), (x0, x1, left, right) = self._windows(*cell)
                cut[place] = pad(picture[:, y0:y1, x0:x1], (left, right, top, bottom), value=0.5)
        every = torch.stack([cut[place] for place in range(len(cut))])
        return every.reshape(*which.shape, *every.shape[1:])

    def _windows(self, i: int, j: int) -> list[tuple[int, int, int, int]]:
        """Of rows and columns: the first of the picture, the one after the last, and the grey ones beside."""
        x0, y0, x1, y1 = self.field.box(i, j)
        left, top, right, bottom = self.field.clipped(i, j)
        found = []
        for axis, window in enumerate(((y0, y1, top, bottom), (x0, x1, left, right))):
            wide = self.field.size[axis] >= self.field.picture[axis]
            whole = 0, self.field.picture[axis], 0, 0
            alone = *window[:2], 0, 0  # a layer without a map
            found.append(alone if self.field.shape == (1, 1) else whole if wide else window)
        return found

    def __or__(self, other: "TopPatches") -> "TopPatches":
        """What one pass over the pictures of both would have found; the pictures keep their numbers.

        So number the shards of a data set one after the other: `top_patches(…, start=len(first_shard))`.
        Raises ValueError where layer, units, k, one_per_image or the size of the pictures differ, and where
        both went through the same pictures.
        """
        a, b = ((t.layer, t.units.tolist(), t.k, t.one_per_image, t.field) for t in (self, other))
        if a != b:
            raise ValueError(
                "only results for one layer, its same units, k, and size of pictures can be joined"
            )
        spans = sorted(self.spans + other.spans)
        if any(after[0] < before[1] for before, after in pairwise(spans)):
            raise ValueError(f"both looked at the same of the pictures {spans}; number the shards by start=")
        ranked: dict[str, Any] = {
            name: torch.cat([getattr(self, name), getattr(other, name)], 1) for name in _RANKED
        }
        joined = replace(
            self,
            **ranked,
            asked=self.asked + other.asked,
            spans=tuple(spans),
            seen=self.seen + other.seen,
        )
        # By picture, row, column, then by value; a stable sort keeps the order of equals.
        keys = joined.cells[..., 1], joined.cells[..., 0], joined.images, -joined.values
        order = torch.arange(joined.values.shape[1]).expand_as(joined.values)
        for key in keys:
            order = order.gather(1, key.gather(1, order).sort(dim=1, stable=True).indices)
        rows = torch.arange(len(order))[:, None]
        return joined._chosen((rows, order[:, : self.k]))

    def _chosen(self, index: Any, *more: str) -> "TopPatches":
        return replace(self, **{name: getattr(self, name)[index] for name in (*_RANKED, *more)})

    def __repr__(self) -> str:
        units, patches = self.values.shape
        pictures = f"{self.seen} of {self.total} pictures" + ("" if self.complete else ", interrupted")
        return f"TopPatches({self.layer}: {units} units, {patches} patches each, from {pictures})"


_RANKED = ("values", "images", "cells", "boxes")


def top_patches(
    net: Net,
    layer: str,
    dataset: Any,
    *,
    k: int = 9,
    units: int | Iterable[int] | Tensor | None = None,
    one_per_image: bool = False,
    batch_size: int = 64,
    start: int = 0,
) -> TopPatches:
    """The k patches that excite each unit of a layer most, in one pass over anything `batches` takes.

    units: which ones; None: all.  one_per_image: from each picture only the unit's best patch.
    start: the number of the first picture, for a shard of a larger data set; results are joined by `a | b`.
    Of tokens those take part that stand for a place: no class token.
    Equal activations are ranked by picture, row, column. The network runs no further than the layer. Memory
    depends on units × k and the batch, not on the data. Ctrl-C ends the pass: a warning says so, `complete`
    is False, and the patches are the best of the `seen` pictures, those in `spans`.
    Raises ValueError for an unknown layer or unit, k below 1, start below 0, pictures of unequal size, and an
    activation that is not a number.
    """
    extract = FeatureExtractor(net, layer)
    k, start, dataset = whole(k, "k", 1), whole(start, "start", 0, 2**62), data_set(dataset)
    count = extract.shapes[layer][0]
    chosen = list(range(count)) if units is None else unit_numbers(units, layer, count)
    if not chosen:
        raise ValueError(f"no units; {layer!r} has 0 to {count - 1}")
    stream, total = batches(dataset, batch_size=batch_size, progress=layer), len(dataset)
    best: Best | None = None
    field: ReceptiveField | None = None
    size, width, seen, looked = (0, 0), 1, 0, 0
    try:
        for images, _, indices in stream:
            given = images.shape[2], images.shape[3]
            if field is None:
                size, field = given, receptive_field(net, layer, size=given)
            if given != size:
                raise ValueError(f"pictures of {size} and {given}; resize them to one size")
            maps = on_map(extract(images)[layer], field)
            maps = maps if units is None else maps[:, chosen]
            width = maps.shape[3] if maps.ndim == 4 else 1
            before = best or Best.none(len(chosen), like=maps)
            after = before.update(maps.reshape(*maps.shape[:2], -1), indices, k, one_per_image)
            more, last = len(images), int(indices[-1])
            best, seen, looked = after, seen + more, last + 1  # in one go, should Ctrl-C come here
        looked = total
    except KeyboardInterrupt:
        if not seen:
            raise
        warnings.warn(f"interrupted: {seen} of {total} pictures were looked at", stacklevel=2)
    assert best is not None  # `batches` gives at least one
    assert field is not None
    cells = torch.stack([best.cells // width, best.cells % width], 2).cpu()
    boxes = {cell: field.box(*cell) for cell in map(tuple, torch.unique(cells.flatten(0, 1), dim=0).tolist())}
    return TopPatches(
        best.values.float().cpu(),
        best.images.cpu() + start,
        cells,
        torch.tensor([[boxes[tuple(cell)] for cell in row] for row in cells.tolist()]).float(),
        layer,
        torch.tensor(chosen),
        k,
        one_per_image,
        field,
        ((start, start + total),),
        ((start, start + looked),),
        seen,
    )
