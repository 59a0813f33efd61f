"""Lesson 08: the box of a map, by the paper's rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from scipy import ndimage
from torch import Tensor

from .verdict import Learners, Wrong, ask, check, demand, refuse


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
            "pixels that touch at a corner are connected: structure=torch.ones(3, 3)": all_with(
                corners=False
            ),
            "the background, number 0, is taken for a part; the parts are numbered from 1": all_with(first=0),
        }
        | {
            f"this is the {part}; the largest counts, by its pixels": all_with(score=score)
            for part, score in _PARTS.items()
        }
        | {
            f"the threshold is a share of the maximum, not {other}": all_with(level=level)
            for other, level in _LEVELS.items()
        },
    )
    demand(got, want, "list of boxes")
    return "right: the paper's rule, also for parts that touch at corners, and below zero"


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
    first[9, 4:10] = 0.1  # among the highest fifth of the pixels
    first[5:9, 10] = 0.0  # above a fifth of the way from -3 to 9
    first[4, 4:10] = -1.2  # above the mean
    first[12, 1:17] = 5.5  # 16 pixels, the widest box across, and the most heat
    second = torch.zeros(12, 16)
    for step in range(9):
        second[2 + step, 5 + step] = second[2 + step, 4 + step] = 4.0  # touches at sides
    second[6, 9] = 12.0  # the peak, on the staircase
    second[0, 0] = 10.0  # the highest mean
    third = torch.full((12, 16), -5.0)
    third[range(1, 9), range(3, 11)] = 1.0  # a diagonal of 8, corner by corner
    third[9:11, 1:3] = 3.0  # four, in a block
    fourth = torch.zeros(20, 20)
    fourth[0, :11] = fourth[:11, 0] = 1.0  # an angle: 21 pixels, a box of 121
    fourth[13:18, 12:18] = 1.5  # 30 pixels
    return [(first, 0.2), (first, 0.5), (second, 0.2), (third, 0.3), (fourth, 0.2)]


def _largest(heat: Tensor, part: Tensor) -> float:
    return float(part.sum())


def _around(part: Tensor) -> float:
    """The area of a part's box."""
    return float((part.nonzero().amax(0) - part.nonzero().amin(0) + 1).prod())


# Parts that the largest is mistaken for: what each has most of, from a map (H, W) and a part, bool (H, W).
_PARTS: dict[str, Callable[[Tensor, Tensor], float]] = {
    "part with the highest pixel": lambda heat, part: float(heat[part].max()),
    "part with the most heat": lambda heat, part: float(heat[part].sum()),
    "part with the highest mean": lambda heat, part: float(heat[part].mean()),
    "smallest part": lambda heat, part: -float(part.sum()),
    "first part": lambda heat, part: 0.0,
    "part with the largest box": lambda heat, part: _around(part),
}
# What the threshold's share of the maximum is mistaken for, from a map and the threshold.
_LEVELS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "a fifth of it whatever is given": lambda heat, t: 0.2 * heat.max(),
    "of the way from the lowest value to it": lambda heat, t: heat.min() + t * (heat.max() - heat.min()),
    "a value": lambda heat, t: torch.tensor(t),
    "the map's mean": lambda heat, t: heat.mean(),
    "of the pixels (a quantile)": lambda heat, t: heat.quantile(1 - t),
}


def _box(
    heat: Tensor,
    threshold: float,
    last: int = 1,
    every: bool = False,
    first: int = 1,
    corners: bool = True,
    score: Callable[[Tensor, Tensor], float] = _largest,
    level: Callable[[Tensor, float], Tensor] = lambda heat, t: t * heat.max(),
) -> Tensor:
    labels, count = ndimage.label(
        (heat > level(heat, threshold)).numpy(), torch.ones(3, 3) if corners else None
    )
    parts = [torch.from_numpy(labels == part) for part in range(first, count + 1)]
    chosen = torch.stack(parts).any(0) if every else max(parts, key=lambda part: score(heat, part))
    (y0, x0), (y1, x1) = chosen.nonzero().amin(0), chosen.nonzero().amax(0)
    return torch.stack([x0, y0, x1 + last, y1 + last]).float()
