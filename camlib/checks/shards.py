"""Lesson 14: two lists of the best, mean and variance in shards, rows to recompute, search in one cell."""

from __future__ import annotations

import math

import torch
from sklearn.cluster import KMeans
from torch import Tensor

from ..embeddings.neighbours import nearest
from ..networks.zoo import load
from ..running.record import record
from ..scenes.scenes import critters
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_formula, demand_number

__all__ = ["joined_best", "joined_moments", "one_cell", "rows_to_check"]


@check
def joined_best(f: Learners) -> str:
    """f(values, images, more, theirs, k): two lists, best first, to the k best of both; ties by picture."""
    a, i = torch.tensor([9.0, 7.0, 5.0]), torch.tensor([40, 12, 3])
    b, j = torch.tensor([8.0, 7.0, 7.0]), torch.tensor([55, 10, 70])
    for given in ((a, i, b, j), (b, j, a, i)):
        got = ask(f, *given, 4, call="joined_best(values, images, more, theirs, 4)")
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Wrong("joined_best(…) should return two tensors, the values and the pictures' numbers")
        values, images = (torch.as_tensor(one) for one in got)
        if values.shape != (4,) or images.shape != (4,):
            shapes = f"{tuple(values.shape)} and {tuple(images.shape)}"
            raise Wrong(f"of k = 4 it returned tensors of shape {shapes}; give four values and four pictures")
        demand(values, torch.tensor([9.0, 8.0, 7.0, 7.0]), "values")
        if images.tolist() != [40, 55, 10, 12]:
            if images[:2].tolist() == [40, 55] and set(images.tolist()) <= {40, 55, 10, 12, 70}:
                raise Wrong(
                    "of equal values the lower picture comes first, whichever list it is in: else the answer "
                    "depends on the order in which the shards come back"
                )
            raise Wrong(f"the pictures are {images.tolist()}, and should be [40, 55, 10, 12]")
    return "right: and the same whichever list comes first, so any worker may finish first"


@check
def joined_moments(f: Learners) -> str:
    """f(n, mean, var, m, mean2, var2): the mean and the variance (divided by the count) of all numbers."""
    one, two = torch.tensor([1.0, 3.0, 4.0, 8.0, 9.0, 5.0]), torch.tensor([20.0, 10.0])
    given = [float(x) for part in (one, two) for x in (len(part), part.mean(), part.var(correction=0))]
    got = ask(f, *given, call="joined_moments(n, mean, var, m, mean2, var2)")
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("joined_moments(…) should return two numbers, the mean and the variance")
    mean, variance = (demand_number(x, f"joined_moments(…)[{k}]") for k, x in enumerate(got))
    n, a, v, m, b, w = given
    both = torch.cat([one, two])
    if abs(mean - (a + b) / 2) < 1e-4:
        raise Wrong("it is the mean of the means; six numbers should count more than two")
    if abs(mean - float(both.mean())) > 1e-4:
        raise Wrong(f"the mean is {float(both.mean()):g}, not {mean:g}")
    within = (n * v + m * w) / (n + m)
    if abs(variance - within) < 1e-4:
        raise Wrong("that is the spread within the two shards; their means differ, which adds to it")
    if abs(variance - (v + w) / 2) < 1e-4:
        raise Wrong("that is the mean of the two variances; counts and means differ, and both matter")
    if abs(variance**2 - float(both.var(correction=0))) < 1e-3:
        raise Wrong("that is the standard deviation; give its square, the variance")
    if abs(variance - float(both.var())) < 1e-4:
        raise Wrong("it is divided by the count less one; here variances are divided by the count")
    if abs(variance - float(both.var(correction=0))) > 1e-4:
        raise Wrong(f"the variance is {float(both.var(correction=0)):g}, not {variance:g}")
    return "right: count, mean and variance are enough, so batch statistics of a million pictures add up"


