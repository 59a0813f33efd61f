"""Lesson 09's investigation: the right measurement passes, and what is wrong with others is told."""

from typing import Any

import pytest
import torch

from camlib import checks, silence, similarnet
from camlib.scores import pixel_scores


def measured(net: Any, digits: Any, streets: Any, unit: int) -> tuple[float, float]:
    def error() -> float:
        with torch.inference_mode():
            return float((net(digits.images).argmax(1) != digits.labels).float().mean())

    intact = error()
    with silence(net, "conv2", unit):
        added = error() - intact
    return added, pixel_scores(
        similarnet(net, "conv2", streets.grey, torch.eye(16)[unit]), streets.masks
    ).precision


def test_a_naive_loop_measures_the_same_and_the_prediction_never_fails() -> None:
    for prediction in (0.9, -0.9):
        verdict = checks.worth_and_text(prediction, measured)
        assert verdict.passed, verdict
        assert "at lighting text" in verdict.message


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda added, text: (-added, text), "the sign is the paper's"),
        (lambda added, text: (100 * added, text), "percentage points; give a fraction"),
        (lambda added, text: (0.0, text), "nothing was silent"),
        (lambda added, text: (added + 0.5, text), "not by"),
        (lambda added, text: (added, 100 * text), "give a fraction"),
        (lambda added, text: (added, text / 2), "weight 1 for it and 0 for the others, no filter silent, as"),
        (lambda added, text: added, "return two numbers"),
        (lambda added, text: (added, "much"), "should be one number"),
        (lambda added, text: None, "not done yet"),
    ],
)
def test_other_measurements_are_told(change: Any, why: str) -> None:
    verdict = checks.worth_and_text(0.0, lambda *given: change(*measured(*given)))
    assert not verdict.passed
    assert why in verdict.message, verdict


def heat_of(net: Any, streets: Any, unit: int) -> Any:
    return similarnet(net, "conv2", streets.grey, torch.eye(16)[unit])


def in_silence(net: Any, digits: Any, streets: Any, unit: int) -> tuple[float, float]:
    with silence(net, "conv2", unit):
        heat = heat_of(net, streets, unit)
    return measured(net, digits, streets, unit)[0], pixel_scores(heat, streets.masks).precision


def share_of_heat(net: Any, digits: Any, streets: Any, unit: int) -> tuple[float, float]:
    heat = heat_of(net, streets, unit)
    share = (heat * streets.masks).sum() / heat.sum()
    return measured(net, digits, streets, unit)[0], float(share)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (in_silence, "its map is blank; measure the text after"),
        (share_of_heat, "the share of its heat; light"),
    ],
)
def test_text_measured_otherwise_is_told(answer: Any, why: str) -> None:
    verdict = checks.worth_and_text(0.0, answer)
    assert not verdict.passed
    assert why in verdict.message, verdict


def test_an_error_with_the_filter_silent_is_no_difference() -> None:
    def errors(net: Any, digits: Any, streets: Any, unit: int) -> tuple[float, float]:
        with torch.inference_mode(), silence(net, "conv2", unit):
            return (net(digits.images).argmax(1) != digits.labels).float().mean().item(), 0.2

    verdict = checks.worth_and_text(0.0, errors)
    assert "the error itself" in verdict.message, verdict
