"""Where is a part? Answers that need no network: whatever finds parts has to beat them.

Choudhury, Laina, Rupprecht, Vedaldi (2021), "Unsupervised part discovery from contrastive reconstruction":
the mean of the true points alone beat some published methods.
"""

from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transform

from ..given import tensor
from ..pictures.batches import Batch, data_set, measured
from ..scores.maps import check_boxes

__all__ = ["baselines"]

_BLUR = 0.01  # of the picture's side: a single pixel's noise is no place


def baselines(
    images: Any, *, known: Tensor | None = None, boxes: Tensor | None = None, batch_size: int = 64
) -> dict[str, Tensor]:
    """Points (N, 1, 2) for N pictures, by the rule that gives them.

    "centre": the picture's middle.  "brightest", "darkest": the pixel of the highest and lowest grey value
    after a light blur; of equals the first.
    "mean": the mean of the points that are known from other pictures of the size, (M, K, 2), NaN for none.
    "in the box": a random pixel inside each box (N, 4), such as the head's.
    The first three are NaN for a file that cannot be read.
    Raises ValueError for boxes that are not one for each picture, and known points without any.
    """
    images = data_set(images)
    if boxes is not None:
        if tensor(boxes, "boxes").shape != (len(images), 4):
            raise ValueError(f"boxes are {tuple(boxes.shape)}; give one for each picture, ({len(images)}, 4)")
        boxes = check_boxes(boxes, "boxes").detach().cpu().float()
    if known is not None:
        known = tensor(known, "known").detach().cpu().float()
        if known.shape[-1:] != (2,) or known.isinf().any():
            raise ValueError(f"known points are {tuple(known.shape)}; give (M, K, 2), finite, NaN for none")
        if known.isnan().any(-1).all():
            raise ValueError("no point is known")
    blind = measured(_blind, images, batch_size=batch_size)
    points = dict(zip(("centre", "brightest", "darkest"), blind.unbind(1), strict=True))
    if known is not None:
        points["mean"] = known.reshape(-1, 2).nanmean(0).expand(len(images), 2)
    if boxes is not None:
        share = torch.rand(len(boxes), 2, generator=torch.Generator().manual_seed(0))
        points["in the box"] = boxes[:, :2] + share * (boxes[:, 2:] - boxes[:, :2]) - 0.5
    return {name: one[:, None] for name, one in points.items()}


def _blind(batch: Batch) -> Tensor:
    """The middle, the brightest and the darkest pixel of each picture: (B, 3, 2)."""
    count, _, height, width = batch.images.shape
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2]).expand(count, 2)
    sigma = _BLUR * max(height, width)
    grey = batch.images.mean(1, keepdim=True)
    grey = transform.gaussian_blur(grey, [2 * int(3 * sigma) + 1] * 2, [sigma]).flatten(1)
    pixels = torch.stack([grey.argmax(1), (-grey).argmax(1)], 1)
    return torch.cat([middle[:, None], torch.stack([pixels % width, pixels // width], 2)], 1)
