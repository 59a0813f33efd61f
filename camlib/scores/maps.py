"""What every score reads: heatmaps as finite numbers, the connected parts of a mask, and true boxes."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from ..given import number, tensor

__all__ = ["TOUCHING", "check_boxes", "components", "finite", "share", "true_boxes"]

TOUCHING = np.ones((3, 3), bool)  # a pixel's neighbours, corners included, as for OpenCV's contours


def components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The connected components of a mask (H, W), row by row: boxes float32 (C, 4), areas int64 (C,)."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    y, bottom, x, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    inside = mask[y:bottom, x:right]  # the rest has nothing to label
    labels, count = ndimage.label(inside, TOUCHING)
    if count == 1:
        return np.array([[x, y, right, bottom]], np.float32), np.array([np.count_nonzero(inside)])
    spans = [
        (across.start, down.start, across.stop, down.stop) for down, across in ndimage.find_objects(labels)
    ]
    areas = np.bincount(labels.ravel())[1:]
    return np.array(spans, np.float32) + np.array([x, y, x, y], np.float32), areas


def finite(heatmaps: Tensor) -> NDArray[np.float64]:
    """Heatmaps (N, H, W) as numbers on the CPU. Raises ValueError for another shape, NaN, and infinity."""
    if tensor(heatmaps, "heatmaps").ndim != 3 or 0 in heatmaps.shape[1:] or heatmaps.is_complex():
        raise ValueError(f"heatmaps are {tuple(heatmaps.shape)}; give a tensor (N, H, W)")
    maps: NDArray[np.float64] = heatmaps.detach().cpu().double().numpy()
    if wrong := np.flatnonzero(~np.isfinite(maps).all((1, 2))).tolist():
        raise ValueError(f"heatmap {wrong[0]} holds values that are NaN or infinite")
    return maps


def true_boxes(boxes: Tensor, n: int) -> Tensor:
    """The true boxes of n pictures, (N, 4) or (N, B, 4), as float32 (N, B, 4) on the CPU.

    Raises ValueError for another shape, a picture without any, a box that ends before it begins or is
    infinite.
    """
    given = tensor(boxes, "true boxes").detach().cpu().float()
    given = given[:, None] if given.ndim == 2 else given
    if given.ndim != 3 or given.shape[-1] != 4 or len(given) != n:
        raise ValueError(f"true boxes are {tuple(boxes.shape)} for {n} pictures; give (N, 4) or (N, B, 4)")
    check_boxes(given, "true boxes")
    if (without := given.isnan().any(2).all(1)).any():
        raise ValueError(f"picture {int(without.nonzero()[0])} has no true box")
    return given


def check_boxes(boxes: Tensor, what: str) -> Tensor:
    """The boxes (…, 4). Raises ValueError for another shape, and a box that is infinite or ends too early."""
    if tensor(boxes, what).shape[-1:] != (4,) or boxes.is_complex():
        raise ValueError(f"{what} have shape {tuple(boxes.shape)}; give (…, 4)")
    for wrong, why in (
        (boxes.isinf().any(-1), "is infinite; NaN stands for none"),
        ((boxes[..., 2:] < boxes[..., :2]).any(-1), "ends before it begins; give (x0, y0, x1, y1)"),
    ):
        if wrong.any():
            box = ", ".join(f"{corner:g}" for corner in boxes[wrong][0].tolist())
            raise ValueError(f"the box ({box}) {why}")
    return boxes


def share(value: float, what: str) -> float:
    """An IoU or another share from which something counts: above 0, at most 1."""
    found = number(value, what, "a share above 0, at most 1")
    if not 0 < found <= 1:
        raise ValueError(f"{what} is {value}; it lies above 0, and is at most 1")
    return found
