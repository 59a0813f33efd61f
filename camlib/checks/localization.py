"""Lesson 08: overlap of two boxes, the box of a map, MaxBoxAcc, the top-K localisation error."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from scipy import ndimage
from torch import Tensor

from ..heatmaps.cam import cam
from ..networks.zoo import load
from ..scenes.scenes import critters
from ..scores.boxes import boxes, iou
from ..scores.spread import Mean, difference
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse

_PAIRS: tuple[tuple[tuple[int, int, int, int], tuple[int, int, int, int]], ...] = (
    ((0, 0, 10, 10), (5, 0, 15, 10)),
    ((2, 3, 8, 9), (2, 3, 8, 9)),
    ((0, 0, 4, 4), (6, 0, 9, 5)),  # apart across
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
    _, _, crossed = _areas(x, y, clamp=False)
    one, two, more = _areas(x, y, plus=1)
    refuse(
        got,
        {
            "boxes are half open: a side is x1 - x0, without + 1": more / (one + two - more),
            "where the boxes do not meet, a side of the intersection is negative: take 0 instead": crossed
            / (first + second - crossed),
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
def box_of_map(f: Learners) -> str:
    """f(heatmap, threshold): (H, W) to [x0, y0, x1, y1] of the largest part above that share of the peak."""
    answers, wants = [], []
    for heat, threshold in _cases():
        got = ask(f, heat, threshold)
        answers.append(torch.as_tensor([float(corner) for corner in got]) if _four(got) else got)
        wants.append(_box(heat, threshold))
    if not all(_four(answer) for answer in answers):
        raise Wrong("a box is four numbers, [x0, y0, x1, y1]")
    got, want = torch.stack(answers), torch.stack(wants)

    def all_with(**options: Any) -> Tensor:
        return torch.stack([_box(heat, threshold, **options) for heat, threshold in _cases()])

    refuse(
        got,
        {
            "boxes are half open: x1 and y1 are one further than the last pixel": all_with(last=0),
            "rows and columns are swapped: x counts columns": want[:, [1, 0, 3, 2]],
            "these are x, y, width and height; give x1 = x0 + width and y1 = y0 + height": torch.cat(
                [want[:, :2], want[:, 2:] - want[:, :2]], 1
            ),
            "the box holds all parts; only the largest counts": all_with(every=True),
            "this is the part with the highest pixel; the largest counts, by its pixels": all_with(peak=True),
            "this is the first part; the largest counts": all_with(first=True),
            "the threshold is a share of the maximum, not of the way from the lowest value to it": all_with(
                stretched=True
            ),
            "the threshold is a share of the maximum, not a value": all_with(absolute=True),
            "pixels that touch at a corner are connected: structure=torch.ones(3, 3)": all_with(
                corners=False
            ),
            "it is the part with the largest box; the largest counts, by its pixels": all_with(wide=True),
        },
    )
    demand(got, want, "list of boxes")
    return "right: the paper's rule, also for parts that touch at corners, and below zero"


@check
def best_threshold(f: Learners) -> str:
    """f(ious): (N, T), each picture's IoU at each threshold, to MaxBoxAcc."""
    ious = 0.9 * torch.rand(30, 7, generator=torch.Generator().manual_seed(6))
    ious[:20, 3] = 0.5  # exactly half is right
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
    random = torch.Generator().manual_seed(3)
    named = torch.zeros(40, 5, dtype=torch.bool)
    named[range(34), torch.randint(5, (34,), generator=random)] = True  # in six pictures no class is right
    ious = torch.rand(40, 5, generator=random)
    ious[named & (ious > 0.8)] = 0.5
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
            "every answer is counted; a picture is right when one of its answers is": 1 - both.float().mean(),
            "it counts pictures; divide by how many there are": (~both.any(1)).sum(),
            "it is one number for each picture; take the mean": (~both.any(1)).float(),
        },
    )
    demand(got, 1 - both.any(1).float().mean(), "error")
    return "right: the same answer must have both the name and the place"


