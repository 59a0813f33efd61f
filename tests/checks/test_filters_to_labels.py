"""Lesson 10's checks recognise the usual mistakes."""

import math
from typing import Any

import pytest
import torch

from camlib import checks


def says(check: Any, answer: Any, words: str) -> None:
    verdict = check(answer)
    assert words in repr(verdict), verdict
    assert verdict.passed == words.startswith("✓"), verdict


def parabola(left, centre, right, factor=0.5, middles=2, sign=1):
    return sign * factor * (left - right) / (left - middles * centre + right)


def peak(heat, order="xy", axes="xy", edge="skip", shift=0.0, mixed=False, **options):
    row, column = divmod(int(heat.argmax()), heat.shape[1])
    high, wide = heat.shape
    inside = {"x": 0 < column < wide - 1, "y": 0 < row < high - 1}
    moved = {"x": 0.0, "y": 0.0}
    for axis in axes:
        line, at = (heat[row], column) if axis == "x" else (heat[:, column], row)
        if edge == "neither" and not all(inside.values()):
            continue
        if not inside[axis] and edge in ("skip", "neither"):
            continue
        if edge == "repeat":
            neighbours = line[max(at - 1, 0)], line[min(at + 1, len(line) - 1)]
        else:
            neighbours = line[at - 1], line[(at + 1) % len(line)]
        moved[axis] = float(parabola(neighbours[0], line[at], neighbours[1], **options))
    if mixed:
        moved = {"x": moved["y"], "y": moved["x"]}
    place = {"x": column + moved["x"] + shift, "y": row + moved["y"] + shift}
    return tuple(place[axis] for axis in order)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (peak, "✓ right: between the cells"),
        (lambda heat: torch.tensor(peak(heat)), "✓ right"),
        (lambda heat: peak(heat, order="yx"), "x counts columns and y rows"),
        (lambda heat: peak(heat, axes="", order="yx"), "(row, column): swap them"),
        (lambda heat: peak(heat, axes=""), "add the parabola's offset"),
        (lambda heat: [round(at) for at in peak(heat)], "✗ "),
        (lambda heat: peak(heat, sign=-1), "the offset goes the wrong way"),
        (lambda heat: peak(heat, factor=1.0), "2 in the denominator"),
        (lambda heat: peak(heat, factor=0.25), "the offset is half of what it should be"),
        (lambda heat: peak(heat, middles=1), "c is in it twice"),
        (lambda heat: peak(heat, axes="x"), "y is not"),
        (lambda heat: peak(heat, axes="y"), "x is not"),
        (lambda heat: peak(heat, mixed=True), "the axes are mixed up"),
        (lambda heat: peak(heat, edge="wrap"), "reads from the other side"),
        (lambda heat: peak(heat, edge="repeat"), "at the border a neighbour is missing"),
        (lambda heat: peak(heat, edge="neither"), "leave out only the axis"),
        (lambda heat: peak(heat, shift=0.5), "half a cell too far"),
        (lambda heat: (1.0, 2.0, 3.0), "two numbers"),
        (lambda heat: (math.nan, 2.0), "two numbers"),
        (lambda heat: (1.0, 2.0), "in the list of peaks, "),
        (lambda heat: heat[99], "IndexError"),
        (lambda heat: ..., "not done yet"),
    ],
)
def test_refined_peak(answer, words):
    says(checks.refined_peak, answer, words)


def apart(points, truth):
    return (points[:, None] - truth).norm(dim=2)


def near(points, truth, **_):
    return apart(points, truth).nan_to_num(nan=math.inf).amin(1)


def within(points, truth, size, alpha):
    return near(points, truth) <= alpha * size


