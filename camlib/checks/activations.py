"""Lesson 02: how often a unit lights up, where its peak lies, what stays alike, what lit it up, its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..geometry.field import ReceptiveField
from ..networks.zoo import load
from ..running.record import record
from ..scenes.scenes import Scenes, critters, draw
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, refuse

_SCENES, _SEED, _NEEDED = (
    40,
    1812,
    0.3,
)  # scenes drawn, their seed, what a unit's part must cost
_PARTS = ("eyes", "ears", "nose", "tail", "coat", "horns", "back", "legs")  # what a critter can do without


@check
def lit(f: Learners) -> str:
    """f(maps): (N, U, h, w) to (U,), the share of the N pictures in which a unit is above 0 anywhere."""
    random = torch.Generator().manual_seed(0)
    maps = torch.randn(8, 5, 3, 4, generator=random).sub(1.2).relu()
    maps[:, 3], maps[:5, 4], maps[5:, 4, 1] = 0, maps[:5, 4] + 0.5, 1
    maps[0, 0, 1, 1], maps[1:, 0] = 1, 0
    got, on = ask(f, maps), maps > 0
    want = on.any(3).any(2).float().mean(0)
    refuse(
        got,
        {
            "it is the share of lit cells; count pictures, each once, however many of its cells are lit": (
                on.float().mean((0, 2, 3))
            ),
            "it is the share of dark pictures; take 1 minus it": 1 - want,
            "it counts the pictures; divide by how many there are": want * len(maps),
            "0 counts as lit: a ReLU that is shut gives exactly 0": (maps >= 0).any(3).any(2).float().mean(0),
            "every cell must be lit for a picture to count; one is enough": on.all(3).all(2).float().mean(0),
            "it is for each picture the share of units; it should be for each unit the share of pictures": (
                on.any(3).any(2).float().mean(1)
            ),
            "it says whether a unit is lit in any picture at all; count in how many, and take the share": (
                (want > 0).float()
            ),
            "only a unit that is lit in every picture gets 1, as with `all` or `//`; take the share": (
                (want == 1).float()
            ),
            "it is a mean of the activations; count the pictures in which the largest is above 0": (
                maps.mean((0, 2, 3))
            ),
            "it is the mean of the peaks; count the pictures in which the peak is above 0": (
                maps.amax((2, 3)).mean(0)
            ),
        },
    )
    demand(got, want, "share of pictures")
    return "right: a unit with 0 is dead on these pictures, one with 1 lights up in every one"


@check
def peak(f: Learners) -> str:
    """f(map, field): (h, w) to (x, y), the pixel at the centre of what the brightest cell sees."""
    rows, columns = ((0, 96),) * 9, ((0, 128),) * 12
    field = ReceptiveField((31, 41), (8, 10), (3.0, 7.0), (9, 12), (96, 128), False, rows, columns)
    heights = torch.rand(field.shape, generator=torch.Generator().manual_seed(1))
    row, column = 2, 5
    heights[row, column], heights[7, 10] = 2.0, -1.0
    got, want = ask(f, heights, field), torch.tensor([57.0, 19.0])  # 7 + 10 · 5, 3 + 8 · 2
    refuse(
        got,
        {
            "x and y are swapped: columns, to the right, come first": want.flip(0),
            "this is the cell, not a pixel: multiply by the stride, add where cell 0 looks": (
                torch.tensor([column, row])
            ),
            "this is the cell as (row, column); wanted is the pixel (x, y) that it looks at": (
                torch.tensor([row, column])
            ),
            "add where cell 0 looks: the field's start": torch.tensor([50, 16]),
            "start and stride are pairs (down, across): x takes the second of each": torch.tensor([43, 27]),
            "the first stride was taken for both axes; it is a pair (down, across)": torch.tensor([47, 19]),
            "the map is stretched over the picture; cell (i, j) looks at start + stride · (i, j)": (
                torch.tensor([(column + 0.5) * 128 / 12, (row + 0.5) * 96 / 9])
            ),
            "this is the cell's flat number: divided by the map's width, it gives row and remainder": (
                torch.tensor(row * 12 + column)
            ),
            "divide the cell's number by the map's width, not by its height": torch.tensor([27, 27]),
            "row and column are swapped: x goes with the column, y with the row": torch.tensor([27, 43]),
            "cell 0 lies at start itself, not half a stride further": want + torch.tensor([5.0, 4.0]),
            "cells count from 0: the first one lies at start": want + torch.tensor([10.0, 8.0]),
            "cells lie a stride apart; size is how far each of them sees": torch.tensor(
                [7 + 41 * 5, 3 + 31 * 2]
            ),
            "multiply the cell alone by the stride, and add the start after that": torch.tensor([120, 40]),
            "this is where the darkest cell looks; the brightest is wanted: argmax": torch.tensor([107, 59]),
        },
    )
    demand(got, want, "point (x, y)")
    corner = torch.zeros(field.shape)
    corner[8, 0] = 1
    demand(ask(f, corner, field), torch.tensor([7.0, 67.0]), "point (x, y) of a peak in the first column")
    return "right: the pixel that the brightest cell looks at, also where rows and columns differ"


@check
def centred_cosine(f: Learners) -> str:
    """f(before, after): (N, …) twice to (N,), the cosine, `before`'s mean over the N taken off both."""
    random = torch.Generator().manual_seed(0)
    before = torch.rand(6, 4, 3, 3, generator=random) + 2
    after = before + 0.3 * torch.rand(6, 4, 3, 3, generator=random)
    want, got = _cosine(before - before.mean(0), after - before.mean(0)), ask(f, before, after)
    if isinstance(got, float) or getattr(got, "shape", None) == ():
        raise Wrong("it is one number for all pictures; there should be one for each, shape (6,)")
    each = [a - a.mean((1, 2, 3), keepdim=True) for a in (before, after)]
    refuse(
        got,
        {
            "the mean is not taken off, so any two pictures look alike": _cosine(before, after),
            "each picture's own mean is taken off; take off the mean over the pictures, place by place": (
                _cosine(*each)
            ),
            "two means are taken off; `before`'s for both, or a change that all share is lost": _cosine(
                before - before.mean(0), after - after.mean(0)
            ),
            "one mean is taken off for all places; each place and unit has its own": _cosine(
                before - before.mean(), after - before.mean()
            ),
            "one mean is taken off for each unit; each place of its map has its own, too": _cosine(
                before - before.mean((0, 2, 3), keepdim=True), after - before.mean((0, 2, 3), keepdim=True)
            ),
            "it is `after`'s mean that is taken off; both lose `before`'s": _cosine(
                before - after.mean(0), after - after.mean(0)
            ),
            "the mean is taken off `before` alone; take the same mean off `after`": _cosine(
                before - before.mean(0), after
            ),
            "the mean is taken off `after` alone; take it off `before` as well": _cosine(
                before, after - before.mean(0)
            ),
            "this is 1 minus the cosine, a distance; the cosine itself is wanted": 1 - want,
            "this is the angle; its cosine is wanted": want.arccos(),
            "it is not divided by the two lengths": (
                ((before - before.mean(0)) * (after - before.mean(0))).flatten(1).sum(1)
            ),
        },
    )
    demand(got, want, "centred_cosine")
    return "right: 1 is the same, 0 as unlike as two pictures that have nothing to do with each other"