@check
def rows_to_check(f: Learners) -> str:
    """f(wrong, missed): the fewest rows of which, but for a chance of `missed`, one at least is wrong."""
    shares = ((0.01, 0.05), (0.1, 0.05), (0.001, 0.01), (0.5, 0.25))

    def exact(wrong: float, missed: float) -> float:
        return math.ceil(round(math.log(missed) / math.log1p(-wrong), 9))

    mistakes = {
        "it is rounded down; then the chance of missing all wrong rows is above what was asked": (
            lambda wrong, missed: math.floor(round(math.log(missed) / math.log1p(-wrong), 9))
        ),
        "it is not rounded; rows are whole, so round it up": (
            lambda wrong, missed: math.log(missed) / math.log1p(-wrong)
        ),
        "it is rounded to the nearest; where that is down, the chance of missing all is too high": (
            lambda wrong, missed: round(math.log(missed) / math.log1p(-wrong))
        ),
        "3 / wrong is the rule of three, near for few wrong rows and a chance of one in twenty; be exact": (
            lambda wrong, missed: math.ceil(3 / wrong)
        ),
        "after 1 / wrong rows one is found on average, but in more than a third of all cases none is": (
            lambda wrong, missed: math.ceil(1 / wrong)
        ),
        "`missed` is the chance of finding none; you used it as that of finding one": (
            lambda wrong, missed: math.ceil(round(math.log1p(-missed) / math.log1p(-wrong), 9))
        ),
    }
    demand_formula(f, shares, exact, mistakes)  # type: ignore[arg-type]
    return "right: 1 % wrong rows ask for 299 recomputed ones, however many millions there are"


def _cells() -> tuple[Tensor, Tensor, Tensor]:
    """Codes (N, 64) of the cells of some scenes, 100 of others, and eight centres (8, 64)."""
    net = load("critternet_gap")
    with torch.inference_mode(), record(net, "conv5") as acts:
        net(critters(20, seed=1414).images)
    every = acts["conv5"].permute(0, 2, 3, 1)
    known = every[:16].flatten(0, 2).contiguous()
    rest = every[16:].flatten(0, 2)
    queries = rest[torch.randperm(len(rest), generator=torch.Generator().manual_seed(0))[:100]].contiguous()
    centres = KMeans(8, n_init=1, random_state=0).fit(known.numpy()).cluster_centers_
    return known.clone(), queries.clone(), torch.from_numpy(centres).float()


def _one_cell(f: Learners) -> Truth:
    """f(codes, queries, centres): the share of the ten nearest that the query's own cell holds."""
    known, queries, centres = _cells()
    call = "one_cell(codes, queries, centres)"
    got = demand_number(ask(f, known, queries, centres, call=call), call)
    true = nearest(known, queries, k=10)[1]
    home = nearest(centres, known, k=1)[1][:, 0]
    ask_in = nearest(centres, queries, k=1)[1][:, 0]
    share = float((home[true] == ask_in[:, None]).float().mean())
    looked = float(torch.bincount(home, minlength=len(centres))[ask_in].float().mean()) / len(known)
    first = float((home[true[:, 0]] == ask_in).float().mean())
    if abs(got - first) < 1e-6 and abs(first - share) > 0.005:
        raise Wrong("that is the share of queries whose nearest code is found; count all of the ten nearest")
    held = (home[true] == ask_in[:, None]).float()
    for other, what in ((held.amin(1).mean(), "all"), (held.amax(1).mean(), "any")):
        if abs(got - float(other)) < 1e-4:
            raise Wrong(f"that is the share of queries for which {what} of the ten are found; count each one")
    if abs(got - (1 - share)) < 1e-4:
        raise Wrong("that is the share that is missed; give the share that is found")
    if abs(got - 10 * share) < 1e-3:
        raise Wrong("that is how many of the ten are found; divide by ten")
    if abs(got - share) > 0.005:  # a distance or two may be rounded to the other side
        raise Wrong(f"{call} gave {got:.3f}, and should be {share:.3f}")
    return share, f"For that, {looked:.0%} of all codes are looked at on average."


one_cell = investigation(_one_cell, near=0.07)
