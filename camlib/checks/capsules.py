"""Lesson 13: squash, one step of routing, the margin loss; two digits at once."""

from __future__ import annotations

import torch

from ..capsules.loss import margin_loss
from ..capsules.routing import route, squash, votes
from ..networks.zoo import load
from ..pictures.digits import digits
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse


@check
def squashed(f: Learners) -> str:
    """f(s): vectors (…, D) to the same directions, lengths n² / (1 + n²), 0 where there is nothing."""
    s = torch.tensor([[[3.0, 4.0, 0.0], [0.0, 0.3, 0.4]], [[-1.0, 0.0, 0.0], [2.0, 2.0, 1.0]]])
    n = s.norm(dim=-1, keepdim=True)
    refuse(
        got := ask(f, s),
        {
            "the length is that of the whole tensor; each vector has its own, along the last axis": (
                s / s.norm() * s.norm() ** 2 / (1 + s.norm() ** 2)
            ),
            "it is n² / (1 + n²) times the vector; divide by its length n as well": s * n**2 / (1 + n**2),
            "the length became n / (1 + n); the formula has squares": s / (1 + n),
            "each number is squashed for itself; squash the vector's length and keep its direction": (
                s.sign() * s**2 / (1 + s**2)
            ),
            "these are the lengths; give the vectors": (n**2 / (1 + n**2)).squeeze(-1),
            "the length is taken along axis 1; a vector's numbers lie along the last axis, dim=-1": (
                s * (across := s.norm(dim=1, keepdim=True)) / (1 + across**2)
            ),
        },
    )
    demand(got, squash(s), "squash")
    nothing = torch.as_tensor(ask(f, torch.zeros(1, 3)))
    if not nothing.isfinite().all():
        raise Wrong("a vector of zeros becomes NaN, 0 / 0; add a tiny number under the root")
    demand(nothing, torch.zeros(1, 3), "squash of nothing", atol=1e-3)
    return "right: directions are kept, lengths stay below 1, and nothing stays nothing"


@check
def agreed(f: Learners) -> str:
    """f(votes): (N, I, J, E) to (couplings, poses) after one update of the logits: two softmaxes."""
    generator = torch.Generator().manual_seed(0)
    given = votes(torch.randn(2, 5, 4, generator=generator), torch.randn(5, 3, 4, 6, generator=generator))
    got = ask(f, given)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("return two tensors, couplings (N, I, J) and poses (N, J, E)")
    couplings, poses = (torch.as_tensor(one) for one in got)
    if couplings.shape != given.shape[:3] or poses.shape != (2, 3, 6):
        shapes = f"{tuple(couplings.shape)} and {tuple(poses.shape)}"
        raise Wrong(
            f"couplings are (N, I, J), here (2, 5, 3), and poses (N, J, E), (2, 3, 6); yours are {shapes}"
        )
    sums = couplings.sum(2)
    if (sums - 1).abs().max() > 1e-4:
        if (couplings.sum(1) - 1).abs().max() < 1e-4:
            raise Wrong(
                "couplings sum to 1 over the five capsules below: that is the wrong axis. Each capsule below "
                "divides one vote among those above"
            )
        raise Wrong("a capsule's couplings do not sum to 1 over the capsules above; is there a softmax?")

    want, equal, more = (route(given, iterations=count) for count in (2, 1, 3))
    if torch.allclose(couplings, equal.couplings, atol=1e-4):
        raise Wrong(
            "the couplings are all equal: add each vote's agreement to its logit, and take the softmax again"
        )
    if torch.allclose(couplings, more.couplings, atol=1e-4):
        raise Wrong("that is two updates of the logits; one is asked for")
    sums_of_votes = (equal.couplings[..., None] * given).sum(1)  # not squashed
    if torch.allclose(couplings, (given * sums_of_votes[:, None]).sum(-1).softmax(2), atol=1e-4):
        raise Wrong("the agreement is with the votes' sum; squash it first, so that it is a pose")
    demand(couplings, want.couplings, "couplings")
    if torch.allclose(poses, equal.poses, atol=1e-4):
        raise Wrong("the poses are those of equal couplings; sum the votes again, with the new ones")
    demand(poses, want.poses, "poses")
    return "right: each row of couplings sums to 1 over the capsules above, and votes that agree count more"


