"""A number is worth what it would be another time: each kind of evidence with how far it would move.

What was measured says by itself how it can vary:

- a `Score`, over pictures: the bootstrap's interval, had other pictures been drawn;
- true and false, one for each picture: their share, likewise;
- two numbers or more, one for each seed, draw or network: their mean, and all of them.

One number is an anecdote, and is refused. Something else measured on each picture becomes a score as `Mean`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..given import told, usual_torch
from ..unrounded import unrounded
from .bootstrap import counts, interval
from .score import Score

__all__ = ["Evidence", "Mean", "Spread", "base_rates", "difference", "spread"]

_WANTED = "give a score, true or false for each picture, or one number for each of several seeds or networks"
MOST_RUNS = 50  # more numbers than these are one for each picture, not one for each run


class Mean(Score):
    """The mean of something measured on each of N pictures, such as an overlap, or right and wrong: (N,).

    each: what each number was measured on, where that is no picture, such as "filter".
    """

    def __init__(self, values: Tensor | Sequence[float], *, each: str = "picture") -> None:
        usual_torch()
        try:
            given = torch.as_tensor(values).detach().cpu()
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(f"values are {told(values)}; give one number for each picture") from None
        if given.is_complex():
            raise ValueError(f"values are {told(given)}; give real numbers, one for each picture")
        self.values = given.float()
        if self.values.ndim != 1 or not len(self.values):
            raise ValueError(
                f"values have shape {tuple(self.values.shape)}; give one number for each picture"
            )
        self.each = each
        if not self.values.isfinite().all():
            raise ValueError(f"{int((~self.values.isfinite()).sum())} of {len(self)} values are not finite")

    def __float__(self) -> float:
        return float(self.values.mean())

    def __len__(self) -> int:
        return len(self.values)

    @unrounded()
    def resampled(self, *, times: int = 1000, seed: int = 0) -> Tensor:
        """The mean on that many random sets of N of these pictures, drawn with replacement: (times,)."""
        return counts(len(self), times, seed) @ self.values / len(self)


@dataclass(frozen=True)
class Spread:
    """A value and how far it would move: `float(spread)`, and `f"{spread:.0%}"` for all of it in words.

    low, high: the middle 95 % of the bootstrap; the lowest and the highest run.  points: the runs themselves,
    none for a bootstrap.  of: over what, such as "400 pictures" or "5 runs".
    """

    value: float
    low: float
    high: float
    of: str
    points: tuple[float, ...] = ()

    def __float__(self) -> float:
        return self.value

    def __format__(self, form: str) -> str:
        told = f"{self.value:{form}} [{self.low:{form}}, {self.high:{form}}]"
        return f"{told} in {self.of}" if self.points else told

    def __repr__(self) -> str:
        return f"Spread({self:.3f}" + ("" if self.points else f", {self.of}") + ")"


Evidence = Score | Spread | Tensor | Sequence[float]


def spread(evidence: Evidence, *, level: float = 0.95) -> Spread:
    """What was measured, with its interval over pictures or all of its runs; see above for what is what.

    level: of the bootstrap's interval.  Raises ValueError for one number or one picture, which has no
    spread.
    """
    if isinstance(evidence, Spread):
        return evidence
    what = _read(evidence)
    if isinstance(what, Score):
        return Spread(float(what), *what.interval(level=level), _told(what))
    points = what.tolist()
    return Spread(float(what.mean()), min(points), max(points), _told(what), tuple(points))


def difference(one: Evidence, other: Evidence, *, level: float = 0.95) -> Spread:
    """One minus the other, on the same pictures or for the same seeds: only what they do not share varies.

    Where the interval holds zero, no difference is shown.
    Raises ValueError where they are not of the same pictures or runs, and for one picture or run.
    """
    for given in (one, other):
        if isinstance(given, Spread):
            raise ValueError("a Spread no longer knows its pictures; give what it was made of")
    a, b = _read(one), _read(other)
    if isinstance(a, Score) != isinstance(b, Score) or len(a) != len(b):
        raise ValueError(f"a difference is of the same pictures or runs, not of {_told(a)} and {_told(b)}")
    if isinstance(a, Score) and isinstance(b, Score):
        if len(a) < 2:
            raise ValueError(f"one picture has no spread; {_WANTED}")
        low, high = interval(a.resampled() - b.resampled(), level=level)
        return Spread(float(a) - float(b), low, high, _told(a))
    assert isinstance(a, Tensor)
    assert isinstance(b, Tensor)
    return spread(a - b)


def base_rates(labels: Tensor | Sequence[int], classes: Sequence[str] = ()) -> dict[str, float]:
    """What answers that do not look at the picture score: always the commonest class, and guessing.

    labels: (N,) of whole numbers, or true and false.  classes: their names, in order; without them
    the classes are the labels that occur.
    """
    usual_torch()
    given = torch.as_tensor(labels).detach().cpu()
    if given.ndim != 1 or not len(given) or given.is_floating_point():
        raise ValueError(
            f"labels are {given.dtype} of shape {tuple(given.shape)}; give one class for each picture"
        )
    kinds, times = np.unique(given.numpy(), return_counts=True)
    if classes and not 0 <= int(kinds.min()) <= int(kinds.max()) < len(classes):
        raise ValueError(
            f"labels reach from {int(kinds.min())} to {int(kinds.max())}; classes has {len(classes)}"
        )
    most = kinds[times.argmax()].item()
    name = classes[int(most)] if classes else most
    return {
        f"always {name}": float(times.max()) / len(given),
        "guessing": 1 / (len(classes) or max(2, len(kinds))),
    }


def _read(evidence: Evidence) -> Score | Tensor:
    """A score over pictures, or one number for each run."""
    if isinstance(evidence, Score):
        return evidence
    try:
        given = evidence if isinstance(evidence, Tensor) else torch.from_numpy(np.asarray(evidence))
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"evidence is {told(evidence)}; {_WANTED}") from None
    values = given.detach().cpu()
    if values.dtype == torch.bool:
        return Mean(values)
    if values.ndim != 1 or len(values) < 2:
        what = "one number has no spread" if values.numel() == 1 else f"evidence is {told(values)}"
        raise ValueError(f"{what}; {_WANTED}")
    if len(values) > MOST_RUNS:
        raise ValueError(f"{len(values)} numbers are not runs: one for each picture is scores.Mean(…)")
    if not values.isfinite().all():
        raise ValueError(f"of {len(values)} runs, {int((~values.isfinite()).sum())} are not finite numbers")
    return values.double()


def _told(what: Score | Tensor) -> str:
    return f"{len(what)} {what.each if isinstance(what, Score) else 'run'}s"
