"""What a network answers with each place of a picture covered, written where the square was.

Figure 6 (e) of Zeiler, Fergus (2014), "Visualizing and understanding convolutional networks", with words for
its colours.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from matplotlib import patheffects
from torch import Tensor

from ..heatmaps.occlusion import Occlusions
from .figure import PAD, WIDTH, Figure, breadth, page, place, styled, wrapped
from .tiles import pixels

_SIDE, _GAP, _LINE = 5.2, 0.25, 0.26  # inches: the picture's longer side, beside it, a line of the list
_DIM, _SIZE = 0.6, 15.0  # how bright the picture is drawn; points, the list and the largest names
_DOT: dict[str, Any] = {"marker": "o", "ms": 5, "mfc": "white", "mec": "black", "mew": 0.9, "ls": ""}
_OTHER = _DOT | {"marker": "s", "ms": 6, "mfc": "#ffd400"}


@styled
def places(
    image: Tensor,
    found: Occlusions,
    classes: Sequence[str],
    number: int = 0,
    *,
    title: str,
    alt: str | None = None,
) -> Figure:
    """The picture, and at the middle of each place a dot, or a square and the name of another winner.

    The names stand by turns below and above their squares, so that neighbours do not run together. Beside the
    picture: how many places each class wins.

    image: (C, H, W) in [0, 1].  found: what `occlude` found for it.  classes: the network's names.
    number: which of the pictures of `found` it is.
    Raises ValueError for a picture of another size, and a number that is not there.
    """
    if tuple(image.shape[1:]) != found.size or not 0 <= number < len(found.top):
        raise ValueError(
            f"picture {number} of size {tuple(image.shape[1:])}; there are {len(found.top)} of {found.size}"
        )
    (picture,) = pixels([image])
    target, top = int(found.targets[number]), found.top[number]
    others = Counter(classes[c] for c in top.flatten().tolist() if c != target)
    stands = top.numel() - others.total()
    said = ", ".join(f"{name} at {count}" for name, count in others.most_common(5)) or "no other class at any"
    content = f"A square at {top.numel()} places: {classes[target]} wins at {stands}; {said}."
    scale = _SIDE / max(found.size)  # inches a pixel
    tall, wide = (scale * side for side in found.size)
    figure = page(title, alt, content, tall)
    ax = place(figure, PAD, PAD, wide, tall)
    ax.imshow(_DIM * picture, interpolation="nearest")
    ax.set_axis_off()
    step = int(min([*found.boxes[0, :, 0].diff(), *found.boxes[:, 0, 1].diff(), max(found.size)]))
    size = _fitting(others, scale * step)
    halo = [patheffects.withStroke(linewidth=2.5, foreground="black")]
    for i, row in enumerate(found.boxes.tolist()):
        for j, (x0, y0, x1, y1) in enumerate(row):
            x, y, winner = (x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2, int(top[i, j])
            ax.plot(x, y, **(_DOT if winner == target else _OTHER))
            if winner != target:
                away = step / 4 if (i + j) % 2 == 0 else -step / 4  # below it, above it
                text = ax.text(
                    x, y + away, _short(classes[winner]), size=size, color="#ffd400", weight="bold"
                )
                text.set(ha="center", va="center", path_effects=halo, parse_math=False)
    listed = [(_DOT, classes[target], stands)] + [(_OTHER, *one) for one in others.most_common(5)]
    _list(figure, listed, PAD + wide + _GAP, tall)
    return figure


def _short(name: str) -> str:
    return name if len(name) < 16 else f"{name[:14]}…"


def _fitting(names: Counter[str], step: float) -> float:
    """Points at which names fit: neighbours in a row stand half a step apart, so each has two steps."""
    high = 72 * step / 2 / 1.5  # two rows of names in a step
    return min([_SIZE, high, *(_SIZE * 1.9 * step / breadth(_short(name), _SIZE, "bold") for name in names)])


def _list(figure: Figure, rows: Sequence[tuple[dict[str, Any], str, int]], x: float, top: float) -> None:
    """From (x, top) inches downwards: each mark, the class and how many places it wins."""
    width = WIDTH - PAD - x
    ax = place(figure, x, PAD, width, top)
    ax.set(xlim=(0, width), ylim=(top, 0))
    ax.set_axis_off()
    y = _LINE
    for mark, name, count in rows:
        text = wrapped(f"{name}: {count} {'place' if count == 1 else 'places'}", width - 0.25, _SIZE)
        ax.plot(0.08, y, **mark)
        ax.text(0.25, y, text, size=_SIZE, va="center_baseline", parse_math=False)
        y += _LINE * (text.count("\n") + 1.6)
