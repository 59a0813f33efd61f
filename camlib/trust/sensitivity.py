"""Target sensitivity: does the map for another class move to what *that* class shares with the critter?

FunnyBirds' measure (Hesse, Schaub-Meyer, Roth 2023, section 4): two classes are asked about in turn that each
share two parts with the critter, no part in common. It reads answers and heat on parts, and runs nothing.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..given import tensor
from ..scenes.scenes import SPECIES, Recipe
from ..scenes.scenes import features as features_of
from ..scores.spread import Mean
from .redraw import PLACES

__all__ = ["rivals", "target_sensitivity"]


def rivals(recipe: Recipe) -> tuple[tuple[int, tuple[str, ...]], tuple[int, tuple[str, ...]]]:
    """Two other species that share two parts each with this one, no part in common: (class, the parts) twice.

    Of the three species that share just two features, the two that do not share the coat.
    """
    own = features_of(recipe.species)
    found = []
    for other in range(len(SPECIES)):
        shared = tuple(name for name, form in features_of(other).items() if own[name] == form)
        if len(shared) == 2 and set(shared) <= set(PLACES):
            found.append((other, shared))
    (first, second) = found
    return first, second


def target_sensitivity(
    heat: Tensor, logits: Tensor, pairs: Sequence[Sequence[tuple[int, tuple[str, ...]]]]
) -> tuple[Mean, float]:
    """Does the map for another class put its heat on what that class shares with the critter? (TS)

    heat: (N, 2, P), the heat on each part in the maps for the two rivals of each picture.
    logits: (N, 2^P, C).  pairs: the rivals, of `rivals`.
    Two questions a picture: has the first rival's map more heat on its own shared parts than the second's,
    and the second's less on them … the other way round. Pictures where the network itself does not tell the
    two apart (its logits do not fall accordingly) are left out.
    Returns the `Mean` over pictures, each the share of its two questions that come out right, and the share
    of pictures left out. FunnyBirds' number is the same; but the two questions are about the same two maps,
    and so pictures, not questions, are drawn for the interval.
    Raises ValueError where heat, logits and pairs are not of as many pictures, for heat that is not finite,
    and where no picture is left.
    """
    for what, given in {"heat": heat, "logits": logits}.items():
        tensor(given, what)
    if not len(heat) == len(logits) == len(pairs):
        raise ValueError(f"heat of {len(heat)} pictures, logits of {len(logits)}, pairs of {len(pairs)}")
    if not heat.isfinite().all():
        raise ValueError("heat holds values that are NaN or infinite")
    asked: list[float] = []
    left_out = 0
    for one, answers, (a, b) in zip(heat, logits, pairs, strict=True):
        masks = [torch.tensor([name in parts for name in PLACES]) for _, parts in (a, b)]
        without = [answers[int((mask.long() << torch.arange(len(PLACES))).sum())] for mask in masks]
        falls = torch.stack([row - answers[0] for row in without])  # (removed: a's or b's parts, C)
        if not (falls[0, a[0]] < falls[1, a[0]] and falls[1, b[0]] < falls[0, b[0]]):
            left_out += 1
            continue
        on = torch.stack([one[:, mask].sum(1) for mask in masks], 1)  # (map of, parts of)
        asked.append((float(on[0, 0] > on[1, 0]) + float(on[0, 1] < on[1, 1])) / 2)
    if not asked:
        raise ValueError("in no picture does the network itself tell the two rivals apart")
    return Mean(asked), left_out / len(pairs)
