"""What all scores have in common: a number, and how far it would move had other pictures been drawn."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

from .bootstrap import interval

__all__ = ["Score"]


class Score(ABC):
    """A score of N pictures: `float(score)`, `score.interval()`, `len(score)`.

    For the same N and seed the same pictures are drawn, so the spread of `a.resampled() - b.resampled()` is
    that of the difference of two methods on the same pictures. All of it lies on the CPU.
    """

    each: str = "picture"  # what is drawn anew: told in sentences, with an s where there are several

    @abstractmethod
    def __float__(self) -> float: ...

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def resampled(self, *, times: int = 1000, seed: int = 0) -> Tensor:
        """The score on that many random sets of N of these pictures, drawn with replacement: (times,)."""

    def interval(self, *, level: float = 0.95, **of: Any) -> tuple[float, float]:
        """The interval that holds the middle `level` of `resampled(**of)`, Efron's percentile bootstrap.

        Raises ValueError where there are not two pictures: one has no spread.
        """
        if len(self) < 2:
            raise ValueError(f"a score of {_pictures(self)} has no spread; give two pictures or more")
        return interval(self.resampled(**of), level=level)

    def __repr__(self) -> str:
        spread = ""
        if len(self) > 1:
            low, high = self.interval()
            spread = f" [{low:.3f}, {high:.3f}]"
        return f"{type(self).__name__}({float(self):.3f}{spread}, {self._told()}{_pictures(self)})"

    def _told(self) -> str:
        """What else the line says, ending in a comma and a space."""
        return ""


def _pictures(score: Score) -> str:
    return f"{len(score)} {score.each}" + "s" * (len(score) != 1)
