"""The checks of lesson 14 accept the right answer and recognise the usual mistakes by name."""

import math

import pytest
import torch

from camlib import checks, nearest


def best(values, images, more, theirs, k):
    values, images = torch.cat([values, more]), torch.cat([images, theirs])
    order = images.argsort()
    order = order[values[order].argsort(descending=True, stable=True)][:k]
    return values[order], images[order]


def in_order(values, images, more, theirs, k):
    values, order = torch.cat([values, more]).sort(descending=True, stable=True)
    return values[:k], torch.cat([images, theirs])[order[:k]]


def moments(n, mean, var, m, mean2, var2):
    both = (n * mean + m * mean2) / (n + m)
    return both, (n * (var + (mean - both) ** 2) + m * (var2 + (mean2 - both) ** 2)) / (n + m)


def rows(wrong, missed):
    return math.ceil(math.log(missed) / math.log(1 - wrong))


def in_one_cell(codes, queries, centres):
    true = nearest(codes, queries, k=10)[1]
    home, mine = (nearest(centres, x, k=1)[1][:, 0] for x in (codes, queries))
    return (home[true] == mine[:, None]).float().mean()


def test_right_answers() -> None:
    assert checks.joined_best(best)
    assert checks.joined_moments(moments)
    assert checks.rows_to_check(rows)
    verdict = checks.one_cell(0.5, in_one_cell)
    assert verdict, verdict
    assert "of all codes are looked at" in repr(verdict)


@pytest.mark.parametrize(
    ("check", "answer", "said"),
    [
        (checks.joined_best, in_order, "the lower picture comes first, whichever list"),
        (checks.joined_best, lambda *a: best(*a)[0], "should return two tensors"),
        (checks.joined_best, lambda v, i, w, j, k: best(v, i, w, j, 3), "give four values and four pictures"),
        (
            checks.joined_best,
            lambda v, i, w, j, k: (best(v, i, w, j, k)[0], i.repeat(2)[:4]),
            "the pictures are",
        ),
        (checks.joined_moments, lambda n, a, v, m, b, w: ((a + b) / 2, v), "the mean of the means"),
        (
            checks.joined_moments,
            lambda n, a, v, m, b, w: (moments(n, a, v, m, b, w)[0], (n * v + m * w) / (n + m)),
            "within the two shards",
        ),
        (
            checks.joined_moments,
            lambda *g: (moments(*g)[0], moments(*g)[1] * (g[0] + g[3]) / (g[0] + g[3] - 1)),
            "the count less one",
        ),
        (checks.joined_moments, lambda *g: (moments(*g)[0], 1.0), "the variance is"),
        (checks.rows_to_check, lambda p, q: math.floor(math.log(q) / math.log(1 - p)), "rounded down"),
        (checks.rows_to_check, lambda p, q: math.log(q) / math.log(1 - p), "round it up"),
        (checks.rows_to_check, lambda p, q: math.ceil(1 / p), "in more than a third"),
        (checks.rows_to_check, lambda p, q: math.ceil(math.log(1 - q) / math.log(1 - p)), "finding none"),
    ],
)
def test_mistakes_are_named(check, answer, said: str) -> None:
    verdict = check(answer)
    assert not verdict
    assert said in repr(verdict)


def test_the_investigation_names_mistakes() -> None:
    assert "write your prediction down" in repr(checks.one_cell(..., in_one_cell))
    assert "the share that is missed" in repr(checks.one_cell(0.5, lambda *g: 1 - in_one_cell(*g)))
    assert "divide by ten" in repr(checks.one_cell(0.5, lambda *g: 10 * in_one_cell(*g)))
    assert "and should be" in repr(checks.one_cell(0.5, lambda *g: 0.123))
