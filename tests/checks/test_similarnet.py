"""The checks of lesson 09 accept the right answer and recognise the usual mistakes by name."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from camlib import checks


def by_entropy(weights: Any) -> Any:
    return torch.special.entr(weights).sum().exp()


def in_closed_form(logits: Any, maps: Any, weight: Any) -> Any:
    return logits[:, None] - maps.mean((2, 3))[:, :, None] * weight.T


def highest(heat: Any, mask: Any) -> Any:
    return mask.flatten()[heat.flatten().argsort(descending=True)[: mask.sum()]]


RIGHT: dict[str, Callable[..., Any]] = {
    "paper_weights": lambda errors, error: (error - errors).softmax(0),
    "effective": by_entropy,
    "closed_form": in_closed_form,
    "matched_precision": lambda heat, mask: highest(heat, mask).float().mean(),
}

MISTAKES: list[tuple[str, Callable[..., Any], str]] = [
    ("paper_weights", lambda errors, error: None, "not done yet"),
    ("paper_weights", lambda errors, error: (errors - error).softmax(0), "released code's"),
    ("paper_weights", lambda errors, error: error - errors, "softmax is missing"),
    ("paper_weights", lambda errors, error: errors - error, "turn the sign"),
    ("paper_weights", lambda errors, error: (error - errors).exp(), "divide by their sum"),
    (
        "paper_weights",
        lambda errors, error: (error - errors).exp() / (error - errors).softmax(0).exp().sum(),
        "slip",
    ),
    ("paper_weights", lambda errors, error: (error - errors) / (error - errors).sum(), "by their sum; take"),
    ("paper_weights", lambda errors, error: (100 * (error - errors)).softmax(0), "of percent"),
    ("paper_weights", lambda errors, error: (error - errors).log_softmax(0), "logarithms"),
    ("paper_weights", lambda errors, error: (0.2 - errors[:5]).softmax(0), "sixteen equal errors"),
    ("paper_weights", lambda errors, error: (error - errors).abs().softmax(0), "lost their sign"),
    ("paper_weights", lambda errors, error: (error - errors).relu().softmax(0), "cut off"),
    ("effective", lambda weights: (-(weights * weights.log()).sum()).exp(), "a weight of 0"),
    ("effective", lambda weights: 2 ** torch.special.entr(weights).sum(), "take exp"),
    ("effective", lambda weights: torch.special.entr(weights).exp().sum(), "add up first"),
    ("effective", lambda weights: torch.special.entr(weights).sum(), "the entropy itself"),
    ("effective", lambda weights: (-torch.special.entr(weights).sum()).exp(), "turned"),
    (
        "effective",
        lambda weights: (torch.special.entr(weights).sum() / torch.tensor(2.0).log()).exp(),
        "base 2",
    ),
    ("effective", lambda weights: len(weights), "counts all weights"),
    ("effective", lambda weights: 1 / weights.square().sum(), "another count"),
    ("effective", lambda weights: 16 * weights.max(), "should be"),
    ("closed_form", lambda logits, maps, weight: in_closed_form(logits, maps, weight).mT, "(N, U, C)"),
    (
        "closed_form",
        lambda logits, maps, weight: logits[:, None] - maps.sum((2, 3))[:, :, None] * weight.T,
        "takes their mean",
    ),
    ("closed_form", lambda logits, maps, weight: maps.mean((2, 3))[:, :, None] * weight.T, "off the logits"),
    (
        "closed_form",
        lambda logits, maps, weight: logits[:, None] + maps.mean((2, 3))[:, :, None] * weight.T,
        "takes them away",
    ),
    (
        "closed_form",
        lambda logits, maps, weight: (
            in_closed_form(logits, maps, weight) - (logits - maps.mean((2, 3)) @ weight.T)[:, None]
        ),
        "bias is gone",
    ),
    (
        "closed_form",
        lambda logits, maps, weight: (
            maps.mean((2, 3))[:, :, None] * weight.T + (logits - maps.mean((2, 3)) @ weight.T)[:, None]
        ),
        "only the unit is left",
    ),
    (
        "closed_form",
        lambda logits, maps, weight: logits[:, None] - maps.amax((2, 3))[:, :, None] * weight.T,
        "highest cell",
    ),
    (
        "closed_form",
        lambda logits, maps, weight: logits[:, None] - (maps.mean((2, 3))[:, :, None] * weight.T).mean(0),
        "each has its own",
    ),
    ("closed_form", lambda logits, maps, weight: logits[:, None] - maps.mean() * weight.T, "share one mean"),
    ("closed_form", lambda logits, maps, weight: logits[:, None] - weight.T, "the weight alone"),
    (
        "closed_form",
        lambda logits, maps, weight: in_closed_form(logits, maps, weight).softmax(-1),
        "probabilities",
    ),
    ("matched_precision", lambda heat, mask: highest(heat, mask).mean(), "dtype"),
    ("matched_precision", lambda heat, mask: 1 - highest(heat, mask).float().mean(), "is no text"),
    ("matched_precision", lambda heat, mask: 100 * highest(heat, mask).float().mean(), "percentage"),
    (
        "matched_precision",
        lambda heat, mask: heat.flatten().topk(int(mask.sum())).values.mean(),
        "ask the mask",
    ),
    (
        "matched_precision",
        lambda heat, mask: mask[heat > heat.flatten().topk(22).values[-1]].float().mean(),
        "as many pixels are lit as the mask has",
    ),
    ("matched_precision", lambda heat, mask: highest(heat, mask).sum(), "it counts pixels"),
    ("matched_precision", lambda heat, mask: highest(-heat, mask).float().mean(), "from the highest down"),
    ("matched_precision", lambda heat, mask: highest(heat.abs(), mask).float().mean(), "without the sign"),
    ("matched_precision", lambda heat, mask: mask[heat > 0].float().mean(), "above 0 are lit"),
    ("matched_precision", lambda heat, mask: highest(heat, mask).sum() / mask.numel(), "whole picture"),
    ("matched_precision", lambda heat, mask: mask.float().mean(), "chance"),
    (
        "matched_precision",
        lambda heat, mask: mask[heat > heat.mean()].float().mean(),
        "the map's mean",
    ),
    (
        "matched_precision",
        lambda heat, mask: mask[heat > 0.5 * heat.max()].float().mean(),
        "share of the maximum",
    ),
    (
        "matched_precision",
        lambda heat, mask: highest(heat, mask).sum() / (2 * mask.sum() - highest(heat, mask).sum()),
        "IoU",
    ),
    ("matched_precision", lambda heat, mask: highest(heat[1:], mask[1:]).float().mean() - 1, "should be"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_pass(name: str) -> None:
    verdict = getattr(checks, name)(RIGHT[name])
    assert verdict, verdict


@pytest.mark.parametrize(("name", "answer", "words"), MISTAKES)
def test_mistakes_are_recognised(name: str, answer: Callable[..., Any], words: str) -> None:
    verdict = getattr(checks, name)(answer)
    assert not verdict
    assert words in verdict.message


def test_numpy_and_lists_will_do() -> None:
    assert checks.paper_weights(lambda errors, error: (error - errors).softmax(0).numpy())
    assert checks.effective(lambda weights: by_entropy(weights).item())
