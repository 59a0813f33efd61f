"""What a verb is given, checked once for all: whole numbers, numbers, seeds, tensors, paths.

Each function gives its argument back, as the type that was asked for, or raises a one-line ValueError that
names it and says what to give. Whole numbers are Python's, NumPy's, or tensors of one; 3.0, True and "3" are
none.

Looked at with them is in what kind of number, and where, torch makes a tensor that is not told: camlib counts
on float32 on the CPU, and with another default a seed would draw other numbers, and sums would not fit.
"""

import math
import operator
import os
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["number", "path_of", "seeded", "tensor", "told", "usual_torch", "whole"]

SEEDS = 2**64 - 1  # torch's; NumPy takes any, scikit-learn fewer


def told(value: object) -> str:
    """A value in a few words on one line, for a message."""
    if isinstance(value, Tensor | np.ndarray) and value.ndim:
        kind = "a tensor" if isinstance(value, Tensor) else "a NumPy array"
        return f"{kind} {str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    line = " ".join(repr(value).split())
    return line if len(line) <= 60 else f"a {type(value).__name__}"


def usual_torch() -> None:
    """Raise ValueError, with what to do, where torch's default dtype or device is not the usual one."""
    made = torch.empty(0)
    if made.dtype is torch.float32 and made.is_cpu:
        return
    if made.dtype is not torch.float32:
        kind = str(made.dtype).removeprefix("torch.")
        raise ValueError(
            f"torch's default dtype is {kind}, and camlib counts on the usual one: torch.set_default_dtype("
            f"torch.float32); a network that is {kind} by now may stay so"
        )
    raise ValueError(
        f"torch's default device is {made.device}, and camlib counts on the usual one: "
        f"torch.set_default_device('cpu'); a network that lies on {made.device} by now may stay there"
    )


def whole(value: Any, what: str, least: int = 0, most: int | None = None) -> int:
    """A whole number from `least` to `most`, as an int."""
    usual_torch()
    yes_no = isinstance(value, bool | np.bool_) or str(getattr(value, "dtype", "")).endswith("bool")
    try:
        several = getattr(value, "ndim", 0) != 0
        found = None if yes_no or several else operator.index(value)
    except TypeError:
        found = None
    if found is None or found < least or (most is not None and found > most):
        span = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{what} is {told(value)}; it is a whole number, {span}")
    return found


def seeded(value: Any, what: str = "seed", most: int = SEEDS) -> int:
    """A seed, as an int."""
    return whole(value, what, 0, most)


def number(value: Any, what: str, wanted: str) -> float:
    """A finite number, as a float.  wanted: what the message asks for, "a share from 0 to 1"."""
    usual_torch()
    real = isinstance(value, Real) or (isinstance(value, Tensor | np.ndarray) and not value.ndim)
    if not real or isinstance(value, bool | np.bool_) or not math.isfinite(float(value)):
        raise ValueError(f"{what} is {told(value)}; give {wanted}")
    return float(value)


def tensor(value: Any, what: str) -> Tensor:
    """A torch tensor. Arrays and lists are told how to become one: nothing is converted in secret."""
    usual_torch()
    if isinstance(value, Tensor):
        if value.is_meta or value.layout != torch.strided:
            raise ValueError(f"{what}: given a tensor without numbers, or sparse; give a dense one")
        return value
    if isinstance(value, np.ndarray):
        raise ValueError(f"{what}: given a NumPy array; give a torch tensor: torch.from_numpy(x)")
    how = ": torch.tensor(x)" if isinstance(value, list | tuple | int | float) else ""
    raise ValueError(f"{what}: given {told(value)}; give a torch tensor{how}")


def path_of(value: Any, what: str) -> Path:
    """The path that a string or Path names, ~ read as the user's home."""
    usual_torch()
    if not isinstance(value, str | os.PathLike) or not os.fspath(value) or "\0" in str(value):
        here = "; '.' is the current folder" if value == "" else ""
        raise ValueError(f"{what} is {told(value)}; give a path{here}")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"{what} is {told(value)}; there is no such user") from None
