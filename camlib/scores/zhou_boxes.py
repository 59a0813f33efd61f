"""Boxes by the rule of the code that Zhou and others released with their paper (dt_box in zhoubolei/CAM).

It is not the paper's rule, `camlib.boxes`: three thresholds in place of one, a distance transform that shaves
off what is thin, and a ranking by the boxes' areas, not by the components'.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from ..given import told, whole
from .maps import TOUCHING, finite

__all__ = ["zhou_boxes"]

_MARGIN = 5  # pixels that it keeps from the right and the lower edge
_SHALLOW = 10  # of 255: what lies less deep in its region is shaved off

Mask = NDArray[np.bool_]
Span = tuple[int, int, int, int]  # x, y, width, height


def zhou_boxes(heatmaps: Tensor, *, thresholds: Iterable[int] = (20, 100, 110)) -> list[Tensor]:
    """For each map its boxes, the largest first: float32 (B, 4), B from 0.

    heatmaps: (N, H, W). Each is divided by its maximum and rounded to 0 … 255, negative values to 0. Above
    each threshold, only what lies deeper in its region than 10/255 of the deepest pixel is kept. Round every
    outer contour, and round every hole's rim, goes a box, cut off 5 pixels before the right and the lower
    edge. Of boxes that share more than half of the larger one's area, the larger stays; their loop overlooks
    some, so a box may stand twice.
    Their evaluation takes the first. (Left out: the mean over ten crops, and a JPEG in between.)
    Raises ValueError for thresholds that do not rise within 0 … 254, and as `boxes` does for the maps.
    """
    given: Any = thresholds
    if isinstance(given, str | Tensor) or not isinstance(given, Iterable):
        raise ValueError(f"thresholds are {told(given)}; give rising numbers from 0 to 254")
    thresholds = [whole(one, "a threshold", 0, 254) for one in given]
    rising = all(low < high for low, high in zip((-1, *thresholds), (*thresholds, 255), strict=True))
    if not thresholds or not rising:
        raise ValueError(f"thresholds are {tuple(thresholds)}; give rising numbers from 0 to 254")
    found = []
    for one in finite(heatmaps):
        grey = np.floor(255 * one.clip(0) / max(one.max(), 1e-300) + 0.5)
        spans = [span for threshold in thresholds for span in _contours(_deep(grey > threshold))]
        ranked = sorted(spans, key=lambda span: -span[2] * span[3])
        corners = [(x, y, x + wide, y + high) for x, y, wide, high in _merged(ranked)]
        found.append(torch.tensor(corners, dtype=torch.float32).reshape(-1, 4))
    return found


def _deep(mask: Mask) -> Mask:
    """What of a mask lies deeper than 10/255 of its deepest pixel; all of one that has no outside."""
    if mask.all():
        return mask
    depth = ndimage.distance_transform_edt(mask)
    deep: Mask = np.floor(255 * depth / max(depth.max(), 1) + 0.5) > _SHALLOW
    return deep


def _contours(mask: Mask) -> list[Span]:
    """The box round each component, and round each hole with its rim."""
    height, width = mask.shape
    spans = ndimage.find_objects(ndimage.label(mask, TOUCHING)[0])
    for rows, columns in ndimage.find_objects(ndimage.label(~mask)[0]):
        if rows.start and columns.start and rows.stop < height and columns.stop < width:
            spans.append((slice(rows.start - 1, rows.stop + 1), slice(columns.start - 1, columns.stop + 1)))
    found = []
    for rows, columns in spans:
        wide = min(columns.stop - columns.start, max(width - columns.start - _MARGIN, 0))
        high = min(rows.stop - rows.start, max(height - rows.start - _MARGIN, 0))
        found.append((columns.start, rows.start, wide, high))
    return found


def _merged(ranked: list[Span]) -> list[Span]:
    """Without the boxes that share much with a larger one, but for those that its loop passes over."""
    left, i = list(ranked), 0
    while i < len(left):
        j = i + 1
        while j < len(left):
            if _alike(left[i], left[j]):
                del left[j]
            j += 1  # also after one is deleted, so the next in the row is never compared
        i += 1
    return left


def _alike(a: Span, b: Span) -> bool:
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(across, 0) * max(down, 0) > max(a[2] * a[3], b[2] * b[3]) // 2
