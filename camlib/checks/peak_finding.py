"""Lesson 10, on maps: a peak finer than its cell, and two peaks by non-maximum suppression."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from .verdict import Learners, Wrong, ask, check, demand, refuse


@check
def refined_peak(f: Learners) -> str:
    """f(map): (h, w) to (x, y) in cells: the top of the parabola through the highest cell and its neighbours.

    offset = (l - r) / (2 (l - 2c + r)) along each axis; none along an axis at whose end the cell is.
    """
    maps = _hills()
    answers = [ask(f, one) for one in maps]
    if not all(_numbers(answer, 2) for answer in answers):
        raise Wrong("a peak is two numbers, (x, y), in cells")
    got, want = _tensor(answers), torch.stack([_top(one) for one in maps])

    def all_with(**options: Any) -> Tensor:
        return torch.stack([_top(one, **options) for one in maps])

    whole = all_with(factor=0.0)
    refuse(
        got,
        {
            "x counts columns and y rows: return (x, y), in this order": want.flip(1),
            "this is the highest cell, in (row, column): swap them, and add the offsets": whole.flip(1),
            "this is the highest cell; add the parabola's offset, along each axis": whole,
            "the peak is rounded: keep the broken part of a cell": want.round(),
            "the offset goes the wrong way: where the right neighbour is higher, x grows": 2 * whole - want,
            "the parabola's top is at half of that: 2 in the denominator": all_with(factor=1.0),
            "the offset is half of what it should be: one 2 in the denominator": all_with(factor=0.25),
            "the denominator is 2 (l - 2c + r): c is in it twice": all_with(once=True),
            "x is refined, y is not: the same along the other axis": torch.stack(
                [want[:, 0], whole[:, 1]], 1
            ),
            "y is refined, x is not: the same along the other axis": torch.stack(
                [whole[:, 0], want[:, 1]], 1
            ),
            "the axes are mixed up: x moves by the cells to the left and right, y by those above and below": (
                whole + (want - whole).flip(1)
            ),
            "at the border an index of -1 reads from the other side: no offset there": all_with(edge="wrap"),
            "at the border a neighbour is missing: no offset there": all_with(edge="repeat"),
            "at a border x may still be refined, or y: leave out only the axis without a neighbour": all_with(
                edge="neither"
            ),
            "half a cell too far: whole numbers are the cells' centres": want + 0.5,
        },
    )
    demand(got, want, "list of peaks")
    return "right: between the cells, and at the border only along it"


@check
def two_peaks(f: Learners) -> str:
    """f(map, radius): (h, w) to [(x, y), (x, y)]: the highest cell, the highest beyond the radius."""
    cases = _twins()
    answers = [ask(f, one, radius) for one, radius in cases]
    if not all(_pairs(answer) for answer in answers):
        raise Wrong("two peaks are two pairs of numbers, [(x, y), (x, y)]")
    got = torch.stack([_tensor(answer) for answer in answers])

    def all_with(**options: Any) -> Tensor:
        return torch.stack([_both(one, radius, **options) for one, radius in cases])

    want = all_with()
    refuse(
        got,
        {
            "x counts columns and y rows: each pair is (x, y)": want.flip(2),
            "the highest comes first": want.flip(1),
            "both are the same cell: cover all cells near the first, then look again": want[:, :1].expand(
                -1, 2, -1
            ),
            "this is the second highest cell, on the same hill: cover all cells within the radius": all_with(
                metric="none"
            ),
            "covered with 0, cells still beat those below 0: cover with -inf": all_with(cover=0.0),
            "a square is covered; the distance is the root of the squares' sum": all_with(metric="square"),
            "a diamond is covered; the distance is the root of the squares' sum": all_with(metric="diamond"),
            "a cell at exactly the radius is not farther than it: cover it, too": all_with(inclusive=False),
            "only the first one's row and column are covered: cover all cells within the radius": all_with(
                metric="cross"
            ),
            "the radius is compared with a squared distance: take the root": all_with(metric="squared"),
        },
    )
    demand(got, want, "list of peaks")
    return "right: the second is on another hill, also where the map is below 0"


def _numbers(answer: Any, count: int) -> bool:
    try:
        return len(answer) == count and all(math.isfinite(float(number)) for number in answer)
    except (TypeError, ValueError, RuntimeError):
        return False


def _pairs(answer: Any) -> bool:
    try:
        return len(answer) == 2 and all(_numbers(pair, 2) for pair in answer)
    except (TypeError, RuntimeError):
        return False


def _tensor(pairs: Any) -> Tensor:
    return torch.tensor([[float(number) for number in pair] for pair in pairs])


def _hills() -> list[Tensor]:
    """Maps (5, 8) with their highest cell inside, at each border, and in a corner."""
    random = torch.Generator().manual_seed(2)
    maps = []
    for row, column in ((2, 5), (1, 2), (3, 6), (0, 3), (4, 4), (2, 0), (1, 7), (4, 7)):
        one = torch.rand(5, 8, generator=random) - 1.0
        for i, j in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if 0 <= i < 5 and 0 <= j < 8:
                one[i, j] = 0.2 + 1.6 * torch.rand((), generator=random)
        one[row, column] = 2.0
        maps.append(one)
    return maps


def _top(one: Tensor, factor: float = 0.5, once: bool = False, edge: str = "none") -> Tensor:
    """(x, y) of the refined peak; with the mistakes."""
    row, column = divmod(int(one.argmax()), one.shape[1])
    ends = [at in (0, side - 1) for at, side in ((column, one.shape[1]), (row, one.shape[0]))]
    place = []
    for line, at, end in ((one[row], column, ends[0]), (one[:, column], row, ends[1])):
        if (end and edge == "none") or (any(ends) and edge == "neither"):
            place.append(float(at))
            continue
        before, after = at - 1, at + 1
        if edge == "repeat":
            before, after = max(before, 0), min(after, len(line) - 1)
        left, centre, right = line[before], line[at], line[after % len(line)]
        bend = left - (1 if once else 2) * centre + right
        place.append(at + factor * float((left - right) / bend))
    return torch.tensor(place)


def _twins() -> list[tuple[Tensor, float]]:
    """Maps with two hills, and what would win by each mistake."""
    first = torch.full((9, 12), 0.1)
    first[2, 3], first[2, 4], first[3, 3], first[3, 4] = 9.0, 8.0, 7.5, 7.0  # one hill
    first[4, 5] = 6.5  # √8 away: inside a radius of 3
    first[5, 5] = 6.0  # √13 away: inside a square of 3
    first[2, 9] = 5.0
    second = torch.full((10, 11), -5.0)  # all below 0
    second[5, 5], second[5, 6] = -1.0, -1.2
    second[5, 8] = -1.5  # exactly at the radius, 3
    second[7, 7] = -1.8  # √8 away: inside
    second[8, 5] = -1.9  # at the radius
    second[1, 9] = -2.0
    third = torch.zeros(12, 9)
    third[10, 2], third[9, 3], third[5, 2] = 4.0, 3.5, 2.5  # the last in its column, farther than the radius
    third[3, 7] = 2.0
    return [(first, 3.0), (second, 3.0), (third, 2.0)]


def _both(
    one: Tensor, radius: float, metric: str = "round", cover: float = -torch.inf, inclusive: bool = True
) -> Tensor:
    """Two peaks (2, 2), (x, y) each; with the mistakes."""
    row, column = divmod(int(one.argmax()), one.shape[1])
    down = (torch.arange(one.shape[0]) - row).abs()[:, None].float()
    across = (torch.arange(one.shape[1]) - column).abs()[None].float()
    away = {
        "round": (down**2 + across**2).sqrt(),
        "square": torch.maximum(down, across),
        "diamond": down + across,
        "squared": down**2 + across**2,
        "cross": torch.minimum(down, across),
        "none": torch.where(down + across == 0, 0.0, torch.inf),
    }[metric]
    limit = 0.0 if metric == "cross" else radius
    near = away <= limit if inclusive else away < limit
    again, other = divmod(int(one.masked_fill(near, cover).argmax()), one.shape[1])
    return torch.tensor([[column, row], [other, again]]).float()
