"""What a tensor inside a network sees of the picture, and what tensors made from it see.

Each tensor has a `TensorField`: the cell of a map that each of its numbers belongs to, and which pixels the
map's rows and columns see. Three rules make new ones:

- `Axis.through`: a window (convolution, pool, padding) sees what the rows under it see;
- `united`, `joined`: where tensors meet, in a sum, product or concatenation, a cell sees what any of them
  sees there. One that has no places left (a squeeze-and-excitation gate) sees the whole picture: the map
  keeps its own field, marked with what comes `besides`;
- `summed`: a sum over places (mean, linear layer) sees what all of them see.

Attention gives each place a mean over others. Of what it gives out a cell is that of the one who asks (the
query): its root, the part of the picture that it stands for, not all that it sees. Numbers may have no cell:
a class token's, which is joined to the others and stands for no place.
"""

import math
from dataclasses import dataclass, replace
from enum import IntEnum

import torch
from torch import Tensor

__all__ = [
    "NOWHERE",
    "Axis",
    "Besides",
    "Lost",
    "TensorField",
    "UnclearError",
    "count",
    "joined",
    "laid",
    "listed",
    "placed",
    "settle",
    "summed",
    "united",
    "whole",
]

NOWHERE = -1  # the cell of a number that has no place


class Besides(IntEnum):
    """What a cell sees besides its field: the weaker is part of the stronger."""

    NOTHING = 0
    GATE = 1  # it is scaled, or shifted, by something that sees the whole picture
    ATTENTION = 2  # it is a mean over other places, as a rule over all


class UnclearError(ValueError):
    """What an operation sees is not clear."""


@dataclass(frozen=True, eq=False)
class Axis:
    """What the n rows (or columns) of a map see of the picture's.

    lo, hi: the first and last pixel that row 0 would see if the picture went on beyond its border, and
        `step`, how much further each next row looks; nan where the rows do not lie evenly.
    first, last: (n,) the first and last pixel that each row really sees; first > last: only padding.
    """

    lo: float
    hi: float
    step: float
    first: Tensor
    last: Tensor

    def __len__(self) -> int:
        return self.first.shape[0]

    def through(self, rows: Tensor, stride: int, read: Tensor) -> "Axis":
        """The axis of a map whose row i reads rows[i] of this one, `stride` rows further than row i - 1 does.

        rows: (n', k), ascending; those outside the map are padding.  read: the same, or what padding mirrors.
        """
        inside, near = (read >= 0) & (read < len(self)), read.clamp(0, len(self) - 1)
        even = bool((rows.diff(dim=0) == stride).all())
        begin, end = int(rows[0, 0]), int(rows[0, -1])
        if self.step < 0:  # of a map that was flipped the last row begins first
            begin, end = end, begin
        return Axis(
            self.lo + self.step * begin if begin else self.lo,
            self.hi + self.step * end if end else self.hi,
            self.step * stride if even else math.nan,
            self.first[near].where(inside, torch.iinfo(torch.int64).max).amin(1),
            self.last[near].where(inside, -1).amax(1),
        )

    def spread(self, reads: Tensor, first: float, scale: float) -> "Axis":
        """The axis of a larger map, `scale` rows for each of this one, as an upsampling makes it.

        reads: (n', k), which of these rows each reads; those outside the map are none.  first: where on this
        map the middle of row 0 lies.
        How far a row looks beside its middle changes from row to row; what is told is what all look together.
        """
        inside, near = (reads >= 0) & (reads < len(self)), reads.clamp(0, len(self) - 1)
        low = reads.where(inside, torch.iinfo(torch.int64).max).amin(1).double()
        high = reads.where(inside, -1).amax(1).double()
        middle = first + torch.arange(len(reads), dtype=torch.float64) / scale
        clear = inside.any(1) & (low > 0) & (high < len(self) - 1)  # not cut off by the border
        clear = clear if clear.any() else inside.any(1)
        below, above = (low - middle)[clear].min().item(), (high - middle)[clear].max().item()
        if self.step < 0:
            below, above = above, below
        return Axis(
            self.lo + self.step * (first + below),
            self.hi + self.step * (first + above),
            self.step / scale,
            self.first[near].where(inside, torch.iinfo(torch.int64).max).amin(1),
            self.last[near].where(inside, -1).amax(1),
        )


