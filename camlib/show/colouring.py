"""What a point's colour and mark say: a class, yes or no, or a number."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.colors import to_hex
from numpy.typing import NDArray
from torch import Tensor

from .figure import DARK, PALE

Fact = Sequence[str] | Tensor

#: For classes: neighbours in the row differ in lightness, all in shape. After Paul Tol's "muted".
MARKS = (
    *(("#332288", "o"), ("#ddaa33", "s"), ("#117733", "^"), ("#88ccee", "D"), ("#882255", "v")),
    *(("#44aa99", "P"), ("#aa4499", "X"), ("#999933", "<"), ("#cc6677", ">"), ("#777777", "*")),
)
_STEPS = 256  # of the scale for numbers


@dataclass(frozen=True)
class Colouring:
    """A fact about N points, ready to be drawn.

    values: (N,), a class's place in `names`, or the numbers.  names: the classes', none for numbers.
    colours: hexadecimal, one a class; for numbers a scale from the lowest to the highest.  marks: as many.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    colours: tuple[str, ...]
    marks: tuple[str, ...]

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest number."""
        return float(self.values.min()), float(self.values.max())

    def each(self) -> list[str]:
        """Every point's colour."""
        low, high = self.ends if not self.names else (0, len(self.colours) - 1)
        unit = (self.values - low) / (high - low) if high > low else np.zeros(len(self.values))
        return [self.colours[at] for at in (unit * (len(self.colours) - 1)).round().astype(int)]


def colouring(fact: Fact, count: int, name: str = "fact") -> Colouring:
    """What colours `count` points by a fact, one for each.

    fact: words are classes, in the order of the alphabet; whole numbers are classes while they are ten or
    fewer; a bool is "yes" or "no"; floats are numbers.  name: what it is called in an error.
    Raises ValueError where their number differs, for more than ten words, and for numbers not finite.
    """
    if isinstance(fact, str) or len(fact) != count or (isinstance(fact, Tensor) and fact.ndim != 1):
        given = repr(fact) if isinstance(fact, str) else f"{len(fact)} values"
        raise ValueError(f"{name!r} is {given} for {count} points; give one for each")
    names: tuple[str, ...]
    if isinstance(fact, Tensor):
        numbers = fact.detach().cpu().double().numpy()
        if fact.dtype.is_floating_point and not np.isfinite(numbers).all():
            raise ValueError(f"{name!r} of point {int((~np.isfinite(numbers)).argmax())} is not finite")
        if str(fact.dtype) == "torch.bool":
            return Colouring(1 - numbers, ("yes", "no"), (DARK, PALE), ("o", "s"))
        if fact.dtype.is_floating_point or len(np.unique(numbers)) > len(MARKS):
            scale = matplotlib.colormaps["viridis"](np.linspace(0, 1, _STEPS))
            return Colouring(numbers, (), tuple(map(to_hex, scale)), ("o",))
        found, values = np.unique(numbers, return_inverse=True)
        names = tuple(f"{number:.0f}" for number in found)
    else:
        words = sorted(set(fact))
        if len(words) > len(MARKS):
            raise ValueError(f"{name!r} has {len(words)} classes; eyes tell {len(MARKS)} apart")
        values, names = np.array([words.index(word) for word in fact]), tuple(words)
    colours, marks = zip(*MARKS[: len(names)], strict=True)
    return Colouring(values.astype(float), names, colours, marks)
