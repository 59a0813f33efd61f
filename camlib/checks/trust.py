"""Lesson 12: the area under a curve, and ranks against ranks."""

from __future__ import annotations

import torch
from scipy.stats import pearsonr, spearmanr
from torch import Tensor

from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse_number


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
    drops = torch.tensor([2.6, -0.7, 4.2, 0.5, 1.3, -1.1])
    heat = torch.tensor([9.0, -18.0, -3.0, 1.0, 30.0, -19.0])  # its sum is 0
    rho = float(spearmanr(drops, heat).statistic)
    once = float(pearsonr(drops.argsort(), heat.argsort())[0])
    got = demand_number(ask(f, drops, heat), "rank_agreement(drops, heat)")
    mistakes = {
        "it is the correlation itself, from -1 to 1; map it to [0, 1] by ρ / 2 + ½": rho,
        "it is the correlation of the values; take that of their ranks": float(pearsonr(drops, heat)[0]) / 2
        + 0.5,
        "it is the correlation of the values, and not mapped to [0, 1]": float(pearsonr(drops, heat)[0]),
        "the sign is turned: hot parts should be those whose loss costs most": 0.5 - rho / 2,
        "it is half of ρ; add the ½": rho / 2,
        "argsort once gives an order, not ranks: apply it twice": once / 2 + 0.5,
        "argsort once gives an order, not ranks: apply it twice; and map ρ to [0, 1]": once,
        "these are the ranks of |heat|; heat below 0 ranks below no heat": _half(drops, heat.abs()),
        "heat below 0 is cut off, and with it its order; rank it as it is": _half(drops, heat.clamp(min=0)),
        "these are the ranks of |drops|; a part whose loss helps ranks last": _half(drops.abs(), heat),
        "the signs are lost, of drops and of heat; rank both as they are": _half(drops.abs(), heat.abs()),
        "it is ½, as for a blank map; this one's heat adds up to 0, but its parts differ": 0.5,
    }
    refuse_number(got, rho / 2 + 0.5, mistakes)
    demand(torch.tensor(got), torch.tensor(rho / 2 + 0.5), "agreement")
    turned = demand_number(ask(f, drops, -heat), "rank_agreement(drops, -heat)")
    reversed_ones = {
        "with -heat for heat it stays the same: the sign of ρ is lost": rho / 2 + 0.5,
        "with -heat for heat it is ½: ρ below 0 is cut off; a reversed order is less than chance": 0.5,
    }
    refuse_number(turned, 0.5 - rho / 2, reversed_ones)
    demand(torch.tensor(turned), torch.tensor(0.5 - rho / 2), "agreement with -heat for heat")
    for value in (0.0, 2.0):
        same = f"a map that is {value:g} on every part"
        try:
            blank = float(ask(f, drops, torch.full((6,), value)))
        except (TypeError, ValueError) as error:
            raise Wrong(f"for {same} it gave no number: {error}") from None
        if blank != blank:
            raise Wrong(f"for {same} it is NaN; let it count ½, which is chance")
        demand(torch.tensor(blank), torch.tensor(0.5), f"agreement of {same}")
    return "right: 1 is the same order, ½ is chance, and a blank map gets no more than chance"


def _half(drops: Tensor, heat: Tensor) -> float:
    """ρ / 2 + ½."""
    return float(spearmanr(drops, heat).statistic) / 2 + 0.5
