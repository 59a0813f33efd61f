"""The checks of lesson 13 accept the right answer and recognise the usual mistakes by name."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from camlib import checks


def long(s: Any) -> Any:
    n2 = s.square().sum(-1, keepdim=True)
    return s * n2 / (1 + n2) / (n2 + 1e-8).sqrt()


def naive(s: Any) -> Any:
    n = s.norm(dim=-1, keepdim=True)
    return s / n * n**2 / (1 + n**2)


def steps(votes: Any, axis: int = 2, count: int = 2, last: bool = True) -> Any:
    logits = torch.zeros(votes.shape[:3])
    for step in range(count):
        couplings = logits.softmax(axis)
        if step == 0 or last:
            poses = long((couplings[..., None] * votes).sum(1))
        logits = logits + (votes * poses[:, None]).sum(3)
    return couplings, poses


def unsquashed(votes: Any) -> Any:
    """The agreement is with the votes' plain sum."""
    agreement = (votes * (votes / votes.shape[2]).sum(1, keepdim=True)).sum(3)
    couplings = agreement.softmax(2)
    return couplings, long((couplings[..., None] * votes).sum(1))


def loss(lengths: Any, labels: Any, down: float = 0.5, power: int = 2) -> Any:
    there = torch.nn.functional.one_hot(labels, lengths.shape[1])
    missed, wrong = (0.9 - lengths).clamp(min=0) ** power, (lengths - 0.1).clamp(min=0) ** power
    return (there * missed + down * (1 - there) * wrong).sum(1).mean()


def whole_loss(lengths: Any, labels: Any) -> Any:
    """The term with ½ over all classes."""
    there = torch.nn.functional.one_hot(labels, lengths.shape[1])
    own = (there * (lengths - 0.1).clamp(min=0) ** 2).sum(1).mean()
    return loss(lengths, labels) + 0.5 * own


def hits(net: Any, both: Any, classes: Any) -> Any:
    with torch.inference_mode():
        return (net(both).topk(2).indices[:, :, None] == classes[:, None]).any(2)


def both_found(net: Any, one: Any, other: Any, classes: Any) -> Any:
    return hits(net, (one + other).clamp(max=1), classes).all(1).float().mean()


RIGHT = {"squashed": long, "agreed": steps, "margin": loss}
MISTAKES: list[tuple[str, Callable[..., Any], str]] = [
    ("squashed", lambda s: ..., "not done yet"),
    ("squashed", lambda s: s / s.norm() * s.norm() ** 2 / (1 + s.norm() ** 2), "whole tensor"),
    (
        "squashed",
        lambda s: s * s.square().sum(-1, keepdim=True) / (1 + s.square().sum(-1, keepdim=True)),
        "divide",
    ),
    ("squashed", lambda s: s / (1 + s.norm(dim=-1, keepdim=True)), "has squares"),
    ("squashed", lambda s: s.sign() * s**2 / (1 + s**2), "for itself"),
    ("squashed", lambda s: long(s).norm(dim=-1), "give the vectors"),
    ("squashed", lambda s: s * (n := s.norm(dim=1, keepdim=True)) / (1 + n**2), "taken along axis 1"),
    ("squashed", naive, "becomes NaN"),
    ("agreed", lambda v: steps(v)[0], "return two tensors"),
    ("agreed", lambda v: steps(v)[::-1], "yours are"),
    ("agreed", lambda v: steps(v, axis=1), "wrong axis"),
    ("agreed", lambda v: (steps(v)[0] * 2, steps(v)[1]), "is there a softmax"),
    ("agreed", lambda v: steps(v, count=1), "all equal"),
    ("agreed", lambda v: steps(v, count=3), "two updates"),
    ("agreed", lambda v: unsquashed(v), "squash it first"),
    ("agreed", lambda v: steps(v, last=False), "those of equal couplings"),
    ("margin", lambda lengths, labels: loss(lengths, labels).expand(3), "but is a tensor of shape"),
    ("margin", lambda lengths, labels: loss(lengths, labels, power=1), "not squared"),
    ("margin", lambda lengths, labels: loss(lengths, labels, down=1), "weighed down"),
    ("margin", lambda lengths, labels: loss(lengths, labels, down=0), "only the true class"),
    ("margin", whole_loss, "the true class is punished by it, too"),
    ("margin", lambda lengths, labels: 3 * loss(lengths, labels), "sum over pictures"),
    ("margin", lambda lengths, labels: loss(lengths, labels) / 3, "mean over classes"),
    ("margin", lambda lengths, labels: loss(lengths.softmax(1), labels), "softmax"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_answer_passes(name: str) -> None:
    verdict = getattr(checks, name)(RIGHT[name])
    assert verdict, str(verdict)


@pytest.mark.parametrize(("name", "answer", "says"), MISTAKES)
def test_mistakes_are_recognised(name: str, answer: Callable[..., Any], says: str) -> None:
    verdict = getattr(checks, name)(answer)
    assert not verdict
    assert re.search(says, str(verdict)), str(verdict)


def test_two_digits_at_once_are_counted() -> None:
    verdict = checks.both_found(0.5, both_found)
    assert verdict, str(verdict)
    assert "Guessing finds both in 2%" in str(verdict)

    def wrong(how: Callable[[Any], Any]) -> Callable[..., Any]:
        return lambda net, one, other, classes: (
            how(hits(net, (one + other).clamp(max=1), classes)).float().mean()
        )

    def in_order(net: Any, one: Any, other: Any, classes: Any) -> Any:
        with torch.inference_mode():
            return (net((one + other).clamp(max=1)).topk(2).indices == classes).all(1).float().mean()

    for prediction, answer, says in (
        (..., both_found, "write your prediction down"),
        (0.5, wrong(lambda found: found.any(1)), "count where both are"),
        (0.5, wrong(lambda found: found[:, 0]), "ask for both, among the first two"),
        (0.5, wrong(lambda found: found), "in how many pairs both are"),
        (0.5, in_order, "order does not matter"),
        (0.5, lambda net, one, other, classes: 0.9, "not in 90%: add the light"),
        (
            0.5,
            lambda net, one, other, classes: hits(net, one + other, classes).all(1).float().mean(),
            "at most 1",
        ),
    ):
        verdict = checks.both_found(prediction, answer)
        assert not verdict
        assert re.search(says, str(verdict)), str(verdict)
