"""Spreads: what is a score over pictures and what are runs; intervals against SciPy's bootstrap."""

import numpy as np
import pytest
import scipy.stats
import torch

from camlib.scores import Mean, base_rates, difference, spread
from camlib.scores.pointing import Pointing, pointing_game

RIGHT = torch.arange(100) < 60


def test_true_and_false_are_a_share_over_pictures():
    found = spread(RIGHT)
    assert found.value == pytest.approx(0.6)
    assert (found.of, found.points) == ("100 pictures", ())
    theirs = scipy.stats.bootstrap(
        (RIGHT.numpy().astype(float),), np.mean, method="percentile", rng=0
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    narrow = spread(RIGHT, level=0.5)
    assert found.low < narrow.low < narrow.high < found.high
    assert f"{found:.0%}" == "60% [50%, 69%]"
    assert repr(found) == "Spread(0.600 [0.500, 0.690], 100 pictures)"


def test_numbers_are_runs():
    found = spread([0.5, 0.75, 0.7])
    assert (found.value, found.low, found.high) == pytest.approx((0.65, 0.5, 0.75))
    assert found.points == (0.5, 0.75, 0.7)
    assert f"{found:.0%}" == "65% [50%, 75%] in 3 runs"
    assert spread(torch.tensor([2, 4])).value == float(spread([2, 4])) == 3
    assert spread(found) is found


def test_a_score_is_asked_for_its_own_interval():
    score = Pointing(RIGHT, torch.arange(100) % 4)
    found = spread(score)
    assert (found.value, (found.low, found.high)) == (float(score), score.interval())


def test_a_mean_of_what_was_measured_on_each_picture():
    mean = Mean([0.0, 0.5, 1.0, 0.5])
    assert float(mean) == 0.5
    assert len(mean) == 4
    assert mean.resampled(times=7).shape == (7,)
    assert set((4 * mean.resampled()).tolist()) <= {n / 2 for n in range(9)}
    same = Mean(RIGHT)
    assert torch.allclose(same.resampled(seed=3), Pointing(RIGHT).resampled(seed=3))


def test_a_difference_is_of_the_same_pictures():
    other = RIGHT.clone()
    other[:5] = False  # wrong on five more, and right on the very same otherwise
    found = difference(RIGHT, other)
    assert found.value == pytest.approx(0.05)
    assert 0 < found.low < found.high < 0.12
    unpaired = difference(RIGHT, torch.cat((other[50:], other[:50])))
    assert unpaired.low < 0 < unpaired.high
    assert difference(RIGHT, RIGHT).high == 0
    runs = difference([0.5, 0.75], [0.25, 0.25])
    assert (runs.value, runs.points) == (0.375, (0.25, 0.5))


@pytest.mark.parametrize(("n", "said"), [(20, 0.87), (200, 0.94)])
def test_how_often_the_interval_holds_the_true_share(n, said):
    """Of each number of right answers its chance, where the share is truly .9: the docstring's numbers."""
    held = 0.0
    for right in range(n + 1):
        chance = scipy.stats.binom.pmf(right, n, 0.9)
        if chance > 1e-6:
            found = spread(torch.arange(n) < right)
            held += chance * (found.low <= 0.9 <= found.high)
    assert held == pytest.approx(said, abs=0.015)
    assert spread([True] * 5).low == 1


def test_one_picture_says_its_score_and_no_interval():
    one = pointing_game(torch.eye(3)[None], torch.eye(3)[None] > 0, 0)
    assert repr(one) == "Pointing(1.000, 1 picture)"
    assert repr(Mean([0.25, 0.25])) == "Mean(0.250 [0.250, 0.250], 2 pictures)"


def test_base_rates():
    assert base_rates([0, 1, 1, 2], ["ant", "bee", "cat", "dog"]) == {"always bee": 0.5, "guessing": 0.25}
    assert base_rates(torch.tensor([True, True, True, False])) == {"always True": 0.75, "guessing": 0.5}
    assert base_rates([3, 3]) == {"always 3": 1.0, "guessing": 0.5}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: spread(0.5), "one number has no spread; give a score, true or false for each picture"),  # type: ignore[arg-type]
        (lambda: spread([0.5]), "one number has no spread"),
        (lambda: spread([True]), "a score of 1 picture has no spread; give two pictures or more"),
        (lambda: spread(Mean([0.3])), "a score of 1 picture has no spread"),
        (lambda: Mean([0.3]).interval(), "a score of 1 picture has no spread"),
        (lambda: difference(Mean([0.3]), Mean([0.1])), "one picture has no spread; give a score"),
        (lambda: spread([]), r"evidence is a tensor float64 \(0,\); give a score"),
        (lambda: spread("0.5"), "evidence is '0.5'; give a score"),  # type: ignore[arg-type]
        (lambda: spread(torch.rand(2, 3)), r"evidence is a tensor float32 \(2, 3\); give a score"),
        (
            lambda: spread(torch.rand(400)),
            r"400 numbers are not runs: one for each picture is scores.Mean\(…\)",
        ),
        (lambda: spread([0.5, float("nan")]), "of 2 runs, 1 are not finite"),
        (lambda: Mean([0.5, float("inf")]), "1 of 2 values are not finite"),
        (lambda: Mean(torch.rand(2, 2)), r"values have shape \(2, 2\); give one number for each picture"),
        (lambda: difference(RIGHT, RIGHT[:50]), "not of 100 pictures and 50 pictures"),
        (lambda: difference(RIGHT, [0.5, 0.6]), "not of 100 pictures and 2 runs"),
        (lambda: difference(spread(RIGHT), RIGHT), "no longer knows its pictures"),
        (
            lambda: base_rates(torch.tensor([0.5, 0.5])),
            r"labels are torch.float32 of shape \(2,\); give one class",
        ),
        (lambda: base_rates([0, 4], ["a", "b"]), "labels reach from 0 to 4; classes has 2"),
    ],
)
def test_what_is_no_evidence_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_what_was_measured_on_something_else_than_pictures_says_so():
    angles = Mean([2.0, 4.0], each="filter")
    assert spread(angles).of == "2 filters"
    assert repr(angles) == "Mean(3.000 [2.000, 4.000], 2 filters)"
    with pytest.raises(ValueError, match="a score of 1 filter has no spread"):
        Mean([2.0], each="filter").interval()
