"""Lesson 02's checks pass a right answer, whatever its style, and name the typical mistakes."""

import pytest
import torch
from torch.nn.functional import conv2d, pad

from camlib import checks


def lit(maps):
    return (maps.amax((2, 3)) > 0).float().mean(0)


def peak(heights, field):
    row, column = divmod(int(heights.argmax()), heights.shape[1])
    return field.start[1] + field.stride[1] * column, field.start[0] + field.stride[0] * row


def centred_cosine(before, after):
    middle = before.mean(0)
    return torch.cosine_similarity((before - middle).flatten(1), (after - middle).flatten(1))


def feeders(maps, weight, i, j):
    return conv2d(maps[:, None], weight[:, None], padding=1)[range(4), range(4), i, j]


def by_loops(maps, weight, i, j):
    height, width = maps.shape[1:]
    sums = torch.zeros(len(maps))
    for u in range(3):
        for v in range(3):
            if 0 <= i + u - 1 < height and 0 <= j + v - 1 < width:
                sums += maps[:, i + u - 1, j + v - 1] * weight[:, u, v]
    return sums


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.lit, lit),
        (
            checks.lit,
            lambda maps: [float((maps[:, u] > 0).flatten(1).any(1).float().mean()) for u in range(5)],
        ),
        (checks.peak, peak),
        (checks.peak, lambda m, f: f.centre(*divmod(int(m.argmax()), f.shape[1]))),
        (checks.centred_cosine, centred_cosine),
        (checks.feeders, by_loops),
        (checks.feeders, lambda m, w, i, j: (pad(m, [1] * 4)[:, i : i + 3, j : j + 3] * w).sum((1, 2))),
    ],
)
def test_right_answers_pass(check, answer):
    assert check(answer).passed, check(answer)


