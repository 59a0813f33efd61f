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

from ..given import tensor, told, usual_torch
from ..scores.spread import Mean
from .redraw import PLACES

__all__ = [
    "Checks",
    "background_independence",
    "centred",
    "checks",
    "completeness",
    "irrelevant",
    "single_deletion",
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
    Raises ValueError for numbers that are not finite, and where every picture is skipped.
    """
    if drops.shape != importances.shape or drops.ndim != 2:
        raise ValueError(f"drops {tuple(drops.shape)} for importances {tuple(importances.shape)}")
    if not drops.shape[1]:
        raise ValueError(f"drops are {tuple(drops.shape)}: there are no parts")
    if not (drops.isfinite().all() and importances.isfinite().all()):
        raise ValueError("drops or importances hold values that are NaN or infinite: they have no rank")
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
    if not logits.isfinite().all():
        raise ValueError("logits hold values that are NaN or infinite")
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
    (T, N, K).  Without them only parts can distract. A picture without a set that suffices does not count.
    Raises ValueError for shapes and types that do not fit, a label or part that is not there, and logits that
    are not finite.
    """
    _check(found, logits, labels, sets, things, found_things)
    (t, n, parts), labels = found.shape, labels.long()  # bytes would be a mask
    bits = 1 << torch.arange(parts)
    gone = (found.long() * bits).sum(2)  # (T, N), the set of the important parts
    rows = torch.arange(n)
    answer = logits[:, 0].argmax(1)
    kept = logits[rows, (1 << parts) - 1 - gone].argmax(2) == answer
    lost = logits[rows, gone].argmax(2) != answer
    enough = torch.full((t, n), torch.nan, dtype=torch.float64)
    for i in rows[answer == labels].tolist():
        if not sets[i]:
            continue
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


def _check(
    found: Tensor,
    logits: Tensor,
    labels: Tensor,
    sets: Sequence[Sequence[Sequence[str]]],
    things: Tensor | None,
    found_things: Tensor | None,
) -> None:
    """Raise ValueError for what does not fit."""
    for what, given in {"found": found, "logits": logits, "labels": labels}.items():
        tensor(given, what)
    if found.ndim != 3 or found.dtype != torch.bool or not 1 <= found.shape[2] <= len(PLACES):
        raise ValueError(f"found is {told(found)}; give bool (T, N, P), 1 to {len(PLACES)} parts")
    t, n, parts = found.shape
    if logits.ndim != 3 or logits.shape[:2] != (n, 1 << parts):
        raise ValueError(f"logits {tuple(logits.shape)} for {n} pictures of {parts} parts, 2^{parts} sets")
    if not logits.isfinite().all():
        raise ValueError("logits hold values that are NaN or infinite")
    if labels.shape != (n,) or labels.dtype == torch.bool or labels.is_floating_point():
        raise ValueError(f"labels are {told(labels)}; give whole numbers ({n},)")
    if (wrong := (labels < 0) | (labels.long() >= logits.shape[2])).any():
        raise ValueError(f"a label is {int(labels[wrong][0])}; there are {logits.shape[2]} classes")
    if len(sets) != n:
        raise ValueError(f"{len(sets)} lists of sets for {n} pictures")
    for name in {name for every in sets for some in every for name in some} - set(PLACES[:parts]):
        raise ValueError(f"no part {told(name)}; found is about {', '.join(PLACES[:parts])}")
    if (things is None) != (found_things is None):
        raise ValueError("things and found_things go together; one of them is missing")
    if things is None or found_things is None:
        return
    if things.ndim != 2 or len(things) != n or found_things.shape != (t, *things.shape):
        shapes = f"{tuple(things.shape)} and {tuple(found_things.shape)}"
        raise ValueError(f"things and found_things are {shapes}; give ({n}, K) and ({t}, {n}, K)")


def completeness(found: Checks, *, held_out: bool = False) -> tuple[float, tuple[int, ...]]:
    """FunnyBirds' Com, and the places of the thresholds it was read at.

    held_out: False: at the threshold that is best on these very pictures (FunnyBirds); True: each half of
    them, even and odd, at the threshold that is best on the other.
    Raises ValueError where a check counts in no picture, or in no picture of a half: then there is no share.
    """
    usual_torch()
    n = found.preserved.shape[1]
    for half in (range(0, n, 2), range(1, n, 2)) if held_out else (range(n),):
        if not len(half) or not found.of(torch.tensor(half)).isfinite().all():
            raise ValueError(f"of {len(half)} pictures none counts in one of the checks: give more pictures")
    if not held_out:
        curve = found.completeness()
        return float(curve.max()), (int(curve.argmax()),)
    halves = torch.arange(0, n, 2), torch.arange(1, n, 2)
    curves = [found.of(half) for half in halves]
    best = [int(curve.argmax()) for curve in curves]
    return float((curves[0][best[1]] + curves[1][best[0]]) / 2), (best[1], best[0])
