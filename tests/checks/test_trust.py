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


def twice(drops: Any, heat: Any) -> float:
    """Without asking for a blank map."""
    ranks = [one.argsort().argsort().double() for one in (drops, heat)]
    return float(torch.corrcoef(torch.stack(ranks))[0, 1]) / 2 + 0.5


def once(drops: Any, heat: Any) -> float:
    return float(torch.corrcoef(torch.stack([drops.argsort(), heat.argsort()]).double())[0, 1])


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
    ("rank_agreement", lambda d, h: once(d, h) / 2 + 0.5, "argsort once .* apply it twice$"),
    ("rank_agreement", lambda d, h: once(d, h), "argsort once .* and map ρ"),
    ("rank_agreement", lambda d, h: agreement(d, h.abs()), "the ranks of .heat"),
    ("rank_agreement", lambda d, h: agreement(d.abs(), h), "the ranks of .drops"),
    ("rank_agreement", lambda d, h: agreement(d.abs(), h.abs()), "the signs are lost, of drops and of heat"),
    ("rank_agreement", lambda d, h: float(spearmanr(d, h.relu()).statistic) / 2 + 0.5, "below 0 is cut off"),
    ("rank_agreement", lambda d, h: abs(agreement(d, h) - 0.5) + 0.5, "the sign of ρ is lost"),
    ("rank_agreement", lambda d, h: max(agreement(d, h), 0.5), "ρ below 0 is cut off"),
    (
        "rank_agreement",
        lambda d, h: agreement(d, h) if h.sum() else 0.5,
        "adds up to 0, but its parts differ",
    ),
    (
        "rank_agreement",
        lambda d, h: agreement(d, h) if h.any() else float("nan"),
        "is 0 on every part .* NaN",
    ),
    (
        "rank_agreement",
        lambda d, h: float("nan") if h.any() and not h.std() else agreement(d, h),
        "2 on every part it is NaN",
    ),
    ("rank_agreement", lambda d, h: twice(d, h) if h.any() else 0.5, "a map that is 2 on every part"),
    ("important_parts", lambda heat, masks, t: (heat * masks).sum((1, 2)), "it holds numbers"),
    ("important_parts", lambda h, m, t: (h * m).sum((1, 2)) > t * h.sum(), "negative heat makes small"),
    ("important_parts", lambda h, m, t: (h * m).sum((1, 2)) > t * h.max(), "the highest value"),
    ("important_parts", lambda h, m, t: (h * m).sum((1, 2)) > t * h.abs().sum(), "counts negative heat too"),
    ("important_parts", lambda h, m, t: (h * m).sum((1, 2)) > t, "the yardstick is missing"),
    ("important_parts", lambda h, m, t: (h * m).amax((1, 2)) > t * h.clamp(min=0).sum(), "part's highest"),
    ("important_parts", lambda h, m, t: called(h, m, t)[:0], "wrong shape"),
    (
        "important_parts",
        lambda h, m, t: (h * m).sum((1, 2)) / m.sum((1, 2)) > t * h.clamp(min=0).sum(),
        "a part's mean heat",
    ),
    (
        "important_parts",
        lambda h, m, t: (h.clamp(min=0) * m).sum((1, 2)) > t * h.clamp(min=0).sum(),
        "negative heat on the part is left out",
    ),
    (
        "important_parts",
        lambda h, m, t: (h * m).sum((1, 2)) > t * (h * m).sum((1, 2)).clamp(min=0).sum(),
        "the heat of the parts alone",
    ),
    ("important_parts", lambda h, m, t: (h * m).sum((1, 2)) == (h * m).sum((1, 2)).max(), "only the hottest"),
    (
        "important_parts",
        lambda h, m, t: called(h, m, 0.25),
        "a part with heat 3 on a map with 11.5 of positive heat, at t = 0.5, should be False",
    ),
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


def gain(net: Any, scenes: Any, change: Callable[..., Any] = torch.clone, **how: Any) -> list[float]:
    maps = change(deep_lift(net, scenes.images, scenes.labels))
    soft = gaussian_blur(maps[:, None], [33, 33], [4.0, 4.0])[:, 0]
    return [float(trust.deletion(net, scenes.images, m, scenes.labels, **how).score) for m in (maps, soft)]


def blurred(net: Any, scenes: Any) -> list[float]:
    return gain(net, scenes, fill="blur")


def losses(net: Any, scenes: Any, one: str, other: str, last: Callable[..., Any] = torch.clone) -> Any:
    """Without both, without the one, without the other: (3, N)."""

    def own(*gone: str) -> Any:
        some = draw([replace(r, without=gone) for r in scenes.recipes])
        with torch.inference_mode():
            return last(net(some.images))[torch.arange(len(some)), some.labels]

    return torch.stack([own() - own(*gone) for gone in ((one, other), (one,), (other,))])


def extra(*given: Any, **last: Any) -> Any:
    both, first, second = losses(*given, **last)
    return (both - first - second).mean()


def test_investigations() -> None:
    assert "before you measure" in checks.blur_gain(..., blurred).message
    found = checks.blur_gain(-0.6, blurred)
    assert found.passed, found
    assert "swapped" in checks.blur_gain(0.0, lambda net, scenes: blurred(net, scenes)[::-1]).message
    assert 'the fill is "blur"' in checks.blur_gain(0.0, gain).message
    assert "that is with black" in checks.blur_gain(0.0, lambda *given: gain(*given, fill=0.0)).message
    for change, said in ((torch.abs, "take the signed maps"), (torch.relu, "heat below 0 is cut off")):
        how = {"change": change, "fill": "blur"}
        assert said in checks.blur_gain(0.0, lambda *given, how=how: gain(*given, **how)).message
    assert "mean area is" in checks.blur_gain(0.0, lambda net, scenes: (0.0, 0.0)).message
    assert "should return two numbers" in checks.blur_gain(0.0, lambda net, scenes: 1.0).message
    found = checks.stand_ins(0.5, extra)
    assert found.passed, found
    assert "wrong sign" in checks.stand_ins(0.5, lambda *given: -extra(*given)).message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda *given: losses(*given)[0].mean(), "what both cost together; take off what each costs alone"),
        (lambda *given: losses(*given)[1:].mean(1).sum(), "the two single losses alone"),
        (
            lambda *given: (losses(*given)[0] - losses(*given)[1]).mean(),
            "less that of the eyes; take off that",
        ),
        (
            lambda *given: (losses(*given)[0] - losses(*given)[2]).mean(),
            "less that of the ears; take off that",
        ),
        (lambda *given: 8 * extra(*given), "it is the sum over the scenes; give the mean"),
        (lambda *given: extra(*given, last=lambda logits: logits.softmax(1)), "these are probabilities"),
        (lambda *given: 99.0, "gave 99.00, and should be"),
    ],
)
def test_other_surpluses(answer: Callable[..., Any], said: str) -> None:
    verdict = checks.stand_ins(0.5, answer)
    assert not verdict.passed
    assert said in verdict.message, verdict