@pytest.mark.parametrize(
    ("check", "wrong", "why"),
    [
        (checks.lit, lambda m: (m > 0).float().mean((0, 2, 3)), "share of lit cells"),
        (checks.lit, lambda m: 1 - lit(m), "share of dark pictures"),
        (checks.lit, lambda m: lit(m) * len(m), "divide by how many"),
        (checks.lit, lambda m: (m.amax((2, 3)) >= 0).float().mean(0), "0 counts as lit"),
        (checks.lit, lambda m: (m.amin((2, 3)) > 0).float().mean(0), "one is enough"),
        (checks.lit, lambda m: (m.amax((2, 3)) > 0).float().mean(1), "share of units"),
        (checks.lit, lambda m: (m.mean((2, 3)) > 0).float().mean(0)[:3], "wrong shape"),
        (checks.lit, lambda m: (m > 0).any(3).any(2).any(0), "lit in any picture at all"),
        (checks.lit, lambda m: (m > 0).any(3).any(2).all(0), "lit in every picture"),
        (checks.lit, lambda m: (m > 0).any(3).any(2).sum(0) // len(m), "lit in every picture"),
        (checks.lit, lambda m: m.mean((0, 2, 3)), "a mean of the activations"),
        (checks.lit, lambda m: m.amax((2, 3)).mean(0), "the mean of the peaks"),
        (checks.peak, lambda m, f: peak(m, f)[::-1], "x and y are swapped"),
        (checks.peak, lambda m, f: f.centre(*divmod(int(m.argmax()), 9)), "by the map's width, not by its"),
        (
            checks.peak,
            lambda m, f: f.centre(*divmod(int(m.argmax()), 12)[::-1]),
            "row and column are swapped",
        ),
        (checks.peak, lambda m, f: f.centre(*divmod(int(m.argmin()), 12)), "the darkest cell"),
        (checks.peak, lambda m, f: f.centre(2.5, 5.5), "not half a stride further"),
        (checks.peak, lambda m, f: f.centre(3, 6), "cells count from 0"),
        (checks.peak, lambda m, f: (7 + 41 * 5, 3 + 31 * 2), "size is how far"),
        (checks.peak, lambda m, f: ((7 + 5) * 10, (3 + 2) * 8), "add the start after that"),
        (checks.peak, lambda m, f: (50.0, 1.0), "the worst is at"),
        (checks.peak, lambda m, f: divmod(int(m.argmax()), 12), "the cell as (row, column)"),
        (checks.peak, lambda m, f: divmod(int(m.argmax()), 12)[::-1], "the cell, not a pixel"),
        (checks.peak, lambda m, f: int(m.argmax()), "the cell's flat number"),
        (
            checks.peak,
            lambda m, f: tuple(p - s for p, s in zip(peak(m, f), (7, 3), strict=True)),
            "field's start",
        ),
        (checks.peak, lambda m, f: (5.5 * 128 / 12, 2.5 * 96 / 9), "stretched over the picture"),
        (checks.peak, lambda m, f: (3 + 8 * 5, 7 + 10 * 2), "x takes the second"),
        (checks.peak, lambda m, f: (57.0, 19.0), "peak in the first column"),
        (
            checks.centred_cosine,
            lambda a, b: torch.cosine_similarity(a.flatten(1), b.flatten(1)),
            "any two pictures",
        ),
        (checks.centred_cosine, lambda a, b: centred_cosine(a, b).mean(), "one for each, shape (6,)"),
        (checks.centred_cosine, lambda a, b: centred_cosine(a, b).mean().item(), "one for each, shape (6,)"),
        (checks.centred_cosine, lambda a, b: [0.5] * 4, "the wrong shape"),
        (
            checks.centred_cosine,
            lambda a, b: torch.cosine_similarity((a - a.mean(0)).flatten(1), (b - b.mean(0)).flatten(1)),
            "two means are taken off",
        ),
        (
            checks.centred_cosine,
            lambda a, b: torch.cosine_similarity((a - a.mean()).flatten(1), (b - a.mean()).flatten(1)),
            "each place and unit has its own",
        ),
        (
            checks.centred_cosine,
            lambda a, b: torch.cosine_similarity((a - b.mean(0)).flatten(1), (b - b.mean(0)).flatten(1)),
            "`after`'s mean",
        ),
        (
            checks.centred_cosine,
            lambda a, b: torch.cosine_similarity((a - a.mean(0)).flatten(1), b.flatten(1)),
            "off `before` alone",
        ),
        (
            checks.centred_cosine,
            lambda a, b: torch.cosine_similarity(a.flatten(1), (b - a.mean(0)).flatten(1)),
            "off `after` alone",
        ),
        (
            checks.centred_cosine,
            lambda a, b: torch.cosine_similarity(
                (a - a.mean((0, 2, 3))[:, None, None]).flatten(1),
                (b - a.mean((0, 2, 3))[:, None, None]).flatten(1),
            ),
            "each place of its map has its own",
        ),
        (checks.centred_cosine, lambda a, b: 1 - centred_cosine(a, b), "a distance"),
        (checks.centred_cosine, lambda a, b: centred_cosine(a, b).arccos(), "this is the angle"),
        (checks.feeders, lambda m, w, i, j: by_loops(m, w.mT, i, j), "the weights are transposed"),
        (checks.feeders, lambda m, w, i, j: by_loops(m, torch.ones_like(w), i, j), "without the weights"),
        (checks.feeders, lambda m, w, i, j: by_loops(m, w, i - 1, j - 1), "shifted twice"),
        (checks.feeders, lambda m, w, i, j: (m[:, i : i + 3, j : j + 3] * w).sum((1, 2)), "around it"),
        (checks.feeders, lambda m, w, i, j: feeders(m, w, i, j).sum(), "one number for each"),
        (checks.feeders, lambda m, w, i, j: m[:, i, j] * w[:, 1, 1], "only the cell itself"),
        (checks.feeders, lambda m, w, i, j: by_loops(m, w.flip(1, 2), i, j), "half a turn"),
        (checks.feeders, lambda m, w, i, j: by_loops(m, w, i, j) / 9, "mean of the products"),
        (
            checks.feeders,
            lambda m, w, i, j: (m[:, i - 1 : i + 2, j - 1 : j + 2] * w).sum((1, 2)),
            "stopped",
        ),
        (
            checks.feeders,
            lambda m, w, i, j: by_loops(m, w, min(max(i, 1), 4), min(max(j, 1), 6)),
            "in the list of contributions at the map's corner (0, 7), where zeros are padded",
        ),
    ],
)
def test_mistakes_are_named(check, wrong, why):
    verdict = check(wrong)
    assert not verdict.passed
    assert why in verdict.message, verdict.message
