"""Lesson 12: the area under a curve, ranks against ranks, important parts; blurred maps, stand-ins."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Literal

import torch
from scipy.stats import pearsonr, spearmanr
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from ..heatmaps.by_captum import deep_lift
from ..networks.zoo import load
from ..scenes.scenes import Scenes, critters, draw
from ..trust.curves import deletion
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse


@check
def curve_area(f: Learners) -> str:
    """f(p): probabilities after 0, 1, …, n steps to the area under them, by the trapezoid rule, over n."""
    p = torch.tensor([0.9, 0.5, 0.35, 0.1, 0.05])
    total, n = float(p.sum()), len(p) - 1
    want = (total - 0.9 / 2 - 0.05 / 2) / n
    got = demand_number(ask(f, p), "curve_area(p)")
    mistakes = {
        "it is the mean of all values; the first and the last count half, for they have one neighbour": total
        / (n + 1),
        "the area is not divided by the number of steps, one less than there are values": want * n,
        "it is divided by the number of values; between n + 1 values there are n steps": want * n / (n + 1),
        "the first and the last value count in full; they count half": total / n,
        "the last value is left out, and the first counts in full: that is no trapezoid": float(p[:-1].sum())
        / n,
        "the first value is left out, and the last counts in full: that is no trapezoid": float(p[1:].sum())
        / n,
    }
    for sentence, wrong in mistakes.items():
        if abs(got - wrong) < 1e-5:
            raise Wrong(sentence)
    demand(torch.tensor(got), torch.tensor(want), "area")
    two = demand_number(ask(f, torch.tensor([1.0, 0.0])), "curve_area of two values")
    demand(torch.tensor(two), torch.tensor(0.5), "area under a straight fall from 1 to 0")
    return "right: this is the number that RISE's tables print, for deletion and for insertion"


@check
def rank_agreement(f: Learners) -> str:
    """f(drops, heat): (P,) twice to Spearman's ρ / 2 + ½; ½ where either is the same on all parts."""
    drops, heat = torch.tensor([4.2, 1.3, 0.1, 0.5, -0.2]), torch.tensor([9.0, 30.0, -2.0, 1.0, 0.5])
    rho = float(spearmanr(drops, heat).statistic)
    got = demand_number(ask(f, drops, heat), "rank_agreement(drops, heat)")
    mistakes = {
        "it is the correlation itself, from -1 to 1; map it to [0, 1] by ρ / 2 + ½": rho,
        "it is the correlation of the values; take that of their ranks": float(pearsonr(drops, heat)[0]) / 2
        + 0.5,
        "it is the correlation of the values, and not mapped to [0, 1]": float(pearsonr(drops, heat)[0]),
        "the sign is turned: hot parts should be those whose loss costs most": 0.5 - rho / 2,
        "it is half of ρ; add the ½": rho / 2,
    }
    for sentence, wrong in mistakes.items():
        if abs(got - wrong) < 1e-4:
            raise Wrong(sentence)
    demand(torch.tensor(got), torch.tensor(rho / 2 + 0.5), "agreement")
    try:
        blank = float(ask(f, drops, torch.zeros(5)))
    except (TypeError, ValueError) as error:
        raise Wrong(f"for a map that is 0 on every part it gave no number: {error}") from None
    if blank != blank:
        raise Wrong("for a map that is 0 on every part it is NaN; let it count ½, which is chance")
    demand(torch.tensor(blank), torch.tensor(0.5), "agreement of a blank map")
    return "right: 1 is the same order, ½ is chance, and a blank map gets no more than chance"


@check
def important_parts(f: Learners) -> str:
    """f(heat, masks, t): (H, W), bool (P, H, W) and a share to bool (P,), of the positive heat."""
    heat = torch.tensor([[6.0, 1.0, 0.0], [3.0, 1.0, -3.0], [0.5, 0.0, -7.0]])
    masks = torch.zeros(4, 3, 3, dtype=torch.bool)
    masks[0, 0, 0] = masks[1, 0, 1] = masks[1, 1, 1] = masks[2, 1, 0] = masks[3, 2, 0] = True
    on = (heat * masks).sum((1, 2))
    got, want = ask(f, heat, masks, 0.25), on > 0.25 * heat.clamp(min=0).sum()
    if getattr(got, "dtype", None) == torch.float32:
        raise Wrong("it holds numbers; compare them with the threshold: true or false for each part")
    refuse(
        got,
        {
            "the yardstick is the sum of the whole map, which negative heat makes small; sum what is > 0": (
                on > 0.25 * heat.sum()
            ),
            "the yardstick counts negative heat too, as if it were positive; sum what is > 0": (
                on > 0.25 * heat.abs().sum()
            ),
            "the yardstick is the highest value; take the sum of what is above 0": on > 0.25 * heat.max(),
            "the comparison is turned round": on < 0.25 * heat.clamp(min=0).sum(),
        },
    )
    demand(got, want, "answer")
    lone = ask(f, torch.zeros(3, 3), masks, 0.25)
    if bool(torch.as_tensor(lone).any()):
        raise Wrong("on a blank map no part is important; ask for more than the threshold, not as much")
    return "right: and on a blank map no part is important"


