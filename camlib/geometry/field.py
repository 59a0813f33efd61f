"""Where a cell of a feature map looks: its receptive field in pixels, and a map laid where its cells look.

Along each axis cell i is centred on the pixel start + stride · i and sees `size` pixels around it. A pixel's
centre is a whole number, so a 3-pixel window at the corner, without padding, is centred on pixel 1. Through a
chain of windows (kernel k, stride s, padding p, dilation d)

    size ← size + (k - 1) d · stride,    start ← start + ((k - 1) d / 2 - p) · stride,    stride ← s · stride

and where branches join, a cell sees what any of them sees; `tensor_field` has the rules.

Attention lets every place see others. What is told of a cell behind it is its root: the patch that it stands
for, 16 × 16 pixels in most ViTs, marked `attention`. Tokens (N, tokens, units) that stand for a place are the
cells of a map, `on_map`; a class token, and registers, stand for none and are left out.
(The formula as in Araujo et al., "Computing receptive fields of convolutional neural networks", 2019.)
"""

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ..given import told, usual_torch, whole
from ..networks.attributes import numbers_kept
from ..networks.eval_mode import evaluating
from ..networks.net import Net, check_net
from ..networks.remembered import remembered
from ..networks.unit_axis import unit_axis
from ..unrounded import unrounded
from .field_tracer import FieldTracer
from .tensor_field import Axis, Besides, Lost, TensorField, listed, settle

__all__ = [
    "ReceptiveField",
    "field_if_any",
    "field_of",
    "lay",
    "on_map",
    "receptive_field",
    "upsample",
    "watched",
]


@dataclass(frozen=True)
class ReceptiveField:
    """Where the cells of a map look. Pairs are (down, across), like a shape; i counts rows, j columns.

    size: pixels that a cell would see if the picture had no border.  stride: pixels from a cell to the next
    (whole, but for maps that were upsampled).
    start: the centre of cell (0, 0), in pixels, a pixel's centre being a whole number.
    shape: the map's rows and columns.  picture: the picture's height and width.
    gated: whether, besides, every cell is scaled by something that sees the whole picture (a
        squeeze-and-excitation gate, a norm over places): the field is then that of the convolutional path.
        So it is behind attention.
    rows, columns: for each row and column of the map, the first pixel really seen and the one after the last.
    attention: whether every cell sees others too, as a rule all, through attention: `box` is then its root,
        the part of the picture that it stands for, not all that it sees.
    tokens: of a layer of tokens, the number of each cell's token, row by row; None: it gives out a map.
    A layer that has no map (fc6) is one cell, which sees the whole.
    """

    size: tuple[int, int]
    stride: tuple[float, float]
    start: tuple[float, float]
    shape: tuple[int, int]
    picture: tuple[int, int]
    gated: bool
    rows: tuple[tuple[int, int], ...] = field(repr=False)
    columns: tuple[tuple[int, int], ...] = field(repr=False)
    attention: bool = False
    tokens: tuple[int, ...] | None = field(default=None, repr=False)

    def centre(self, i: int, j: int) -> tuple[float, float]:
        """The point (x, y) that cell (i, j) looks at; near the border it may lie outside the picture."""
        self._check(i, j)
        return self.start[1] + self.stride[1] * j, self.start[0] + self.stride[0] * i

    def box(self, i: int, j: int) -> tuple[int, int, int, int]:
        """The pixels that cell (i, j) sees, (x0, y0, x1, y1), half open, clipped to the picture."""
        self._check(i, j)
        (y0, y1), (x0, x1) = self.rows[i], self.columns[j]
        return x0, y0, x1, y1

    def clipped(self, i: int, j: int) -> tuple[int, int, int, int]:
        """By how many pixels `box(i, j)` falls short of the full size: (left, top, right, bottom)."""
        x0, y0, x1, y1 = self.box(i, j)
        left, top = (
            round(centre - (size - 1) / 2)
            for centre, size in zip(self.centre(i, j), reversed(self.size), strict=True)
        )
        return x0 - left, y0 - top, left + self.size[1] - x1, top + self.size[0] - y1

    def _check(self, i: int, j: int) -> None:
        if not (0 <= i < self.shape[0] and 0 <= j < self.shape[1]):
            raise ValueError(f"there is no cell ({i}, {j}) in a map of {self.shape[0]} × {self.shape[1]}")


