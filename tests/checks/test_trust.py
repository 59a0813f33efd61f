"""The checks of lesson 12 accept the right answer and recognise the usual mistakes by name."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy.stats import pearsonr, spearmanr
from torchvision.transforms.v2.functional import gaussian_blur

from camlib import checks, deep_lift, draw, trust


def agreement(drops: Any, heat: Any) -> float:
    """With torch alone, the blank map included."""
    if bool((heat == heat[0]).all()):
        return 0.5
    ranks = [one.argsort().argsort().double() for one in (drops, heat)]
    return float(torch.corrcoef(torch.stack(ranks))[0, 1]) / 2 + 0.5


def called(heat: Any, masks: Any, t: float) -> Any:
    return (heat * masks).sum((1, 2)) > t * heat.clamp(min=0).sum()


def area(p: Any) -> Any:
    return ((p[1:] + p[:-1]) / 2).mean()


RIGHT = {"curve_area": area, "rank_agreement": agreement, "important_parts": called}
MISTAKES: list[tuple[str, Callable[..., Any], str]] = [
    ("curve_area", lambda p: ..., "not done yet"),
    ("curve_area", lambda p: p.mean(), "the first and the last count half"),
    ("curve_area", lambda p: torch.trapezoid(p), "not divided by the number of steps"),
    ("curve_area", lambda p: torch.trapezoid(p) / len(p), "between n . 1 values there are n steps"),
    ("curve_area", lambda p: p.sum() / (len(p) - 1), "count in full; they count half"),
    ("curve_area", lambda p: p[:-1].mean(), "last value is left out"),
    ("curve_area", lambda p: p[1:].mean(), "first value is left out"),
    ("rank_agreement", lambda d, h: float(spearmanr(d, h).statistic), "map it to"),
    ("rank_agreement", lambda d, h: float(pearsonr(d, h)[0]) / 2 + 0.5, "that of their ranks"),
    ("rank_agreement", lambda d, h: float(pearsonr(d, h)[0]), "and not mapped"),
    ("rank_agreement", lambda d, h: 1 - agreement(d, h), "the sign is turned"),
    ("rank_agreement", lambda d, h: agreement(d, h) - 0.5, "add the"),
    ("rank_agreement", lambda d, h: agreement(d, h) if h.any() else float("nan"), "it is NaN"),
    ("important_parts", lambda heat, masks, t: (heat * masks).sum((1, 2)), "it holds numbers"),
    ("important_parts", lambda h, m, t: (h * m).sum((1, 2)) > t * h.sum(), "negative heat makes small"),
    ("important_parts", lambda h, m, t: (h * m).sum((1, 2)) > t * h.max(), "the highest value"),
    ("important_parts", lambda h, m, t: (h * m).sum((1, 2)) > t * h.abs().sum(), "counts negative heat too"),
    ("important_parts", lambda h, m, t: (h * m).sum((1, 2)) < t * h.clamp(min=0).sum(), "turned round"),
    ("important_parts", lambda h, m, t: (h * m).sum((1, 2)) >= t * h.clamp(min=0).sum(), "on a blank map"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_right(name: str) -> None:
    verdict = getattr(checks, name)(RIGHT[name])
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer", "said"), MISTAKES)
def test_mistakes(name: str, answer: Callable[..., Any], said: str) -> None:
    verdict = getattr(checks, name)(answer)
    assert not verdict.passed
    assert re.search(said, verdict.message), verdict.message


def gain(net: Any, scenes: Any, **how: Any) -> list[float]:
    maps = deep_lift(net, scenes.images, scenes.labels)
    soft = gaussian_blur(maps[:, None], [33, 33], [4.0, 4.0])[:, 0]
    return [float(trust.deletion(net, scenes.images, m, scenes.labels, **how).score) for m in (maps, soft)]


def blurred(net: Any, scenes: Any) -> list[float]:
    return gain(net, scenes, fill="blur")


def extra(net: Any, scenes: Any, one: str, other: str) -> Any:
    def lost(*gone: str) -> Any:
        less = draw([replace(r, without=gone) for r in scenes.recipes])
        own = torch.arange(len(scenes)), scenes.labels
        with torch.inference_mode():
            return net(scenes.images)[own] - net(less.images)[own]

    return (lost(one, other) - lost(one) - lost(other)).mean()


def test_investigations() -> None:
    assert "before you measure" in checks.blur_gain(..., blurred).message
    found = checks.blur_gain(-0.6, blurred)
    assert found.passed, found
    assert "swapped" in checks.blur_gain(0.0, lambda net, scenes: blurred(net, scenes)[::-1]).message
    assert 'the fill is "blur"' in checks.blur_gain(0.0, gain).message
    assert "mean area is" in checks.blur_gain(0.0, lambda net, scenes: (0.0, 0.0)).message
    assert "should return two numbers" in checks.blur_gain(0.0, lambda net, scenes: 1.0).message
    found = checks.stand_ins(0.5, extra)
    assert found.passed, found
    assert "wrong sign" in checks.stand_ins(0.5, lambda *given: -extra(*given)).message
