"""Lesson 10: PCK, and how far a detector agrees with itself when its pictures are mirrored."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from .verdict import Learners, Wrong, ask, check, demand, refuse


@check
def pck(f: Learners) -> str:
    """f(points, truth, size, alpha): (N, 2), (N, K, 2), (N,) to the share within alpha · size."""
    points, truth, size = _found()
    shares = 0.1, 0.2, 0.25
    alpha = torch.tensor(shares)[:, None]
    answers = [ask(f, points, truth, size, share) for share in shares]
    got = torch.stack([torch.as_tensor(one).float() for one in answers]) if _alike(answers) else answers[0]
    gaps = points[:, None] - truth
    apart = gaps.norm(dim=2)
    known, reach = ~apart.isnan(), alpha * size
    near, far = apart.nan_to_num(nan=torch.inf).amin(1), apart.nan_to_num(nan=0.0).amax(1)
    right = near <= reach

    def share(hits: Tensor) -> Tensor:
        mean: Tensor = hits.float().mean(-1)
        return mean

    refuse(
        got,
        {
            "a NaN among the true points spoils the nearest: take it for infinitely far": share(
                apart.amin(1) <= reach
            ),
            "pictures with a hidden point count, too: only that point is left out": share(
                right[:, known.all(1)]
            ),
            "a missing point is no point at (0, 0): it is infinitely far": share(
                (points[:, None] - truth.nan_to_num(nan=0.0)).norm(dim=2).amin(1) <= reach
            ),
            "the nearest true point counts, not the first": share(apart[:, 0] <= reach),
            "the nearest true point counts, not the farthest": share(far <= reach),
            "the nearest true point counts, not the mean of them": share(apart.nanmean(1) <= reach),
            "each picture counts once, by its nearest true point": share(
                (apart <= reach[..., None])[:, known]
            ),
            "each picture counts once; you divide by all true points": share(
                (apart <= reach[..., None]).flatten(1)
            ),
            "at exactly alpha · size a point is within: <=": share(near < reach),
            "alpha is a share of the size: compare with alpha · size": share(near <= alpha),
            "compare with alpha · size, not with the size": share(near <= size).expand(3),
            "each picture has its own size, not their mean": share(near <= alpha * size.mean()),
            "these are squared distances: take the root": share(near**2 <= reach),
            "a distance is the root of the squares' sum; this is |dx| + |dy|": share(
                gaps.abs().sum(2).nan_to_num(nan=torch.inf).amin(1) <= reach
            ),
            "a distance is the root of the squares' sum; this is the larger of |dx| and |dy|": share(
                gaps.abs().amax(2).nan_to_num(nan=torch.inf).amin(1) <= reach
            ),
            "it is the share of misses; PCK is the rest": 1 - share(right),
            "it counts pictures; divide by how many there are": right.sum(1),
            "it is in percent; a share lies between 0 and 1": 100 * share(right),
            "it is one answer for each picture; take the mean": right,
            "these are distances; PCK is the share of those within alpha · size": near.expand(3, -1),
            "this is the mean distance; PCK is the share of those within alpha · size": near.mean().expand(3),
        },
    )
    demand(got, share(right), "PCK")
    return "right: within alpha · size of the nearest true point that is there"


@check
def flip_agreement(f: Learners) -> str:
    """f(locate, images): the mean distance from locate(images) to locate(mirrored images), mirrored back."""
    images = torch.rand(7, 3, 20, 28, generator=torch.Generator().manual_seed(10))
    high, wide = images.shape[2:]
    sizes: list[tuple[int, ...]] = []

    def locate(pictures: Tensor) -> Tensor:
        sizes.append(tuple(pictures.shape))
        return _leaning(pictures)

    got = ask(f, locate, images)
    if any(size != tuple(images.shape) for size in sizes):
        raise Wrong(f"`locate` takes the pictures as they are, {tuple(images.shape)}; it was given {sizes}")
    here, there = _leaning(images), _leaning(images.flip(3))
    below, both = _leaning(images.flip(2)), _leaning(images.flip(2, 3))

    def apart(a: Tensor, b: Tensor) -> Tensor:
        gap: Tensor = (a - b).norm(dim=1)
        return gap

    def back(points: Tensor, last: float = wide - 1.0) -> Tensor:
        return torch.stack([last - points[:, 0], points[:, 1]], 1)

    want = apart(here, back(there))
    refuse(
        got,
        {
            "the points of the mirrored pictures are to be mirrored back: x → W - 1 - x": apart(
                here, there
            ).mean(),
            "pixels are counted from 0: mirrored back, x is W - 1 - x, not W - x": apart(
                here, back(there, wide)
            ).mean(),
            "x → W - 1 - x: W is the pictures' width, their last axis": apart(
                here, back(there, high - 1)
            ).mean(),
            "the pictures themselves are to be mirrored, too: images.flip(-1)": apart(
                here, back(here)
            ).mean(),
            "the pictures are mirrored upside down: their last axis runs from left to right": apart(
                here, back(below)
            ).mean(),
            "both pictures and points are mirrored upside down; the last axis runs from left to right": apart(
                here, torch.stack([below[:, 0], high - 1 - below[:, 1]], 1)
            ).mean(),
            "the pictures are turned by half a turn: flip the last axis alone": apart(
                here, back(both)
            ).mean(),
            "y is mirrored; the pictures' left and right change places, so x is": apart(
                here, torch.stack([there[:, 0], high - 1 - there[:, 1]], 1)
            ).mean(),
            "this is the distance along x alone; y differs, too": (here - back(there))[:, 0].abs().mean(),
            "it is the mean of |dx| and |dy|; a distance is the root of the squares' sum": (
                (here - back(there)).abs().mean()
            ),
            "it is |dx| + |dy|; a distance is the root of the squares' sum": (
                (here - back(there)).abs().sum(1).mean()
            ),
            "it is the mean of squared distances: take the root of each, then the mean": (want**2).mean(),
            "take the root of each picture's squares' sum, then the mean": (want**2).mean().sqrt(),
            "it is the norm of all pictures together; take each one's, dim=1, then the mean": (
                (here - back(there)).norm()
            ),
            "it is the length of the mean difference; take the mean of the lengths": (
                (here - back(there)).mean(0).norm()
            ),
            "it is one distance for each picture; take the mean": want,
            "it is the sum; take the mean": want.sum(),
            "it is 0: the same answer is compared with itself": torch.zeros(()),
        },
    )
    demand(got, want.mean(), "mean distance")
    return "right: 0 would be a detector that mirrors with the picture"


def _alike(answers: list[Any]) -> bool:
    """Whether all are tensors or numbers, of one shape."""
    try:
        return len({torch.as_tensor(answer).shape for answer in answers}) == 1
    except (TypeError, ValueError, RuntimeError):
        return False


def _found() -> tuple[Tensor, Tensor, Tensor]:
    """Points, true ones of which some are hidden, and sizes."""
    random = torch.Generator().manual_seed(7)
    size = 10.0 + 40 * torch.rand(60, generator=random)
    truth = 20 + 60 * torch.rand(60, 2, 2, generator=random)
    nearest = torch.arange(60) % 2
    away = 0.4 * size * torch.rand(60, generator=random)
    turn = 2 * math.pi * torch.rand(60, generator=random)
    points = truth[range(60), nearest] + torch.stack([away * turn.cos(), away * turn.sin()], 1)
    truth[:18, 1] = torch.where(nearest[:18, None] == 0, torch.nan, truth[:18, 1])
    size[40:44] = 16.0
    points[40:44] = truth[range(40, 44), nearest[40:44]].round()
    truth[range(40, 44), nearest[40:44]] = points[40:44]
    points[40:44, 0] += 4.0  # exactly a quarter of the size, the largest alpha
    points[50], size[50] = torch.tensor([2.0, 3.0]), 45.0  # close to (0, 0)
    truth[50, 1] = torch.nan
    return points, truth, size


def _leaning(pictures: Tensor) -> Tensor:
    """A detector (N, 3, H, W) → (N, 2) that does not mirror with its pictures: it leans."""
    grey = pictures.mean(1)
    share = (60 * grey).flatten(1).softmax(1).view_as(grey)
    x = (share.sum(1) * torch.arange(grey.shape[2])).sum(1)
    y = (share.sum(2) * torch.arange(grey.shape[1])).sum(1)
    right, down = grey.mean((1, 2)) - 0.5, grey[:, :, :5].mean((1, 2)) - 0.5
    return torch.stack([x + 300 * right, y + 40 * down], 1)