@check
def margin(f: Learners) -> str:
    """f(lengths, labels): (N, C) and classes (N,) to one number, the mean over pictures."""
    lengths, labels = (
        torch.tensor([[0.7, 0.3, 0.05], [0.95, 0.1, 0.6], [0.2, 0.4, 0.0]]),
        torch.tensor([0, 1, 2]),
    )
    rows = torch.arange(3)
    there = torch.zeros(3, 3).index_put((rows, labels), torch.ones(3))
    missed, wrong = (0.9 - lengths).clamp_min(0), (lengths - 0.1).clamp_min(0)
    want = float(margin_loss(lengths, labels))
    got = demand_number(ask(f, lengths, labels), "margin(lengths, labels)")
    mistakes = {
        "the differences are not squared": (there * missed + 0.5 * (1 - there) * wrong).sum(1).mean(),
        "the other classes count in full; they are weighed down by ½": (
            (there * missed**2 + (1 - there) * wrong**2).sum(1).mean()
        ),
        "the term with ½ is for the other classes only; here the true class is punished by it, too": (
            (there * missed**2 + 0.5 * wrong**2).sum(1).mean()
        ),
        "only the true class counts; the others should be short": (there * missed**2).sum(1).mean(),
        "it is the sum over pictures; take the mean": torch.tensor(3 * want),
        "it is the mean over classes too; sum over them": torch.tensor(want / 3),
        "a length above .9, or below .1, is punished: clamp each difference at 0": (
            (there * (0.9 - lengths) ** 2 + 0.5 * (1 - there) * (lengths - 0.1) ** 2).sum(1).mean()
        ),
        "a softmax was taken of the lengths first; then none can ever come near .9": margin_loss(
            lengths.softmax(1), labels
        ),
    }
    for sentence, value in mistakes.items():
        if abs(got - float(value)) < 1e-5:
            raise Wrong(sentence)
    demand(torch.tensor(got), torch.tensor(want), "margin loss")
    return "right: and once a length is beyond its margin nothing pulls at it any more"


def _both_found(f: Learners) -> Truth:
    """f(net, one, other, classes): of digits laid over others, in which share both lead all other classes."""
    some = digits(source="sklearn")
    half = len(some) // 2
    apart = some.labels[:half] != some.labels[half:]
    one, other = (images[apart] for images in (some.images[:half], some.images[half:]))
    classes = torch.stack([some.labels[:half], some.labels[half:]], 1)[apart]
    net, both = load("capsnet_digits"), (one + other).clamp(max=1)
    with torch.inference_mode():
        two = net(both).topk(2).indices
        alone = (net(some.images).argmax(1) == some.labels).float().mean()
    hits = (two[:, :, None] == classes[:, None]).any(2)
    want = float(hits.all(1).float().mean())
    mine = demand_number(ask(f, net, one, other, classes, call="both_found(…)"), "both_found(…)")
    mistakes = {
        "that asks for one of the two among the first two answers; count where both are": hits.any(1),
        "that asks whether the first answer is one of the two; ask for both, among the first two": hits[:, 0],
        "the order does not matter: sort both pairs before you compare them": (two == classes).all(1),
    }
    for sentence, found in mistakes.items():
        if abs(mine - float(found.float().mean())) < 1e-4 < abs(mine - want):
            raise Wrong(sentence)
    if abs(mine - float(hits.float().mean())) < 1e-4 < abs(mine - want):
        raise Wrong("that is the share of digits that are found; asked is in how many pairs both are")
    if abs(mine - want) > 0.011:
        raise Wrong(
            f"both are found in {want:.0%} of these {len(classes)} pairs, not in {mine:.0%}: add the light "
            "of the two digits, at most 1, and compare the two longest capsules with the two classes"
        )
    said = (
        f"Alone {alone:.0%} of these digits are right: if the two did not disturb each other, both would be "
    )
    return want, f"{said}found in {alone**2:.0%} of the pairs. Guessing finds both in {1 / 45:.0%}."


both_found = investigation(_both_found, near=0.05)