def receptive_field(net: Net, layer: str, *, size: int | tuple[int, int] | None = None) -> ReceptiveField:
    """Where the cells of a layer look, exactly, for any convolutional network, branches included.

    layer: a short name, or a dotted one; of a layer that is used twice, its last use.
    size: the picture's side, or (height, width); None: the network's own.
    The network runs once, on an empty picture, and is left as it was; what is found is remembered until the
    network is changed. (A setting that is changed in place deep inside, in a dictionary inside a dictionary,
    is not noticed: wrap the network again.) A layer's field is what all its channels see together. Behind
    self-attention (in a transformer) a cell's field is the patch that it stands for, and `attention` says so.
    Raises ValueError for an unknown layer, a picture that the network does not take, and where there is no
    such field: where cells lie unevenly, or each sees the whole picture.
    """
    usual_torch()
    check_net(net)
    net.layer(layer)  # raises for one that is not there
    both = net.sides if size is None else tuple(size) if isinstance(size, tuple | list) else (size, size)
    try:
        height, width = (whole(side, "size", 1) for side in both)
    except ValueError:
        wanted = "a picture's size is its side, or (height, width), in pixels"
        raise ValueError(f"{wanted}; given {told(size)}") from None
    picture = height, width
    found = remembered(net, ("field", layer, picture), lambda: _found(net, layer, picture))
    if isinstance(found, str):
        raise ValueError(f"{layer!r} of {net.name} has no receptive field: {found}")
    return found


def field_if_any(net: Net, layer: str, picture: tuple[int, int]) -> ReceptiveField | None:
    """The layer's field; None where there is none: each cell sees the whole picture, or they lie unevenly."""
    usual_torch()
    try:
        return receptive_field(net, layer, size=picture)
    except ValueError:
        return None


def _found(net: Net, layer: str, picture: tuple[int, int]) -> ReceptiveField | str:
    """The layer's field, or why it has none."""
    tracer = FieldTracer()
    caught: list[tuple[TensorField | Lost | None, int]] = []
    axis_of = unit_axis(net, net.layer(layer))

    def look(_module: nn.Module, _inputs: object, output: object) -> None:
        axis = axis_of(output) if isinstance(output, Tensor) and output.ndim > 1 else 1
        caught.append((tracer.look(output), axis))

    with evaluating(net), net.layer(layer).register_forward_hook(look):
        try:
            watched(net, tracer, picture)
        except (RuntimeError, ValueError):  # what comes after the layer need not take the picture
            if not caught:
                raise
    if not caught:
        return "it does not run on a picture"
    try:
        return field_of(caught[-1][0], picture, caught[-1][1])
    except ValueError as why:
        return str(why)


def watched(
    net: Net,
    tracer: FieldTracer,
    picture: tuple[int, int],
    around: AbstractContextManager[object] | None = None,
) -> None:
    """Run the network on one empty picture of (H, W), with a tracer that follows it; it is left as it was.

    around: what else looks on; of this run alone, and not of what leaves the network as it was.
    """
    with (
        numbers_kept(net.module),
        torch.inference_mode(False),
        torch.no_grad(),
        around or nullcontext(),
        tracer,
    ):
        image = torch.zeros(1, net.channels, *picture, dtype=net.mean.dtype, device=net.mean.device)
        tracer.see(image)
        net(image)


def upsample(maps: Tensor, field: ReceptiveField, *, size: int | tuple[int, int] | None = None) -> Tensor:
    """Maps laid over the picture, each cell at the centre of what it sees, bilinear in between.

    maps: (…, h, w) floats, h and w as in `field.shape`.  size: of the result, the picture's own side or
    (height, width) by default; another is that of the picture resized.
    Returns (…, H, W), float32 or float64. Beyond the outermost centres the map goes on with the value of the
    nearest cell. Where one cell of a map is NaN or infinite, every pixel of that map is.
    Raises ValueError where the maps are not of the field's shape, and for a size that is none.
    """
    if tuple(maps.shape[-2:]) != field.shape or not maps.is_floating_point():
        raise ValueError(
            f"maps want floats of shape (…, {field.shape[0]}, {field.shape[1]}) for this field; "
            f"given {str(maps.dtype).removeprefix('torch.')}, shape {tuple(maps.shape)}"
        )
    wanted = field.picture if size is None else _sides(size)
    if maps.dtype.itemsize < 4:  # in half precision centres would be shifted
        maps = maps.float()
    lies = field.start, field.stride, field.shape, field.picture, (wanted[0], wanted[1])
    down, across = _mixes(lies, maps.dtype, maps.device)
    with unrounded():
        return torch.matmul(down, torch.matmul(maps, across))


def _sides(size: object) -> tuple[int, int]:
    """(height, width), of one side or two."""
    if not isinstance(size, tuple | list):
        return (side := whole(size, "size", 1)), side
    if len(size) != 2:
        raise ValueError(f"size is {told(size)}; give the picture's side, or (height, width)")
    return whole(size[0], "the height", 1), whole(size[1], "the width", 1)


