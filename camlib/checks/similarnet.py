"""Lesson 09: the paper's weights, how many filters they keep, silence in closed form, precision of a map."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse


@check
def paper_weights(f: Learners) -> str:
    """f(errors, error): (U,) with each unit silent, and with none, to the paper's weights (U,)."""
    errors, error = torch.tensor([0.9, 0.1, 0.45, 0.3, 0.05]), 0.2
    got, lost = ask(f, errors, error), errors - error
    refuse(
        got,
        {
            "the sign is the released code's, e - E; the paper has E - e": lost.softmax(0),
            "these are the differences E - e; the softmax is missing": -lost,
            "these are the differences e - E; turn the sign and take the softmax": lost,
            "the exponentials are there; divide by their sum": (-lost).exp(),
            "the denominator is the paper's slip taken as printed: sum exp(w') over the units": (
                (-lost).exp() / (-lost).softmax(0).exp().sum()
            ),
            "the differences are divided by their sum; take the softmax": -lost / -lost.sum(),
            "this is the softmax of percent; leave the errors as the fractions they are": (
                (-100 * lost).softmax(0)
            ),
            "these are logarithms of the weights (log_softmax?)": (-lost).log_softmax(0),
            "the differences have lost their sign; leave it, and take the softmax": lost.abs().softmax(0),
            "differences below 0 are cut off; a softmax takes them as they are": (
                (-lost).clamp_min(0).softmax(0)
            ),
        },
    )
    demand(got, (-lost).softmax(0), "row of weights")
    same = torch.full((16,), 0.25)
    demand(ask(f, same, 0.1), torch.full((16,), 1 / 16), "row of weights for sixteen equal errors")
    return "right, and the unit that is needed most got the smallest weight, as the paper's signs have it"


@check
def effective(f: Learners) -> str:
    """f(weights): (U,), positive with sum 1, to the exponential of their entropy."""
    for weights, words in (
        (torch.full((16,), 1 / 16), "sixteen equal weights"),
        (torch.tensor([0.5, 0.5, 0.0, 0.0]), "two equal weights and two of zero"),
        (torch.tensor([0.7, 0.2, 0.1]), "0.7, 0.2 and 0.1"),
        (torch.tensor([0.0, 1.0, 0.0]), "a single weight of 1"),
    ):
        answer = ask(f, weights)
        if isinstance(answer, float | Tensor | np.generic) and np.isnan(np.asarray(answer)).all():
            raise Wrong(
                "a weight of 0 gives 0 · log 0, which is NaN: it counts 0 (torch.special.entr, xlogy)"
            )
        got, want = demand_number(answer, f"effective of {words}"), _entropy(weights).exp().item()
        mistakes = {
            "this is the entropy itself; take its exponential, so that n equal weights give n": (
                _entropy(weights).item()
            ),
            "the sign of the entropy is turned: it is -Σ w log w": (-_entropy(weights)).exp().item(),
            "the logarithm is to base 2, the exponential to base e": (
                (_entropy(weights) / torch.tensor(2.0).log()).exp().item()
            ),
            "a power of 2 undoes a logarithm to base 2, and this one is natural: take exp": (
                2 ** _entropy(weights).item()
            ),
            "each weight's part has its own exponential; add up first": (
                torch.special.entr(weights).exp().sum().item()
            ),
            "this counts all weights, however small": float(len(weights)),
            "this is 1 / Σ w², another count of the same thing; here it is exp(-Σ w log w)": (
                1 / weights.square().sum().item()
            ),
        }
        for sentence, wrong in mistakes.items():
            if abs(got - wrong) < 1e-4 and abs(want - wrong) > 1e-3:
                raise Wrong(sentence)
        if abs(got - want) > 1e-4:
            raise Wrong(f"of {words} it should be {want:.4g}, and is {got:.4g}")
    return "right: n equal weights count n, a single one counts 1"


