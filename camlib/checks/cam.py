"""Lesson 07: a class's map, the logit back from it, Grad-CAM from a gradient, and what decides."""

from __future__ import annotations

from dataclasses import replace

import torch
from scipy.stats import spearmanr
from torch import Tensor

from ..heatmaps.cam import cam
from ..networks.net import Net
from ..networks.zoo import load
from ..scenes.scenes import FEATURES, Scenes, critters, draw
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse


@check
def class_map(f: Learners) -> str:
    """f(maps, weight, c): (K, h, w), (C, K) and a class to (h, w), the sum over k of w_k^c f_k."""
    random = torch.Generator().manual_seed(8)  # for which the map has both signs
    maps, weight, c = torch.rand(5, 3, 4, generator=random), torch.randn(5, 5, generator=random), 2
    got, want = ask(f, maps, weight, c), _sum(weight[c], maps)
    refuse(
        got,
        {"these are the maps of all classes; take class c's": torch.einsum("ck,khw->chw", weight, maps)},
    )
    if getattr(got, "shape", None) == (5, 3, 4):
        raise Wrong("these are the K weighted maps; add them up over k, the first axis")
    if getattr(got, "shape", None) == ():
        raise Wrong("it is one number; add up over k only, not over the cells")
    refuse(
        got,
        {
            "it is the mean over the K maps; the sum is wanted": want / len(maps),
            "these are the weights of unit c for all classes: rows are classes, take weight[c]": _sum(
                weight[:, c], maps
            ),
            "the maps are added up without the class's weights": maps.sum(0),
            "negative values were cut off; what speaks against the class belongs to the map": want.relu(),
            "only what speaks for the class is added; negative weights belong to it too": _sum(
                weight[c].relu(), maps
            ),
            "the weights went through a softmax; take them as they are": _sum(weight[c].softmax(0), maps),
            "it is stretched to [0, 1]; leave the numbers as they are, in logits": (
                (want - want.min()) / (want.max() - want.min())
            ),
        },
    )
    demand(got, want, "map")
    other = torch.rand(3, 2, 2, generator=random), torch.randn(4, 3, generator=random), 3
    demand(ask(f, *other), _sum(other[1][3], other[0]), "map of three channels, four classes, class 3")
    return "right: the class's weights on the maps, cell by cell, with both signs"


@check
def logit_of_map(f: Learners) -> str:
    """f(heat, bias): a class map (h, w) and the class's bias to the logit, mean + bias."""
    heat = torch.randn(6, 9, generator=torch.Generator().manual_seed(0)) + 0.5
    mean, bias = heat.mean().item(), 0.75
    got = demand_number(ask(f, heat, bias), "logit_of_map(heat, 0.75)")
    mistakes = {
        "the cells are added up; the network takes their mean, so divide by how many there are": (
            heat.sum().item() + bias
        ),
        "the bias is missing": mean,
        "the bias is subtracted; add it": mean - bias,
        "this is the highest cell; with average pooling all cells count": heat.max().item() + bias,
        "negative cells were left out; they count against the class": heat.relu().mean().item() + bias,
        "the cells are added up, and the bias is missing: take their mean, and add the bias": (
            heat.sum().item()
        ),
        "the bias is added to each cell, and then the cells are added up: take their mean": (
            (heat + bias).sum().item()
        ),
    }
    for sentence, wrong in mistakes.items():
        if abs(got - wrong) < 1e-4:
            raise Wrong(sentence)
    demand(torch.tensor(got), torch.tensor(mean + bias), "logit")
    return "right: a map is in logits, and its mean with the bias is the class's logit"


@check
def grad_cam(f: Learners) -> str:
    """f(maps, slope): (K, h, w) twice to (h, w), ReLU of the sum over k of (mean of slope_k) · maps_k."""
    random = torch.Generator().manual_seed(8)  # for which the sum has both signs
    maps, slope = (torch.randn(4, 3, 5, generator=random) for _ in range(2))
    maps = 4 * maps.abs()  # so that the map goes beyond 1
    alpha, got = slope.mean((1, 2)), ask(f, maps, slope)
    signed = _sum(alpha, maps)
    refuse(
        got,
        {
            "the paper's ReLU is missing, which leaves out what speaks against the class": signed,
            "α is the mean of the gradient over the cells; here it is the sum": (signed * 15).relu(),
            "α is one number a channel, slope.mean((1, 2)); here the mean is over the channels": (
                (slope.mean(0) * maps).sum(0).relu()
            ),
            "gradient times map, cell by cell: average the gradient over the cells first": (
                (slope * maps).sum(0).relu()
            ),
            "the gradient was cut off at 0 before the mean; only the sum at the end is": _sum(
                slope.relu().mean((1, 2)), maps
            ).relu(),
            "negative α were left out; the ReLU comes after the sum": _sum(alpha.relu(), maps),
            "the sum over k is missing its weights: multiply each map by its α": maps.sum(0),
            "it is the mean over the K maps; the sum is wanted": signed.relu() / 4,
            "values above 1 are cut off; the ReLU cuts off at 0 only": signed.clamp(0, 1),
            "gradient and maps are swapped": _sum(maps.mean((1, 2)), slope).relu(),
        },
    )
    demand(got, signed.relu(), "map")
    return "right: one weight a channel, from the gradient; for a network with average pooling it is w / Z"