@lru_cache(maxsize=8)
def _mixes(
    lies: tuple[tuple[float, float], ...], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Of which rows of the map each row of pixels is a mix, (H, h), and of which columns, (w, W).

    lies: the field's start, stride, shape and picture, and the size that is wanted.
    """
    mixes = []
    with torch.inference_mode(False):  # so that whoever asks may use them
        for start, stride, cells, picture, pixels in zip(*lies, strict=True):
            pixel = (torch.arange(pixels, dtype=torch.float64) + 0.5) * picture / pixels - 0.5
            cell = ((pixel - start) / stride).clamp(0, cells - 1)[:, None]
            mix = (1 - (cell - torch.arange(cells)).abs()).clamp(min=0)  # of the nearest two
            mixes.append(mix.to(device, dtype))
    return mixes[0], mixes[1].T.contiguous()


def lay(maps: Tensor, field: ReceptiveField | None, size: tuple[int, int]) -> Tensor:
    """Maps (…, h, w) over a picture of (H, W): where their cells look, by `geometry.upsample`.

    Where that is everywhere (field None, behind self-attention), each cell lies in the middle of its equal
    share of the picture, from which it came.
    """
    if field is not None:
        return upsample(maps, field)
    stack = maps.reshape(1, -1, *maps.shape[-2:])
    return interpolate(stack, size=size, mode="bilinear").reshape(*maps.shape[:-2], *size)


def on_map(acts: Tensor, field: ReceptiveField | None) -> Tensor:
    """What a layer gives out, its units second, as a map: tokens (N, units, tokens) become (N, units, h, w).

    field: the layer's. Tokens that stand for no place are left out; a map stays as it is.
    """
    if field is None or field.tokens is None:
        return acts
    return acts[:, :, list(field.tokens)].reshape(*acts.shape[:2], *field.shape)


def field_of(seen: TensorField | Lost | None, picture: tuple[int, int], axis: int = 1) -> ReceptiveField:
    """What `FieldTracer.look` tells of a layer's output, as its field; `axis` counts its units.

    Raises ValueError, with the reason, for none.
    """
    if isinstance(seen, Lost):
        raise ValueError(seen.why)
    if seen is None:
        raise ValueError("its output is no tensor that comes from the picture")
    tokens = None
    if seen.shape != (1, 1):
        if axis != 1:
            seen = replace(seen, cells=seen.cells.movedim(axis, 1), laid=False)
        if seen.cells.ndim == 3:
            tokens, seen = listed(seen)
        elif seen.cells.ndim == 2 and bool((seen.cells == seen.cells[:1, :1]).all()):  # of one place
            _, seen = listed(replace(seen, cells=seen.cells[:, :, None], laid=False))
        else:
            seen = settle(seen)
    elif seen.cells.shape.numel() > max(seen.cells.shape[axis : axis + 1] or [1]):
        raise ValueError("each of its cells sees the whole picture")
    (high, down, top), (wide, across, left) = _laid(seen.y), _laid(seen.x)
    return ReceptiveField(
        size=(high, wide),
        stride=(down, across),
        start=(top, left),
        shape=seen.shape,
        picture=picture,
        gated=seen.besides >= Besides.GATE,
        rows=_spans(seen.y, picture[0]),
        columns=_spans(seen.x, picture[1]),
        attention=seen.besides == Besides.ATTENTION,
        tokens=tokens,
    )


def _laid(axis: Axis) -> tuple[int, float, float]:
    """Size, stride and start along one axis."""
    lo, hi, step = axis.lo, axis.hi, axis.step
    if len(axis) == 1 and math.isnan(lo + hi + step):  # one cell that saw uneven ones: what it really sees
        lo, hi = int(axis.first[0]), int(axis.last[0])
        step = hi + 1 - lo
    if math.isnan(lo + hi + step) or step == 0:
        raise ValueError("its cells do not lie evenly over the picture")
    return math.ceil(hi - lo) + 1, int(step) if step == int(step) else step, (lo + hi) / 2


def _spans(axis: Axis, pixels: int) -> tuple[tuple[int, int], ...]:
    """First pixel and the one after the last for each row; a row that sees only padding has an empty span."""
    spans = []
    for i, (first, last) in enumerate(zip(axis.first.tolist(), axis.last.tolist(), strict=True)):
        nearest = min(max(round(axis.lo + axis.step * i), 0), pixels) if first > last else 0
        spans.append((first, last + 1) if first <= last else (nearest, nearest))
    return tuple(spans)
