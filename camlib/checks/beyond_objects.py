"""Lesson 11's checks."""

from __future__ import annotations

import functools
from dataclasses import replace

import torch
from torch import Tensor

from ..embeddings.codes import codes
from ..embeddings.readout import linear_svm
from ..heatmaps.new_head import with_head
from ..networks.net import Net
from ..networks.zoo import load
from ..scenes.drawing.places import PLACES
from ..scenes.scenes import Scenes, critters, draw
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse, refuse_number

__all__ = ["avoided", "folded", "gone_without", "only_units"]


@check
def avoided(f: Learners) -> str:
    """f(answers, labels): the share that is avoided of the mistakes of the commonest answer."""
    labels = torch.tensor([1, 1, 1, 1, 1, 1, 0, 0, 2, 2])
    cases = {
        "mostly right": torch.tensor([1, 1, 1, 1, 1, 1, 0, 0, 2, 1]),
        "always the commonest": torch.ones(10, dtype=torch.long),
        "all wrong": (labels + 1) % 3,
    }
    for name, answers in cases.items():
        got = demand_number(ask(f, answers, labels, call=f"avoided(answers, labels), {name},"), "the share")
        wrong, constant = int((answers != labels).sum()), 4
        mistakes = {
            "below 0 is worse than the constant answer: do not cut it off": max(0.0, 1 - wrong / constant),
            "the commonest answer need not be class 0": 1 - wrong / int((labels != 0).sum()),
            "this is the share of right answers; compare with the commonest answer": 1 - wrong / 10,
            "this is the share of mistakes": wrong / 10,
            "this is the share of the mistakes that are left; the other part is avoided": wrong / constant,
            "these are points gained; divide by what the constant answer gets wrong": (constant - wrong) / 10,
            "compare with the commonest answer, not with guessing": 1 - (wrong / 10) / (2 / 3),
        }
        want = 1 - wrong / constant
        refuse_number(got, want, mistakes)
        if abs(got - want) > 1e-4:
            raise Wrong(
                f"{name}: {wrong} mistakes where a constant answer makes 4 should give {want:g}, not {got:g}"
            )
    return "right: 1 is perfect, 0 is no better than always the same answer, and below 0 is worse"


@check
def folded(f: Learners) -> str:
    """f(weight, bias, mean, std): the weights (C, K) and the bias (C,) for features as they are."""
    random = torch.Generator().manual_seed(11)
    weight, bias, mean = (torch.randn(*s, generator=random) for s in ((3, 5), (3,), (5,)))
    std = torch.rand(5, generator=random) + 0.5
    got = ask(f, weight, bias, mean, std, call="fold(weight, bias, mean, std)")
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("fold should return two things, the new weight and the new bias")
    refuse(
        got[0],
        {
            "the weights are as before; each feature was divided by its std": weight,
            "the weights are multiplied by std; the features were divided, so divide these": weight * std,
        },
    )
    demand(got[0], weight / std, "weight", named="class, feature")
    refuse(
        got[1],
        {
            "the bias is as before; subtracting the mean moves every score": bias,
            "the mean is subtracted before the division: use the new weights": bias - weight @ mean,
            "the sign: the mean is subtracted from the features, so the scores fall": bias
            + weight / std @ mean,
        },
    )
    demand(got[1], bias - weight / std @ mean, "bias")
    return "right: the same scores, and weights that can be laid on the maps as they are"


@check
def only_units(f: Learners) -> str:
    """f(pooled, weight, bias, units): (N, K), (C, K), (C,) and (C, k) to logits (N, C) of these units."""
    random = torch.Generator().manual_seed(3)
    pooled, weight = torch.rand(4, 6, generator=random), torch.randn(3, 6, generator=random)
    bias, units = torch.randn(3, generator=random), torch.tensor([[0, 1], [1, 4], [5, 2]])
    kept = torch.zeros_like(weight).scatter_(1, units, 1.0)
    got, want = ask(f, pooled, weight, bias, units), pooled @ (weight * kept).T + bias
    together = kept.amax(0)
    refuse(
        got,
        {
            "the bias is missing": want - bias,
            "these are the logits without the units; keep them, and leave out the others": (
                pooled @ (weight * (1 - kept)).T + bias
            ),
            "each class has its own units; here every class uses the units of all classes": (
                pooled @ (weight * together).T + bias
            ),
            "all units still have a say": pooled @ weight.T + bias,
            "the weights are missing: add up weight times pooled": pooled @ kept.T + bias,
        },
    )
    demand(got, want, "logits", named="picture, class")
    return "right: a logit is a sum over units, so what a few of them say needs no second run of the network"


@functools.cache
def _fitted() -> tuple[Net, Scenes]:
    """An ImageNet network that names places, and fresh parks and shores."""
    net, learn = load("efficientnet_lite0"), critters(240, seed=1119, places=True)
    svm = linear_svm(codes(net, "global_pool", learn), learn.places, list(PLACES))
    fresh = critters(150, seed=1121, places=True)
    wanted = torch.tensor([list(PLACES).index(place) for place, _ in _PAIRS])
    return with_head(net, svm), fresh[torch.isin(fresh.places, wanted)]


_PAIRS = (("park", "tree"), ("shore", "shell"), ("park", "grass"))


def _gone_without(f: Learners) -> Truth:
    """f(net, scenes, place, kind): the share of rightly named scenes of the place that lose the name."""
    net, scenes = _fitted()
    shares = {}
    for place, kind in _PAIRS:
        call = f'gone_without(net, scenes, "{place}", "{kind}")'
        got = demand_number(ask(f, net, scenes, place, kind, call=call), call)
        right, still = _named(net, scenes, place, kind)
        lost = ~still[right]
        want = float(lost.float().mean())
        mistakes = {
            "the scenes that keep the name are counted; count those that lose it": 1 - want,
            "all scenes of the place count; take those that were named rightly before": float(
                (~still).float().mean()
            ),
            "divide by the scenes that were named rightly, not by all of the place": float(
                lost.sum() / len(right)
            ),
            "it is a number of scenes; a share is wanted": float(lost.sum()),
        }
        refuse_number(got, want, mistakes)
        if abs(got - want) > 0.02:
            raise Wrong(
                f"{call}: of {int(right.sum())} rightly named scenes {want:.0%} lose the name, not {got:.0%}"
            )
        shares[place, kind] = want
    return shares["park", "tree"], (
        f"Without its grass {shares['park', 'grass']:.0%} of the parks lose their name, and without its "
        f"shells {shares['shore', 'shell']:.0%} of the shores."
    )


def _named(net: Net, scenes: Scenes, place: str, kind: str) -> tuple[Tensor, Tensor]:
    """Which of the place's scenes are named rightly, and which once the kind is cleared away."""
    k = list(PLACES).index(place)
    mine = scenes[scenes.places == k]
    less = draw([replace(recipe, cleared=(kind,)) for recipe in mine.recipes])
    with torch.inference_mode():
        right, still = (net(some.images).argmax(1).cpu() == k for some in (mine, less))
    return right, still


gone_without = investigation(_gone_without, near=0.15)
