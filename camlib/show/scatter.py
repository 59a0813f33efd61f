"""Points in the plane, coloured by what is known of them; maps side by side."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor

from .colouring import Colouring, Fact, colouring
from .figure import DARK, PAD, WIDTH, Figure, breadth, page, place, styled
from .tiles import BAR, pixels, scale_bar

_GAP, _HEAD, _LINE = 0.14, 0.27, 0.27  # inches: between panels, a caption, a row of the legend
_ALONE, _ROW = 4.3, 1.95  # inches, how high panels are at most: in a single row, in several
_NAME = 11.0  # points, the size of a class's name
_AROUND = 9  # points round a class's median, most of which must be of the class for it to be named there
_SHADES, _QUALITY = 80, 80  # of the figure: colours of a chart, of a JPEG with pictures

Places = NDArray[np.float64]


class _Panel(NamedTuple):
    """Points in inches from a panel's lower left corner, and how they are drawn.

    side: of a picture, or of a mark.  names: where each class's name goes, if names fit.  agree: the share of
    points whose nearest is of their class.
    """

    places: Places
    fact: Colouring
    side: float
    names: dict[int, Places]
    agree: float


@styled
def scatter(
    points: Tensor | Mapping[str, Tensor],
    by: Fact | Mapping[str, Fact] | None = None,
    *,
    title: str,
    alt: str | None = None,
    columns: int | None = None,
    pictures: Any = None,
) -> Figure:
    """Points in the plane, one panel or several side by side, x and y on one scale, without ticks.

    points: (N, 2); several by their captions, each as large as its panel allows.
    by: what colours them. Words or whole numbers: classes, at most ten, told apart by colour, lightness and
    mark, and named where they lie, or below where they lie in a muddle. Bools: yes and no. Floats: a scale
    with its bar. By captions: a fact for each panel; with a single (N, 2) a panel for each fact.
    pictures: a data set whose picture i is drawn at point i, framed in its colour; for a hundred or fewer.
    Raises ValueError for points that are not finite (N, 2), captions that differ, and where `by` or
    `pictures` do not fit the points.
    """
    given = _given(points, by)
    columns = columns or (len(given) if len(given) <= 4 else math.ceil(len(given) / 2))
    rows = math.ceil(len(given) / columns)
    wide = (WIDTH - 2 * PAD - (columns - 1) * _GAP) / columns
    flat = max(np.ptp(xy[:, 1]) / max(np.ptp(xy[:, 0]), 1e-12) for xy, _ in given.values())
    high = min(wide, _ALONE if rows == 1 else _ROW, max(1.2, wide * flat + 0.6))
    panels = {caption: _panel(xy, fact, wide, high, pictures) for caption, (xy, fact) in given.items()}
    keyed = {
        (panel.fact.names, panel.fact.ends if not panel.fact.names else None) for panel in panels.values()
    }
    each = len(keyed) > 1  # one key for all, or one each
    if len(panels) > 2 and not each and not all(panel.names for panel in panels.values()):
        panels = {caption: panel._replace(names={}) for caption, panel in panels.items()}
    keys = [_key_height(panel, wide if each else WIDTH - 2 * PAD) for panel in panels.values()]
    head, key = (_HEAD if len(panels) > 1 else 0), max(keys)
    step = head + high + (key if each else 0) + _GAP
    figure = page(title, alt, _content(panels), rows * step - _GAP + (0 if each else key))
    if pictures is None:
        figure.shades = _SHADES if all(panel.fact.names for panel in panels.values()) else 2 * _SHADES
    else:
        figure.quality = _QUALITY
    for n, (caption, panel) in enumerate(panels.items()):
        row, column = divmod(n, columns)
        x, y = PAD + column * (wide + _GAP), PAD + key + (rows - 1 - row) * step
        ax = place(figure, x, y, wide, high)
        ax.set(xlim=(0, wide), ylim=(0, high), xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="#c8c8c8")
        if head:
            ax.set_title(caption, parse_math=False, size=min(13, 13 * wide / breadth(caption, 13)))
        _draw(ax, panel, pictures)
        if each and keys[n]:
            _key(figure, panel.fact, x, y, wide)
    if not each and key:
        fact = next(panel.fact for panel, tall in zip(panels.values(), keys, strict=True) if tall == key)
        _key(figure, fact, PAD, PAD + key, WIDTH - 2 * PAD)
    return figure


def _given(points: Any, by: Any) -> dict[str, tuple[Places, Colouring]]:
    """Each panel's points and what colours them, checked."""
    maps = dict(points) if isinstance(points, Mapping) else {}
    facts = dict(by) if isinstance(by, Mapping) else {}
    if not maps:
        maps = dict.fromkeys(facts or [""], points)
    if facts and set(facts) != set(maps):
        raise ValueError(f"maps are {', '.join(maps)}; facts are {', '.join(facts)}")
    found = {}
    for caption, xy in maps.items():
        if not isinstance(xy, Tensor) or xy.ndim != 2 or xy.shape[1] != 2 or not len(xy):
            raise ValueError(f"points are (N, 2); given {tuple(getattr(xy, 'shape', ()))}")
        if not xy.isfinite().all():
            raise ValueError(f"point {int((~xy.isfinite().all(1)).nonzero()[0, 0])} is not finite")
        fact = facts.get(caption, None if facts else by)
        blank = Colouring(np.zeros(len(xy)), ("",), (DARK,), ("o",))
        found[caption] = (
            xy.detach().cpu().double().numpy(),
            blank if fact is None else colouring(fact, len(xy), caption or "by"),
        )
    return found