def taken(metric):
    """PCK with the distance measured in another way."""

    def answer(p, t, s, a):
        gaps = metric((p[:, None] - t).abs()).nan_to_num(nan=math.inf)
        return (gaps.amin(1) <= a * s).float().mean()

    return answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda *given: within(*given).float().mean(), "✓ right: within alpha"),
        (lambda *given: within(*given).float().mean().item(), "✓ right: within alpha"),
        (lambda p, t, s, a: (apart(p, t).amin(1) <= a * s).float().mean(), "spoils the nearest"),
        (
            lambda p, t, s, a: within(p, t, s, a)[~t.isnan().any(2).any(1)].float().mean(),
            "only that point is left out",
        ),
        (
            lambda p, t, s, a: (apart(p, t.nan_to_num(nan=0)).amin(1) <= a * s).float().mean(),
            "no point at (0, 0)",
        ),
        (lambda p, t, s, a: (apart(p, t)[:, 0] <= a * s).float().mean(), "not the first"),
        (lambda p, t, s, a: (apart(p, t).nan_to_num(nan=0).amax(1) <= a * s).float().mean(), "the farthest"),
        (lambda p, t, s, a: (apart(p, t).nanmean(1) <= a * s).float().mean(), "not the mean of them"),
        (
            lambda p, t, s, a: (apart(p, t) <= (a * s)[:, None])[~t.isnan().any(2)].float().mean(),
            "each picture counts once, by its nearest",
        ),
        (
            lambda p, t, s, a: (apart(p, t) <= (a * s)[:, None]).float().mean(),
            "you divide by all true points",
        ),
        (lambda p, t, s, a: (near(p, t) < a * s).float().mean(), "at exactly alpha"),
        (lambda p, t, s, a: (near(p, t) <= a).float().mean(), "alpha is a share of the size"),
        (lambda p, t, s, a: (near(p, t) <= s).float().mean(), "not with the size"),
        (lambda p, t, s, a: (near(p, t) <= a * s.mean()).float().mean(), "its own size"),
        (lambda p, t, s, a: (near(p, t) ** 2 <= a * s).float().mean(), "squared distances"),
        (taken(lambda gaps: gaps.sum(2)), "this is |dx| + |dy|"),
        (taken(lambda gaps: gaps.amax(2)), "the larger of |dx| and |dy|"),
        (lambda *given: (~within(*given)).float().mean(), "the share of misses"),
        (lambda *given: within(*given).sum(), "it counts pictures"),
        (lambda *given: 100 * within(*given).float().mean(), "in percent"),
        (lambda *given: within(*given), "take the mean"),
        (lambda p, t, s, a: near(p, t), "these are distances"),
        (lambda p, t, s, a: near(p, t).mean(), "the mean distance"),
        (lambda p, t, s, a: 0.123, "PCK"),
        (lambda p, t, s, a: "many", "PCK should hold numbers"),
        (lambda p, t, s, a: None, "not done yet"),
    ],
)
def test_pck(answer, words):
    says(checks.pck, answer, words)


def cells(heat, radius, cover=-math.inf, near=lambda dx, dy, radius: (dx**2 + dy**2) ** 0.5 <= radius):
    high, wide = heat.shape
    row, column = divmod(int(heat.argmax()), wide)
    left = heat.clone()
    for i in range(high):
        for j in range(wide):
            if near(abs(j - column), abs(i - row), radius):
                left[i, j] = cover
    other, second = divmod(int(left.argmax()), wide)
    return [(column, row), (second, other)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (cells, "✓ right: the second is on another hill"),
        (lambda heat, radius: torch.tensor(cells(heat, radius)), "✓ right"),
        (lambda heat, radius: [(y, x) for x, y in cells(heat, radius)], "each pair is (x, y)"),
        (lambda heat, radius: cells(heat, radius)[::-1], "the highest comes first"),
        (lambda heat, radius: cells(heat, radius)[:1] * 2, "both are the same cell"),
        (lambda heat, radius: cells(heat, 0), "the second highest cell, on the same hill"),
        (lambda heat, radius: cells(heat, radius, cover=0.0), "cover with -inf"),
        (
            lambda heat, radius: cells(heat, radius, near=lambda dx, dy, r: max(dx, dy) <= r),
            "a square is covered",
        ),
        (lambda heat, radius: cells(heat, radius, near=lambda dx, dy, r: dx + dy <= r), "a diamond"),
        (
            lambda heat, radius: cells(heat, radius, near=lambda dx, dy, r: (dx**2 + dy**2) < r**2),
            "at exactly the radius",
        ),
        (
            lambda heat, radius: cells(heat, radius, near=lambda dx, dy, r: min(dx, dy) == 0),
            "only the first one's row and column",
        ),
        (
            lambda heat, radius: cells(heat, radius, near=lambda dx, dy, r: dx**2 + dy**2 <= r),
            "compared with a squared distance",
        ),
        (lambda heat, radius: [(1, 2)], "two pairs of numbers"),
        (lambda heat, radius: 7, "two pairs of numbers"),
        (lambda heat, radius: [(1, 2), (3, 4)], "in the list of peaks, "),
        (lambda heat, radius: ..., "not done yet"),
    ],
)
def test_two_peaks(answer, words):
    says(checks.two_peaks, answer, words)


