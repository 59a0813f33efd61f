"""Where a map is highest, more finely than its cells, as points of the picture.

A peak lies between cells. Along each axis the parabola through the highest cell b and its two neighbours a, c

    f(x) = b + (c - a) / 2 · x + (a - 2b + c) / 2 · x²,  f'(x) = 0 at x = (a - c) / (2 (a - 2b + c))

has its top at most half a cell away, as b is the highest of the three. For the logarithm of a Gaussian the
parabola is no approximation. A cell is laid where it looks, at the centre of its receptive field.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ..geometry.field import ReceptiveField
from ..given import number, tensor, told, whole

__all__ = ["Located", "peaks"]

_MOST = torch.finfo(torch.float32).max


class Located(NamedTuple):
    """P points in each of N pictures, the strongest first: `points, strengths = locate(…)`.

    points: float32 (N, P, 2), (x, y) in pixels; a pixel's centre is a whole number. NaN where there is none.
    strengths: float32 (N, P), the map's value at the highest cell; 0 where there is no point.
    """

    points: Tensor
    strengths: Tensor


def peaks(maps: Tensor, field: ReceptiveField, *, count: int = 1, radius: float | None = None) -> Located:
    """The `count` highest peaks of each map, as points of the picture: (…, count, 2), and strengths.

    maps: floats (…, h, w), h and w as in `field.shape`. Of equal cells the first counts, row by row.
    Only what is above 0 is a peak: a silent map has none. The second peak is the highest cell that is no
    lower than its eight neighbours and further than `radius` pixels from the first (non-maximum suppression);
    None: one and a half cells.
    Raises ValueError for maps of another shape, a count below 1 or above that of cells, a radius below 0,
    and a value that is not a number, infinite, or beyond single precision.
    """
    if not isinstance(field, ReceptiveField):
        raise ValueError(f"field is {told(field)}; give what receptive_field gives")
    if tuple(tensor(maps, "maps").shape[-2:]) != field.shape or not maps.is_floating_point():
        wanted = f"(…, {field.shape[0]}, {field.shape[1]})"
        raise ValueError(f"maps of shape {tuple(maps.shape)}; this field is for floats {wanted}")
    count = whole(count, "count", 1, field.shape[0] * field.shape[1])
    if radius is not None and number(radius, "radius", "pixels, 0 or more") < 0:
        raise ValueError(f"radius is {radius}; give pixels, 0 or more")
    if maps.isnan().any():
        raise ValueError("a map holds a value that is not a number")
    if not (maps.abs() <= _MOST).all():
        raise ValueError("a map holds an infinite value, or one beyond single precision; mask cells with 0")
    height, width = field.shape
    flat = maps.reshape(-1, height, width)
    flat = flat if flat.dtype == torch.float64 else flat.float()
    left = flat if count == 1 else flat.where(flat == max_pool2d(flat[:, None], 3, 1, 1)[:, 0], -torch.inf)
    reach = 1.5 * max(map(abs, field.stride)) if radius is None else radius
    points, strengths = [], []
    for place in range(count):
        strength, cell = left.flatten(1).max(1)
        i, j = cell // width, cell % width
        x = field.start[1] + field.stride[1] * (j + _beyond(flat, i, j, across=True))
        y = field.start[0] + field.stride[0] * (i + _beyond(flat, i, j, across=False))
        there = strength > 0
        points.append(torch.stack([x, y], 1).where(there[:, None], torch.nan))
        strengths.append(strength.where(there, 0))
        if place + 1 < count:
            rows, columns = (torch.arange(side, device=maps.device) for side in field.shape)
            down = field.stride[0] * (rows - i[:, None])
            right = field.stride[1] * (columns - j[:, None])
            near = down[:, :, None] ** 2 + right[:, None, :] ** 2 <= reach**2
            left = left.masked_fill(near, -torch.inf)
    shape = *maps.shape[:-2], count
    return Located(
        torch.stack(points, 1).reshape(*shape, 2).float(), torch.stack(strengths, 1).reshape(shape).float()
    )


def _beyond(maps: Tensor, i: Tensor, j: Tensor, across: bool) -> Tensor:
    """How far, in cells, the parabola's top lies beyond cell (i, j): (M,); 0 at the map's border."""
    each = torch.arange(len(maps), device=maps.device)
    at, side = (j, maps.shape[2]) if across else (i, maps.shape[1])
    inside = (at > 0) & (at < side - 1)
    before, after = (at - 1).clamp_min(0), (at + 1).clamp_max(side - 1)
    a, b, c = (maps[each, i, k] if across else maps[each, k, j] for k in (before, at, after))
    bend = a - 2 * b + c
    return torch.where(inside & (bend < 0), (a - c) / (2 * bend).clamp_max(-1e-30), 0).clamp(-0.5, 0.5)
