"""Investigations: the measurement is graded, the prediction is answered and never fails."""

import pytest

from camlib import checks


def right(one, two):
    return ((one == 6) | (two == 6)).float().mean()


@pytest.mark.parametrize(
    ("prediction", "answer", "said"),
    [
        (..., right, "✗ not done yet: write your prediction down before you measure"),
        (None, right, "✗ not done yet: write your prediction"),
        ("a third", right, "✗ your prediction should be one number, but is of type str"),
        (0.3, lambda one, two: ..., "✗ not done yet: <lambda>(…, …) returned ..."),
        (0.3, lambda one, two: (one == 6).float().mean() * 2, "✗ a pair of two sixes was counted twice"),
        (0.3, lambda one, two: 0.5, "✗ of all 36 pairs, 50% show a six by your count; 11 of them do"),
        (0.3, right, "✓ measured right: 31%. You predicted 30%, well predicted. Two chances"),
        (30, right, "✗ your prediction is 30, which is 3000%; a share of one half is 0.5"),
        (-0.5, right, "✗ your prediction is -0.5; a share is never below 0"),
        (1, right, "✓ measured right: 31%. You predicted 100%, a surprise worth a thought."),
    ],
)
def test_an_investigation(prediction, answer, said):
    assert repr(checks.sixes(prediction, answer)).startswith(said)


def test_a_prediction_that_cannot_be_is_asked_for_again():
    """An R² of 50 is meant in percent; before anything is measured."""
    verdict = checks.kept_fact(50, lambda recipe: recipe.scale)
    assert repr(verdict) == "✗ your prediction is 50; what is measured here lies between -1 and 1"
