"""Lesson 15: steps uphill, a root of the colours' covariance, partners one to one, a dream that is moved."""

from __future__ import annotations

import itertools
from functools import cache

import torch
from torch import Tensor

from ..dreams.dream import dream
from ..networks.zoo import load
from ..running.extractor import FeatureExtractor
from .compare import compare, unfit
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse


@check
def uphill(f: Learners) -> str:
    """f(height, picture, steps, rate): gradient ascent, kept in [0, 1] after each step."""
    goal = torch.tensor([[0.2, 0.9], [1.4, -0.3]])

    def height(x: Tensor) -> Tensor:
        return -(x - goal).square().sum()

    def walked(
        steps: int, rate: float, *, clamp: bool = True, sums: bool = False, end: bool = False
    ) -> Tensor:
        x, pace = torch.full((2, 2), 0.5), torch.zeros(2, 2)
        for _ in range(steps):
            slope = -2 * (x - goal)
            pace = pace + slope if sums else slope
            x = x + rate * pace
            x = x.clamp(0, 1) if clamp and not end else x
        return x.clamp(0, 1) if end else x

    start = torch.full((2, 2), 0.5)
    got, want = ask(f, height, start.clone(), 6, 0.3), walked(6, 0.3)
    if isinstance(got, Tensor):
        got = got.detach()
    refuse(
        got,
        {
            "this goes downhill: the height should rise, so add the gradient": walked(6, -0.3),
            "the picture has left [0, 1]: clamp it after each step": walked(6, 0.3, clamp=False),
            "this is the picture that it began with": start,
            "this is a single step; there are `steps` of them": walked(1, 0.3),
            "gradients of earlier steps are added up: torch.autograd.grad gives a fresh one": walked(
                6, 0.3, sums=True
            ),
        },
    )
    demand(got, want, "picture", named="")
    late = ask(f, height, start.clone(), 2, 0.9)  # of steps so long that it matters when they are clamped
    if isinstance(late, Tensor):
        refuse(late.detach(), {"clamp after each step, not only at the end": walked(2, 0.9, end=True)})
    again = ask(f, height, start.clone(), 1, 0.1)
    demand(again.detach() if isinstance(again, Tensor) else again, walked(1, 0.1), "picture after one step")
    return "right: uphill, and never out of [0, 1]; with a network's unit as the height this is a plain dream"


@check
def colour_root(f: Learners) -> str:
    """f(pixels): (N, 3) to (3, 3), R with R Rᵀ the covariance of the colours."""
    random = torch.Generator().manual_seed(4)
    mix = torch.tensor([[0.3, 0.1, 0.0], [0.25, 0.0, 0.05], [0.2, -0.1, 0.02]])
    pixels = 0.4 + torch.randn(40, 3, generator=random) @ mix.T  # so few that N and N - 1 differ
    got = ask(f, pixels)
    if sentence := unfit(got, (3, 3), "R"):
        raise Wrong(sentence)
    root = torch.as_tensor(got).double()
    centred = pixels.double() - pixels.double().mean(0)
    covariance = centred.T @ centred / len(pixels)
    if not compare(root @ root.T, covariance, atol=2e-4):
        return "right: R times uncorrelated noise has the data's colours; any rotation of R would do as well"
    divided = "divide by N: this is {}the sum divided by N - 1, as torch.cov gives it"
    values, vectors = torch.linalg.eigh(covariance)
    refuse(
        root,
        {
            "this is the covariance itself; wanted is R with R @ R.T equal to it": covariance,
            divided.format("the covariance itself, with "): pixels.T.double().cov(),
            "these are correlations, whose diagonal is 1; the colours' sizes matter, too": torch.corrcoef(
                pixels.T.double()
            ),
        },
    )
    if not compare(root @ root.T, vectors * values**2 @ vectors.T, atol=1e-6):
        raise Wrong("the eigenvectors are multiplied by the eigenvalues; take the eigenvalues' roots")
    if not compare(root @ root.T, pixels.T.double().cov(), atol=2e-4):
        raise Wrong(divided.format("a root of "))
    if not compare(root @ root.T, pixels.T.double() @ pixels.double() / len(pixels), atol=2e-4):
        raise Wrong("subtract the mean colour first: this is the root of the mean of x xᵀ")
    if not compare(root.T @ root, covariance, atol=2e-4):
        raise Wrong("R.T @ R is the covariance, and R @ R.T is not: transpose it")
    raise Wrong("R @ R.T is not the covariance of the colours; torch.linalg.cholesky or eigh gives a root")


