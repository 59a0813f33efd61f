"""Lesson 10's investigation: find a unit for another part, and foretell how well it does on fresh scenes."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from ..networks.zoo import load
from ..parts.baselines import baselines
from ..parts.find import locate
from ..scenes.scenes import KEYPOINTS, Scenes, critters
from ..scores.keypoints import KeypointErrors, keypoint_errors, part_truth
from ..scores.spread import Mean, difference, spread
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask

_ALPHA = 0.1
_PARTS = tuple(name for name in KEYPOINTS if "eye" not in name)


@functools.cache  # a learner tries several units
def _fresh() -> Scenes:
    return critters(200, seed=1077)


def _other_part(f: Learners) -> Truth:
    """f(): (part, unit), as ("tail", ("conv3", 5)); how often is the unit within a tenth of a head of it?"""
    part, unit = _named(ask(f, call=f"{getattr(f, '__name__', 'your function')}()"))
    scenes, net = _fresh(), load("critternet_gmp")
    try:
        found = locate(net, unit, scenes)
    except ValueError as error:
        raise Wrong(f"there is no such unit: {error}") from None
    truth = part_truth(scenes, part)
    mine = keypoint_errors(found.points, *truth)
    guesses = baselines(
        scenes, known=part_truth(critters(60, seed=1078), part).points, boxes=scenes.head_boxes
    )
    luck = {name: keypoint_errors(guesses[name], *truth) for name in ("mean", "in the box")}
    name = max(luck, key=lambda one: luck[one].pck(_ALPHA))
    gain = difference(_within(mine), _within(luck[name]))
    kind = f"an {part}" if part[0] in "aeiou" else f"a {part}"
    told = f"{spread(_within(mine)):.0%} on {len(_within(mine))} fresh scenes"
    blind = "the mean place of the part" if name == "mean" else "a random point in the head's box"
    if gain.low <= 0:
        raise Wrong(
            f"{unit[0]} {unit[1]} as {kind}: {told}; {blind} has {luck[name].pck(_ALPHA):.0%}. No gain"
        )
    eye = keypoint_errors(locate(net, ("conv4", 48), scenes).points, *part_truth(scenes, "eye"))
    said = (
        f"As {kind}, {told}. By luck ({blind}): {luck[name].pck(_ALPHA):.0%}. "
        f"The lesson's eye unit has {eye.pck(_ALPHA):.0%} here."
    )
    return mine.pck(_ALPHA), said


other_part = investigation(_other_part, near=0.05)


def _named(claim: Any) -> tuple[str, tuple[str, int]]:
    """The part and the unit, or what is wrong with the pair."""
    if not isinstance(claim, tuple | list) or len(claim) != 2:
        raise Wrong('return two things, a part and a unit, such as ("tail", ("conv3", 5))')
    part, unit = claim
    if part in ("eye", "left_eye", "right_eye"):
        raise Wrong("the eyes are the lesson's: take another part")
    if part not in (*_PARTS, "ear"):
        raise Wrong(f"no part {part!r}; there are ear, {', '.join(_PARTS)}")
    if not isinstance(unit, tuple | list) or len(unit) != 2:
        raise Wrong(f'a unit is (layer, number), as ("conv3", 5); given {unit!r}')
    return part, (unit[0], unit[1])


def _within(errors: KeypointErrors) -> Mean:
    """Right or wrong, for each picture in which the part is in sight."""
    there: Tensor = ~errors.errors[:, 0].isnan()
    return Mean((errors.errors[there, 0] <= _ALPHA).to(torch.float32))
