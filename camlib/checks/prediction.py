"""Investigations: the learner predicts a number, then measures it; the truth grades the measurement.

A wrong prediction is no mistake, and never fails: the verdict says how far off it was. It is asked for first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from .verdict import Learners, Verdict, Wrong, ask, demand_number, demand_usual_torch

Truth = tuple[float, str]  # the true value, and what there is to say of it


def investigation(
    test: Callable[[Any], Truth], *, form: str = ".0%", near: float = 0.05, most: float = 1
) -> Callable[[Any, Any], Verdict]:
    """Make a check `f(prediction, answer)` of a test that returns the truth, or raises `Wrong`.

    form: how numbers are told; a percentage without a sign, as in .0%, is a share, and never below 0.
    near: how close a prediction is called good.
    most: beyond it, on either side, a prediction is asked for again: it may be meant in percent.
    """

    @functools.wraps(test)
    def verdict(prediction: Any, answer: Any) -> Verdict:
        try:
            demand_usual_torch()
            if prediction is ... or prediction is None:
                raise Wrong("not done yet: write your prediction down before you measure")
            guess = demand_number(prediction, "your prediction")
            if form.endswith("%") and abs(guess) > most:
                raise Wrong(f"your prediction is {guess:g}, which is {guess:.0%}; a share of one half is 0.5")
            if abs(guess) > most:
                raise Wrong(
                    f"your prediction is {guess:g}; what is measured here lies between -{most:g} and {most:g}"
                )
            if guess < 0 and form.endswith("%") and not form.startswith("+"):
                raise Wrong(f"your prediction is {guess:g}; a share is never below 0")
            truth, said = test(answer)
        except Wrong as wrong:
            return Verdict(False, str(wrong))
        close = "well predicted" if abs(guess - truth) <= near else "a surprise worth a thought"
        return Verdict(True, f"measured right: {truth:{form}}. You predicted {guess:{form}}, {close}. {said}")

    return verdict


def _sixes(f: Learners) -> Truth:
    """The example in CONTRIBUTING.md: the share of pairs of dice that show a six at least once."""
    one, two = torch.cartesian_prod(torch.arange(1, 7), torch.arange(1, 7)).T
    share = demand_number(ask(f, one, two), "the share of pairs with a six")
    if abs(share - 1 / 3) < 1e-3:
        raise Wrong("a pair of two sixes was counted twice: it is one pair")
    if abs(share - 11 / 36) > 1e-3:
        raise Wrong(f"of all 36 pairs, {share:.0%} show a six by your count; 11 of them do")
    return 11 / 36, "Two chances of one in six overlap, so they add up to less than a third."


sixes = investigation(_sixes, near=0.02)