def gap(locate, images, back=lambda x, y, wide, high: (wide - 1 - x, y), dims=(-1,)):
    wide, high = images.shape[-1], images.shape[-2]
    x, y = back(*locate(images.flip(dims) if dims else images).T, wide, high)
    return locate(images) - torch.stack([x, y], 1)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda locate, images: gap(locate, images).norm(dim=1).mean(), "✓ right: 0 would be"),
        (
            lambda locate, images: gap(locate, images, lambda x, y, w, h: (x, y)).norm(dim=1).mean(),
            "are to be mirrored back",
        ),
        (
            lambda locate, images: gap(locate, images, lambda x, y, w, h: (w - x, y)).norm(dim=1).mean(),
            "not W - x",
        ),
        (
            lambda locate, images: gap(locate, images, lambda x, y, w, h: (h - 1 - x, y)).norm(dim=1).mean(),
            "W is the pictures' width",
        ),
        (lambda locate, images: gap(locate, images, dims=()).norm(dim=1).mean(), "images.flip(-1)"),
        (
            lambda locate, images: gap(locate, images, dims=(-2,)).norm(dim=1).mean(),
            "upside down: their last",
        ),
        (
            lambda locate, images: (
                gap(locate, images, lambda x, y, w, h: (x, h - 1 - y), dims=(-2,)).norm(dim=1).mean()
            ),
            "both pictures and points",
        ),
        (lambda locate, images: gap(locate, images, dims=(-1, -2)).norm(dim=1).mean(), "half a turn"),
        (
            lambda locate, images: gap(locate, images, lambda x, y, w, h: (x, h - 1 - y)).norm(dim=1).mean(),
            "y is mirrored",
        ),
        (lambda locate, images: gap(locate, images)[:, 0].abs().mean(), "along x alone"),
        (lambda locate, images: gap(locate, images).abs().mean(), "the mean of |dx| and |dy|"),
        (lambda locate, images: gap(locate, images).abs().sum(1).mean(), "it is |dx| + |dy|"),
        (lambda locate, images: (gap(locate, images) ** 2).sum(1).mean(), "mean of squared distances"),
        (lambda locate, images: (gap(locate, images) ** 2).sum(1).mean().sqrt(), "take the root of each"),
        (lambda locate, images: gap(locate, images).norm(), "the norm of all pictures together"),
        (lambda locate, images: gap(locate, images).mean(0).norm(), "the length of the mean difference"),
        (lambda locate, images: gap(locate, images).norm(dim=1), "take the mean"),
        (lambda locate, images: gap(locate, images).norm(dim=1).sum(), "it is the sum"),
        (lambda locate, images: (locate(images) - locate(images)).norm(dim=1).mean(), "compared with itself"),
        (lambda locate, images: locate(images[0]).mean(), "takes the pictures as they are"),
        (lambda locate, images: 0.123, "the mean distance is 0.123"),
        (lambda locate, images: ..., "not done yet"),
    ],
)
def test_flip_agreement(answer, words):
    says(checks.flip_agreement, answer, words)
