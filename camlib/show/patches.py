"""Patches that excite units: whole pictures with the receptive field in white, or cut out at one scale.

The first is figure 4 of Girshick, Donahue, Darrell, Malik (2014), "Rich feature hierarchies": a row for each
unit, "receptive fields and activation values drawn in white".
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from ..given import whole
from ..units.patches import TopPatches
from .figure import PAD, WIDTH, Figure, page, place, styled
from .tiles import pixels

_ROOM, _GAP, _LINE, _BETWEEN = WIDTH - 2 * PAD, 0.05, 0.23, 0.1  # inches
_DIM = 0.45  # how bright is what the unit does not see
_QUALITY = 80  # of the JPEG: small pictures drawn large need no more


@styled
def patches(
    top: TopPatches,
    dataset: Any,
    names: Sequence[str] | None = None,
    *,
    title: str,
    alt: str | None = None,
    columns: int = 16,
    around: int | None = None,
    frame: int | None = None,
) -> Figure:
    """For each unit its patches, best first: the picture, what is seen of it, and the activation in white.

    dataset: the one that `top` numbers.  names: what stands over each unit's patches; None: its number.
    columns: pictures in a line. Outside the receptive field the picture is dark; the ring is its centre.
    around: show only a square of so many pixels round that centre, grey outside the picture; the white frame
    is then `frame` pixels wide, such as the part of the field that a unit is sensitive to.
    Raises ValueError where the names do not match the units, for less than one column or pixel, and for one
    of `around` and `frame` without the other.
    """
    units, count = top.values.shape
    names = [f"unit {unit}" for unit in top.units.tolist()] if names is None else names
    if len(names) != units:
        raise ValueError(f"{len(names)} names for {units} units")
    if columns < 1:
        raise ValueError(f"columns is {columns}; a line has at least 1 picture")
    if (around is None) != (frame is None):
        raise ValueError(f"around is {around} and frame is {frame}; give both, in pixels, or neither")
    window = None if around is None else (whole(around, "around", 1), whole(frame, "frame", 1))
    side = (_ROOM - (columns - 1) * _GAP) / columns
    lines = math.ceil(count / columns)
    block = _LINE + lines * (side + _GAP) - _GAP
    height = units * (block + _BETWEEN) - _BETWEEN
    rows = zip(names, top.values.tolist(), strict=True)
    said = "; ".join(f"{name}, {values[0]:.3g} to {values[-1]:.3g}" for name, values in rows)
    wide = f", {around} pixels wide," if around else ""
    content = f"{count} patches of {top.layer}{wide} in white frames for each unit, with activations: {said}."
    figure, ax = _canvas(title, alt, content, height)
    for u, name in enumerate(names):
        up = height - u * (block + _BETWEEN) - _LINE
        ax.text(0, up + 0.06, name, size=12, weight="bold", parse_math=False)
        for k in range(count):
            x, y = k % columns * (side + _GAP), up - side - k // columns * (side + _GAP)
            picture = _picture(dataset, int(top.images[u, k]))
            if window is None:
                _patch(ax, top, u, k, picture, (x, y, side))
            else:
                _window(ax, top, u, k, picture, (x, y, side), window)
    return figure


@styled
def crops(rows: Mapping[str, Tensor], *, title: str, alt: str | None = None, most: float = 1.2) -> Figure:
    """Patches of different sizes at one scale: a row for each name, as many patches as fit, best first.

    rows: what stands over the row → patches (K, C, h, w) in [0, 1].  most: inches for the tallest.
    """
    if not rows:
        raise ValueError("no rows of patches")
    scale = most / max(max(each.shape[-2:]) for each in rows.values())
    height = sum(_LINE + scale * each.shape[-2] + _BETWEEN for each in rows.values()) - _BETWEEN
    said = "; ".join(f"{name}, {each.shape[-2]}×{each.shape[-1]} pixels" for name, each in rows.items())
    figure, ax = _canvas(title, alt, f"Rows of patches, cut out and drawn at one scale: {said}.", height)
    up = height
    for name, each in rows.items():
        high, wide = scale * each.shape[-2], scale * each.shape[-1]
        ax.text(0, up - _LINE + 0.06, name, size=12, weight="bold", parse_math=False)
        fit = int((_ROOM + _GAP) / (wide + _GAP))
        for k, patch in enumerate(pixels(each[:fit])):
            x, y = k * (wide + _GAP), up - _LINE - high
            ax.imshow(patch, extent=(x, x + wide, y, y + high), interpolation="antialiased")
        up -= _LINE + high + _BETWEEN
    return figure


def _patch(ax: Axes, top: TopPatches, u: int, k: int, image: Tensor, at: tuple[float, float, float]) -> None:
    """A picture with its lower left corner at (x, y), what is seen of it, and how strongly."""
    x, y, side = at
    weight = min(1.0, side)  # of the marks: less on small pictures
    left, over, right, under = (int(edge) for edge in top.boxes[u, k].tolist())
    (picture,) = pixels([image])
    light = np.full((*picture.shape[:2], 1), _DIM, np.float32)
    light[over:under, left:right] = 1
    ax.imshow(picture * light, extent=(x, x + side, y, y + side), interpolation="antialiased")
    down, across = side / picture.shape[0], side / picture.shape[1]  # inches a pixel
    corner = x + across * left, y + side - down * under
    frame = Rectangle(corner, across * (right - left), down * (under - over), fill=False, edgecolor="white")
    frame.set_linewidth(0.6 + 0.8 * weight)
    ax.add_patch(frame)
    column, row = top.field.centre(*top.cells[u, k].tolist())  # a pixel's centre is a whole number
    for colour, thick in (("black", 1.6), ("white", 0.8)):
        ring = x + across * (column + 0.5), y + side - down * (row + 0.5)
        ax.plot(*ring, "o", ms=3 + 4 * weight, mfc="none", mec=colour, mew=thick * (0.5 + weight))
    _value(ax, float(top.values[u, k]), (x, y), weight)


def _window(
    ax: Axes,
    top: TopPatches,
    u: int,
    k: int,
    image: Tensor,
    at: tuple[float, float, float],
    window: tuple[int, int],
) -> None:
    """A square of the picture round the field's centre, the inner square in a white frame, how strongly."""
    (x, y, side), (wide, inner) = at, window
    column, row = top.field.centre(*top.cells[u, k].tolist())
    left, over = round(column - (wide - 1) / 2), round(row - (wide - 1) / 2)
    (picture,) = pixels([image])
    large = np.pad(picture, ((wide, wide), (wide, wide), (0, 0)), constant_values=0.5)
    cut = large[over + wide : over + 2 * wide, left + wide : left + 2 * wide]
    ax.imshow(cut, extent=(x, x + side, y, y + side), interpolation="antialiased")
    length = side * inner / wide
    corner = x + (side - length) / 2, y + (side - length) / 2
    for colour, thick in (("black", 2.2), ("white", 1.2)):
        ax.add_patch(Rectangle(corner, length, length, fill=False, edgecolor=colour, linewidth=thick))
    _value(ax, float(top.values[u, k]), (x, y), min(1.0, side))


def _value(ax: Axes, activation: float, at: tuple[float, float], weight: float) -> None:
    value, (x, y) = f"{activation:.1f}", at
    text = ax.text(x + 0.03, y + 0.03, value, size=4.5 + 5 * weight, color="white", weight="bold")
    text.set_path_effects([patheffects.withStroke(linewidth=1.6, foreground="black")])


def _canvas(title: str, alt: str | None, content: str, height: float) -> tuple[Figure, Axes]:
    """A page, and axes over its drawing, in inches from the lower left corner."""
    figure = page(title, alt, content, height)
    figure.quality = _QUALITY
    ax = place(figure, PAD, PAD, _ROOM, height)
    ax.set_axis_off()
    ax.set(xlim=(0, _ROOM), ylim=(0, height), autoscale_on=False)
    return figure, ax


def _picture(dataset: Any, number: int) -> Tensor:
    item = dataset[number]
    return torch.as_tensor(item[0] if isinstance(item, tuple | list) else item)
