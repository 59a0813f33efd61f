"""Lesson 03's checks pass a right answer, whatever its style, and name the typical mistakes."""

import numpy as np
import pytest
import torch

from camlib import checks, load
from camlib.geometry.field import receptive_field


def field(chain):
    size, stride, start = 1, 1, 0
    for kernel, step, padding in chain:
        size += (kernel - 1) * stride
        start += ((kernel - 1) / 2 - padding) * stride
        stride *= step
    return size, stride, start


def cells(maps, k):
    flat = maps.flatten().topk(k).indices
    n, rest = flat // maps[0].numel(), flat % maps[0].numel()
    return torch.stack([n, rest // maps.shape[2], rest % maps.shape[2]], 1)


def by_sorting(maps, k):
    places = [
        (n, i, j) for n in range(maps.shape[0]) for i in range(maps.shape[1]) for j in range(maps.shape[2])
    ]
    return sorted(places, key=lambda place: -maps[place])[:k]


def iou(lit, concept):
    return (lit & concept).sum() / (lit | concept).sum()


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.field_of_chain, field),
        (checks.field_of_chain, lambda chain: torch.tensor(field(chain))),
        (checks.best_cells, cells),
        (checks.best_cells, by_sorting),
        (checks.overlap, iou),
        (checks.overlap, lambda a, b: np.sum(a.numpy() & b.numpy()) / np.sum(a.numpy() | b.numpy())),
    ],
)
def test_right_answers_pass(check, answer):
    verdict = check(answer)
    assert verdict.passed, verdict.message


def test_the_chain_agrees_with_the_library():
    chain = [(11, 4, 5), (3, 2, 1), (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1), (3, 2, 1)]
    known = receptive_field(load("critternet", weights="random"), "pool5")
    assert field(chain) == (known.size[0], known.stride[0], known.start[0]) == (115, 16, 0)


def chained(update):
    """A wrong chain: update(size, stride, start, kernel, step, padding)."""

    def answer(chain):
        at = (1, 1, 0)
        for layer in chain:
            at = update(*at, *layer)
        return at

    return answer


@pytest.mark.parametrize(
    ("update", "says"),
    [
        (lambda n, s, c, k, t, p: (n + k - 1, s * t, c + ((k - 1) / 2 - p) * s), "stride so far"),
        (lambda n, s, c, k, t, p: (n + k * s, s * t, c + ((k - 1) / 2 - p) * s), "adds 2 cells"),
        (lambda n, s, c, k, t, p: (n + (k - 1) * s * t, s * t, c + ((k - 1) / 2 - p) * s * t), "before"),
        (lambda n, s, c, k, t, p: (n + (k - 1) * s, s + t, c + ((k - 1) / 2 - p) * s), "do not add"),
        (lambda n, s, c, k, t, p: (n + (k - 1) * s, s * t, c + (k - 1) / 2 * s), "out of the picture"),
        (lambda n, s, c, k, t, p: (n + (k - 1 + 2 * p) * s, s * t, c + ((k - 1) / 2 - p) * s), "larger"),
        (lambda n, s, c, k, t, p: (n + (k - 1) * s, s * t, c - p * s), "centre of cell 0"),
        (lambda n, s, c, k, t, p: (n + (k - 1) * s, s * t, c + (k - 1) / 2 - p), "start is in pixels"),
        (lambda n, s, c, k, t, p: (n + (k - 1) * s, s * t, 0), "start is not"),
        (lambda n, s, c, k, t, p: (k, t, p), "and should be"),
    ],
)
def test_wrong_chains_are_named(update, says):
    verdict = checks.field_of_chain(chained(update))
    assert not verdict.passed
    assert says in verdict.message


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda maps, k: cells(maps, k).flip(0), "rising"),
        (lambda maps, k: cells(-maps, k), "smallest"),
        (lambda maps, k: cells(maps, k).T, "(3, k)"),
        (lambda maps, k: cells(maps, k)[:, [0, 2, 1]], "swapped"),
        (lambda maps, k: cells(maps, k).flip(1), "reverse"),
        (lambda maps, k: maps.flatten().topk(k).indices, "flat numbers"),
        (lambda maps, k: torch.tensor([(n, i, j) for n, i, j in _one_each(maps)]), "only its best"),
        (lambda maps, k: cells(maps, k).clamp(max=4), "of the values are wrong"),
        (lambda maps, k: cells(maps.relu(), k), "without a positive value"),
        (lambda maps, k: ..., "not done yet"),
    ],
)
def test_wrong_cells_are_named(answer, says):
    verdict = checks.best_cells(answer)
    assert not verdict.passed
    assert says in verdict.message


def _one_each(maps):
    best = [(float(each.max()), n, *divmod(int(each.argmax()), each.shape[1])) for n, each in enumerate(maps)]
    return [place[1:] for place in sorted(best, reverse=True)]


def _mean_iou(lit, concept):
    return torch.stack([iou(a, b) for a, b in zip(lit, concept, strict=True)])


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda a, b: _mean_iou(a, b).mean(), "0 / 0"),
        (lambda a, b: _mean_iou(a, b).nan_to_num().mean(), "mean of each picture's IoU"),
        (lambda a, b: _mean_iou(a, b).nan_to_num(), "one number for each picture"),
        (lambda a, b: _mean_iou(a, b).nanmean(), "where there is one"),
        (lambda a, b: (a & b).sum() / a.sum(), "share of lit pixels"),
        (lambda a, b: (a & b).sum() / b.sum(), "share of the concept"),
        (lambda a, b: (a & b).sum() / (a.sum() + b.sum()), "count twice"),
        (lambda a, b: 2 * (a & b).sum() / (a.sum() + b.sum()), "Dice"),
        (lambda a, b: (a & b).sum(), "divide by those in either"),
        (lambda a, b: (a == b).float().mean(), "agree"),
        (lambda a, b: None, "not done yet"),
    ],
)
def test_wrong_overlaps_are_named(answer, says):
    verdict = checks.overlap(answer)
    assert not verdict.passed
    assert says in verdict.message


def rings():
    y, x = torch.meshgrid(torch.arange(33.0) - 16, torch.arange(33.0) - 16, indexing="ij")
    picture = torch.full((3, 33, 33), 0.5)
    picture[:, x**2 + y**2 < 225] = torch.tensor([0.8, 0.3, 0.2])[:, None]
    for middle in (-4.5, 4.5):
        away = ((x - middle) ** 2 + (y + 2) ** 2).sqrt()
        picture[:, away < 5], picture[:, away < 4], picture[:, away < 2] = 0.1, 0.95, 0.05
    return picture


def test_a_lure_is_measured_and_never_wrong_for_its_prediction():
    verdict = checks.eye_lure(5.0, rings)
    assert verdict.passed, verdict.message
    assert "You predicted 500%" in verdict.message


@pytest.mark.parametrize(
    ("prediction", "lure", "said"),
    [
        (..., rings, "write your prediction down"),
        (0.5, lambda: None, "not done yet"),
        (0.5, lambda: 2 * rings(), "pixels reach from 0.1 to 1.9"),
        (0.5, lambda: torch.rand(3, 65, 65), "33"),
        (0.5, lambda: torch.full((3, 33, 33), 0.5), "draw on"),
    ],
)
def test_what_is_no_lure_is_told(prediction, lure, said):
    verdict = checks.eye_lure(prediction, lure)
    assert not verdict.passed
    assert said in verdict.message
