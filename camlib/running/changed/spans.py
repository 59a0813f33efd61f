"""Which rows of each map change when some rows of the picture do; columns likewise, by themselves.

Rows a to b - 1 of a map are read, through windows of kernel k, stride s, padding p, dilation d, by the rows

    ⌈(a + p - (k - 1) d) / s⌉  to  ⌊(b - 1 + p) / s⌋

of the map above, those that there are. Going up, the changed part grows until it is the whole map.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Span", "Window", "outer", "united"]


class Window(NamedTuple):
    """What a convolution or a pool reads for each of its numbers; pairs are (down, across)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Span:
    """The changed rows of a map of `length` rows, for each of n changes: lo to hi - 1.

    lo, hi: int64 (n,), on the CPU.
    size, at: so many rows from at (n,) on are computed, the same number for all n; lo to hi - 1 are in them.
    """

    lo: Tensor
    hi: Tensor
    length: int
    size: int
    at: Tensor

    @classmethod
    def of(cls, lo: Tensor, hi: Tensor, length: int) -> "Span":
        """The span with the fewest rows to compute; what lies outside the map is cut off."""
        lo, hi = lo.clamp(0, length), hi.clamp(0, length)
        size = max(1, int((hi - lo).max()))
        return cls(lo, hi, length, size, lo.clamp(max=length - size))

    @property
    def whole(self) -> bool:
        """Whether all rows are computed."""
        return self.size == self.length

    @property
    def rows(self) -> Tensor:
        """(n, size): the rows that are computed."""
        return self.at[:, None] + torch.arange(self.size)

    @property
    def changed(self) -> Tensor:
        """bool (n, size): which of them change."""
        return (self.rows >= self.lo[:, None]) & (self.rows < self.hi[:, None])

    def all(self) -> "Span":
        """The same changes, but all rows are computed."""
        return replace(self, size=self.length, at=torch.zeros_like(self.at))

    def through(self, window: Window, axis: int, length: int) -> "Span":
        """The span of the map above, of so many rows, whose rows read these through a window."""
        reach = (window.kernel[axis] - 1) * window.dilation[axis]
        stride, padding = window.stride[axis], window.padding[axis]
        first = -((reach - padding - self.lo) // stride)  # rounded up
        return Span.of(first, (self.hi - 1 + padding) // stride + 1, length)

    def read(self, window: Window, axis: int) -> Tensor:
        """(n, rows): the rows of the map *below* that these read; those outside it are padding."""
        reach = (window.kernel[axis] - 1) * window.dilation[axis]
        count = (self.size - 1) * window.stride[axis] + reach + 1
        return (self.at * window.stride[axis] - window.padding[axis])[:, None] + torch.arange(count)

    def __or__(self, other: "Span") -> "Span":
        """What changes where two maps of one size are added or joined."""
        return Span.of(self.lo.minimum(other.lo), self.hi.maximum(other.hi), self.length)

    def same(self, other: "Span") -> bool:
        """Whether both compute the same rows."""
        return self.size == other.size and torch.equal(self.at, other.at)


def outer(y: Tensor, x: Tensor) -> Tensor:
    """(Y, X, h, w) of (Y, h) and (X, w): their sum, or, of booleans, whether both hold."""
    down, across = y[:, None, :, None], x[None, :, None, :]
    return down & across if y.dtype == torch.bool else down + across


def united(spans: Sequence[Span]) -> Span:
    """What changes where several maps of one size meet."""
    return reduce(Span.__or__, spans)
