"""FunnyBirds' measures: is a heatmap right about what the network does when parts are really removed?

They read answers and masks, and run nothing. Hesse, Schaub-Meyer, Roth (2023), "FunnyBirds: a synthetic
vision dataset for a part-based analysis of explainable AI methods", section 4, and `evaluation_protocols.py`;
to the letter as the options stand. What is mended by them:

- a threshold chosen on the pictures that it is scored on: `completeness` can choose on the other half;
- a map that is the same on all parts is skipped, so that blank maps cost nothing: here it may count as
  chance;
- 5 % of a logit: logits may all be moved by the same amount without any answer changing. Measured from the
  mean over the classes (`centred`) the share means something.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import spearmanr
from torch import Tensor

from ..scenes.scenes import SPECIES, Recipe
from ..scenes.scenes import features as features_of
from ..scores.spread import Mean
from .redraw import PLACES

__all__ = [
    "Checks",
    "background_independence",
    "centred",
    "checks",
    "completeness",
    "irrelevant",
    "rivals",
    "single_deletion",
    "target_sensitivity",
]

_SHARE = 0.05  # of the logit: less than this is no change


def centred(logits: Tensor) -> Tensor:
    """Logits (…, C) less their mean over the classes: what can decide between classes."""
    return logits - logits.mean(-1, keepdim=True)


def single_deletion(drops: Tensor, importances: Tensor, *, blank: float | None = None) -> Mean:
    """Spearman's ρ between what removing each part alone costs and how much heat lies on it, as ρ/2 + ½.

    drops: (N, P), the target's logit in the whole picture less that without the part.  importances: (N, P).
    blank: what a picture counts whose map, or whose drops, are the same on all parts; None: it is skipped
    (FunnyBirds), and a `Mean` of the rest comes back.
    Raises ValueError where every picture is skipped.
    """
    if drops.shape != importances.shape or drops.ndim != 2:
        raise ValueError(f"drops {tuple(drops.shape)} for importances {tuple(importances.shape)}")
    found: list[float] = []
    for drop, importance in zip(drops.double(), importances.double(), strict=True):
        if bool((drop == drop[0]).all()) or bool((importance == importance[0]).all()):
            found += [] if blank is None else [blank]
        else:
            found.append(float(spearmanr(drop.numpy(), importance.numpy()).statistic) / 2 + 0.5)
    if not found:
        raise ValueError("every map is the same on all its parts; there is nothing to correlate")
    return Mean(found)


def irrelevant(logits: Tensor, removed: Tensor) -> Tensor:
    """Which removals do not matter, bool (N, K): the logit moves by under 5 % of itself, or rises.

    logits: (N,), the target's in the whole picture.  removed: (N, K), without one thing; NaN stays out.
    """
    change = logits[:, None] - removed
    return (change.abs() < _SHARE * logits.abs()[:, None]) | (change < 0)


def background_independence(logits: Tensor, removed: Tensor) -> Mean:
    """The share of background things, over all pictures, whose removal does not matter: a `Mean` over things.

    logits, removed: as for `irrelevant`; where a picture has fewer things the rest of its row is NaN.
    """
    there = ~removed.isnan()
    if not there.any():
        raise ValueError("there is no thing in any background")
    return Mean(irrelevant(logits, removed)[there].float())


@dataclass(frozen=True, eq=False)
class Checks:
    """Four shares for each threshold and picture, double (T, N); NaN where a picture does not count.

    sufficient: the most that is found of a set of parts that suffices for the class (CSDC), of pictures that
    are answered right.  preserved: whether the important parts alone keep the answer (PC).  deleted: whether
    the answer goes with them (DC).  undistracted: 1 less the share of irrelevant parts and things that are
    called important (D), of pictures that have any.
    """

    sufficient: Tensor
    preserved: Tensor
    deleted: Tensor
    undistracted: Tensor

    def completeness(self) -> Tensor:
        """(T,): ((CSDC + PC + DC) / 3 + D) / 2, the paper's Com, for each threshold."""
        return self.of(torch.arange(self.preserved.shape[1]))

    def of(self, pictures: Tensor) -> Tensor:
        """The same of these pictures."""
        means = [one[:, pictures].nanmean(1) for one in self._all()]
        return (sum(means[:3], torch.zeros_like(means[0])) / 3 + means[3]) / 2

    def _all(self) -> tuple[Tensor, ...]:
        return self.sufficient, self.preserved, self.deleted, self.undistracted


def checks(
    found: Tensor,
    logits: Tensor,
    labels: Tensor,
    sets: Sequence[Sequence[Sequence[str]]],
    things: Tensor | None = None,
    found_things: Tensor | None = None,
) -> Checks:
    """The four checks that need a threshold.

    found: bool (T, N, P), which parts of `PLACES` are important.  logits: (N, 2^P, C), without each set of
    parts, as `answers(net, redraw(scenes))` gives them.  labels: int64 (N,).
    sets: for each picture the sets of parts that suffice, of `sufficient`.
    things: (N, K), the label's logit without each thing of the background, NaN for none; found_things: bool
    (T, N, K).  Without them only parts can distract.
    """
    t, n, parts = found.shape
    if logits.shape[:2] != (n, 1 << parts):
        raise ValueError(f"logits {tuple(logits.shape)} for {n} pictures of {parts} parts, 2^{parts} sets")
    bits = 1 << torch.arange(parts)
    gone = (found.long() * bits).sum(2)  # (T, N), the set of the important parts
    rows = torch.arange(n)
    answer = logits[:, 0].argmax(1)
    kept = logits[rows, (1 << parts) - 1 - gone].argmax(2) == answer
    lost = logits[rows, gone].argmax(2) != answer
    enough = torch.full((t, n), torch.nan, dtype=torch.float64)
    for i in rows[answer == labels].tolist():
        masks = [torch.tensor([name in some for name in PLACES[:parts]]) for some in sets[i]]
        shares = torch.stack([(found[:, i] & mask).sum(1) / mask.sum().clamp(min=1) for mask in masks])
        enough[:, i] = shares.amax(0).double()
    own = logits[rows, :, labels]
    without = own[:, bits]
    called = found
    if things is not None and found_things is not None:
        without, called = torch.cat([without, things], 1), torch.cat([found, found_things], 2)
    idle = irrelevant(own[:, 0], without) & ~without.isnan()
    undistracted = 1 - (called & idle).sum(2).double() / idle.sum(1)  # NaN where nothing is irrelevant
    return Checks(enough, kept.double(), lost.double(), undistracted)


def completeness(found: Checks, *, held_out: bool = False) -> tuple[float, tuple[int, ...]]:
    """FunnyBirds' Com, and the places of the thresholds it was read at.

    held_out: False: at the threshold that is best on these very pictures (FunnyBirds); True: each half of
    them, even and odd, at the threshold that is best on the other.
    """
    n = found.preserved.shape[1]
    if not held_out:
        curve = found.completeness()
        return float(curve.max()), (int(curve.argmax()),)
    halves = torch.arange(0, n, 2), torch.arange(1, n, 2)
    curves = [found.of(half) for half in halves]
    best = [int(curve.argmax()) for curve in curves]
    return float((curves[0][best[1]] + curves[1][best[0]]) / 2), (best[1], best[0])


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
    Raises ValueError where no picture is left.
    """
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
