"""Pictures held as bytes, and what goes with each: the base of every data set that fits into memory."""

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self, overload

import numpy as np
import torch
from torch import Tensor

from ..given import told, usual_torch
from ..wording import in_short

__all__ = ["Pixels", "picked", "pixels_of", "several", "single"]


@dataclass(frozen=True)
class Pixels:
    """N pictures of one size. `data[i]` is (image, label); a slice, mask or list of numbers gives a part.

    pixels: uint8 (N, C, H, W).
    An image is float32 (C, H, W) in [0, 1]; a label is a class's index, or None where there are no classes.
    """

    pixels: Tensor

    __repr__ = in_short

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor | Pixels | tuple) and len(value) != len(self.pixels):
                raise ValueError(f"{len(value)} {field.name} for {len(self.pixels)} pictures")

    @property
    def images(self) -> Tensor:
        """float32 (N, C, H, W) in [0, 1], made anew from `pixels` at each call."""
        return self.pixels.float() / 255

    def __len__(self) -> int:
        return len(self.pixels)

    def __iter__(self) -> Iterator[tuple[Tensor, int | None]]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> tuple[Tensor, int | None]: ...
    @overload
    def __getitem__(self, index: "slice | Tensor | Sequence[int]") -> Self: ...
    def __getitem__(self, index: Any) -> Any:
        if (one := single(index)) is not None:
            labels = getattr(self, "labels", None)
            return self.pixels[one].float() / 255, None if labels is None else int(labels[one])
        chosen = picked(len(self), index)
        kept = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in kept.items():
            if isinstance(value, Tensor | Pixels):
                kept[name] = value[chosen]
            elif isinstance(value, tuple):
                kept[name] = tuple(value[i] for i in chosen.tolist())
        return replace(self, **kept)


def pixels_of(dataset: Any) -> Tensor | None:
    """The images of a data set that lies in memory as a whole: a tensor, or the pixels of one; else None."""
    if isinstance(dataset, Pixels):
        return dataset.pixels
    return dataset if isinstance(dataset, Tensor) else None


def single(index: Any) -> int | None:
    """A whole number, or a tensor that holds one, as an int; None for a slice, a mask or several numbers."""
    if index is None or isinstance(index, bool | np.bool_ | slice | list | tuple | str | float):
        return None
    if isinstance(index, Tensor | np.ndarray) and (index.ndim or str(index.dtype).endswith("bool")):
        return None
    try:
        return operator.index(index)
    except TypeError:
        return None


def picked(n: int, index: Any) -> Tensor:
    """Which of n pictures a slice, a mask or a list of numbers takes: int64 (M,). ValueError for all else."""
    usual_torch()
    try:
        if isinstance(index, slice):
            return torch.tensor(range(n)[index], dtype=torch.int64)
        chosen = torch.as_tensor(index)
        chosen = chosen if chosen.numel() else chosen.long()
        if chosen.ndim != 1 or chosen.is_floating_point() or chosen.is_complex():
            raise TypeError
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(
            f"no pictures {told(index)}; give a slice, a mask or a list of whole numbers"
        ) from None
    if chosen.dtype == torch.bool and len(chosen) != n:
        raise ValueError(f"a mask of {len(chosen)} for {n} pictures")
    chosen = chosen if chosen.dtype == torch.bool else chosen.long()  # n might not fit into bytes
    if chosen.dtype != torch.bool and ((chosen < -n) | (chosen >= n)).any():
        bad = int(chosen[(chosen < -n) | (chosen >= n)][0])
        raise ValueError(f"no picture {bad}; there are {n}")
    return torch.arange(n)[chosen.cpu()]


def several(n: int, index: Any) -> Tensor:
    """As `picked`; ValueError for one number, which would be no batch."""
    if single(index) is not None:
        raise ValueError(f"given the number {told(index)}; give several pictures: a slice, a mask or a list")
    return picked(n, index)