@dataclass(frozen=True, eq=False)
class TensorField:
    """What a tensor sees.

    cells: of its shape, row · columns + column of the cell that each number belongs to; NOWHERE for those of
        a class token. Some number has a cell.
    besides: what each cell sees besides its field.
    laid: whether the tensor is known to be the map (…, rows, columns) itself, its cells in their order.
    """

    cells: Tensor
    y: Axis
    x: Axis
    besides: Besides = Besides.NOTHING
    laid: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the map."""
        return len(self.y), len(self.x)


@dataclass(frozen=True)
class Lost:
    """What a tensor sees is not known, and why."""

    why: str


def settle(reach: TensorField) -> TensorField:
    """The reach of the map (…, rows, columns) that a tensor has become, its cells in their order.

    A slice has fewer rows than the map it comes from. Where the channels come from several places (pixels
    folded into channels), a cell sees what all its channels see. Raises ValueError where it is no map.
    """
    cells = reach.cells
    if reach.laid:
        return reach
    if cells.ndim < 2 or (cells < 0).any():
        raise UnclearError("its output is not a map (…, rows, columns)")
    cells = _thin(cells, cells.ndim - 2).reshape(-1, *cells.shape[-2:])
    y, x = _from(reach.y, cells // len(reach.x)), _from(reach.x, (cells % len(reach.x)).mT)
    return laid(y, x, reach.cells.shape, reach.besides)


def united(parts: list[TensorField], shape: torch.Size) -> TensorField:
    """What numbers made from several tensors see; a part with fewer places than the map is a gate."""
    maps = [part for part in parts if part.shape != (1, 1)] or parts
    if maps[0].shape != (1, 1) and not all(_alike(one, maps[0]) for one in maps):
        maps = [settle(one) for one in maps]
    y, x = _wider([one.y for one in maps]), _wider([one.x for one in maps])
    besides = _besides(parts, y, x)
    if all(one.laid or one.shape == (1, 1) for one in maps):
        return laid(y, x, shape, besides)
    return TensorField(maps[0].cells.expand(shape), y, x, besides)


def _besides(parts: list[TensorField], y: Axis, x: Axis) -> Besides:
    """What these parts of a map bring; one that has no places left is a gate."""
    gates = any(one.shape != (len(y), len(x)) for one in parts)
    return max(Besides.GATE if gates else Besides.NOTHING, *(one.besides for one in parts))


def _alike(one: TensorField, other: TensorField) -> bool:
    if one.shape != other.shape:
        return False
    if one.laid and other.laid:
        return True
    first, second = one.cells, other.cells
    if first.ndim != second.ndim:
        return False
    sides = zip(first.shape, second.shape, strict=True)  # where one is repeated along the other it is alike
    return all(1 in pair or pair[0] == pair[1] for pair in sides) and bool((first == second).all())


def joined(pieces: list[tuple[Tensor, TensorField | None]], dim: int, shape: torch.Size) -> TensorField:
    """A concatenation; a piece without places (a constant, a gate) is put where the others are.

    Where the places themselves are strung along `dim` (tokens), it is none of them, and nowhere.
    """
    if len(shape) > pieces[0][0].ndim:  # a stack is a concatenation along a new dimension
        new = [one and replace(one, cells=one.cells.unsqueeze(dim), laid=False) for _, one in pieces]
        pieces = [(tensor.unsqueeze(dim), one) for (tensor, _), one in zip(pieces, new, strict=True)]
    parts = [one for _, one in pieces if one]
    maps = [one if one and one.shape != (1, 1) else None for _, one in pieces]
    first = next((one for one in maps if one), None)
    if not first:
        return united(parts, shape)
    if any(one and (one.y, one.x) != (first.y, first.x) for one in maps):
        maps = [one and settle(one) for one in maps]
        first = next(one for one in maps if one)
    y, x = _wider([one.y for one in maps if one]), _wider([one.x for one in maps if one])
    besides = _besides(parts, y, x)
    if all(one.laid for one in maps if one) and dim % len(shape) < len(shape) - 2:
        return laid(y, x, shape, besides)
    lies = first.cells.narrow(dim, 0, 1)
    strung = bool((lies != first.cells).any())
    cells = [
        one.cells if one else (torch.full_like(lies, NOWHERE) if strung else lies).expand(tensor.shape)
        for one, (tensor, _) in zip(maps, pieces, strict=True)
    ]
    return TensorField(torch.cat(cells, dim), y, x, besides)


def _wider(axes: list[Axis]) -> Axis:
    """The axis whose rows see what those of any axis see; axes of one row only are gates for the others."""
    count = max(map(len, axes))
    axes = [axis for axis in axes if len(axis) == count or len(axis) != 1]
    if all(axis is axes[0] for axis in axes):
        return axes[0]
    if any(len(axis) != count for axis in axes):
        raise UnclearError("maps of different sizes are joined")
    return Axis(
        min(axis.lo for axis in axes),
        max(axis.hi for axis in axes),
        axes[0].step if all(axis.step == axes[0].step for axis in axes) else math.nan,
        torch.stack([axis.first for axis in axes]).amin(0),
        torch.stack([axis.last for axis in axes]).amax(0),
    )


def summed(reach: TensorField, dims: list[int]) -> TensorField:
    """A sum over these dimensions, which are kept with length 1."""
    cells, left = _thin(reach.cells, reach.cells.ndim), []
    shape = list(reach.cells.shape)
    for dim in dims:
        shape[dim] = 1
    lies = cells
    for dim in dims:
        lies = lies.narrow(dim, 0, 1)
    if bool((cells == lies).all()):  # over channels
        return replace(reach, cells=lies.expand(shape), laid=False)
    nowhere = cells < 0
    for axis, index in ((reach.y, cells // len(reach.x)), (reach.x, cells % len(reach.x))):
        low = index.masked_fill(nowhere, len(axis)).amin(dims, keepdim=True)
        high = index.masked_fill(nowhere, -1).amax(dims, keepdim=True)
        there = high >= 0  # elsewhere is nothing but what has no place
        if torch.equal(low[there], high[there]):
            left.append((axis, low))
            continue
        # Several places come together: all in one sum, or a few in each, as pixels folded into channels.
        spans, which = torch.unique(torch.stack([low[there], high[there]], 1), dim=0, return_inverse=True)
        reads = spans[:, :1] + count(int((spans[:, 1] - spans[:, 0]).max()) + 1)
        reads = reads.minimum(spans[:, 1:])
        stride = int(spans[1, 0] - spans[0, 0]) if len(spans) > 1 else int(spans[0, 1] - spans[0, 0]) + 1
        left.append((axis.through(spans, stride, reads), low.masked_scatter(there, which)))
    (y, rows), (x, columns) = left
    cells = (rows * len(x) + columns).where(there, NOWHERE)
    return TensorField(cells.expand(shape), y, x, reach.besides)


def placed(reach: TensorField) -> TensorField | None:
    """The reach of a part of a tensor; of a class token alone, whose cells are nowhere, as one of no places.

    It sees the whole picture where attention, or a gate, has shown it; else nothing of it: then None.
    """
    if reach.shape == (1, 1) or bool((_thin(reach.cells, reach.cells.ndim) >= 0).any()):
        return reach
    return whole(reach, reach.cells.shape) if reach.besides else None


def whole(reach: TensorField, shape: torch.Size) -> TensorField:
    """The reach of a tensor that has no places, and sees all that any of these does."""
    rows, columns = count(len(reach.y))[None], count(len(reach.x))[None]
    y, x = reach.y.through(rows, len(reach.y), rows), reach.x.through(columns, len(reach.x), columns)
    return laid(y, x, shape, reach.besides)


def listed(reach: TensorField) -> tuple[tuple[int, ...], TensorField]:
    """Of tokens (1, units, tokens) those that are the cells of a map, row by row, and that map's reach.

    Raises ValueError where the tokens that have a place do not fill a map, each cell once.
    """
    cells = _thin(reach.cells, 2)
    if reach.cells.ndim != 3 or (cells != cells[:1, :1]).any():
        raise UnclearError("its output is not (N, tokens, units), each token in a place of its own")
    cells = cells[0, 0]
    there = (cells >= 0).nonzero()[:, 0]
    found = there[cells[there].argsort(stable=True)]
    rows: Tensor = torch.unique(cells[found] // len(reach.x))
    columns: Tensor = torch.unique(cells[found] % len(reach.x))
    if not torch.equal(cells[found], (rows[:, None] * len(reach.x) + columns).flatten()):
        raise UnclearError("the places of its tokens do not lie as a map")
    shape = torch.Size([*reach.cells.shape[:2], len(rows), len(columns)])
    return tuple(found.tolist()), laid(_only(reach.y, rows), _only(reach.x, columns), shape, reach.besides)


def _only(axis: Axis, rows: Tensor) -> Axis:
    """The axis of these rows alone."""
    return axis.through(rows[:, None], int(rows[1] - rows[0]) if len(rows) > 1 else 1, rows[:, None])


def _thin(cells: Tensor, dims: int) -> Tensor:
    """Without the copies along the first so many dimensions."""
    return cells[tuple(slice(1 if step == 0 else None) for step in cells.stride()[:dims])]


def _from(axis: Axis, index: Tensor) -> Axis:
    """The axis whose row i reads the rows index[:, i], the same in all columns."""
    low, high = index.amin(0), index.amax(0)
    if (low != low[:, :1]).any() or (high != high[:, :1]).any():
        raise UnclearError("the places in its output do not lie as a map (…, rows, columns)")
    rows = torch.stack([low[:, 0], high[:, 0]], 1)
    return axis.through(rows, int(rows[1, 0] - rows[0, 0]) if len(rows) > 1 else 1, rows)


def laid(y: Axis, x: Axis, shape: torch.Size, besides: Besides = Besides.NOTHING) -> TensorField:
    """The reach of a map (…, rows, columns), or of a tensor of any shape where no places are left."""
    rows, columns = len(y), len(x)
    cells = count(rows * columns).view(rows, columns)
    cells = (cells if rows * columns > 1 else cells[0, 0]).expand(shape)
    return TensorField(cells, y, x, besides, laid=tuple(shape[-2:]) == (rows, columns))


def count(n: int) -> Tensor:
    """0, 1, …, n - 1."""
    return torch.arange(n, device="cpu")
