"""What is drawn on a picture: boxes, points, outlines, names; white or yellow on black, so seen anywhere."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

_YELLOW = "#ffd400"


def outline(ax: Axes, mask: Tensor, weight: float = 1) -> None:
    """The edge of a boolean mask (H, W)."""
    if mask.any():
        inside = np.pad(mask.cpu().numpy(), 1)
        grid = (np.arange(-1, n - 1) for n in inside.shape[::-1])
        halo = [patheffects.withStroke(linewidth=3.5 * weight, foreground="black")]
        ax.contour(*grid, inside, levels=[0.5], colors="white", linewidths=1.5 * weight).set(
            path_effects=halo
        )


def box(ax: Axes, corners: Tensor, weight: float = 1, linestyle: str = "-") -> None:
    """A box (x0, y0, x1, y1), half open, round the pixels that it holds; none where it is NaN."""
    x0, y0, x1, y1 = corners.tolist()
    if not math.isnan(x0 + y0 + x1 + y1):
        frame = (x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0  # pixel 0 reaches from -0.5 to 0.5
        ax.add_patch(Rectangle(*frame, fill=False, edgecolor="black", linewidth=3.5 * weight))
        ax.add_patch(
            Rectangle(*frame, fill=False, edgecolor=_YELLOW, linewidth=2 * weight, linestyle=linestyle)
        )


def dots(ax: Axes, points: Tensor, weight: float = 1, hollow: bool = False) -> None:
    """Points (P, 2), (x, y); hollow ones are rings. NaN is left out."""
    x, y = points.reshape(-1, 2).T.tolist()
    if hollow:
        ax.plot(x, y, "o", ms=7 * weight, mfc="none", mec="black", mew=3.5 * weight)
        ax.plot(x, y, "o", ms=7 * weight, mfc="none", mec=_YELLOW, mew=1.5 * weight)
    else:
        ax.plot(x, y, "o", ms=7 * weight, mfc=_YELLOW, mec="black", mew=1.2 * weight)


def names(ax: Axes, points: Sequence[tuple[str, float, float]]) -> None:
    """Beside the picture a name for each (name, x, y), and a thin line to its point; the picture moves."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    where = ax.get_position()
    ax.set_position((where.x0 + 0.13, where.y0, where.width, where.height))
    middle, apart = sorted(x for _, x, _ in points)[len(points) // 2], (bottom - top) / 16
    halo = [patheffects.withStroke(linewidth=2.6, foreground="black")]
    for here in (True, False):  # to the left, to the right
        mine = sorted((point for point in points if (point[1] < middle) == here), key=lambda point: point[2])
        for (name, x, y), level in zip(mine, _spread([point[2] for point in mine], apart), strict=True):
            end, aside, align = (left, -8, "right") if here else (right, 8, "left")
            ax.plot(
                [end, x], [level, y], "-", color="white", lw=1.2, path_effects=halo, clip_on=False, zorder=1.9
            )
            text = ax.annotate(name, (end, level), (aside, 0), textcoords="offset points")
            text.set(va="center_baseline", ha=align, annotation_clip=False)


def _spread(levels: Sequence[float], apart: float) -> list[float]:
    """Rising levels moved as little as keeps them `apart`."""
    spread: list[float] = []
    for level in levels:
        spread.append(max(level, spread[-1] + apart) if spread else level)
    shift = sum(new - old for new, old in zip(spread, levels, strict=True)) / max(1, len(levels))
    return [level - shift for level in spread]