_SCENES, _SIGMA = 10, 4.0


def _blur_gain(f: Learners) -> Truth:
    """f(net, scenes): DeepLIFT's mean deletion area with a blurred fill, and of the same maps, blurred."""
    net, scenes = load("critternet_gap"), critters(_SCENES, seed=1213)
    got = ask(f, net, scenes, call="blur_gain(net, scenes)")
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("blur_gain(net, scenes) should return two numbers, the area before and after the blur")
    before, after = (demand_number(one, f"blur_gain(net, scenes)[{k}]") for k, one in enumerate(got))
    maps = deep_lift(net, scenes.images, scenes.labels)
    both = maps, gaussian_blur(maps[:, None], [33, 33], [_SIGMA, _SIGMA])[:, 0]

    def areas(fill: Literal["mean", "blur"]) -> list[float]:
        return [float(deletion(net, scenes.images, m, scenes.labels, fill=fill).score) for m in both]

    sharp, smooth = areas("blur")
    if abs(before - smooth) < 0.01 and abs(after - sharp) < 0.01:
        raise Wrong("the two numbers are swapped: the sharp maps' area comes first")
    if max(abs(before - sharp), abs(after - smooth)) > 0.03:
        grey = areas("mean")
        if abs(before - grey[0]) < 0.01 and abs(after - grey[1]) < 0.01:
            raise Wrong('that is with grey in place of the pixels; here the fill is "blur"')
    if abs(before - sharp) > 0.03:
        raise Wrong(f"DeepLIFT's mean area is {sharp:.2f}, not {before:.2f}")
    if abs(after - smooth) > 0.03:
        raise Wrong(f"after a blur of σ = 4 the mean area is {smooth:.2f}, not {after:.2f}")
    return smooth - sharp, f"The area goes from {sharp:.2f} to {smooth:.2f}; low counts as good."


blur_gain = investigation(_blur_gain, form="+.2f", near=0.1)

_PARTS, _FEW = ("eyes", "ears", "tail", "horns"), 8


def _stand_ins(f: Learners) -> Truth:
    """f(net, scenes, one, other): the logit's mean loss without both, beyond the two single losses."""
    net, scenes = load("critternet_gap"), critters(_FEW, seed=1214)
    extra = {}
    for one, other in combinations(_PARTS, 2):
        call = f'stand_ins(net, scenes, "{one}", "{other}")'
        mine = demand_number(ask(f, net, scenes, one, other, call=call), call)
        both, first, second = (_lost(net, scenes, gone) for gone in ((one, other), (one,), (other,)))
        want = float((both - first - second).mean())
        if abs(mine - want) > 0.02:
            if abs(mine - float(both.mean())) < 0.02:
                raise Wrong(f"{call} gave what both cost together; take off what each costs alone")
            if abs(mine + want) < 0.02:
                raise Wrong(f"{call} has the wrong sign: the loss of both, less the two single losses")
            raise Wrong(f"{call} gave {mine:.2f}, and should be {want:.2f}")
        extra[one, other] = want
    most = max(extra, key=extra.__getitem__)
    share = sum(value > 0 for value in extra.values()) / len(extra)
    return share, f"Most of all {most[0]} and {most[1]} stand in for each other: {extra[most]:+.2f} logits."


stand_ins = investigation(_stand_ins, near=0.1)


def _lost(net: torch.nn.Module, scenes: Scenes, gone: tuple[str, ...]) -> Tensor:
    """(N,): what the label's logit loses without these parts."""
    less = draw([replace(recipe, without=gone) for recipe in scenes.recipes])
    own = torch.arange(len(scenes)), scenes.labels
    with torch.inference_mode():
        lost: Tensor = net(scenes.images)[own] - net(less.images)[own]
    return lost.cpu()
