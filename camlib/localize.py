"""From a heatmap to a box, how boxes overlap, and how often the answer is right in both name and place.

Zhou, Khosla, Lapedriza, Oliva, Torralba (2016), "Learning deep features for discriminative localization",
section 3.2: "segment the regions of which the value is above 20% of the max value of the CAM", then take "the
bounding box that covers the largest connected component". What their code did instead: `camlib.released`.

A box is (x0, y0, x1, y1) in pixels, half open. No box at all is a row of NaN, which overlaps with nothing.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

__all__ = ["boxes", "components", "finite", "iou", "localization_error", "several"]

TOUCHING = np.ones((3, 3), bool)  # a pixel's neighbours, corners included, as for OpenCV's contours


def boxes(heatmaps: Tensor, threshold: float = 0.2) -> Tensor:
    """The box around the largest connected component above `threshold` × the map's maximum, for each map.

    heatmaps: (N, H, W), raw: stretching each to [0, 1] first would move the threshold.
    Returns float32 (N, 4), on the CPU. Pixels that touch at a corner are connected; the largest component has
    most pixels, and of equals is first, row by row. A map without a positive value has no box: NaN. A map of
    one positive value everywhere gives the whole picture.
    Raises ValueError for a threshold outside [0, 1), another shape, and values that are not finite.
    """
    if not 0 <= threshold < 1:
        raise ValueError(f"threshold is {threshold}; it is a share of the maximum, from 0 to below 1")
    maps = finite(heatmaps)
    found = torch.full((len(maps), 4), torch.nan)
    for n, one in enumerate(maps):
        spans, areas = components(one > threshold * max(one.max(), 0))
        if len(areas):
            found[n] = torch.from_numpy(spans[areas.argmax()])
    return found


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes (…, 4), box by box, in the shape that the two broadcast to.

    For all pairs of (N, 4) and (M, 4): `iou(a[:, None], b)`, (N, M). A box without area, or of NaN, has 0.
    Raises ValueError for another shape, and where a box ends before it begins.
    """
    for given in (a, b):
        if given.shape[-1:] != (4,):
            raise ValueError(f"boxes have shape {tuple(given.shape)}; give (…, 4)")
        if (wrong := (given[..., 2:] < given[..., :2]).any(-1)).any():
            box = ", ".join(f"{corner:g}" for corner in given[wrong][0].tolist())
            raise ValueError(f"the box ({box}) ends before it begins; give (x0, y0, x1, y1)")
    a, b = (given if given.is_floating_point() else given.float() for given in (a, b))
    sides = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])
    both = sides.clamp_min(0).prod(-1)
    either = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - both
    return torch.where(either > 0, both / either, 0)


def localization_error(
    boxes: Tensor, classes: Tensor, true_boxes: Tensor, labels: Tensor, wanted: float = 0.5
) -> Tensor:
    """The share of pictures without a right answer among the first 1, 2, … K: float32 (K,).

    An answer is right when its class is, and its box has an IoU of `wanted` with a true one (Russakovsky and
    others 2015, "ImageNet large scale visual recognition challenge"; table 2 of Zhou and others).
    boxes: (N, K, 4), a box for each answer, NaN for none.  classes: int64 (N, K), the best answer first.
    true_boxes: (N, 4), or (N, B, 4) for several, missing ones NaN.  labels: int64 (N,).
    Top-1 error is `[0]`, top-5 error `[4]`. With the true boxes for `boxes` it is the classification error.
    Raises ValueError for shapes that do not match, no picture, and a picture without a true box.
    """
    if boxes.ndim != 3 or classes.shape != boxes.shape[:2] or labels.shape != classes.shape[:1]:
        shapes = ", ".join(str(tuple(given.shape)) for given in (boxes, classes, labels))
        raise ValueError(f"boxes, classes and labels have shapes {shapes}; give (N, K, 4), (N, K), (N,)")
    if not classes.numel():
        raise ValueError("there is no answer to score")
    true = several(true_boxes, len(boxes))
    overlap = iou(boxes.cpu()[:, :, None], true[:, None]).amax(2)
    right = (overlap >= wanted) & (classes.cpu() == labels.cpu()[:, None])
    return 1 - (right.cumsum(1) > 0).float().mean(0)


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
    if not isinstance(heatmaps, Tensor) or heatmaps.ndim != 3 or 0 in heatmaps.shape[1:]:
        given = tuple(heatmaps.shape) if isinstance(heatmaps, Tensor) else type(heatmaps).__name__
        raise ValueError(f"heatmaps are {given}; give a tensor (N, H, W)")
    maps: NDArray[np.float64] = heatmaps.detach().cpu().double().numpy()
    if wrong := np.flatnonzero(~np.isfinite(maps).all((1, 2))).tolist():
        raise ValueError(f"heatmap {wrong[0]} holds values that are NaN or infinite")
    return maps


def several(boxes: Tensor, n: int) -> Tensor:
    """The true boxes of n pictures, (N, 4) or (N, B, 4), as float32 (N, B, 4) on the CPU.

    Raises ValueError for another shape, and for a picture without any.
    """
    given = boxes.cpu().float()
    given = given[:, None] if given.ndim == 2 else given
    if given.ndim != 3 or given.shape[-1] != 4 or len(given) != n:
        raise ValueError(f"true boxes are {tuple(boxes.shape)} for {n} pictures; give (N, 4) or (N, B, 4)")
    if (without := given.isnan().any(2).all(1)).any():
        raise ValueError(f"picture {int(without.nonzero()[0])} has no true box")
    return given