@check
def feeders(f: Learners) -> str:
    """f(maps, weight, i, j): (C, H, W), (C, k, k) to (C,), what each map below adds to the unit at (i, j)."""
    random = torch.Generator().manual_seed(0)
    maps, weight = (torch.randn(*shape, generator=random) for shape in ((4, 6, 8), (4, 3, 3)))

    def parts(maps: Tensor, weight: Tensor, i: int, j: int) -> Tensor:
        return (pad(maps, [1] * 4)[:, i : i + 3, j : j + 3] * weight).sum((1, 2))

    got, want = ask(f, maps, weight, 2, 5), parts(maps, weight, 2, 5)
    if torch.is_tensor(got) and got.shape == ():
        raise Wrong("it is the sum over all maps; there should be one number for each, shape (4,)")
    refuse(
        got,
        {
            "the window begins at (i, j); it should lie around it: from i - 1 to i + 1": (
                maps[:, 2:5, 5:8] * weight
            ).sum((1, 2)),
            "i and j are swapped: i counts rows": parts(maps, weight, 5, 2),
            "only the cell itself counts; the window reaches one cell further on each side": (
                maps[:, 2, 5] * weight[:, 1, 1]
            ),
            "the window ends at (i, j): was it shifted twice? In the padded maps it begins there": parts(
                maps, weight, 1, 4
            ),
            "the weights are transposed: the first of their two places is the row, as in the maps": parts(
                maps, weight.mT, 2, 5
            ),
            "it sums the maps in the window, without the weights": parts(maps, torch.ones_like(weight), 2, 5),
            "the weights are turned by half a turn; networks lay them as they are": parts(
                maps, weight.flip(1, 2), 2, 5
            ),
            "it is the mean of the products; a convolution is their sum": want / 9,
        },
    )
    demand(got, want, "list of contributions")
    demand(
        ask(f, maps, weight, 0, 7),
        parts(maps, weight, 0, 7),
        "list of contributions at the map's corner (0, 7), where zeros are padded",
    )
    return "right, to the corner: with the bias they add up to the number before the ReLU"


