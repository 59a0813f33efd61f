"""Lesson 05: components, neighbours kept by a map, a grid's cells, t-SNE's bandwidth, islands' distances."""

from __future__ import annotations

import math

import torch
from scipy.optimize import brentq
from torch import Tensor

from ..embeddings.grid import EMPTY, grid
from ..embeddings.neighbours import nearest
from ..embeddings.plane import embed, neighbours_kept
from .compare import compare
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse


@check
def components(f: Learners) -> str:
    """f(codes, share): (N, D) to how many principal components have at least this share of the variance."""
    random = torch.Generator().manual_seed(1)
    widths = torch.tensor([8.0, 5, 4, 3, 2, 1.5, 1, 0.5])
    turn = torch.linalg.qr(torch.randn(8, 8, generator=random)).Q
    codes = torch.randn(60, 8, generator=random) * widths @ turn + 12 * torch.randn(8, generator=random)
    shares = (0.3, 0.6, 0.8, 0.95, 0.999)
    got = [demand_number(ask(f, codes, share), f"components(codes, {share})") for share in shares]
    right = [_needed(_variances(codes), share) for share in shares]
    spread = _variances(codes).sqrt()
    raw = torch.linalg.svdvals(codes).square()
    mistakes = {
        "take the mean off the codes first: here it is the largest direction": [
            _needed(raw, share) for share in shares
        ],
        "the variances are the *squares* of the singular values": [
            _needed(spread, share) for share in shares
        ],
        "one too few: the first component is number 1, its index is 0": [number - 1 for number in right],
        "one too many: count the components up to the first at which the share is reached": [
            number + 1 for number in right
        ],
        "the columns' own variances are not the components': turn the codes first (SVD)": [
            _needed(codes.var(0).sort(descending=True).values, share) for share in shares
        ],
    }
    for sentence, numbers in mistakes.items():
        if got == numbers and got != right:
            raise Wrong(sentence)
    for share, number, want in zip(shares, got, right, strict=True):
        if number != want:
            raise Wrong(f"for a share of {share} it gave {number:g}, and should be {want}")
    edge = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])  # each component has exactly half
    if demand_number(ask(f, edge, 0.49), "components(codes, 0.49)") != 1:
        raise Wrong("where each of two components has half of the variance, one is enough for 0.49")
    return "right: with critternet's fc7 two components have a third of the variance"


@check
def kept(f: Learners) -> str:
    """f(codes, xy, k): the share of each code's k nearest (L2, without itself) that the map keeps."""
    random = torch.Generator().manual_seed(2)
    codes, k = torch.randn(40, 6, generator=random), 5
    xy = codes[:, :2] + 0.3 * torch.randn(40, 2, generator=random)
    every = torch.arange(40)
    before, after = (nearest(rows, every, k=k)[1] for rows in (codes, xy))
    both = (before[:, :, None] == after[:, None]).any(2).float()
    own_before, own_after = (torch.cdist(rows, rows).topk(k, largest=False).indices for rows in (codes, xy))
    more = [torch.cdist(rows, rows).topk(k + 1, largest=False).indices for rows in (codes, xy)]
    far = [torch.cdist(rows, rows).topk(k).indices for rows in (codes, xy)]
    got, want = ask(f, codes, xy, k), neighbours_kept(codes, xy, k=k)
    if not compare(got, both.mean(1)):
        raise Wrong("that is a share for each point; give their mean, one number")
    demand_number(got, "kept(codes, xy, k)")
    refuse(
        got,
        {
            "each point was counted as its own neighbour, which every map keeps: leave it out": _shared(
                own_before, own_after
            ),
            "k + 1 nearest were taken, and the point itself left among them: leave it out": _shared(*more),
            "neighbours are a set: it counts when one is kept, at whichever rank": (before == after)
            .float()
            .mean(),
            "these are the points farthest away; take the smallest distances": _shared(*far),
            "it is the number kept; divide by k": both.sum(1).mean(),
            "it is the share in both among those in either; divide by k": (
                both.sum(1) / (2 * k - both.sum(1))
            ).mean(),
            "both neighbour lists come from the same numbers: one is the codes', the other the map's": (
                torch.tensor(1.0)
            ),
        },
    )
    demand(got, want, "share")
    demand(ask(f, codes, codes[:, :2] * 3, 39), 1.0, "share of all 39 neighbours")
    return "right: 1 for a map that keeps all, k / (N - 1) for a random map"


