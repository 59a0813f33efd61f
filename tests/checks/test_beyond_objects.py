"""Lesson 11's checks recognise the usual mistakes."""

import re
from dataclasses import replace
from typing import Any

import pytest
import torch

from camlib import cam, checks, draw, pointing_game
from camlib.scenes.drawing.places import PLACES


def right_share(answers: Any, labels: Any) -> Any:
    most = labels.bincount().max()
    return 1 - (answers != labels).sum() / (len(labels) - most)


def test_avoided_right() -> None:
    assert checks.avoided(right_share)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda a, y: (a == y).float().mean(), "this is the share of right answers"),
        (lambda a, y: (a != y).float().mean(), "this is the share of mistakes"),
        (lambda a, y: 1 - right_share(a, y), "the mistakes that are left"),
        (lambda a, y: (a == y).float().mean() - 0.6, "points gained"),
        (lambda a, y: 1 - 1.5 * (a != y).float().mean(), "not with guessing"),
        (lambda a, y: right_share(a, y).clamp(min=0), "do not cut it off"),
        (lambda a, y: 1 - (a != y).sum() / (y != 0).sum(), "need not be class 0"),
        (lambda a, y: 0.123, "should give 0.75, not 0.123"),
        (lambda a, y: ..., "not done yet"),
        (lambda a, y: [1, 2], "should be one number"),
    ],
)
def test_avoided_wrong(wrong: Any, says: str) -> None:
    verdict = checks.avoided(wrong)
    assert not verdict
    assert says in verdict.message


def test_folded_right() -> None:
    assert checks.folded(lambda w, b, mean, std: (w / std, b - (w / std) @ mean))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda w, b, m, s: (w, b), "the weights are as before"),
        (lambda w, b, m, s: (w * s, b), "so divide these"),
        (lambda w, b, m, s: (w / s, b), "the bias is as before"),
        (lambda w, b, m, s: (w / s, b - w @ m), "use the new weights"),
        (lambda w, b, m, s: (w / s, b + w / s @ m), "the sign"),
        (lambda w, b, m, s: w / s, "should return two things"),
        (lambda w, b, m, s: (w.T, b), "weight"),
        (lambda w, b, m, s: ..., "not done yet"),
    ],
)
def test_folded_wrong(wrong: Any, says: str) -> None:
    verdict = checks.folded(wrong)
    assert not verdict
    assert says in verdict.message


def kept(weight: Any, units: Any) -> Any:
    return torch.zeros_like(weight).scatter_(1, units, 1.0)


def test_only_units_right() -> None:
    assert checks.only_units(lambda p, w, b, u: p @ (w * kept(w, u)).T + b)
    assert checks.only_units(
        lambda p, w, b, u: torch.stack([p[:, k] @ w[c, k] + b[c] for c, k in enumerate(u)], 1)
    )


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda p, w, b, u: p @ (w * kept(w, u)).T, "the bias is missing"),
        (lambda p, w, b, u: p @ (w * (1 - kept(w, u))).T + b, "without the units"),
        (lambda p, w, b, u: p @ (w * kept(w, u).amax(0)).T + b, "the units of all classes"),
        (lambda p, w, b, u: p @ w.T + b, "all units still have a say"),
        (lambda p, w, b, u: p @ kept(w, u).T + b, "the weights are missing"),
        (lambda p, w, b, u: (p @ w.T).T, "logits"),
        (lambda p, w, b, u: ..., "not done yet"),
    ],
)
def test_only_units_wrong(wrong: Any, says: str) -> None:
    verdict = checks.only_units(wrong)
    assert not verdict
    assert says in verdict.message


def measured(net: Any, scenes: Any, place: str, kind: str, of: str = "right") -> Any:
    k = list(PLACES).index(place)
    mine = scenes[scenes.places == k]
    less = draw([replace(r, cleared=(kind,)) for r in mine.recipes])
    with torch.inference_mode():
        before, after = (net(some.images).argmax(1) == k for some in (mine, less))
    if of == "all":
        return (~after).float().mean()
    return (after if of == "kept" else ~after)[before].float().mean()


def test_gone_without_right() -> None:
    verdict = checks.gone_without(0.5, measured)
    assert verdict, verdict
    assert "Without its grass" in verdict.message


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda n, s, p, k: measured(n, s, p, k, of="kept"), "count those that lose it"),
        (lambda n, s, p, k: measured(n, s, p, k, of="all"), "named rightly before"),
        (lambda *a: 0.013, "lose the name, not 1%"),
        (lambda *a: ..., "not done yet"),
    ],
)
def test_gone_without_wrong(wrong: Any, says: str) -> None:
    verdict = checks.gone_without(0.5, wrong)
    assert not verdict
    assert says in verdict.message


def test_a_prediction_comes_first() -> None:
    assert "write your prediction down" in checks.gone_without(..., measured).message


def highest(net: Any, scenes: Any, how: str = "own") -> Any:
    heat = cam(net, scenes.images, 0 if how == "first" else None)
    if how == "box":
        return pointing_game(heat, scenes.boxes, 0).hits.float().mean()
    hits = pointing_game(-heat if how == "lowest" else heat, scenes.masks, 0).hits.float()
    return {"number": hits.sum(), "misses": 1 - hits.mean()}.get(how, hits.mean())


def test_on_critter_right() -> None:
    """A coin's map lies on the critter far more often than a random pixel does."""
    verdict = checks.on_critter(0.2, highest)
    assert verdict, verdict
    measured, names, pixel = (
        int(share) for share in re.findall(r"(\d+)%", verdict.message.replace("20%", ""))
    )
    assert pixel < 25
    assert measured > 2 * pixel
    assert names > 2 * pixel


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("misses", "lies elsewhere"),
        ("number", "a share is wanted"),
        ("box", "in the critter's box"),
        ("lowest", "take the highest"),
        ("first", "the network's own answer"),
    ],
)
def test_on_critter_wrong(how: str, says: str) -> None:
    verdict = checks.on_critter(0.2, lambda net, scenes: highest(net, scenes, how))
    assert not verdict
    assert says in verdict.message


def test_on_critter_other_wrong_answers() -> None:
    assert "not 1%" in checks.on_critter(0.2, lambda net, scenes: 0.013).message
    assert "not done yet" in checks.on_critter(0.2, lambda net, scenes: ...).message
    assert "write your prediction down" in checks.on_critter(..., highest).message
