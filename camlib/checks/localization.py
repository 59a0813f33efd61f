"""Lesson 08: overlap of two boxes, MaxBoxAcc, the top-K localisation error."""

from __future__ import annotations

import torch
from torch import Tensor

from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse

_PAIRS: tuple[tuple[tuple[int, int, int, int], tuple[int, int, int, int]], ...] = (
    ((0, 0, 10, 10), (5, 0, 15, 10)),
    ((2, 3, 8, 9), (2, 3, 8, 9)),
    ((0, 0, 4, 4), (6, 0, 9, 5)),  # apart across
    ((0, 0, 4, 4), (1, 6, 3, 9)),  # apart down
    ((0, 0, 4, 4), (6, 7, 9, 12)),  # apart both ways: two negative sides have a positive product
    ((1, 1, 9, 5), (3, 2, 5, 4)),  # one inside the other
    ((0, 0, 3, 8), (1, 5, 9, 10)),
)


@check
def box_overlap(f: Learners) -> str:
    """f(a, b): two boxes (x0, y0, x1, y1), half open, to their intersection over union."""
    name = getattr(f, "__name__", "your function")
    got = torch.tensor([demand_number(ask(f, a, b), f"{name}({a}, {b})") for a, b in _PAIRS])
    x, y = (torch.tensor(boxes).double().T for boxes in zip(*_PAIRS, strict=True))
    first, second, both = _areas(x, y)
    wider, narrower = torch.maximum(first, second), torch.minimum(first, second)
    _, _, crossed = _areas(x, y, least=(-torch.inf, -torch.inf))
    _, _, low = _areas(x, y, least=(0, -torch.inf))
    _, _, thin = _areas(x, y, least=(-torch.inf, 0))
    one, two, more = _areas(x, y, plus=1)
    refuse(
        got,
        {
            "boxes are half open: a side is x1 - x0, without + 1": more / (one + two - more),
            "where the boxes do not meet, a side of the intersection is negative: take 0 instead": crossed
            / (first + second - crossed),
            "where the boxes are apart in y, the height is negative: take 0, as for the width": (
                low / (first + second - low)
            ),
            "where the boxes are apart in x, the width is negative: take 0, as for the height": (
                thin / (first + second - thin)
            ),
            "it is the intersection alone: divide by the union": both,
            "the union counts the intersection twice: area + area - intersection": both / (first + second),
            "this is Dice, 2 · intersection / (area + area): divide by the union": 2
            * both
            / (first + second),
            "divide by the union, not by the smaller box": both / narrower,
            "divide by the union, not by the larger box": both / wider,
            "divide by the union, not by the first box": both / first,
        },
    )
    want = both / (first + second - both)
    for (a, b), is_, should in zip(_PAIRS, got.tolist(), want.tolist(), strict=True):
        if abs(is_ - should) > 1e-4:
            raise Wrong(f"{name}({a}, {b}) gave {is_:.4g}, and should be {should:.4g}")
    return "right, also for boxes that do not meet, in one direction or in both"


@check
def best_threshold(f: Learners) -> str:
    """f(ious): (N, T), each picture's IoU at each threshold, to MaxBoxAcc."""
    ious = 0.9 * torch.rand(30, 7, generator=torch.Generator().manual_seed(6))
    ious[:20, 3], ious[20:24, 3], ious[24, 3] = 0.5, 0.9, 0.3  # exactly half is right
    ious[25:] = 0.49  # right at no threshold, and yet the fourth one's mean is above one half
    right = (ious >= 0.5).float()
    got = ask(f, ious)
    refuse(
        got,
        {
            "each picture has its own best threshold here; it is one for all: mean over pictures first": (
                right.amax(1).mean()
            ),
            "an IoU of exactly one half is right, too: >=": (ious > 0.5).float().mean(0).amax(),
            "it is the highest mean IoU; a box is right or wrong, at one half": ious.mean(0).amax(),
            "the mean IoU is compared with one half; ask each box first, then take the mean over pictures": (
                (ious.mean(0) >= 0.5).float().amax()
            ),
            "it is the mean over the thresholds; the best one counts": right.mean(),
            "it is the number of the threshold; return the share that it reaches": right.mean(0).argmax(),
            "it counts pictures; divide by how many there are": right.sum(0).amax(),
            "these are the shares for each threshold; take the best": right.mean(0),
        },
    )
    demand(got, right.mean(0).amax(), "MaxBoxAcc")
    return "right: one threshold for all pictures, the one that serves them best"


@check
def top_error(f: Learners) -> str:
    """f(named, ious): bool (N, K), the answer's class is right; (N, K), its box's IoU; to the top-K error."""
    random = torch.Generator().manual_seed(9)
    named = torch.zeros(40, 5, dtype=torch.bool)
    named[range(34), torch.randint(5, (34,), generator=random)] = True  # in six pictures no class is right
    ious = torch.rand(40, 5, generator=random)
    ious[named & (ious > 0.8)] = 0.5
    ious[[0, 38, 39]] /= 2  # and in two of the six no box is right, either
    got, placed = ask(f, named, ious), ious >= 0.5
    both = named & placed
    refuse(
        got,
        {
            "name and place must be right in the same answer: & first, then any": 1
            - (named.any(1) & placed.any(1)).float().mean(),
            "it is the share of right pictures; the error is the rest": both.any(1).float().mean(),
            "an IoU of exactly one half is right, too: >=": 1 - (named & (ious > 0.5)).any(1).float().mean(),
            "it asks for the place alone; the name must be right, too": 1 - placed.any(1).float().mean(),
            "this is the classification error: the place must be right, too": 1 - named.any(1).float().mean(),
            "this is the top-1 error; any of the K answers may be right": 1 - both[:, 0].float().mean(),
            "it takes the answer with the best box; any of the K answers may be right": (
                1 - both.gather(1, ious.argmax(1, keepdim=True)).float().mean()
            ),
            "every answer is counted; a picture is right when one of its answers is": 1 - both.float().mean(),
            "all K answers must be right here; one of them is enough": 1 - both.all(1).float().mean(),
            "a right name or a right place is enough here; both are wanted: &": (
                1 - (named | placed).any(1).float().mean()
            ),
            "it goes over the pictures, axis 0; the K answers of a picture lie along axis 1": (
                1 - both.any(0).float().mean()
            ),
            "it counts pictures; divide by how many there are": (~both.any(1)).sum(),
            "it is one number for each picture; take the mean": (~both.any(1)).float(),
        },
    )
    demand(got, 1 - both.any(1).float().mean(), "error")
    return "right: the same answer must have both the name and the place"


def _areas(
    a: Tensor, b: Tensor, plus: float = 0, least: tuple[float, float] = (0, 0)
) -> tuple[Tensor, Tensor, Tensor]:
    """Areas of boxes (4, P), of others, and of what they share; its sides are no smaller than `least`."""
    across, down = (torch.minimum(a[i + 2], b[i + 2]) - torch.maximum(a[i], b[i]) + plus for i in (0, 1))
    shared = across.clamp_min(least[0]) * down.clamp_min(least[1])
    first, second = ((c[2] - c[0] + plus) * (c[3] - c[1] + plus) for c in (a, b))
    return first, second, shared
