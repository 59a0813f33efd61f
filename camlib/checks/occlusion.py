"""Lesson 06: covering a box, and drops laid over the pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from .verdict import Learners, Wrong, ask, check, demand, refuse

_BOX = (3, 1, 6, 8)  # x0, y0, x1, y1 in a picture of 9 × 12


@check
def cover(f: Learners) -> str:
    """f(image, box, value): (C, H, W), (x0, y0, x1, y1) half open, a number, to a covered picture."""
    image = torch.rand(3, 9, 12, generator=torch.Generator().manual_seed(0))
    got = ask(f, image, _BOX, 0.25)
    x0, y0, x1, y1 = _BOX

    def filled(y: slice, x: slice) -> Tensor:
        picture = image.clone()
        picture[:, y, x] = 0.25
        return picture

    want = filled(slice(y0, y1), slice(x0, x1))
    own = image.clone()
    f(own, _BOX, 0.25)
    if not torch.equal(own, image):
        raise Wrong("the picture that was handed in is changed, too: begin with image.clone()")
    refuse(
        got,
        {
            "nothing is covered": image,
            "x and y are swapped: columns x0 to x1 come last, image[:, y0:y1, x0:x1]": (
                filled(slice(x0, x1), slice(y0, y1))
            ),
            "the box is half open: rows y0 to y1 - 1 and columns x0 to x1 - 1": (
                filled(slice(y0, y1 + 1), slice(x0, x1 + 1))
            ),
            "the last row and column are missing: a slice ends before its second number by itself": (
                filled(slice(y0, y1 - 1), slice(x0, x1 - 1))
            ),
            "(x1, y1) is the box's other corner, not its width and height": (
                filled(slice(y0, y0 + y1), slice(x0, x0 + x1))
            ),
            "all but the box is covered": torch.where(want == image, torch.tensor(0.25), image),
            "the value is added; it should stand in the pixels' place": image + 0.25 * (want != image),
        },
    )
    first = image.clone()
    first[0] = want[0]
    refuse(got, {"only one channel is covered: all three lie under the square, image[:, …]": first})
    demand(got, want, "picture", named="channel, row, column")
    beyond = ask(f, image, (8, 5, 15, 20), 0.25)
    demand(beyond, filled(slice(5, 9), slice(8, 12)), "picture with a box that hangs over its border")
    return "right, also at the border, and the picture that came in is as it was"


@check
def lay_drops(f: Learners) -> str:
    """f(drops, boxes, size): (K,), (K, 4), (H, W) to (H, W), the mean drop of the boxes over a pixel."""
    boxes = torch.tensor([[0, 0, 4, 3], [3, 0, 7, 3], [0, 2, 4, 5], [3, 2, 7, 5], [1, 1, 3, 2]])
    drops = torch.tensor([0.4, -0.1, 0.7, 0.2, 0.5])

    def covers(places: Tensor, turned: bool = False) -> Tensor:
        masks = torch.zeros(len(boxes), 5, 7)
        for mask, (x0, y0, x1, y1) in zip(masks, places.tolist(), strict=True):
            rows, columns = slice(y0, y1), slice(x0, x1)
            mask[(columns, rows) if turned else (rows, columns)] = 1
        return masks

    def mean(masks: Tensor) -> Tensor:  # 0 where no box lies
        return (masks * drops[:, None, None]).sum(0) / masks.sum(0).clamp(min=1)

    cover, got = covers(boxes), ask(f, drops, boxes, (5, 7))
    total, count, want = (cover * drops[:, None, None]).sum(0), cover.sum(0), mean(cover)
    areas, last = cover.sum((1, 2), keepdim=True), torch.zeros(5, 7)
    for mask, drop in zip(cover, drops, strict=True):
        last = torch.where(mask > 0, drop, last)
    known = got.nan_to_num() if isinstance(got, Tensor) else got  # 0 / 0 where swapped boxes do not reach
    refuse(
        known,
        {
            "x and y are swapped: rows y0 to y1 come first, [y0:y1, x0:x1]": mean(covers(boxes, turned=True)),
            "(x1, y1) is the box's other corner, not its width and height": (
                mean(covers(torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)))
            ),
            "it is the sum of the drops; divide by the number of boxes that cover each pixel": total,
            "it is divided by the number of all boxes; divide by those that cover the pixel": (
                total / len(boxes)
            ),
            "where boxes overlap, the last one wins: add up, and divide by their number": last,
            "it is the number of boxes that cover each pixel; it should be their mean drop": count,
            "it is the largest drop over each pixel; it should be the mean": (
                torch.where(cover > 0, drops[:, None, None], torch.tensor(-9.0)).amax(0)
            ),
            "it is divided by the areas of the boxes; divide by how many cover the pixel": (
                (cover * drops[:, None, None] / areas).sum(0)
            ),
        },
    )
    demand(got, want, "heatmap", named="row, column")
    return "right, negative drops included: this is what `occlusion` lays over the picture, and captum, too"
