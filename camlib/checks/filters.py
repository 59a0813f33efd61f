"""Lesson 01: a filter as a picture, a convolution, its structure and direction, and what excites it most."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..networks.zoo import load
from ..scenes.scenes import critters
from ..units.filters import autocorrelation as measured
from ..units.filters import filters as weights_of
from .compare import compare, unfit
from .prediction import Truth, investigation
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
    for as_bytes in (255 * want, (255 * want).floor(), (255 * want).round()):
        refuse(got, {"it runs from 0 to 255, as bytes do; here pictures run from 0 to 1": as_bytes})
    anew = "the numbers are right, but `reshape` or `view` deals them out anew; `permute` moves the axes"
    refuse(got, {anew: want.permute(2, 0, 1).reshape(want.shape)})
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


@check
def autocorrelation(f: Learners) -> str:
    """f(filters): (N, C, k, k) to (N,), how alike neighbouring weights are; see `camlib.autocorrelation`."""
    noise = torch.randn(5, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    filters = noise + torch.linspace(0, 3, 5).view(5, 1, 1, 1) * functional.avg_pool2d(noise, 5, 1, 2)
    filters[1] += 1 - 2.0 * (torch.arange(9)[:, None] + torch.arange(9)).remainder(2)  # a chessboard
    filters += torch.tensor([0.3, -0.6, 0.2]).view(3, 1, 1)
    want, got = measured(filters), ask(f, filters)
    centred = filters - filters.mean((2, 3), keepdim=True)
    if not compare(got, want.mean()):
        raise Wrong("it is one number for all filters together; there should be one for each, shape (5,)")
    refuse(
        got,
        {
            "the mean is not taken off: each channel's own mean goes first": _neighbours(filters),
            "one mean is taken off for the whole filter; each channel has its own": _neighbours(
                filters - filters.mean((1, 2, 3), keepdim=True)
            ),
            "only neighbours to the right count; those below do too, and the two are averaged": _right(
                centred
            ),
            "only neighbours below count; those to the right do too, and the two are averaged": _right(
                centred.mT
            ),
            "right and down are added; take half of it": 2 * want,
            "only those below are halved: take half of the sum": want + _right(centred) / 2,
            "only those to the right are halved: take half of the sum": want + _right(centred.mT) / 2,
            "the mean square is that of the weights before the means are taken off; take it after": (
                want * centred.square().mean((1, 2, 3)) / filters.square().mean((1, 2, 3))
            ),
            "each channel is divided by its own mean square; take the means over all channels, then divide": (
                torch.stack([_neighbours(centred[:, c : c + 1]) for c in range(3)]).mean(0)
            ),
            "it is divided by the root of the mean square; leave out the root": (
                want * centred.square().mean((1, 2, 3)).sqrt()
            ),
            "these are neighbours along the diagonal; those to the right and below count": (
                (centred[..., 1:, 1:] * centred[..., :-1, :-1]).mean((1, 2, 3))
                / centred.square().mean((1, 2, 3))
            ),
            "these are sums: the pairs are fewer than the weights, so divide each sum by its own count": (
                want * 8 / 9
            ),
            "the far edge is joined to the near one (`roll` does that): leave out pairs that wrap round": (
                _wrapped(centred)
            ),
            "it is not divided by the mean of the squared weights": want * centred.square().mean((1, 2, 3)),
            "it compares weights two apart; neighbours are one apart": measured(filters, lag=2),
        },
    )
    demand(got, want, "autocorrelation")
    return "right: smooth filters come near 1, noise near 0"


def _right(w: Tensor) -> Tensor:
    return (w[..., 1:] * w[..., :-1]).mean((1, 2, 3)) / w.square().mean((1, 2, 3))


def _neighbours(w: Tensor) -> Tensor:
    return (_right(w) + _right(w.mT)) / 2


def _wrapped(w: Tensor) -> Tensor:
    both = (w * w.roll(1, 3)).mean((1, 2, 3)) + (w * w.roll(1, 2)).mean((1, 2, 3))
    return both / 2 / w.square().mean((1, 2, 3))


def _slide(image: Tensor, kernel: Tensor) -> Tensor:
    return functional.conv2d(image[None, None], kernel[None, None])[0, 0]


def _lure(f: Learners) -> Truth:
    """f(weights): one filter (3, 11, 11) to the patch (3, 11, 11) in [0, 1] that excites it most.

    conv1 receives (patch - 0.5) / 0.25. With every value between 0 and 1 the largest sum is 2 Σ|w|: each
    value lies where its weight's sign says, at 1 or at 0. Predicted is what the best patch of forty scenes
    gives, as a share of that, on average over the filters.
    """
    filters = weights_of(load("critternet"))
    most, shares, between = 2 * filters.abs().sum(dim=(1, 2, 3)), [], False
    for w, possible in zip(filters, most, strict=True):
        patch = ask(f, w)
        if sentence := unfit(patch, tuple(w.shape), "patch"):
            raise Wrong(sentence)
        patch = torch.as_tensor(patch).float()
        low, high = patch.min(), patch.max()
        if low < -1e-6 or high > 1 + 1e-6:
            raise Wrong(f"the patch reaches from {low:.2g} to {high:.2g}; pixels lie between 0 and 1")
        own = 0.5 + 0.5 * w / w.abs().max()
        if not compare(patch, own):
            raise Wrong(
                f"this is the filter's own picture: it gives {_sum(w, own):.1f} of {possible:.1f}, "
                "the best among patches of one length; but here each pixel has a range of its own"
            )
        shares.append(float(_sum(w, patch) / possible))
        between |= bool(((patch > 1e-6) & (patch < 1 - 1e-6)).any())
    mean = sum(shares) / len(shares)
    if mean < -0.5:
        raise Wrong(f"it gives {mean:.0%} of what is possible, so it silences the filters: turn it round")
    if min(shares) < 0.999:
        told = f"your patches give {mean:.1%} of what is possible, on average, and {min(shares):.1%} at worst"
        raise Wrong(told + ": some of their values lie between 0 and 1" * between)
    patches = functional.unfold((critters(40, seed=1).images - 0.5) / 0.25, 11, stride=4)
    real = (filters.flatten(1) @ patches).amax((0, 2)) / most
    return float(real.mean()), "The best patch of forty scenes reaches that share of your score."


lure = investigation(_lure)


def _sum(w: Tensor, patch: Tensor) -> Tensor:
    """What a filter answers to a patch in [0, 1], before its bias."""
    return (w * (patch - 0.5) / 0.25).sum()
