"""The lit places of a heatmap, one by one: their boxes, and each cut out as a digit for a network to read.

SIMILARnet's paper says that each hotspot can be classified, without code. So: the highest pixels, as many as
there is text; a box round each connected part; what is in the box, made like MNIST's digits (LeCun and others
1998): light on dark, the longer side 20 pixels, in a frame of 28.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from torchvision.ops import roi_align

from ..given import tensor, told
from ..scenes.texts import Texts
from .boxes import iou
from .maps import check_boxes, components
from .spotting import lit_at_area

__all__ = ["characters_in", "cut_digits", "hotspots"]

_SIDE, _INNER = 28, 20  # pixels: MNIST's frame, and the longer side of a digit in it
_LEAST = 12  # pixels of a hotspot: less is a speck, and no digit


def hotspots(heatmaps: Tensor, masks: Tensor, *, area: float = 1.0) -> list[Tensor]:
    """For each map the boxes of its connected lit parts, float32 (B, 4) each, at matched area.

    heatmaps: (N, H, W).  masks: bool (N, H, W), the text; as many pixels are lit, times `area`, and parts of
    fewer than 12 pixels are left out. Boxes are (x0, y0, x1, y1), half open.
    Raises ValueError as `lit_at_area`.
    """
    each = [components(one) for one in lit_at_area(heatmaps, masks, area=area).numpy()]
    return [torch.from_numpy(spans[areas >= _LEAST]) for spans, areas in each]


def cut_digits(images: Tensor, boxes: Sequence[Tensor]) -> Tensor:
    """What is in the boxes, made like MNIST's digits: float32 (ΣB, 1, 28, 28) in [0, 1], picture by picture.

    images: (N, 1, H, W) in [0, 1].  boxes: for each image (B, 4).
    A square round the box's middle, so large that the longer side becomes 20 of 28 pixels; past the picture's
    edge its last pixels go on. The median of the square's rim counts as the ground: what is left is how far
    each pixel is from it, lighter or darker, stretched to 1, so that ink is light whichever it was.
    Raises ValueError for images of another shape, another number of box lists, and a box without area or
    with NaN.
    """
    boxes = _lists(boxes)
    if tensor(images, "images").ndim != 4 or images.shape[1] != 1 or len(boxes) != len(images):
        raise ValueError(f"{len(boxes)} lists of boxes for images {tuple(images.shape)}; give (N, 1, H, W)")
    for n, own in enumerate(boxes):
        if (
            own.ndim != 2
            or own.shape[1] != 4
            or not bool((own[:, 2:] > own[:, :2]).all() & own.isfinite().all())
        ):
            raise ValueError(
                f"the boxes of picture {n} are {tuple(own.shape)}; give (B, 4), each with an area"
            )
    if not sum(map(len, boxes)):
        return torch.zeros(0, 1, _SIDE, _SIDE)
    middles = [(own[:, 2:] + own[:, :2]) / 2 for own in boxes]
    halves = [(own[:, 2:] - own[:, :2]).amax(1, keepdim=True) * _SIDE / _INNER / 2 for own in boxes]
    margin = int(torch.cat(halves).max()) + 1
    framed = pad(images, (margin,) * 4, mode="replicate")
    squares = [torch.cat([m - h, m + h], 1) + margin for m, h in zip(middles, halves, strict=True)]
    cut: Tensor = roi_align(framed, squares, _SIDE, aligned=True)
    rim = torch.ones(_SIDE, _SIDE, dtype=torch.bool)
    rim[2:-2, 2:-2] = False
    ink = (cut - cut[:, :, rim].median(-1).values[..., None, None]).abs()
    stretched: Tensor = ink / ink.amax((2, 3), keepdim=True).clamp_min(1e-6)
    return stretched


def _lists(boxes: Sequence[Tensor]) -> list[Tensor]:
    """The boxes of each picture. Raises ValueError for what is no list of tensors."""
    given: Any = boxes
    if isinstance(given, list | tuple) or (isinstance(given, Tensor) and given.ndim == 3):
        return [tensor(own, f"the boxes of picture {n}") for n, own in enumerate(given)]
    raise ValueError(f"boxes are {told(given)}; give a list, for each picture (B, 4)")


def characters_in(boxes: Sequence[Tensor], texts: Texts) -> list[str]:
    """What is written in each box, picture by picture: "7", "K", or "" where no character is.

    boxes: for each picture (B, 4). A box is on the character with which its IoU is highest, from .5 on.
    Raises ValueError for another number of box lists than of pictures.
    """
    if not isinstance(texts, Texts):
        raise ValueError(f"only texts know what is written; given a {type(texts).__name__}")
    boxes = _lists(boxes)
    if len(boxes) != len(texts):
        raise ValueError(f"{len(boxes)} lists of boxes for {len(texts)} pictures")
    found = []
    for own, characters, true in zip(boxes, texts.characters, texts.boxes, strict=True):
        check_boxes(own, "boxes")
        overlap, which = iou(own[:, None], true).max(1)
        near = zip(overlap.tolist(), which.tolist(), strict=True)
        found += [characters[k].char if share >= 0.5 else "" for share, k in near]
    return found
