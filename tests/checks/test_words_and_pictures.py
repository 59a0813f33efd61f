"""Lesson 16's checks recognise the usual mistakes."""

from typing import Any

import pytest
import torch

from camlib import checks, codes, iou, linear_svm


def right_bag(words: str, vocabulary: list[str]) -> Any:
    return torch.tensor([float(word in words.split()) for word in vocabulary])


def test_bag_right() -> None:
    assert checks.bag(right_bag)
    assert checks.bag(lambda words, vocabulary: torch.tensor([word in words.split() for word in vocabulary]))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda w, v: torch.tensor([float(w.split().count(one)) for one in v]), "occurs twice still gives 1"),
        (lambda w, v: torch.tensor([float(one in w) for one in v]), "inside of “wings”"),
        (lambda w, v: [1] * len(v), "should return a tensor"),
        (lambda w, v: torch.ones(len(v)), "bag of"),
        (lambda w, v: ..., "not done yet"),
    ],
)
def test_bag_wrong(wrong: Any, says: str) -> None:
    verdict = checks.bag(wrong)
    assert not verdict
    assert says in verdict.message


def hard(scores: Any, true: Any, count: int) -> Any:
    order = scores.argsort(descending=True)
    return order[~true[order]][:count]


def test_hardest_right() -> None:
    assert checks.hardest(hard)
    assert checks.hardest(lambda s, t, n: s.masked_fill(t, -torch.inf).topk(n).indices)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda s, t, n: s.argsort(descending=True)[:n], "these include true ones"),
        (lambda s, t, n: s.masked_fill(t, torch.inf).topk(n, largest=False).indices, "the easy ones"),
        (lambda s, t, n: s[~t].topk(n).indices, "among all"),
        (lambda s, t, n: s.masked_fill(t, -torch.inf).topk(n).values, "these are scores"),
        (lambda s, t, n: hard(s, t, n).flip(0), "the highest should come first"),
        (lambda s, t, n: (s * ~t).topk(n).indices, "set them to -inf"),
        (lambda s, t, n: ..., "not done yet"),
    ],
)
def test_hardest_wrong(wrong: Any, says: str) -> None:
    verdict = checks.hardest(wrong)
    assert not verdict
    assert says in verdict.message


def both(found: Any, words: Any) -> Any:
    pairs = iou(found[:, None], words) >= 0.5
    return pairs.any(1).float().mean(), pairs.any(0).float().mean()


def test_boxes_and_words_right() -> None:
    assert checks.boxes_and_words(both)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda f, w: both(f, w)[::-1], "swapped"),
        (lambda f, w: (both(f, w)[0],) * 3, "return two numbers"),
        (lambda f, w: ((iou(f[:, None], w) >= 0.5).float().mean(), both(f, w)[1]), "all pairs"),
        (lambda f, w: (0.3, 0.75), "precision should be 0.571429, not 0.3"),
        (lambda f, w: tuple((iou(f[:, None], w) >= 0.5).sum() / len(one) for one in (f, w)), "is one word"),
        (lambda f, w: ((iou(f[:, None], w) >= 0.5).any(0).sum() / len(f), both(f, w)[1]), "count the boxes"),
        (
            lambda f, w: tuple((iou(f[:, None], w) > 0.5).any(k).float().mean() for k in (1, 0)),
            "a half counts",
        ),
        (lambda f, w: ..., "not done yet"),
    ],
)
def test_boxes_and_words_wrong(wrong: Any, says: str) -> None:
    verdict = checks.boxes_and_words(wrong)
    assert not verdict
    assert says in verdict.message


def said(net: Any, written: Any, negatives: Any, bare: Any) -> Any:
    learn = torch.cat([codes(net, "conv5", some, pool="mean") for some in (written, negatives)])
    svm = linear_svm(learn, torch.arange(len(learn)) < len(written))
    return svm.answers(codes(net, "conv5", bare, pool="mean")).float().mean()


def test_said_of_blank_right() -> None:
    verdict = checks.said_of_blank(0.5, said)
    assert verdict, verdict
    assert "learned from blank streets" in verdict.message


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda *a: 1 - said(*a), "count those called text"),
        (lambda *a: 36 * said(*a), "a share is wanted"),
        (lambda *a: 0.777, "are called text, not 78%"),
        (lambda *a: ..., "not done yet"),
    ],
)
def test_said_of_blank_wrong(wrong: Any, says: str) -> None:
    verdict = checks.said_of_blank(0.5, wrong)
    assert not verdict
    assert says in verdict.message


def test_a_prediction_comes_first() -> None:
    assert "write your prediction down" in checks.said_of_blank(..., said).message
