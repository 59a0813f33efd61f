"""Heatmaps over their pictures, on one scale with its bar.

A heatmap is (H, W), as large as its picture: `geometry.upsample` lays a layer's map so. The picture is drawn
in dark grey, so that only heat is bright: the warmer, the brighter, printed in grey as well.
"""

from collections.abc import Sequence
from typing import Literal

import matplotlib
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .figure import Figure, styled
from .marks import box, dots, outline
from .tiles import BAR, Pixels, finite, fit_masks, heaviness, pixels, scale_bar, tiles

_DIM = 0.6  # how bright the picture is drawn
LIGHT = 64  # heat is smooth, and the picture under it dark: a JPEG of this quality shows as much
_COLDEST, _RISE = 0.25, 0.7  # chosen so that, over grey and darker, more heat is never darker


@styled
def overlays(
    images: Tensor | Sequence[Tensor],
    heatmaps: Tensor | Sequence[Tensor],
    captions: Sequence[str] | None = None,
    *,
    title: str,
    alt: str | None = None,
    columns: int | None = None,
    scale: Literal["common", "each"] = "common",
    boxes: Tensor | None = None,
    points: Tensor | None = None,
    masks: Tensor | Sequence[Tensor] | None = None,
) -> Figure:
    """Heatmaps laid over their pictures, in a grid, row by row.

    images: (N, C, H, W) in [0, 1], or one (C, H, W), which then lies under every heatmap.
    heatmaps: (N, H, W), in any units, or a list of (H, W), which may differ in size.
    scale: "common": one scale for all, with its bar; "each": every heatmap from its lowest to its highest
    value.
    boxes, points, masks: as in `show.images`.
    Raises ValueError where a heatmap is not as large as its picture: lay it by `geometry.upsample`; for
    values that are NaN or infinite, and as `show.images` does.
    """
    if isinstance(heatmaps, Tensor) and (heatmaps.ndim != 3 or heatmaps.numel() == 0):
        raise ValueError(f"heatmaps have shape {tuple(heatmaps.shape)}; give (N, H, W)")
    h = [one.detach().float().cpu() for one in heatmaps]
    for one in h:
        if one.ndim != 2 or one.numel() == 0:
            raise ValueError(f"a heatmap has shape {tuple(one.shape)}; give (H, W)")
    if not h:
        raise ValueError("no heatmaps to draw")
    if scale not in ("each", "common"):
        raise ValueError(f"no scale {scale!r}; there are 'common' and 'each'")
    alone = isinstance(images, Tensor) and images.ndim == 3
    pictures = pixels(images) * (len(h) if alone else 1)
    given = {"pictures": pictures, "captions": captions, "boxes": boxes, "points": points, "masks": masks}
    for name, marks in given.items():
        if marks is not None and len(marks) != len(h):
            raise ValueError(f"{len(marks)} {name} for {len(h)} heatmaps")
    for picture, one in zip(pictures, h, strict=True):
        if picture.shape[:2] != tuple(one.shape):
            sizes = f"{tuple(one.shape)} and {picture.shape[:2]}"
            raise ValueError(f"heatmap and picture differ in size, {sizes}; lay maps by geometry.upsample")
    finite(h, "heatmap")
    if masks is not None:
        fit_masks(masks, pictures)
    lows, highs = [float(one.min()) for one in h], [float(one.max()) for one in h]
    low, high = min(lows), max(highs)
    if scale == "common":
        lows, highs = [low] * len(h), [high] * len(h)
    heat = [((one - a) / max(b - a, 1e-12)).numpy() for one, a, b in zip(h, lows, highs, strict=True)]
    content = f"{len(h)} heatmaps over their pictures, " if len(h) > 1 else "A heatmap over its picture, "
    content += f"from {low:.3g} to {high:.3g}" if scale == "common" else "each on its own scale"
    content += f": {', '.join(map(str, captions))}." if captions else "."
    blends = [blend(picture, warm) for picture, warm in zip(pictures, heat, strict=True)]
    figure, axes = tiles(blends, captions, title, alt, content, columns, BAR)
    figure.quality = LIGHT
    for i, ax in enumerate(axes):
        if masks is not None:
            outline(ax, masks[i], heaviness(ax))
        if boxes is not None:
            for corners in boxes[i].reshape(-1, 4):
                box(ax, corners, heaviness(ax))
        if points is not None:
            dots(ax, points[i], heaviness(ax))
    highest = "highest of each map" if len(h) > 1 else "highest"
    ends = ("lowest", highest) if scale == "each" else (f"{low:.3g}", f"{high:.3g}")
    scale_bar(figure, ramp(), ends)
    return figure


def blend(picture: Pixels, heat: NDArray[np.float32]) -> Pixels:
    """A picture (H, W, 3) under its heat (H, W), both in [0, 1]."""
    grey = _DIM * (picture @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    colours = matplotlib.colormaps["inferno"](_COLDEST + (1 - _COLDEST) * heat)[..., :3]
    share = heat[..., None]
    mixed: Pixels = np.clip(grey * (1 - share) + colours * share**_RISE, 0, 1).astype(np.float32)
    return mixed


def ramp() -> Pixels:
    """The colours (256, 3) of a mid-grey picture, from no heat to full."""
    steps = np.linspace(0, 1, 256, dtype=np.float32)[None]
    row: Pixels = blend(np.full((1, 256, 3), 0.5, np.float32), steps)[0]
    return row