@check
def partners(f: Learners) -> str:
    """f(alike): (D, D) to the mean similarity of the best partners, no partner twice."""
    random = torch.Generator().manual_seed(7)
    tables = [torch.rand(5, 5, generator=random) for _ in range(4)]
    tables[0][:, 2] += 1  # all rows want the same partner
    call = f"{getattr(f, '__name__', 'your function')}(…)"
    for table in tables:
        got = demand_number(ask(f, table), call)
        want = max(_mean(table, order) for order in itertools.permutations(range(5)))
        if abs(got - want) < 1e-5:
            continue
        mistakes = {
            "two directions share a partner: each row's highest is taken": float(table.amax(1).mean()),
            "two directions share a partner: each column's highest is taken": float(table.amax(0).mean()),
            "direction d need not be partner d: nobody numbered them alike": float(table.diagonal().mean()),
            "these are the worst partners: linear_sum_assignment wants maximize=True": min(
                _mean(table, order) for order in itertools.permutations(range(5))
            ),
            "it is the sum over pairs; divide by how many there are": want * 5,
            "taking the best pair, then the next best, is not the best assignment in all": _greedy(table),
        }
        why = next((why for why, wrong in mistakes.items() if abs(got - wrong) < 1e-5), "")
        raise Wrong(
            f"it gives {got:.3f}, and the best partners are alike by {want:.3f}" + (f": {why}" if why else "")
        )
    return "right: each direction has one partner, and no other choice of partners is better"


def _mean(table: Tensor, order: tuple[int, ...]) -> float:
    return float(table[torch.arange(len(table)), list(order)].mean())


def _greedy(table: Tensor) -> float:
    left, total = table.clone(), 0.0
    for _ in range(len(table)):
        i, j = divmod(int(left.argmax()), left.shape[1])
        total += float(table[i, j])
        left[i], left[:, j] = -torch.inf, -torch.inf
    return total / len(table)


MOVED = ("critternet_gap", "conv5", 31)
_STEPS, _PIXELS = 64, 4


@cache
def _left(shake: float = 0.0, cell: bool = True) -> dict[str, float]:
    """After the move, as a share of what was before it: the highest cell, and the map's mean."""
    name, layer, unit = MOVED
    net = load(name)
    made = dream(net, layer, unit, basis="pixels", shake=shake, cell=cell, steps=_STEPS).pictures
    moved = {"across": made.roll(_PIXELS, 3), "down": made.roll(_PIXELS, 2)}
    maps = FeatureExtractor(net, layer)(torch.cat([made, *moved.values()]))[layer][:, unit].flatten(1)
    top, mean = (some[1:] / some[0] for some in (maps.amax(1), maps.mean(1)))
    return dict(zip(moved, top.tolist(), strict=True)) | {"mean": float(mean[0])}


def _moved_dream(f: Learners) -> Truth:
    """f(): the share of its activation that unit 31's plain dream keeps when it is moved by 4 pixels."""
    share = demand_number(ask(f, call=f"{getattr(f, '__name__', 'your function')}()"), "the share")
    plain, shaken = _left(), _left(shake=1.0)["across"]
    want = plain["across"]
    if abs(share - want) > 0.01:  # else no third dream is made
        everywhere = _left(cell=False)["across"]
        mistakes = {
            "this is the dream that was shaken while it was made; take shake=0": shaken,
            "this dream was made to raise the unit in every cell; take cell=True": everywhere,
            "this is the activation before the move by that after it; turn it round": 1 / want,
            "this is the share that is lost; asked is the one that is left": 1 - want,
            "these are the maps' means; take the highest cell of each": plain["mean"],
            "the picture was moved along its height; its width is the last axis": plain["down"],
        }
        for sentence, wrong in mistakes.items():
            if abs(share - wrong) < 0.01:
                raise Wrong(sentence)
    if abs(share - want) > 0.02:
        raise Wrong(f"by your measure {share:.0%} is left; roll the picture by 4 pixels along its width")
    return want, f"The dream that was shaken while it was made keeps {shaken:.0%}."


moved_dream = investigation(_moved_dream, near=0.1)
