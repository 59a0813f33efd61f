"""Lesson 04's checks pass a right answer, whatever its style, and name the typical mistakes."""

import re

import numpy as np
import pytest
import torch

from camlib import checks


def by_product(a, b):
    square = a.square().sum(1)[:, None] - 2 * a @ b.T + b.square().sum(1)
    return square.clamp(min=0).sqrt()


def by_numpy(neighbours):
    counts = np.zeros(len(neighbours), int)
    for row in neighbours.tolist():
        counts[row] += 1
    return counts


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.distances, by_product),
        (checks.distances, torch.cdist),
        (checks.distances, lambda a, b: (a[:, None] - b).norm(dim=2)),
        (checks.precision, lambda n, y: (y[n] == y[:, None]).float().mean()),
        (
            checks.precision,
            lambda n, y: sum(int(y[i] == y[j]) for i, r in enumerate(n) for j in r) / n.numel(),
        ),
        (checks.times_found, lambda n: torch.bincount(n.flatten(), minlength=len(n))),
        (checks.times_found, by_numpy),
    ],
)
def test_right_answers_pass(check, answer):
    verdict = check(answer)
    assert verdict.passed, verdict.message


@pytest.mark.parametrize(
    ("check", "answer", "said"),
    [
        (checks.distances, lambda a, b: torch.cdist(a, b).square(), "the root is missing"),
        (checks.distances, lambda a, b: torch.cdist(b, a), r"it is \(M, N\)"),
        (checks.distances, lambda a, b: a[:, None] - b, "sum over it, dim=2"),
        (checks.distances, lambda a, b: torch.cdist(a, b, p=1), "the L1 distance"),
        (checks.distances, lambda a, b: a @ b.T, "dot products"),
        (
            checks.distances,
            lambda a, b: (a.square().sum(1)[:, None] + 2 * a @ b.T + b.square().sum(1)).sqrt(),
            "taken off, not added",
        ),
        (
            checks.distances,
            lambda a, b: (a.square().sum(1)[:, None] - 2 * a @ b.T + b.square().sum(1)).sqrt(),
            "rows that are equal get NaN",
        ),
        (checks.precision, lambda n, y: (y[n] == y[:, None]).float().mean(1), "one number for each picture"),
        (checks.precision, lambda n, y: (y[n] == y[:, None]).sum(), "it counts them"),
        (checks.precision, lambda n, y: (y[n[:, 0]] == y).float().mean(), "only the nearest"),
        (checks.precision, lambda n, y: (y[n] == y[:, None]).any(1).float().mean(), "any"),
        (checks.precision, lambda n, y: (y[n] == y[:, None]).all(1).float().mean(), "all"),
        (checks.precision, lambda n, y: (n == y[:, None]).float().mean(), "look their labels up"),
        (checks.precision, lambda n, y: (y[n] != y[:, None]).float().mean(), "other"),
        (checks.times_found, lambda n: n.flatten().bincount(), "picture 4 is nobody's neighbour"),
        (checks.times_found, lambda n: n[:, 0].bincount(minlength=5), "the nearest only"),
        (checks.times_found, lambda n: torch.full((len(n),), n.shape[1]), "which is always k"),
        (checks.times_found, lambda n: ..., "not done yet"),
    ],
)
def test_mistakes_are_named(check, answer, said):
    verdict = check(answer)
    assert not verdict.passed
    assert re.search(said, verdict.message), verdict.message


@pytest.mark.parametrize(
    ("prediction", "fact", "said"),
    [
        (..., lambda recipe: recipe.scale, "write your prediction down"),
        (0.5, lambda recipe: None, "not done yet"),
        (0.5, lambda recipe: 3, "it is 3 for every scene"),
        (0.5, lambda recipe: recipe.asleep, "the class alone tells"),
        (0.5, lambda recipe: recipe.look % 7, "next to nothing"),
    ],
)
def test_a_fact_that_is_none_is_told(prediction, fact, said):
    verdict = checks.kept_fact(prediction, fact)
    assert not verdict.passed
    assert said in verdict.message


def test_a_fact_that_is_kept_is_measured():
    verdict = checks.kept_fact(0.5, lambda recipe: recipe.scale)
    assert verdict.passed, verdict.message
    assert "You predicted 0.50" in verdict.message
