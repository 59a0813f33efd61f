"""Pictures in grids, with captions, boxes, points and outlines; scenes; filters; feature maps."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib
import numpy as np
import torch
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from torch import Tensor

from ..scenes import KEYPOINTS, Scenes
from .figure import GREY, HALO, MARK, PAD, WIDTH, Figure, page, place, styled

_GAP, _CAPTION, _NOTE = 0.1, 0.28, 0.32  # inches
_SIDE = 2.6  # inches, a picture's at most, where it does not stand alone

Pixels = NDArray[np.float32]


@styled
def images(
    images: Tensor | Sequence[Tensor],
    captions: Sequence[str] | None = None,
    *,
    title: str,
    alt: str | None = None,
    columns: int | None = None,
    boxes: Tensor | None = None,
    points: Tensor | None = None,
    masks: Tensor | None = None,
) -> Figure:
    """Pictures in a grid, row by row.

    images: (N, C, H, W) or (C, H, W) in [0, 1], C = 1 or 3, or a list of (C, H, W).  captions: one above
    each.
    boxes: (N, 4), or (N, B, 4) for several on each.  points: (N, P, 2).  masks: bool (N, H, W), drawn as
    outlines. A box or point with NaN is left out. Raises ValueError where the numbers do not match.
    """
    pictures = _pictures(images)
    for name, given in {"captions": captions, "boxes": boxes, "points": points, "masks": masks}.items():
        if given is not None and len(given) != len(pictures):
            raise ValueError(f"{len(given)} {name} for {len(pictures)} pictures")
    content = f"{len(pictures)} pictures" if len(pictures) > 1 else "A picture"
    content += f": {', '.join(map(str, captions))}." if captions else "."
    figure, axes = _grid(pictures, captions, title, alt, content, columns)
    for i, ax in enumerate(axes):
        if masks is not None:
            outline(ax, masks[i])
        if boxes is not None:
            for corners in boxes[i].reshape(-1, 4):
                box(ax, corners)
        if points is not None:
            _dots(ax, points[i])
    return figure


@styled
def scenes(scenes: Scenes, *, title: str, alt: str | None = None, columns: int | None = None) -> Figure:
    """Scenes with their truth: class, outline, box, head box (dashed), keypoints (rings where covered).

    A single scene is drawn large and its keypoints are named.
    """
    names = [scenes.classes[label] for label in scenes.labels.tolist()]
    content = f"Scenes with outline, box, head box and keypoints drawn in: {', '.join(names)}."
    figure, axes = _grid(_pictures(scenes.images), names, title, alt, content, columns)
    for i, ax in enumerate(axes):
        outline(ax, scenes.masks[i])
        box(ax, scenes.boxes[i])
        box(ax, scenes.head_boxes[i], linestyle="--")
        seen = scenes.visible[i]
        _dots(ax, scenes.keypoints[i][seen])
        _dots(ax, scenes.keypoints[i][~seen], hollow=True)
        if len(names) == 1:
            _name(ax, scenes.keypoints[i].tolist())
    return figure


@styled
def filter_grid(
    filters: Tensor,
    scale: Literal["each", "common"] = "each",
    *,
    title: str,
    alt: str | None = None,
    columns: int | None = None,
) -> Figure:
    """Filters as pictures; a weight of zero is mid grey.

    filters: (N, C, kh, kw), C = 3 in colour, C = 1 in grey.  scale: "each": each filter's largest weight, up
    or down, reaches white or black (the channel's full or no light); "common": one scale for all, so that
    weak filters look weak.
    Raises ValueError for other numbers of channels: show them one by one, `filters.reshape(-1, 1, kh, kw)`.
    """
    if scale not in ("each", "common"):
        raise ValueError(f"no scale {scale!r}; there are 'each' and 'common'")
    if filters.ndim != 4 or filters.shape[1] not in (1, 3):
        raise ValueError(f"filters of shape {tuple(filters.shape)} are no pictures; give (N, 1 or 3, kh, kw)")
    w = filters.detach().float().cpu()
    largest = w.abs().amax(dim=(1, 2, 3), keepdim=True) if scale == "each" else w.abs().max()
    cells = (0.5 + 0.5 * w / largest.clamp_min(1e-12)).permute(0, 2, 3, 1).numpy()
    most = "each filter's largest weight" if scale == "each" else f"{w.abs().max():.2g}"
    content = f"{len(w)} filters of {w.shape[2]}×{w.shape[3]} weights; grey is 0, white and black ± {most}."
    figure, ax = _mosaic(cells, title, alt, content, columns, note=_NOTE)
    ax.set_axis_off()
    note, y = f"grey is 0; white and black are ± {most}", PAD / figure.get_figheight()
    figure.text(PAD / WIDTH, y, note, color=GREY, size=11, va="bottom")
    return figure


@styled
def maps(
    maps: Tensor,
    captions: Sequence[str] | None = None,
    *,
    title: str,
    alt: str | None = None,
    columns: int | None = None,
    scale: Literal["common", "each"] = "common",
) -> Figure:
    """Feature maps in a grid, dark is low and bright is high.

    maps: (N, H, W).  scale: "common": one scale, with its bar; "each": every map from its lowest to its
    highest value.
    """
    if maps.ndim != 3 or maps.numel() == 0:
        raise ValueError(f"maps have shape {tuple(maps.shape)}; give (N, H, W)")
    if scale not in ("each", "common"):
        raise ValueError(f"no scale {scale!r}; there are 'common' and 'each'")
    if captions is not None and len(captions) != len(maps):
        raise ValueError(f"{len(captions)} captions for {len(maps)} maps")
    m = maps.detach().float().cpu()
    low = m.amin(dim=(1, 2), keepdim=True) if scale == "each" else m.min()
    high = m.amax(dim=(1, 2), keepdim=True) if scale == "each" else m.max()
    content = f"{len(m)} maps of {m.shape[1]}×{m.shape[2]} values, "
    content += "each on its own scale" if scale == "each" else f"on one scale from {low:.3g} to {high:.3g}"
    colours = matplotlib.colormaps["viridis"]
    cells = colours(((m - low) / (high - low).clamp_min(1e-12)).numpy())[..., :3].astype(np.float32)
    if captions is not None:
        return _grid(list(cells), captions, title, alt, f"{content}.", columns)[0]
    figure, ax = _mosaic(cells, title, alt, f"{content}.", columns, note=0.62)
    ax.set_axis_off()
    bar = place(figure, PAD, PAD + 0.3, 2.4, 0.16)
    bar.imshow(np.linspace(0, 1, 256)[None], aspect="auto", extent=(0, 1, 0, 1))
    ends = ["lowest", "highest of each map"] if scale == "each" else [f"{low:.3g}", f"{high:.3g}"]
    bar.set(yticks=[], xticks=[0, 1], xticklabels=ends)
    for label, side in zip(bar.get_xticklabels(), ("left", "center"), strict=True):
        label.set_horizontalalignment(side)
    return figure


def outline(ax: Any, mask: Tensor) -> None:
    """The edge of a boolean mask (H, W)."""
    if mask.any() and not mask.all():
        edge = np.pad(mask.cpu().numpy(), 1)
        height, width = edge.shape
        grid = np.arange(-1, width - 1), np.arange(-1, height - 1)
        ax.contour(*grid, edge, levels=[0.5], colors="white", linewidths=1.5).set(path_effects=HALO)


def box(ax: Any, corners: Tensor, linestyle: str = "-") -> None:
    """A box (x0, y0, x1, y1), half open, round the pixels that it holds."""
    x0, y0, x1, y1 = corners.tolist()
    if not math.isnan(x0 + y0 + x1 + y1):
        frame = (x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0
        ax.add_patch(Rectangle(*frame, fill=False, edgecolor="black", linewidth=4))
        ax.add_patch(Rectangle(*frame, fill=False, edgecolor=MARK, linewidth=2, linestyle=linestyle))


def _dots(ax: Any, points: Tensor, hollow: bool = False) -> None:
    x, y = points.reshape(-1, 2).T.tolist()
    face = "none" if hollow else MARK
    ax.plot(x, y, "o", markersize=6.5, markerfacecolor="none", markeredgecolor="black", markeredgewidth=3)
    ax.plot(x, y, "o", markersize=6.5, markerfacecolor=face, markeredgecolor=MARK if hollow else "black")


def _name(ax: Any, points: list[list[float]]) -> None:
    for name, (x, y) in zip(KEYPOINTS, points, strict=True):
        style = {"color": "white", "path_effects": HALO, "size": 11, "weight": "bold"}
        ax.annotate(name, (x, y), (7, 4), textcoords="offset points", **style)


def _pictures(images: Tensor | Sequence[Tensor]) -> list[Pixels]:
    """Each picture as (H, W, 3) in [0, 1]."""
    if isinstance(images, Tensor) and images.ndim == 3:
        images = images[None]
    if len(images) == 0:
        raise ValueError("no pictures to draw")
    for image in images:
        if image.ndim != 3 or image.shape[0] not in (1, 3):
            raise ValueError(f"a picture has shape {tuple(image.shape)}; give (1 or 3, H, W)")
    unit = [image.float() / 255 if image.dtype == torch.uint8 else image.float() for image in images]
    return [image.detach().cpu().clamp(0, 1).expand(3, -1, -1).permute(1, 2, 0).numpy() for image in unit]


def _grid(
    pictures: Sequence[Pixels],
    captions: Sequence[str] | None,
    title: str,
    alt: str | None,
    content: str,
    columns: int | None,
) -> tuple[Figure, list[Any]]:
    """One axes for each picture, all of one width, as large as the page allows."""
    columns = columns or _columns(len(pictures), most=9)
    rows = math.ceil(len(pictures) / columns)
    caption = _CAPTION if captions else 0
    side = (WIDTH - 2 * PAD - (columns - 1) * _GAP) / columns
    side = min(side, 4.2 if len(pictures) == 1 else _SIDE)
    tall = side * max(p.shape[0] / p.shape[1] for p in pictures)
    height = rows * (tall + caption) + (rows - 1) * _GAP
    figure = page(title, alt, content, height)
    axes = []
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        x, top = PAD + column * (side + _GAP), PAD + height - row * (tall + caption + _GAP) - caption
        own = side * picture.shape[0] / picture.shape[1]
        ax = place(figure, x, top - own, side, own)
        small = picture.shape[1] < side * 100  # on the screen: show the pixels that are there
        ax.imshow(picture, interpolation="nearest" if small else "antialiased")
        ax.set_axis_off()
        if captions:
            ax.set_title(str(captions[i]), size=min(13, 150 * side / max(6, len(str(captions[i])))))
        axes.append(ax)
    return figure, axes


def _mosaic(
    cells: Pixels, title: str, alt: str | None, content: str, columns: int | None, note: float
) -> tuple[Figure, Any]:
    """Small pictures (N, h, w, 3) of one size as one, magnified in whole pixels, thin gaps between them."""
    count, high, wide = cells.shape[:3]
    columns = columns or _columns(count, most=16)
    rows = math.ceil(count / columns)
    dots = int((WIDTH - 2 * PAD) * 150 / columns)
    times = max(1, min(dots, 240) * 9 // 10 // wide)
    gap = max(3, times * wide // 12)
    field = np.ones((rows * (high * times + gap) - gap, columns * (wide * times + gap) - gap, 3), np.float32)
    for i, cell in enumerate(cells):
        y, x = (n * (size * times + gap) for n, size in zip(divmod(i, columns), (high, wide), strict=True))
        field[y : y + high * times, x : x + wide * times] = cell.repeat(times, 0).repeat(times, 1)
    scale = min((WIDTH - 2 * PAD) / field.shape[1], 1 / 150)
    width, height = field.shape[1] * scale, field.shape[0] * scale
    figure = page(title, alt, content, height + note)
    ax = place(figure, PAD, PAD + note, width, height)
    ax.imshow(field, interpolation="nearest")
    return figure, ax


def _columns(count: int, most: int) -> int:
    """All in one row while they are few, then rows about twice as wide as the grid is high."""
    return count if count <= 6 else min(most, math.ceil(math.sqrt(2 * count)))
