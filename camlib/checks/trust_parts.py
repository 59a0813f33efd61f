"""Lesson 12: the parts that a heatmap calls important."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .compare import unfit
from .verdict import Learners, Wrong, ask, check, refuse


@check
def important_parts(f: Learners) -> str:
    """f(heat, masks, t): (H, W), bool (P, H, W) and a share to bool (P,), of the positive heat."""
    cases, answers = _maps_of_parts(), []
    for heat, masks, t in cases:
        got = ask(f, heat, masks, t)
        if getattr(got, "dtype", None) == torch.float32:
            raise Wrong("it holds numbers; compare them with the threshold: true or false for each part")
        if sentence := unfit(got, (len(masks),), "answer"):
            raise Wrong(sentence)
        answers.append(torch.as_tensor(got).bool())

    def all_by(rule: Callable[[Tensor, Tensor, float], Tensor]) -> Tensor:
        return torch.cat([rule(*case) for case in cases])

    refuse(torch.cat(answers), {sentence: all_by(rule) for sentence, rule in _OTHER_RULES.items()})
    for (heat, masks, t), got in zip(cases, answers, strict=True):
        on, positive = _on(heat, masks), float(heat.clamp(min=0).sum())
        for part, is_ in zip(on.tolist(), got.tolist(), strict=True):
            if is_ != (part > t * positive):
                raise Wrong(
                    f"a part with heat {part:g} on a map with {positive:g} of positive heat, at t = {t:g}, "
                    f"should be {not is_}, and is {is_}"
                )
    lone = ask(f, torch.zeros(3, 3), cases[0][1], 0.25)
    if bool(torch.as_tensor(lone).any()):
        raise Wrong("on a blank map no part is important; ask for more than the threshold, not as much")
    return "right: and on a blank map no part is important"


def _maps_of_parts() -> list[tuple[Tensor, Tensor, float]]:
    """Maps (H, W), parts bool (P, H, W) and t: heat below 0 elsewhere; a large part; t doubled; heat below 0
    on the part itself; a lone part with little of the heat."""
    heat = torch.tensor([[6.0, 1.0, 0.0], [3.0, 1.0, -3.0], [0.5, 0.0, -7.0]])
    masks = torch.zeros(4, 3, 3, dtype=torch.bool)
    masks[0, 0, 0] = masks[1, 0, 1] = masks[1, 1, 1] = masks[2, 1, 0] = masks[3, 2, 0] = True
    large = torch.zeros(2, 4, 4, dtype=torch.bool)
    large[0, :3] = large[1, 3, 3] = True
    row, corner = torch.zeros(2, 1, 2, 2, dtype=torch.bool)
    row[0, 0] = corner[0, 0, 0] = True
    mixed, lone = torch.tensor([[6.0, -5.0], [4.0, 0.0]]), torch.tensor([[1.9, 0.0], [6.0, 0.0]])
    return [
        (heat, masks, 0.25),
        (torch.ones(4, 4), large, 0.25),
        (heat, masks, 0.5),
        (mixed, row, 0.25),
        (lone, corner, 0.25),
    ]


def _on(heat: Tensor, masks: Tensor) -> Tensor:
    """(P,): the sum of the heat on each part."""
    total: Tensor = (heat * masks).sum((1, 2))
    return total


def _most(heat: Tensor) -> Tensor:
    """The yardstick: the sum of the positive heat."""
    return heat.clamp(min=0).sum()


# What the rule is mistaken for, from a map, the parts and the threshold.
_OTHER_RULES: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "the yardstick is the sum of the whole map, which negative heat makes small; sum what is > 0": (
        lambda heat, masks, t: _on(heat, masks) > t * heat.sum()
    ),
    "the yardstick counts negative heat too, as if it were positive; sum what is > 0": (
        lambda heat, masks, t: _on(heat, masks) > t * heat.abs().sum()
    ),
    "the yardstick is the highest value; take the sum of what is above 0": (
        lambda heat, masks, t: _on(heat, masks) > t * heat.max()
    ),
    "the yardstick is the heat of the parts alone; take the whole map's, where it is above 0": (
        lambda heat, masks, t: _on(heat, masks) > t * _on(heat, masks).clamp(min=0).sum()
    ),
    "the yardstick is missing: t is a share of the map's positive heat": (
        lambda heat, masks, t: _on(heat, masks) > t
    ),
    "the comparison is turned round": lambda heat, masks, t: _on(heat, masks) < t * _most(heat),
    "it asks for a part's highest value; add up the heat on the part": (
        lambda heat, masks, t: (heat * masks).amax((1, 2)) > t * _most(heat)
    ),
    "it asks for a part's mean heat; add up the heat on the part": (
        lambda heat, masks, t: _on(heat, masks) / masks.sum((1, 2)) > t * _most(heat)
    ),
    "negative heat on the part is left out; it speaks against the part, so add it up, too": (
        lambda heat, masks, t: _on(heat.clamp(min=0), masks) > t * _most(heat)
    ),
    "only the hottest part is important here; any part with more than the threshold is": (
        lambda heat, masks, t: _on(heat, masks) == _on(heat, masks).max()
    ),
}