def _panel(xy: Places, fact: Colouring, wide: float, high: float, pictures: Any) -> _Panel:
    room, low, top = np.array([wide, high]), xy.min(0), xy.max(0)
    if pictures is not None and len(pictures) != len(xy):
        raise ValueError(f"{len(pictures)} pictures for {len(xy)} points")
    side = 0.0 if pictures is None else float(np.clip(0.5 * math.sqrt(wide * high / len(xy)), 0.2, 0.9))
    scale = ((0.94 * room - side) / np.maximum(top - low, 1e-12)).min()
    places = (xy - (low + top) / 2) * scale + room / 2
    if len(xy) == 1:
        return _Panel(places, fact, side or 0.1, {}, 1)
    away, nearest = (found[:, 1] for found in KDTree(places).query(places, 2))
    agree = float((fact.values == fact.values[nearest]).mean())
    side = side or float(np.clip(1.8 * np.median(away), 0.045, 0.12))  # so that marks hardly overlap
    return _Panel(places, fact, side, _names(places, fact, room), agree)


def _names(places: Places, fact: Colouring, room: Places) -> dict[int, Places]:
    """Where each class's name stands, at its median, or above it where it would hide the class.

    None at all where one would stand among others, or on another name.
    """
    if not any(fact.names):
        return {}
    names, taken = {}, list[tuple[Places, Places]]()
    for k, name in enumerate(fact.names):
        mine, half = places[fact.values == k], np.array([breadth(name, _NAME, "bold"), 0.17]) / 2
        middle = np.median(mine, 0)
        around = np.square(places - middle).sum(1).argsort()[:_AROUND]
        if (fact.values[around] == k).mean() < 0.5:
            return {}
        if (np.abs(mine - middle) < half).all(1).mean() > 0.35:
            middle = np.array([middle[0], np.quantile(mine[:, 1], 0.9) + 0.16])
        middle = np.clip(middle, half + 0.04, room - half - 0.04)
        if any((np.abs(middle - other) < half + its).all() for other, its in taken):
            return {}
        names[k] = middle
        taken.append((middle, half))
    return names


def _draw(ax: Axes, panel: _Panel, pictures: Any) -> None:
    places, fact = panel.places, panel.fact
    if pictures is not None:
        _thumbnails(ax, panel, pictures)
        return
    size, colours = 72 * panel.side, np.array(fact.each())
    for k, mark in enumerate(fact.marks):
        mine = fact.values == k if fact.names else np.full(len(places), True)
        x, y = places[mine].T
        drawn = ax.scatter(x, y, s=size**2, c=list(colours[mine]), marker=mark)
        drawn.set(linewidths=0.06 * size, edgecolors="#1a1a1a")
    halo = patheffects.withStroke(linewidth=3, foreground="white")
    for k, (x, y) in panel.names.items():
        text = ax.text(x, y, fact.names[k], size=_NAME, weight="bold", ha="center", va="center")
        text.set_path_effects([halo])


def _thumbnails(ax: Axes, panel: _Panel, pictures: Any) -> None:
    for n, (where, colour) in enumerate(zip(panel.places, panel.fact.each(), strict=True)):
        item = pictures[n]
        (small,) = pixels(item[0] if isinstance(item, tuple | list) else item)
        drawn = OffsetImage(small, zoom=72 * panel.side / max(small.shape[:2]))
        ax.add_artist(AnnotationBbox(drawn, where, pad=0, bboxprops={"edgecolor": colour, "linewidth": 2}))


def _key_height(panel: _Panel, width: float) -> float:
    if not panel.fact.names:
        return BAR
    if panel.names or not any(panel.fact.names):
        return 0
    return _LINE * len(_rows(panel.fact, width)) + 0.08


def _key(figure: Figure, fact: Colouring, x: float, top: float, width: float) -> None:
    """A number's bar, or the classes' marks and names in rows, from (x, top) down."""
    if not fact.names:
        colours = np.array([to_rgb(colour) for colour in fact.colours], np.float32)
        low, high = fact.ends
        scale_bar(figure, colours, (f"{low:.3g}", f"{high:.3g}"), x, top - BAR, min(2.4, width - 0.5))
        return
    rows = _rows(fact, width)
    ax = place(figure, x, top - 0.08 - _LINE * len(rows), width, _LINE * len(rows))
    ax.set(xlim=(0, width), ylim=(len(rows) - 0.5, -0.5))
    ax.set_axis_off()
    for level, row in enumerate(rows):
        for k, left in row:
            (mark,) = ax.plot([left + 0.08], [level], fact.marks[k], color=fact.colours[k], clip_on=False)
            mark.set(ms=8, mec="#1a1a1a", mew=0.5)
            ax.text(left + 0.22, level, fact.names[k], size=12, va="center_baseline")


def _rows(fact: Colouring, width: float) -> list[list[tuple[int, float]]]:
    """The legend's rows, in columns: each class and where it begins, in inches."""
    step = 0.4 + max(breadth(name, 12) for name in fact.names)
    columns = max(1, int((width + 0.18) / step))
    every = range(len(fact.names))
    return [[(k, (k - first) * step) for k in every[first : first + columns]] for first in every[::columns]]


def _content(panels: Mapping[str, _Panel]) -> str:
    """What is drawn, in words."""
    parts, said = [], tuple[str, ...]()
    for caption, panel in panels.items():
        fact = panel.fact
        points = f"{len(panel.places)} points"
        if not fact.names:
            points += " coloured from {:.3g} to {:.3g}".format(*fact.ends)
        elif any(fact.names):
            names = f" ({', '.join(fact.names)})" if fact.names != said else ""
            said = fact.names
            points += f" of {len(fact.names)} classes{names}, {panel.agree:.0%} next to one of their own"
        parts.append(f"{caption}: {points}" if caption else points)
    return f"{'; '.join(parts)}."