def _defended(f: Learners) -> Truth:
    """f(): (unit of critternet's conv5, part): without that part the unit's peak falls most, by 30 % or more.

    Without any other part it falls by less than half as much.  Predicted is by how much. Measured on 40 fresh
    scenes, awake and with nothing in front, each drawn whole and without each part.
    """
    unit, part = _claim(ask(f))
    drawn = critters(_SCENES, seed=_SEED).recipes
    recipes = [replace(recipe, asleep=False, occluders=0) for recipe in drawn]
    whole = _peak(draw(recipes), unit)
    if whole <= 0:
        raise Wrong(f"unit {unit} is dark on all {_SCENES} scenes: take one that lights up")
    falls = {}
    for name in _PARTS:
        falls[name] = 1 - _peak(draw([replace(recipe, without=(name,)) for recipe in recipes]), unit) / whole
    order = sorted(falls, key=lambda name: -falls[name])
    other = next(name for name in order if name != part)
    told = f"without the {part} unit {unit}'s peak changes by {-falls[part]:+.0%}"
    if falls[part] < 0:
        raise Wrong(f"{told}: on average over the species it rises, so that part is not what the unit needs")
    if order[0] != part:
        raise Wrong(f"{told}, without the {other} by {-falls[other]:+.0%}: the unit needs the {other} more")
    if falls[part] < _NEEDED:
        raise Wrong(f"{told}, more than without any other part, but the name holds only from -30% on")
    if falls[other] >= falls[part] / 2:
        raise Wrong(
            f"{told}, but without the {other} by {-falls[other]:+.0%}, half of that or more: "
            "one name is too few"
        )
    said = f"That is how far the peak falls without the {part}; without the {other}, by {falls[other]:.0%}."
    return falls[part], said


defended = investigation(_defended)


def _claim(answer: Any) -> tuple[int, str]:
    if not (isinstance(answer, Sequence) and len(answer) == 2 and not isinstance(answer, str)):
        raise Wrong(f"return two things, a unit's number and a part's name; this is {answer!r:.60}")
    unit, part = answer
    if not isinstance(part, str) or part not in _PARTS:
        raise Wrong(f"no part {part!r:.40}; a critter can do without {', '.join(_PARTS)}")
    if isinstance(unit, bool) or not isinstance(unit, int) or not 0 <= unit < 64:
        raise Wrong(f"no unit {unit!r:.40}; conv5 has units 0 to 63, as whole numbers")
    return unit, part


def _peak(scenes: Scenes, unit: int) -> float:
    """The mean over the scenes of the unit's largest activation."""
    net = load("critternet")
    with torch.inference_mode(), record(net, "conv5") as acts:
        net(scenes.images)
    return float(acts["conv5"][:, unit].amax((1, 2)).mean())


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    return torch.cosine_similarity(a.flatten(1), b.flatten(1))