@check
def snapped(f: Learners) -> str:
    """f(xy, shape): the picture in each cell, (rows, columns), -1 for none; of several the first stays."""
    xy = torch.rand(30, 2, generator=torch.Generator().manual_seed(3)) * torch.tensor([4.0, 9.0]) - 2
    shape = (4, 7)
    got, want = ask(f, xy, shape), grid(xy, shape, how="snap")
    down = torch.stack([xy[:, 0], -xy[:, 1]], 1)
    one_range = (xy - xy.amin(0)) / (xy.amax(0) - xy.amin(0)).max()
    together = torch.full(shape, EMPTY)
    for picture, (x, y) in reversed(list(enumerate(one_range.tolist()))):
        together[round((1 - y) * (shape[0] - 1)), round(x * (shape[1] - 1))] = picture
    cells = _cells(xy, shape)
    last, floor, over = (torch.full(shape, EMPTY) for _ in range(3))
    for picture, (row, column) in enumerate(cells.round().long().tolist()):
        last[row, column] = picture
    for picture, (row, column) in reversed(list(enumerate(cells.long().tolist()))):
        floor[row, column] = picture
    for picture, (row, column) in reversed(list(enumerate(_cells(xy, (5, 8)).long().tolist()))):
        over[min(row, 3), min(column, 6)] = picture
    refuse(
        got,
        {
            "the grid is upside down: y goes up on a map, rows go down": grid(down, shape, how="snap"),
            "x and y are exchanged: x goes right, along the columns": grid(xy.flip(1), shape, how="snap"),
            "both axes were stretched alike; each has a range of its own": together,
            "of several pictures the last stays; the first should": last,
            "points were cut off to whole numbers; round them to the *nearest* cell": floor,
            "stretch the points to 0 … rows - 1 and 0 … columns - 1, the cells' own centres": over,
            "empty cells hold 0, which is a picture's number; write -1": want.clamp(min=0),
        },
    )
    demand(got, want, "grid", named="row, column")
    wide = torch.tensor([[0.0, 0], [100, 1]])
    demand(ask(f, wide, (2, 2)), torch.tensor([[EMPTY, 1], [0, EMPTY]]), "grid of two points")
    return "right: and what lost its cell is dropped, which is why snapping looks so good"


@check
def bandwidth(f: Learners) -> str:
    """f(squared, perplexity): σ so that p_j ∝ exp(-squared_j / 2σ²) has this perplexity, e to its entropy."""
    random = torch.Generator().manual_seed(4)
    cases = [
        (torch.rand(60, generator=random) * 9 + 0.5, 12.0),
        (torch.rand(200, generator=random) * 40, 30.0),
    ]
    cases.append((cases[0][0] * 100, 5.0))
    answers, right = [], []
    for squared, perplexity in cases:
        answers.append(demand_number(ask(f, squared, perplexity), f"bandwidth(squared, {perplexity:g})"))
        right.append(_sigma(squared, perplexity))
    got, want = torch.tensor(answers), torch.tensor(right)
    nats = torch.tensor([_sigma(squared, math.exp(math.log2(wanted))) for squared, wanted in cases])
    bits = torch.tensor([_sigma(squared, 2 ** math.log(wanted)) for squared, wanted in cases])
    twice = torch.tensor([_sigma(squared.square(), wanted) for squared, wanted in cases])
    mistakes = {
        "the distances are squared already; do not square them again": twice,
        "that is σ², the variance; give its root": want.square(),
        "that is 1 / 2σ², the factor in the exponent; give σ": 1 / (2 * want.square()),
        "that is 1 / σ²; give σ": 1 / want.square(),
        "the 2 in exp(-d² / 2σ²) is missing": want * math.sqrt(2),
        "an entropy in nats (log) wants e to its power, not 2": nats,
        "an entropy in bits (log2) wants 2 to its power, not e": bits,
    }
    for sentence, wrong in mistakes.items():
        if _near(got, wrong):
            raise Wrong(sentence)
    reached = [_perplexity(squared, sigma) for (squared, _), sigma in zip(cases, answers, strict=True)]
    for (_, wanted), sigma, perplexity in zip(cases, answers, reached, strict=True):
        if not math.isclose(perplexity, wanted, rel_tol=1e-2):
            raise Wrong(f"σ = {sigma:.4g} gives a perplexity of {perplexity:.4g}, and should give {wanted:g}")
    return "right: near points in a crowd get a small σ, lonely ones a large one; so t-SNE forgets density"


