"""Squares cut out of pictures, brought back to one size: what a classifier would see if it looked closer."""

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transform

from ..given import tensor, whole
from .batches import in_unit

__all__ = ["cut_out", "squares"]


def squares(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """The smallest square that holds each box, moved into the picture: float32 (N, 4), whole numbers.

    boxes: (N, 4), (x0, y0, x1, y1) in pixels, half open; NaN: no box, which gives the largest square in the
    middle. size: (H, W) of the pictures. A square is never larger than the picture's shorter side.
    Raises ValueError for another shape, and a box that is infinite or ends before it begins.
    """
    if tensor(boxes, "boxes").ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes have shape {tuple(boxes.shape)}; give (N, 4)")
    for wrong, why in (
        (boxes.isinf().any(1), "is infinite; NaN stands for none"),
        ((boxes[:, 2:] < boxes[:, :2]).any(1), "ends before it begins; give (x0, y0, x1, y1)"),
    ):
        if wrong.any():
            row = int(wrong.nonzero()[0, 0])
            raise ValueError(f"box {row}, {boxes[row].tolist()}, {why}")
    high, wide = size
    side = (boxes[:, 2:] - boxes[:, :2]).amax(1).ceil().clamp(1, min(size))
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    none = boxes.isnan().any(1)
    side[none], middle[none] = float(min(size)), torch.tensor([wide / 2, high / 2])
    room = torch.tensor([wide, high]) - side[:, None]
    low = (middle - side[:, None] / 2).round().clamp(min=0).minimum(room)
    return torch.cat([low, low + side[:, None]], 1)


def cut_out(images: Tensor, boxes: Tensor, *, size: int | None = None) -> Tensor:
    """The square around each box, enlarged or reduced (bicubic, antialiased): (N, C, size, size).

    images: (N, C, H, W) in [0, 1].  boxes: (N, 4), as `boxes` gives them; NaN: no box (see `squares`).
    size: None: the pictures' shorter side.
    Raises ValueError for another number of boxes than of pictures, for boxes as `squares` does, and for
    values that are not numbers in [0, 1].
    """
    if tensor(images, "images").ndim != 4 or not images.is_floating_point():
        raise ValueError(f"images have shape {tuple(images.shape)}; give floats (N, C, H, W)")
    if len(tensor(boxes, "boxes")) != len(images):
        raise ValueError(f"{len(boxes)} boxes for {len(images)} pictures; give one for each")
    high, wide = images.shape[2:]
    side = min(high, wide) if size is None else whole(size, "size", 1)
    if not len(images):
        raise ValueError("no picture to cut from")
    in_unit(images, range(len(images)))
    bicubic = transform.InterpolationMode.BICUBIC
    cut = [
        transform.resized_crop(image, int(y0), int(x0), int(y1 - y0), int(x1 - x0), [side, side], bicubic)
        for image, (x0, y0, x1, y1) in zip(images, squares(boxes, (high, wide)).tolist(), strict=True)
    ]
    return torch.stack(cut).clamp_(0, 1)
