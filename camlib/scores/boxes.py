"""From a heatmap to a box, how boxes overlap, and how often the answer is right in both name and place.

Zhou, Khosla, Lapedriza, Oliva, Torralba (2016), "Learning deep features for discriminative localization",
section 3.2: "segment the regions of which the value is above 20% of the max value of the CAM", then take "the
bounding box that covers the largest connected component". What their code did instead: `camlib.zhou_boxes`.

A box is (x0, y0, x1, y1) in pixels, half open. No box at all is a row of NaN, which overlaps with nothing.
"""

import torch
from torch import Tensor

from ..given import number, tensor
from .maps import check_boxes, components, finite, share, true_boxes

__all__ = ["boxes", "iou", "localization_error"]


def boxes(heatmaps: Tensor, *, threshold: float = 0.2) -> Tensor:
    """The box around the largest connected component above `threshold` × the map's maximum, for each map.

    heatmaps: (N, H, W), raw: stretching each to [0, 1] first would move the threshold.
    Returns float32 (N, 4), on the CPU. Pixels that touch at a corner are connected; the largest component has
    most pixels, and of equals is first, row by row. A map without a positive value has no box: NaN. A map of
    one positive value everywhere gives the whole picture.
    Raises ValueError for a threshold outside [0, 1), another shape, and values that are not finite.
    """
    least = number(threshold, "threshold", "a share of the maximum, from 0 to below 1")
    if not 0 <= least < 1:
        raise ValueError(f"threshold is {threshold}; it is a share of the maximum, from 0 to below 1")
    maps = finite(heatmaps)
    found = torch.full((len(maps), 4), torch.nan)
    for n, one in enumerate(maps):
        spans, areas = components(one > least * max(one.max(), 0))
        if len(areas):
            found[n] = torch.from_numpy(spans[areas.argmax()])
    return found


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes (…, 4), box by box, in the shape that the two broadcast to.

    For all pairs of (N, 4) and (M, 4): `iou(a[:, None], b)`, (N, M). A box without area, or of NaN, has 0.
    Raises ValueError for another shape, shapes that do not broadcast, and a box that ends before it begins or
    is infinite.
    """
    both_kinds = check_boxes(a, "boxes"), check_boxes(b, "boxes")
    try:
        torch.broadcast_shapes(a.shape, b.shape)  # type: ignore[no-untyped-call]
    except RuntimeError:
        given = f"{tuple(a.shape)} and {tuple(b.shape)}"
        raise ValueError(f"boxes {given} do not go together; of all pairs: iou(a[:, None], b)") from None
    kind = torch.promote_types(torch.promote_types(a.dtype, b.dtype), torch.float32)
    a, b = (given.double() for given in both_kinds)  # areas are large
    sides = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])
    both = sides.clamp_min(0).prod(-1)
    either = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - both
    return torch.where(either > 0, both / either, 0).to(kind)


def localization_error(
    boxes: Tensor, classes: Tensor, truth: Tensor, labels: Tensor, *, iou_threshold: float = 0.5
) -> Tensor:
    """The share of pictures without a right answer among the first 1, 2, … K: float32 (K,).

    An answer is right when its class is, and its box has an IoU of `iou_threshold` with a true one
    (Russakovsky and others 2015, "ImageNet large scale visual recognition challenge"; Zhou's table 2).
    boxes: (N, K, 4), a box for each answer, NaN for none.  classes: int64 (N, K), the best answer first.
    truth: the true boxes, (N, 4), or (N, B, 4) for several, missing ones NaN.  labels: int64 (N,).
    Top-1 error is `[0]`, top-5 error `[4]`. With the true boxes for `boxes` it is the classification error.
    Raises ValueError for shapes that do not match, no picture, a picture without a true box, and an
    `iou_threshold` outside (0, 1].
    """
    least = share(iou_threshold, "iou_threshold")
    for what, given in {"boxes": boxes, "classes": classes, "labels": labels}.items():
        tensor(given, what)
    if boxes.ndim != 3 or classes.shape != boxes.shape[:2] or labels.shape != classes.shape[:1]:
        shapes = ", ".join(str(tuple(given.shape)) for given in (boxes, classes, labels))
        raise ValueError(f"boxes, classes and labels have shapes {shapes}; give (N, K, 4), (N, K), (N,)")
    for what, given in {"classes": classes, "labels": labels}.items():
        if given.is_floating_point() or given.is_complex():
            kind = str(given.dtype).removeprefix("torch.")
            raise ValueError(f"{what} are {kind}; give whole numbers, as of argmax or topk(…).indices")
    if not classes.numel():
        raise ValueError("there is no answer to score")
    true = true_boxes(truth, len(boxes))
    overlap = iou(boxes.cpu()[:, :, None], true[:, None]).amax(2)
    right = (overlap >= least) & (classes.cpu() == labels.cpu()[:, None])
    return 1 - (right.cumsum(1) > 0).float().mean(0)
