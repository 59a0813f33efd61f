"""Lesson 01: a filter as a picture, a convolution by hand, and how structured and oriented a filter is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .compare import compare
from .verdict import Learners, Wrong, ask, check, demand, refuse


@check
def filter_picture(f: Learners) -> str:
    """f(weights): (C, kh, kw) to a picture (kh, kw, C) in [0, 1]; 0 is mid grey, the largest |w| 0 or 1."""
    weights = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0))
    weights[1, 2, 3] = -4.0  # the largest is negative
    got, want = ask(f, weights), (0.5 + weights / 8).permute(1, 2, 0)
    if getattr(got, "shape", None) == weights.shape:
        raise Wrong(
            "the picture is still (channel, row, column); drawing wants (row, column, channel): permute it"
        )
    low, high = weights.min(), weights.max()
    each = weights.abs().amax((1, 2), keepdim=True)
    pictures = {
        "it runs from the least weight to the largest, so zero is not mid grey: divide by the largest |w|": (
            (weights - low) / (high - low)
        ),
        "each channel is scaled by itself, which changes the colours: take one largest |w| for all": 0.5
        + weights / each / 2,
        "it is scaled by the largest weight; here the largest |w| is a negative one": (
            0.5 + weights / high / 2
        ),
        "it is scaled by the largest weight and cut off; here the largest |w| is a negative one": (
            (0.5 + weights / high / 2).clip(0, 1)
        ),
        "it runs from -1 to 1: halve it and add 0.5": weights / 4,
        "the weights are used as they are, without scaling": weights,
        "0.5 is added to the weights, but they are not scaled": 0.5 + weights,
        "negative weights are cut off: they should be darker than mid grey": (0.5 + weights / 8).clip(0.5),
        "the sign is lost: zero should be mid grey, not black": weights.abs() / 4,
        "dark and bright are swapped: positive weights are bright": 0.5 - weights / 8,
    }
    refuse(got, {sentence: picture.permute(1, 2, 0) for sentence, picture in pictures.items()})
    if not compare(got, want.transpose(0, 1)):
        raise Wrong("the picture's rows and columns are swapped: it should be (kh, kw, C)")
    demand(got, want, "picture", named="row, column, channel")
    return "right: zero is mid grey, and the filters can be compared by eye"


@check
def convolve(f: Learners) -> str:
    """f(image, kernel): (H, W), (kh, kw) to (H - kh + 1, W - kw + 1), the sum of products at each place."""
    random = torch.Generator().manual_seed(0)
    image, kernel = torch.rand(8, 11, generator=random), torch.randn(3, 4, generator=random)
    got, want = ask(f, image, kernel), _slide(image, kernel)
    shape = tuple(getattr(got, "shape", ()))
    if shape == image.shape:
        raise Wrong(
            f"the map is as large as the picture, {shape}: only places where the kernel fits wholly count, "
            f"{tuple(want.shape)}"
        )
    if shape == (want.shape[0] - 1, want.shape[1] - 1):
        raise Wrong(
            f"the last row and column of places are missing: the map is {shape}, not {tuple(want.shape)}"
        )
    if shape == tuple(want.shape)[::-1]:
        raise Wrong("the map is transposed: you index [x, y], pictures are [row, column]")
    refuse(
        got,
        {
            "the kernel is turned by half a turn, as in mathematics; networks lay it as it is": _slide(
                image, kernel.flip(0, 1)
            ),
            "the kernel is mirrored, left to right": _slide(image, kernel.flip(1)),
            "the kernel is mirrored, upside down": _slide(image, kernel.flip(0)),
            "it is the mean of the products; a convolution is their sum": want / kernel.numel(),
            "it sums the pixels under the kernel, without the kernel's weights": _slide(
                image, torch.ones_like(kernel)
            ),
        },
    )
    demand(got, want, "map", named="row, column")
    square = torch.randn(3, 3, generator=random)
    refuse(ask(f, image, square), {"the kernel is transposed: you index it [x, y]": _slide(image, square.T)})
    demand(ask(f, image, square), _slide(image, square), "map of a square kernel", named="row, column")
    return "right, to the last row and column: this is what conv1 does, channel by channel"


def _slide(image: Tensor, kernel: Tensor) -> Tensor:
    return functional.conv2d(image[None, None], kernel[None, None])[0, 0]
