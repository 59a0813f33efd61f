"""Lesson 12's investigations: a blur that wins at deletion, and parts that stand in for each other."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from ..heatmaps.by_captum import deep_lift
from ..networks.zoo import load
from ..scenes.scenes import critters, draw
from ..trust.curves import deletion
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, demand_number

_SCENES, _SIGMA = 10, 4.0


def _blur_gain(f: Learners) -> Truth:
    """f(net, scenes): DeepLIFT's mean deletion area with a blurred fill, and of the same maps, blurred."""
    net, scenes = load("critternet_gap"), critters(_SCENES, seed=1213)
    got = ask(f, net, scenes, call="blur_gain(net, scenes)")
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("blur_gain(net, scenes) should return two numbers, the area before and after the blur")
    before, after = (demand_number(one, f"blur_gain(net, scenes)[{k}]") for k, one in enumerate(got))
    signed = deep_lift(net, scenes.images, scenes.labels)

    def areas(maps: Tensor = signed, fill: float | Literal["mean", "blur"] = "blur") -> list[float]:
        both = maps, gaussian_blur(maps[:, None], [33, 33], [_SIGMA, _SIGMA])[:, 0]
        return [float(deletion(net, scenes.images, m, scenes.labels, fill=fill).score) for m in both]

    sharp, smooth = areas()
    if abs(before - smooth) < 0.01 and abs(after - sharp) < 0.01:
        raise Wrong("the two numbers are swapped: the sharp maps' area comes first")
    if max(abs(before - sharp), abs(after - smooth)) > 0.03:
        others: dict[str, Callable[[], list[float]]] = {
            'that is with grey in place of the pixels; here the fill is "blur"': lambda: areas(fill="mean"),
            'that is with black in place of the pixels; here the fill is "blur"': lambda: areas(fill=0.0),
            "these are the areas of |map|; take the signed maps": lambda: areas(signed.abs()),
            "heat below 0 is cut off; take the signed maps": lambda: areas(signed.clamp(min=0)),
        }
        for sentence, other in others.items():
            if max(abs(mine - area) for mine, area in zip((before, after), other(), strict=True)) < 0.01:
                raise Wrong(sentence)
    if abs(before - sharp) > 0.03:
        raise Wrong(f"DeepLIFT's mean area is {sharp:.2f}, not {before:.2f}")
    if abs(after - smooth) > 0.03:
        raise Wrong(f"after a blur of σ = 4 the mean area is {smooth:.2f}, not {after:.2f}")
    return smooth - sharp, f"The area goes from {sharp:.2f} to {smooth:.2f}; low counts as good."


blur_gain = investigation(_blur_gain, form="+.2f", near=0.1)

_PARTS, _FEW, _NEAR = ("eyes", "ears", "tail", "horns"), 8, 0.02


def _stand_ins(f: Learners) -> Truth:
    """f(net, scenes, one, other): the logit's mean loss without both, beyond the two single losses."""
    net, scenes = load("critternet_gap"), critters(_FEW, seed=1214)
    own = torch.arange(len(scenes)), scenes.labels
    extra = {}
    for one, other in combinations(_PARTS, 2):
        call = f'stand_ins(net, scenes, "{one}", "{other}")'
        mine = demand_number(ask(f, net, scenes, one, other, call=call), call)
        logits = [_logits(gone) for gone in ((), (one, other), (one,), (other,))]
        both, first, second = (float((logits[0] - some)[own].mean()) for some in logits[1:])
        likely = [some.softmax(1)[own] for some in logits]
        want = both - first - second
        if abs(mine - want) > _NEAR:
            mistakes = {
                "it has the wrong sign: the loss of both, less the two single losses": -want,
                "this is what both cost together; take off what each costs alone": both,
                "these are the two single losses alone; take them off what both cost together": first
                + second,
                f"this is the loss of both less that of the {one}; take off that of the {other}, too": (
                    both - first
                ),
                f"this is the loss of both less that of the {other}; take off that of the {one}, too": (
                    both - second
                ),
                "it is the sum over the scenes; give the mean": want * len(scenes),
                "these are probabilities; take the logits": float(
                    (likely[2] + likely[3] - likely[0] - likely[1]).mean()
                ),
            }
            why = next((f": {why}" for why, wrong in mistakes.items() if abs(mine - wrong) < _NEAR), "")
            raise Wrong(f"{call} gave {mine:.2f}, and should be {want:.2f}{why}")
        extra[one, other] = want
    most = max(extra, key=extra.__getitem__)
    share = sum(value > 0 for value in extra.values()) / len(extra)
    return share, f"Most of all {most[0]} and {most[1]} stand in for each other: {extra[most]:+.2f} logits."


stand_ins = investigation(_stand_ins, near=0.1)


@functools.cache  # a learner tries more than once
def _logits(gone: tuple[str, ...]) -> Tensor:
    """(N, C): the network's logits of the scenes, drawn without these parts."""
    less = draw([replace(recipe, without=gone) for recipe in critters(_FEW, seed=1214).recipes])
    with torch.inference_mode():
        logits: Tensor = load("critternet_gap")(less.images)
    return logits.cpu()