def _areas(a: Tensor, b: Tensor, plus: float = 0, clamp: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """Areas of boxes (4, P), of the others, and of what they share."""
    across, down = (torch.minimum(a[i + 2], b[i + 2]) - torch.maximum(a[i], b[i]) + plus for i in (0, 1))
    shared = across.clamp_min(0) * down.clamp_min(0) if clamp else across * down
    first, second = ((c[2] - c[0] + plus) * (c[3] - c[1] + plus) for c in (a, b))
    return first, second, shared


def _four(box: Any) -> bool:
    try:
        return len(box) == 4 and all(math.isfinite(float(corner)) for corner in box)
    except (TypeError, ValueError, RuntimeError):
        return False


def _cases() -> list[tuple[Tensor, float]]:
    """Maps with a strong small part, a long thin one, a solid one, and a staircase of corners."""
    first = torch.full((14, 18), -3.0)
    first[1, 2] = 9.0  # the peak, and the first
    first[5:9, 4:10] = 3.0  # 24 pixels
    first[5:9, 3] = 1.0  # above .2, below a fifth of the maximum
    first[5:9, 10] = 0.0  # above a fifth of the way from -3 to 9
    first[12, 1:17] = 2.5  # 16 pixels, the widest box across
    second = torch.zeros(12, 16)
    for step in range(9):
        second[2 + step, 5 + step] = second[2 + step, 4 + step] = 4.0  # touches at sides
    second[0, 0] = 10.0
    third = torch.full((12, 16), -5.0)
    third[range(1, 9), range(3, 11)] = 1.0  # a diagonal of 8, corner by corner
    third[9:11, 1:3] = 2.0  # four, in a block
    fourth = torch.zeros(20, 20)
    fourth[0, :11] = fourth[:11, 0] = 1.0  # an angle: 21 pixels, a box of 121
    fourth[13:18, 12:18] = 1.0  # 30 pixels
    return [(first, 0.2), (second, 0.2), (third, 0.3), (fourth, 0.2)]


def _box(
    heat: Tensor,
    threshold: float,
    last: int = 1,
    every: bool = False,
    peak: bool = False,
    first: bool = False,
    wide: bool = False,
    stretched: bool = False,
    absolute: bool = False,
    corners: bool = True,
) -> Tensor:
    low = heat.min() if stretched else torch.tensor(0.0)
    cut = torch.tensor(threshold) if absolute else low + threshold * (heat.max() - low)
    lit = (heat > cut).numpy()
    labels, count = ndimage.label(lit, torch.ones(3, 3) if corners else None)
    parts = [torch.from_numpy(labels == 1 + part).nonzero() for part in range(count)]

    def box(part: Tensor) -> Tensor:
        (y0, x0), (y1, x1) = part.amin(0), part.amax(0)
        return torch.stack([x0, y0, x1 + last, y1 + last]).float()

    if every:
        return box(torch.cat(parts))
    if first:
        return box(parts[0])
    if peak:
        return box(max(parts, key=lambda part: float(heat[part[:, 0], part[:, 1]].max())))
    if wide:
        return max((box(part) for part in parts), key=lambda b: float((b[2:] - b[:2]).prod()))
    return box(max(parts, key=len))


@functools.cache  # a learner tries many rules
def _fresh() -> tuple[Tensor, Tensor]:
    """The maps of 150 scenes' true classes, and their true boxes."""
    scenes = critters(150, seed=818)
    return cam(load("critternet_gap"), scenes.images, scenes.labels).cpu(), scenes.boxes


def _better_box(f: Learners) -> Truth:
    """f(heatmap): a map (H, W) to (x0, y0, x1, y1), half open; it has to beat a fifth of the maximum."""
    heatmaps, truth = _fresh()
    found = torch.full_like(truth, torch.nan)
    for n, heatmap in enumerate(heatmaps):
        got = ask(f, heatmap.clone(), call="my_box(heatmap)")
        try:
            corners = [float(edge) for edge in got]
        except (TypeError, ValueError, RuntimeError):
            raise Wrong(
                f"my_box(heatmap) should be four numbers, but is of type {type(got).__name__}"
            ) from None
        if len(corners) != 4 or not all(math.isfinite(edge) for edge in corners):
            raise Wrong(f"my_box(heatmap) should be four finite numbers, [x0, y0, x1, y1]; it is {corners}")
        x0, y0, x1, y1 = corners
        if x1 <= x0 or y1 <= y0:
            raise Wrong(f"the box {corners} has no area: x0 < x1 and y0 < y1 are wanted, in this order")
        found[n] = torch.tensor(corners)
    mine, fifth = (Mean((iou(guess, truth) >= 0.5).float()) for guess in (found, boxes(heatmaps)))
    gain = difference(mine, fifth)
    told = f"a fifth of the maximum {float(fifth):.0%}; the difference, with its 95% interval: {gain:+.0%}."
    if gain.low <= 0:
        raise Wrong(f"your boxes are right in {float(mine):.0%} of 150 fresh scenes, {told} No gain is shown")
    return float(mine), f"With {told}"


better_box = investigation(_better_box)
