"""Lesson 04: all distances, how many neighbours are of one's class, who is everybody's, what fc7 keeps."""

from __future__ import annotations

import torch
from torch import Tensor

from ..embeddings.codes import codes
from ..embeddings.probe import probe
from ..networks.zoo import load
from ..scenes.scenes import critters
from .compare import compare
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse


@check
def distances(f: Learners) -> str:
    """f(a, b): (N, D) and (M, D) to (N, M), the L2 distance of each row of a to each row of b."""
    random = torch.Generator().manual_seed(0)
    a, b = torch.randn(5, 4, generator=random), torch.randn(7, 4, generator=random)
    got, want = ask(f, a, b), torch.cdist(a, b)
    square = want.square()
    squares = a.square().sum(1)[:, None] + b.square().sum(1)
    if getattr(got, "shape", None) == (7, 5) and not compare(got, want.T):
        raise Wrong("it is (M, N): a row for each row of `a`, a column for each row of `b`")
    if getattr(got, "shape", None) == (5, 7, 4):
        raise Wrong("it still has the differences' own axis: square them and sum over it, dim=2")
    refuse(
        got,
        {
            "these are the squares: the root is missing": square,
            "the middle term has its factor 2 missing: ‖a‖² - 2 a · b + ‖b‖²": (squares - a @ b.T)
            .abs()
            .sqrt(),
            "the middle term is taken off, not added: ‖a‖² - 2 a · b + ‖b‖²": (squares + 2 * a @ b.T).sqrt(),
            "these are dot products, large where rows are alike; a distance is small there": a @ b.T,
            "these are sums of |differences|, the L1 distance; L2 squares them": torch.cdist(a, b, p=1),
            "it is the mean of the squares, not their sum": (square / 4).sqrt(),
        },
    )
    if torch.is_tensor(got) and got.isnan().any():
        raise Wrong("the root of a negative number is NaN: is the sign of the middle term right?")
    demand(got, want, "table of distances")
    many = 1000 * torch.randn(200, 16, generator=random)
    alike = ask(f, many, many)
    if torch.is_tensor(alike) and alike.isnan().any():
        raise Wrong(
            "rows that are equal get NaN: rounding leaves a square just below 0; `clamp(min=0)` first"
        )
    demand(ask(f, a[:1], b), want[:1], "table for a single row")
    return "right, without a loop: one matrix product compares everything with everything"


@check
def precision(f: Learners) -> str:
    """f(neighbours, labels): int (N, k) and (N,) to one number, the share of neighbours of the same class."""
    random = torch.Generator().manual_seed(1)
    labels = torch.randint(3, (40,), generator=random)
    neighbours = torch.stack([torch.randperm(40, generator=random)[:6] for _ in range(40)])
    got = ask(f, neighbours, labels)
    same = labels[neighbours] == labels[:, None]
    if getattr(got, "shape", None) == (40,) and not compare(got, same.float().mean(1)):
        raise Wrong("it is one number for each picture; wanted is their mean")
    refuse(
        got,
        {
            "it counts them; divide by how many neighbours there are": same.sum().float(),
            "it asks only the nearest; all k count": same[:, 0].float().mean(),
            "it asks whether *any* neighbour is of the class; wanted is the share": same.any(1)
            .float()
            .mean(),
            "it asks whether *all* neighbours are of the class; wanted is the share": same.all(1)
            .float()
            .mean(),
            "it compares the neighbours' numbers with labels: look their labels up, `labels[neighbours]`": (
                (neighbours == labels[:, None]).float().mean()
            ),
            "it is the share of *other* classes": 1 - same.float().mean(),
        },
    )
    demand(got, same.float().mean(), "precision")
    return "right: precision at k, the number this lesson compares layers by"


@check
def times_found(f: Learners) -> str:
    """f(neighbours): int (N, k) to (N,), how often each picture is among the others' neighbours."""
    neighbours = torch.tensor([[1, 2], [2, 0], [1, 3], [2, 1], [2, 1]])
    got, want = ask(f, neighbours), torch.tensor([1, 4, 4, 1, 0])
    if getattr(got, "shape", None) == (4,) and not compare(got, want[:4]):
        raise Wrong("picture 4 is nobody's neighbour, and is missing: N counts, zeros too (minlength)")
    refuse(
        got,
        {
            "it counts the nearest only; all k columns count": _count(neighbours[:, :1], 5),
            "it counts how many neighbours each picture has, which is always k": torch.full((5,), 2),
            "these are shares; wanted are counts": want / want.sum(),
        },
    )
    demand(got, want, "count")
    random = torch.Generator().manual_seed(2)
    many = torch.stack([torch.randperm(30, generator=random)[:4] for _ in range(30)])
    demand(ask(f, many), _count(many, 30), "count for 30 pictures")
    return "right: on average k, and for a hub many times that"


def _kept_fact(f: Learners) -> Truth:
    """f(recipe): a number that says nothing about the class; the R² with which a probe reads it off fc7."""
    crowd = critters(240, seed=1234)
    call = f"{getattr(f, '__name__', 'your function')}(recipe)"
    told = [demand_number(ask(f, one, call=call), call) for one in crowd.recipes]
    fact = torch.tensor(told, dtype=torch.float64)
    if float(fact.std()) < 1e-9:
        raise Wrong(f"it is {told[0]:g} for every scene: there is nothing to read")
    means = torch.stack([fact[crowd.labels == c].mean() for c in range(9)])
    between = float((means[crowd.labels] - fact.mean()).square().sum() / (fact - fact.mean()).square().sum())
    if between > 0.15:
        raise Wrong(
            f"the class alone tells {between:.0%} of it; find a fact that the class does not depend on"
        )
    kept = max(0.0, probe(codes(load("critternet"), "fc7", crowd), {"it": fact})["it"])
    if kept < 0.1:
        raise Wrong(
            f"a linear probe reads it off fc7 with an R² of {kept:.2f}: next to nothing. Find a fact that it "
            "can read"
        )
    return kept, "Nothing in the training asked for it; nothing in the training threw it out."


kept_fact = investigation(_kept_fact, form=".2f", near=0.1)


def _count(neighbours: Tensor, n: int) -> Tensor:
    return neighbours.flatten().bincount(minlength=n)
