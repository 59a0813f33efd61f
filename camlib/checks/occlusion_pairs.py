"""Lesson 06: what two squares, or two parts, cost together beyond what each costs alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ..networks.zoo import load
from ..scenes.scenes import critters, draw
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse_number

_Box = tuple[int, int, int, int]


@check
def interaction(f: Learners) -> str:
    """f(net, image, a, b): D(a and b) - D(a) - D(b), what two grey boxes cost together beyond each alone."""
    image = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    a, b = (1, 2, 4, 4), (4, 5, 8, 8)  # off the diagonal
    image[:, 2:4, 1:4], image[:, 5:8, 4:8] = 0.9, 0.8

    def either(first: Tensor, second: Tensor) -> Tensor:  # one of the two is enough
        return 1 - (1 - first) * (1 - second)

    _interaction(f, either, image, a, b)
    try:
        _interaction(f, torch.mul, image, a, b)  # both are needed: below 0
    except _Turned:
        raise Wrong("its sign is lost: where both boxes are needed, the interaction is below 0") from None
    return "right: above 0 the two stand in for each other, and a square over one of them misses both"


class _Turned(Wrong):
    """The right number with the sign turned."""


def _net(joined: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], float]:
    """A network that looks at the two boxes and, a little, at everything."""

    def net(picture: Tensor) -> float:
        if not torch.is_tensor(picture) or picture.shape != (3, 8, 8):
            given = tuple(picture.shape) if torch.is_tensor(picture) else type(picture).__name__
            raise ValueError(f"net takes one picture (3, 8, 8); given {given}")
        first, second = picture[:, 2:4, 1:4].mean(), picture[:, 5:8, 4:8].mean()
        return float(0.7 * joined(first, second) + 0.3 * picture.mean())

    return net


def _interaction(
    f: Learners, joined: Callable[[Tensor, Tensor], Tensor], image: Tensor, a: _Box, b: _Box
) -> None:
    """Raise `Wrong` unless f measures the interaction of the two boxes in such a network."""
    net = _net(joined)

    def drop(*boxes: _Box, fill: float = 0.5) -> float:
        covered = image.clone()
        for x0, y0, x1, y1 in boxes:
            covered[:, y0:y1, x0:x1] = fill
        return net(image) - net(covered)

    def beyond(a: _Box, b: _Box, fill: float = 0.5) -> float:
        return drop(a, b, fill=fill) - drop(a, fill=fill) - drop(b, fill=fill)

    got = demand_number(ask(f, net, image, a, b, call="interaction(net, image, a, b)"), "interaction")
    own = image.clone()
    f(net, own, a, b)
    if not torch.equal(own, image):
        raise Wrong("the picture that was handed in is covered, and stays so: cover image.clone(), once each")
    want, whole, both, first, second = beyond(a, b), net(image), drop(a, b), drop(a), drop(b)
    if abs(got + want) < 1e-4:
        raise _Turned("the sign is turned: what both cost, less what each costs alone")
    turned_a, turned_b = ((y0, x0, y1, x1) for x0, y0, x1, y1 in (a, b))
    mistakes = {
        "this is what both cost together; take off what each costs alone": both,
        "only one of the two is taken off: the second one's cost is missing": both - first,
        "only one of the two is taken off: the first one's cost is missing": both - second,
        "these are the probabilities that are left; take drops, net(image) less net(covered)": (
            (whole - both) - (whole - first) - (whole - second)
        ),
        "both are added up; take off what each costs alone": both + first + second,
        "the boxes are black; fill them with grey, 0.5": beyond(a, b, fill=0.0),
        "x and y are swapped: columns x0 to x1 come last, image[:, y0:y1, x0:x1]": beyond(turned_a, turned_b),
        "one rectangle round both boxes is covered; cover each box by itself": (
            drop((a[0], a[1], b[2], b[3])) - first - second
        ),
        "each drop needs a clone of its own: a is still covered when b's drop is taken": -first,
        "each drop needs a clone of its own: b is still covered when a's drop is taken": -second,
        "each drop needs a clone of its own: both are still covered when one box's drop is taken": -both,
    }
    refuse_number(got, want, mistakes)
    demand(torch.tensor(got), torch.tensor(want), "interaction")


_SCENES = 24  # enough for a mean that one can reason about, drawn in a second or two


def _beyond(f: Learners) -> Truth:
    """f(net, scenes, one, other): D(one and other) - D(one) - D(other), the mean over the scenes."""
    net, scenes = load("critternet_gap"), critters(_SCENES, seed=616)
    own = torch.arange(_SCENES), scenes.labels

    def logits(*without: str) -> Tensor:
        drawn = draw([replace(recipe, without=without) for recipe in scenes.recipes])
        with torch.inference_mode():
            answers: Tensor = net(drawn.images).cpu()
        return answers

    four = torch.stack([logits(), logits("coat"), logits("back"), logits("coat", "back")])
    share = four.softmax(2)
    right = (four.argmax(2) == scenes.labels).float()
    whole, first, second, both = share[:, *own].mean(1).tolist()
    got = ask(f, net, scenes, "coat", "back", call='beyond(net, scenes, "coat", "back")')
    if tuple(getattr(got, "shape", ())) == (_SCENES,):
        raise Wrong("there is one number for each scene; give their mean")
    number, want = demand_number(got, 'beyond(net, scenes, "coat", "back")'), first + second - both - whole

    def beyond(each: Tensor) -> float:  # (4, scenes): whole, without one, without the other, without both
        p, q, r, s = each.mean(1).tolist()
        return float(q + r - s - p)

    mistakes = {
        "this counts right answers; take the true class's probability": beyond(right),
        "this is in logits; take probabilities, softmax(1)": beyond(four[:, *own]),
        "the highest probability is taken; take the true class's": beyond(share.amax(2)),
        "the sign is turned: what both cost, less what each costs alone": -want,
        "this is what both cost together; take off what each costs alone": whole - both,
        "only one of the two is taken off: the other one's cost is missing": first - both,
        "only one of the two is taken off: the first one's cost is missing": second - both,
        "this is the probability with both parts gone": both,
        "these are the probabilities that are left; take drops, p() less p(part)": both - first - second,
        "the probability of the whole scenes, p(), is missing: each drop is p() less something": (
            first + second - both
        ),
    }
    refuse_number(number, want, mistakes)
    if abs(number - want) >= 1e-3:
        raise Wrong(
            f"by your count {number:.1%}; the truth is another number. "
            "Is each p(…) the true class's probability, and the mean over all scenes?"
        )
    return (
        want,
        f"Without the coat's colour it loses {whole - first:.1%}, without the back {whole - second:.1%}, "
        f"without both {whole - both:.1%}.",
    )


beyond = investigation(_beyond, form="+.0%")
