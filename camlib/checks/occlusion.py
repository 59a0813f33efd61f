"""Lesson 06: covering a box, a drop laid over the pixels, what two squares or parts cost together."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..networks.zoo import load
from ..scenes.scenes import critters, draw
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse

_BOX = (3, 1, 6, 8)  # x0, y0, x1, y1 in a picture of 9 × 12


@check
def cover(f: Learners) -> str:
    """f(image, box, value): (C, H, W), (x0, y0, x1, y1) half open, a number, to a covered picture."""
    image = torch.rand(3, 9, 12, generator=torch.Generator().manual_seed(0))
    got = ask(f, image, _BOX, 0.25)
    x0, y0, x1, y1 = _BOX

    def filled(y: slice, x: slice) -> Tensor:
        picture = image.clone()
        picture[:, y, x] = 0.25
        return picture

    want = filled(slice(y0, y1), slice(x0, x1))
    own = image.clone()
    f(own, _BOX, 0.25)
    if not torch.equal(own, image):
        raise Wrong("the picture that was handed in is changed, too: begin with image.clone()")
    refuse(
        got,
        {
            "nothing is covered": image,
            "x and y are swapped: columns x0 to x1 come last, image[:, y0:y1, x0:x1]": (
                filled(slice(x0, x1), slice(y0, y1))
            ),
            "the box is half open: rows y0 to y1 - 1 and columns x0 to x1 - 1": (
                filled(slice(y0, y1 + 1), slice(x0, x1 + 1))
            ),
            "the last row and column are missing: a slice ends before its second number by itself": (
                filled(slice(y0, y1 - 1), slice(x0, x1 - 1))
            ),
            "(x1, y1) is the box's other corner, not its width and height": (
                filled(slice(y0, y0 + y1), slice(x0, x0 + x1))
            ),
            "all but the box is covered": torch.where(want == image, torch.tensor(0.25), image),
            "the value is added; it should stand in the pixels' place": image + 0.25 * (want != image),
        },
    )
    first = image.clone()
    first[0] = want[0]
    refuse(got, {"only one channel is covered: all three lie under the square, image[:, …]": first})
    demand(got, want, "picture", named="channel, row, column")
    beyond = ask(f, image, (8, 5, 15, 20), 0.25)
    demand(beyond, filled(slice(5, 9), slice(8, 12)), "picture with a box that hangs over its border")
    return "right, also at the border, and the picture that came in is as it was"


@check
def lay_drops(f: Learners) -> str:
    """f(drops, boxes, size): (K,), (K, 4), (H, W) to (H, W), the mean drop of the boxes over a pixel."""
    boxes = torch.tensor([[0, 0, 4, 3], [3, 0, 7, 3], [0, 2, 4, 5], [3, 2, 7, 5]])
    drops = torch.tensor([0.4, -0.1, 0.7, 0.2])
    cover = torch.zeros(4, 5, 7)
    for mask, (x0, y0, x1, y1) in zip(cover, boxes.tolist(), strict=True):
        mask[y0:y1, x0:x1] = 1
    total, count = (cover * drops[:, None, None]).sum(0), cover.sum(0)
    want, got = total / count, ask(f, drops, boxes, (5, 7))
    last = torch.zeros(5, 7)
    for mask, drop in zip(cover, drops, strict=True):
        last = torch.where(mask > 0, drop, last)
    refuse(
        got,
        {
            "it is the sum of the drops; divide by the number of boxes that cover each pixel": total,
            "it is divided by the number of all boxes; divide by those that cover the pixel": total / 4,
            "where boxes overlap, the last one wins: add up, and divide by their number": last,
            "it is the number of boxes that cover each pixel; it should be their mean drop": count,
            "it is the largest drop over each pixel; it should be the mean": (
                torch.where(cover > 0, drops[:, None, None], torch.tensor(-9.0)).amax(0)
            ),
            "it is divided by the areas of the boxes; divide by how many cover the pixel": total / 12,
        },
    )
    demand(got, want, "heatmap", named="row, column")
    return "right, negative drops included: this is what `occlusion` lays over the picture, and captum, too"


@check
def interaction(f: Learners) -> str:
    """f(net, image, a, b): D(a and b) - D(a) - D(b), what two grey boxes cost together beyond each alone."""
    random = torch.Generator().manual_seed(0)
    image = torch.rand(3, 8, 8, generator=random)
    image[:, 1:4, 1:4], image[:, 4:7, 4:7] = 0.9, 0.8
    a, b = (1, 1, 4, 4), (4, 4, 7, 7)

    def net(picture: Tensor) -> float:
        if not torch.is_tensor(picture) or picture.shape != (3, 8, 8):
            given = tuple(picture.shape) if torch.is_tensor(picture) else type(picture).__name__
            raise ValueError(f"net takes one picture (3, 8, 8); given {given}")
        one, two = picture[:, 1:4, 1:4].mean(), picture[:, 4:7, 4:7].mean()
        return float(1 - (1 - one) * (1 - two))  # either is enough

    def drop(*boxes: tuple[int, int, int, int], fill: float = 0.5) -> float:
        covered = image.clone()
        for x0, y0, x1, y1 in boxes:
            covered[:, y0:y1, x0:x1] = fill
        return net(image) - net(covered)

    both, first, second = drop(a, b), drop(a), drop(b)
    want = both - first - second
    got = demand_number(ask(f, net, image, a, b, call="interaction(net, image, a, b)"), "interaction")
    own = image.clone()
    f(net, own, a, b)
    if not torch.equal(own, image):
        raise Wrong("the picture that was handed in is covered, and stays so: cover image.clone(), once each")
    mistakes = {
        "the sign is turned: what both cost, less what each costs alone": -want,
        "this is what both cost together; take off what each costs alone": both,
        "only one of the two is taken off": both - first,
        "these are the probabilities that are left; take drops, net(image) less net(covered)": (
            (net(image) - both) - (net(image) - first) - (net(image) - second)
        ),
        "both are added up; take off what each costs alone": both + first + second,
        "the boxes are black; fill them with grey, 0.5": (
            drop(a, b, fill=0.0) - drop(a, fill=0.0) - drop(b, fill=0.0)
        ),
    }
    for sentence, wrong in mistakes.items():
        if abs(got - wrong) < 1e-4 < abs(want - wrong):
            raise Wrong(sentence)
    demand(torch.tensor(got), torch.tensor(want), "interaction")
    return "right: above 0 the two stand in for each other, and a square over one of them misses both"


_SCENES = 24  # enough for a mean that one can reason about, drawn in a second or two


def _beyond(f: Learners) -> Truth:
    """f(net, scenes, one, other): D(one and other) - D(one) - D(other), the mean over the scenes."""
    net, scenes = load("critternet_gap"), critters(_SCENES, seed=616)

    def shares(*without: str) -> Tensor:
        drawn = draw([replace(recipe, without=without) for recipe in scenes.recipes])
        with torch.inference_mode():
            own: Tensor = net(drawn.images).softmax(1)[torch.arange(len(drawn)), drawn.labels].cpu()
        return own

    whole, first, second, both = shares(), shares("coat"), shares("back"), shares("coat", "back")
    each = (whole - both) - (whole - first) - (whole - second)
    got = ask(f, net, scenes, "coat", "back", call='beyond(net, scenes, "coat", "back")')
    if tuple(getattr(got, "shape", ())) == (_SCENES,):
        raise Wrong("there is one number for each scene; give their mean")
    number = demand_number(got, 'beyond(net, scenes, "coat", "back")')
    want = float(each.mean())
    mistakes = {
        "the sign is turned: what both cost, less what each costs alone": -want,
        "this is what both cost together; take off what each costs alone": float((whole - both).mean()),
        "only one of the two is taken off: the other one's cost is missing": float((first - both).mean()),
        "only one of the two is taken off: the first one's cost is missing": float((second - both).mean()),
        "this is the probability with both parts gone": float(both.mean()),
    }
    for sentence, wrong in mistakes.items():
        if abs(number - wrong) < 1e-3 < abs(want - wrong):
            raise Wrong(sentence)
    if abs(number - want) >= 1e-3:
        raise Wrong(
            f"by your count {number:.1%}; the truth is another number. Is it the true class's probability?"
        )
    drops = [float((whole - some).mean()) for some in (first, second, both)]
    return (
        want,
        "Without the coat's colour it loses {:.0%}, without the back {:.0%}, without both {:.0%}.".format(
            *drops
        ),
    )


beyond = investigation(_beyond, form="+.0%")