def _far_islands(f: Learners) -> Truth:
    """f(codes, xy, labels): the rank correlation of the distances between classes' means, codes and map."""
    random = torch.Generator().manual_seed(3)
    labels = torch.arange(9).repeat_interleave(30)
    middles = 12 * torch.randn(9, 20, generator=random)
    codes = middles[labels] + torch.randn(270, 20, generator=random)
    xy = embed(codes)
    name = getattr(f, "__name__", "your function")
    got = demand_number(ask(f, codes, xy, labels), f"{name}(codes, xy, labels)")
    high, low = (torch.stack([rows[labels == c].mean(0) for c in range(9)]) for rows in (codes, xy))
    a, b = torch.pdist(high), torch.pdist(low)
    every, flat = torch.cdist(high, high).flatten(), torch.cdist(low, low).flatten()
    right = _ranked(a, b)
    mistakes = {
        "these are the distances themselves, not their ranks": _alike(a, b),
        "each pair is there twice, and each class with itself: take torch.pdist": _ranked(every, flat),
        "these are the distances of all points; take those of the classes' middles": _ranked(
            torch.pdist(codes), torch.pdist(xy)
        ),
        "argsort alone gives places, not ranks: argsort it again": _alike(
            a.argsort().float(), b.argsort().float()
        ),
    }
    if abs(got - right) < 2e-3:
        return right, "1 would be every distance in its right order."
    for sentence, wrong in mistakes.items():
        if abs(got - wrong) < 2e-3:
            raise Wrong(sentence)
    raise Wrong(f"{name} gave {got:.2f}; scipy.stats.spearmanr says otherwise")


far_islands = investigation(_far_islands, form=".2f", near=0.1)


def _alike(a: Tensor, b: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


def _ranked(a: Tensor, b: Tensor) -> float:
    """Spearman's correlation; equal values, here only a class with itself, are ranked as they come."""
    return _alike(a.argsort(stable=True).argsort().float(), b.argsort(stable=True).argsort().float())


def _needed(variances: Tensor, share: float) -> int:
    kept = variances.cumsum(0) / variances.sum()
    return int((kept < share).sum()) + 1


def _variances(codes: Tensor) -> Tensor:
    variances: Tensor = torch.linalg.svdvals(codes - codes.mean(0)).square()
    return variances


def _shared(before: Tensor, after: Tensor) -> Tensor:
    return (before[:, :, None] == after[:, None]).any(2).float().mean()


def _cells(xy: Tensor, shape: tuple[int, int]) -> Tensor:
    """Points in units of cells, (row, column)."""
    unit = (xy - xy.amin(0)) / (xy.amax(0) - xy.amin(0))
    return torch.stack([(1 - unit[:, 1]) * (shape[0] - 1), unit[:, 0] * (shape[1] - 1)], 1)


def _perplexity(squared: Tensor, sigma: float) -> float:
    logs = (-squared.double() / (2 * sigma**2)).log_softmax(0)
    return float((-(logs.exp() * logs).sum()).exp())


def _sigma(squared: Tensor, perplexity: float) -> float:
    low, high = 1e-3, 1e4
    return float(brentq(lambda s: _perplexity(squared, s) - perplexity, low, high))


def _near(got: Tensor, want: Tensor) -> bool:
    return bool(torch.allclose(got.double(), want.double(), rtol=5e-3))