@check
def centred(f: Learners) -> str:
    """f(weight): (C, K) to (C, K), the mean over the classes taken off."""
    weight = torch.randn(6, 6, generator=torch.Generator().manual_seed(0)) + 0.3
    got, want = ask(f, weight), weight - weight.mean(0)
    refuse(
        got,
        {
            "each class's own mean is taken off; take each unit's mean over the classes": (
                weight - weight.mean(1, keepdim=True)
            ),
            "mean(1) is taken over the units; take it over the classes, the first axis": weight
            - weight.mean(1),
            "the first class's weights are taken off, and its map is 0; take off the mean over the classes": (
                weight - weight[0]
            ),
            "the sum over the classes is taken off; take off their mean": weight - weight.sum(0),
            "one mean of all numbers is taken off; each unit has its own": weight - weight.mean(),
            "this is the mean itself; subtract it from every class's weights": (
                weight.mean(0).expand_as(weight)
            ),
            "this is the mean itself; subtract it from every class's weights, which stay (C, K)": weight.mean(
                0
            ),
            "the mean is added; subtract it": weight + weight.mean(0),
            "it is divided by the spread too, which changes the answers": want / weight.std(0),
        },
    )
    demand(got, want, "matrix of weights", named="class, unit")
    return "right: the maps of all classes now add up to zero, and no probability has changed"


def _sum(weights: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    return torch.einsum("k,khw->hw", weights, maps)


_SCENES = 24  # drawn seven times: a few seconds


def _heat_and_worth(f: Learners) -> Truth:
    """f(net, scenes, part): the map's mean on the part's pixels, and the logit lost without it."""
    net, scenes = load("critternet_gap"), critters(_SCENES, seed=717)
    heat = cam(net, scenes.images, scenes.labels).cpu()
    rows = []
    for part in FEATURES:
        call = f'heat_and_worth(net, scenes, "{part}")'
        got = ask(f, net, scenes, part, call=call)
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Wrong(f"{call} should return two numbers, the heat and the loss")
        mine = tuple(demand_number(one, f"{call}[{k}]") for k, one in enumerate(got))
        rows.append(_same(mine, *_measured(net, scenes, heat, part), part))
    hot, dear = zip(*rows, strict=True)
    hottest, costliest = (list(FEATURES)[max(range(len(rows)), key=each.__getitem__)] for each in (hot, dear))
    said = f"The hottest part is the {hottest}, the costliest the {costliest}."
    return float(spearmanr(hot, dear).statistic), said


def _measured(net: Net, scenes: Scenes, heat: Tensor, part: str) -> tuple[Tensor, Tensor, Tensor]:
    """Heat (N, H, W) on the part's pixels and 0 elsewhere, these pixels, (2, N) logits and shares lost."""
    less = draw([replace(recipe, without=(part,)) for recipe in scenes.recipes])
    where = (scenes.images - less.images).abs().amax(1) > 0.03
    own = torch.arange(len(scenes)), scenes.labels
    with torch.inference_mode():
        before, after = net(scenes.images), net(less.images)
        lost = torch.stack([before[own] - after[own], before.softmax(1)[own] - after.softmax(1)[own]])
    return heat * where, where, lost.cpu()


def _same(mine: tuple[float, ...], on: Tensor, where: Tensor, lost: Tensor, part: str) -> tuple[float, float]:
    """The two numbers, or what is wrong with those that the learner measured."""
    heat, (worth, share) = float(on.sum() / where.sum()), lost.mean(1).tolist()
    each = float((on.sum((1, 2)) / where.sum((1, 2)).clamp(min=1)).mean())  # scene by scene: as good
    if min(abs(mine[0] - heat), abs(mine[0] - each)) > 0.02 * max(1, abs(heat)):
        if abs(mine[0] - float(on.mean())) < 1e-3:
            raise Wrong("the heat is averaged over all pixels; divide by the number of the part's own")
        if abs(mine[0] - float(on.sum((1, 2)).mean())) < 0.01 * abs(float(on.sum((1, 2)).mean())):
            raise Wrong("the heat is summed, so a large part is hot; divide by the number of its pixels")
        if abs(mine[0] - float(on.relu().sum() / where.sum())) < 1e-3:
            raise Wrong("the map's negative values are cut off; they count, too")
        if abs(mine[0] - worth) < 0.01 * abs(worth):
            raise Wrong("the two numbers are exchanged: the heat comes first, then the logit that is lost")
        raise Wrong(f"the mean of the map on the {part} is {heat:.2f}, not {mine[0]:.2f}")
    if abs(mine[1] - worth) > 0.02 * max(1, abs(worth)):
        if abs(mine[1] + worth) < 0.02 * max(1, abs(worth)):
            raise Wrong("the loss has the wrong sign: the whole scene's logit less the one without the part")
        if abs(mine[1] - share) < 1e-3:
            raise Wrong("this is the probability that is lost; take the logit, before the softmax")
        raise Wrong(f"without the {part} the true class's logit loses {worth:.2f}, not {mine[1]:.2f}")
    return heat, worth


heat_and_worth = investigation(_heat_and_worth, form=".2f", near=0.2)
