"""Pictures in grids, with captions, boxes, points and outlines; scenes; filters; feature maps."""

from collections.abc import Sequence
from typing import Literal

import matplotlib
import numpy as np
from torch import Tensor

from ..pictures.photo_truth import POINTS
from ..pictures.photos import Photos
from ..scenes.scenes import KEYPOINTS, Scenes
from .figure import DOTS, GREY, PAD, WIDTH, Figure, page, place, styled
from .marks import box, dots, names, outline
from .tiles import (
    BAR,
    Pixels,
    finite,
    fit_masks,
    fitting_columns,
    heaviness,
    mosaic_of,
    pixels,
    scale_bar,
    tiles,
)

_NOTE = 0.32  # inches under the pictures, for a note
_FEW, _LIGHT = 3, 75  # pictures; of more, small ones, a JPEG of this quality shows as much


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
    masks: Tensor | Sequence[Tensor] | None = None,
) -> Figure:
    """Pictures in a grid, row by row.

    images: (N, C, H, W) or (C, H, W) in [0, 1], C = 1 or 3, or a list of (C, H, W).  captions: one above
    each.
    boxes: (N, 4), or (N, B, 4) for several on each.  points: (N, P, 2).
    masks: bool (N, H, W), or a list of (H, W), drawn as outlines.
    A box or point with NaN is left out. Raises ValueError where the numbers do not match, for values that are
    not in [0, 1], up to a hundredth, and for masks of another size.
    """
    pictures = pixels(images)
    for name, given in {"captions": captions, "boxes": boxes, "points": points, "masks": masks}.items():
        if given is not None and len(given) != len(pictures):
            raise ValueError(f"{len(given)} {name} for {len(pictures)} pictures")
    if masks is not None:
        fit_masks(masks, pictures)
    content = f"{len(pictures)} pictures" if len(pictures) > 1 else "A picture"
    content += f": {', '.join(map(str, captions))}." if captions else "."
    figure, axes = tiles(pictures, captions, title, alt, content, columns)
    if len(pictures) > _FEW:
        figure.quality = _LIGHT
    for i, ax in enumerate(axes):
        weight = heaviness(ax)
        if masks is not None:
            outline(ax, masks[i], weight)
        if boxes is not None:
            for corners in boxes[i].reshape(-1, 4):
                box(ax, corners, weight)
        if points is not None:
            dots(ax, points[i], weight)
    return figure


@styled
def scenes(
    scenes: Scenes | Photos, *, title: str, alt: str | None = None, columns: int | None = None
) -> Figure:
    """Scenes with their truth: class, outline, box, head box (dashed), keypoints (rings where covered).

    A single scene is drawn large and its keypoints are named. Photographs likewise: above each its own name,
    and the classes that are right answers.
    """
    points: tuple[str, ...]
    if isinstance(scenes, Photos):
        kind, points, comma = "Photographs", POINTS, "; "
        named = zip(scenes.names, scenes.accepted, strict=True)
        classes = [f"{name}: {' or '.join(right) or 'no class'}" for name, right in named]
    else:
        kind, points, comma = "Scenes", KEYPOINTS, ", "
        classes = [scenes.classes[label] for label in scenes.labels.tolist()]
    content = f"{kind} with outline, box, head box and keypoints drawn in: {comma.join(classes)}."
    figure, axes = tiles(pixels(scenes.images), classes, title, alt, content, columns)
    figure.quality = _LIGHT if len(axes) > 1 else figure.quality
    for i, ax in enumerate(axes):
        weight, seen = heaviness(ax), scenes.visible[i]
        outline(ax, scenes.masks[i], weight)
        for corners in scenes.boxes[i].reshape(-1, 4):
            box(ax, corners, weight)
        box(ax, scenes.head_boxes[i], weight, linestyle="--")
        dots(ax, scenes.keypoints[i][seen], weight)
        dots(ax, scenes.keypoints[i][~seen], weight, hollow=True)
    if len(classes) == 1:
        dotted = zip(points, scenes.keypoints[0].tolist(), strict=True)
        known = [(name.replace("_", " "), x, y) for name, (x, y) in dotted if x == x]  # NaN: none there
        if known:
            names(axes[0], known)
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
    figure = _mosaic(cells, title, alt, content, columns, _NOTE)
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
    Raises ValueError for another shape, and values that are NaN or infinite.
    """
    if maps.ndim != 3 or maps.numel() == 0:
        raise ValueError(f"maps have shape {tuple(maps.shape)}; give (N, H, W)")
    if scale not in ("each", "common"):
        raise ValueError(f"no scale {scale!r}; there are 'common' and 'each'")
    if captions is not None and len(captions) != len(maps):
        raise ValueError(f"{len(captions)} captions for {len(maps)} maps")
    m = maps.detach().float().cpu()
    finite(m, "map")
    low = m.amin(dim=(1, 2), keepdim=True) if scale == "each" else m.min()
    high = m.amax(dim=(1, 2), keepdim=True) if scale == "each" else m.max()
    content = f"{len(m)} maps of {m.shape[1]}×{m.shape[2]} values, "
    content += "each on its own scale" if scale == "each" else f"on one scale from {low:.3g} to {high:.3g}"
    colours = matplotlib.colormaps["viridis"]
    cells = colours(((m - low) / (high - low).clamp_min(1e-12)).numpy())[..., :3].astype(np.float32)
    if captions is None:
        figure = _mosaic(cells, title, alt, f"{content}.", columns, BAR)
    else:
        figure, _ = tiles(
            list(cells), captions, title, alt, f"{content}: {', '.join(captions)}.", columns, BAR
        )
    ends = ("lowest", "highest of each map") if scale == "each" else (f"{low:.3g}", f"{high:.3g}")
    scale_bar(figure, colours(np.linspace(0, 1, 256))[:, :3], ends)
    return figure


def _mosaic(
    cells: Pixels, title: str, alt: str | None, content: str, columns: int | None, below: float
) -> Figure:
    """Small pictures (N, h, w, 3) of one size as one, magnified in whole dots, thin gaps between them."""
    count, _, wide = cells.shape[:3]
    columns = columns or fitting_columns(count, most=16)
    dots = min(240.0, (WIDTH - 2 * PAD) * DOTS / columns)  # for a cell and its gap
    times = max(1, int(dots / (wide * 13 / 12)))
    gap = max(3, times * wide // 12)
    field = mosaic_of(cells, columns, times, gap)
    scale = min(1 / DOTS, (WIDTH - 2 * PAD) / field.shape[1])
    figure = page(title, alt, content, field.shape[0] * scale + below)
    ax = place(figure, PAD, PAD + below, field.shape[1] * scale, field.shape[0] * scale)
    ax.imshow(field, interpolation="nearest")
    ax.set_axis_off()
    return figure