@check
def closed_form(f: Learners) -> str:
    """f(logits, maps, weight): (N, C), (N, U, h, w), (C, U) to logits with each unit silent, (N, U, C)."""
    random = torch.Generator().manual_seed(2)
    maps, weight = torch.rand(3, 5, 2, 4, generator=random), torch.randn(4, 5, generator=random)
    bias = torch.randn(4, generator=random)
    mean = maps.mean((2, 3))
    logits = mean @ weight.T + bias
    got = ask(f, logits, maps, weight)
    part = torch.einsum("nu,cu->nuc", mean, weight)
    want = logits[:, None] - part
    if getattr(got, "shape", None) == (3, 4, 5):
        raise Wrong("its shape is (N, C, U); a row for each unit is wanted, (N, U, C)")
    refuse(
        got,
        {
            "the cells are added up; the network takes their mean": logits[:, None] - 8 * part,
            "these are the parts that the units add; take them off the logits": part,
            "the units' parts are added; silence takes them away": logits[:, None] + part,
            "only the unit is left; it is to be silent": part + bias,
            "the bias is gone; silence leaves it": want - bias,
            "it takes off the unit's highest cell; the network pools by the mean": logits[:, None]
            - torch.einsum("nu,cu->nuc", maps.amax((2, 3)), weight),
            "it takes off the mean over the pictures; each has its own": logits[:, None] - part.mean(0),
            "all maps share one mean; each has its own": logits[:, None] - maps.mean() * weight.T,
            "the weight alone is taken off; the unit adds weight times its map's mean": (
                logits[:, None] - weight.T
            ),
            "these are probabilities; logits are wanted, without softmax": want.softmax(-1),
        },
    )
    demand(got, want, "tensor of logits")
    return "right: no unit was silenced, no layer run again, and the logits are the same"


@check
def matched_precision(f: Learners) -> str:
    """f(heat, mask): (H, W) and bool (H, W) to the precision of the highest pixels, as many as it has."""
    random = torch.Generator().manual_seed(6)
    mask = torch.zeros(12, 17, dtype=torch.bool)
    mask[3:7, 5:9] = mask[9, 1:6] = True
    heat = torch.randn(12, 17, generator=random) + 1.2 * mask - 0.3
    got = demand_number(ask(f, heat, mask), "matched_precision(heat, mask)")
    order, flat = heat.flatten().argsort(descending=True), mask.flatten().float()
    highest, lowest = flat[order[: mask.sum()]], flat[order[-mask.sum() :]]
    on = highest.mean().item()
    mistakes: dict[str, Tensor] = {
        "it counts pixels; divide by how many are lit": highest.sum(),
        "these are the lowest pixels; sort from the highest down": lowest.mean(),
        "the pixels are sorted by their size without the sign; sort by the heat as it is": (
            flat[heat.abs().flatten().argsort(descending=True)[: mask.sum()]].mean()
        ),
        "it divides by the whole picture; divide by how many pixels are lit": highest.sum() / mask.numel(),
        "this is the share of the mask in the picture, what chance would give": flat.mean(),
        "the cut is a share of the maximum; light as many pixels as the mask has": (
            mask[heat > 0.5 * heat.max()].float().mean()
        ),
        "the cut is the map's mean; light as many pixels as the mask has": (
            mask[heat > heat.mean()].float().mean()
        ),
        "all pixels above 0 are lit; light as many as the mask has": mask[heat > 0].float().mean(),
        "this is the overlap, IoU; precision divides by the lit pixels alone": torch.tensor(on / (2 - on)),
        "this is the share that is no text": torch.tensor(1 - on),
        "this is a percentage; a share lies in [0, 1]": torch.tensor(100 * on),
        "these are the map's own values there; ask the mask": heat.flatten()[order[: mask.sum()]].mean(),
    }
    refuse(got, mistakes)
    demand(got, on, "precision")
    for wide in (mask, mask[:, :8]):  # of two sizes: a fixed share of the picture is right by chance only
        perfect = demand_number(ask(f, wide.float(), wide), "matched_precision(mask, mask)")
        if abs(perfect - 1) > 1e-6:
            raise Wrong(f"a map that is the mask itself has precision 1; it got {perfect:.4g}")
    half = mask.clone()
    half[:5] = False
    got = demand_number(ask(f, heat, half), "matched_precision(heat, a smaller mask)")
    lit = half.flatten()[order[: half.sum()]].float().mean().item()
    if abs(got - lit) > 1e-6:
        raise Wrong(
            f"with a mask of {int(half.sum())} pixels, where {int(mask.sum())} were right before, it should "
            f"be {lit:.4g}, and is {got:.4g}: as many pixels are lit as the mask has"
        )
    return "right: as many pixels as there is text, so precision and recall are one number"


def _entropy(weights: Tensor) -> Tensor:
    entropy: Tensor = torch.special.entr(weights).sum()
    return entropy
