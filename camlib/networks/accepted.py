"""What `wrap` is given, checked: each slip in one line that says what to give instead."""

import math
from collections.abc import Iterable
from typing import Any

from torch import nn

from ..given import told, whole
from .hookable import check_floating, check_hookable, check_not_exported, uncompiled

__all__ = ["a_module", "both_sides", "class_names", "normalisation"]


def a_module(given: object) -> nn.Module:
    """The network itself, not compiled. Raises ValueError for what is none, or cannot be looked into."""
    if isinstance(given, type) and issubclass(given, nn.Module):
        raise ValueError(f"wrap wants a network, not its class: wrap({given.__name__}(…))")
    check_not_exported(given)
    if not isinstance(given, nn.Module):
        more = f"; a network by its name is load({given!r})" if isinstance(given, str) else ""
        raise ValueError(f"a Net is made of a torch.nn.Module; given {told(given)}{more}")
    module = uncompiled(given)
    check_hookable(module)
    check_floating(module)
    return module


def both_sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) of the pictures that a network expects."""
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2:
        raise ValueError(f"size is a side, or (height, width); given {told(size)}")
    return whole(sides[0], "size", 1), whole(sides[1], "size", 1)


def normalisation(mean: Any, std: Any) -> tuple[list[float], list[float]]:
    """Both as lists, one number a channel. Raises ValueError where they are no such numbers.

    They are of pictures in [0, 1]: no mean lies outside, and no std is far above 1.
    """
    both = []
    for given in (mean, std):
        values = given.tolist() if hasattr(given, "tolist") else given
        numbers = [_number(one) for one in values] if isinstance(values, list | tuple) else []
        both.append(numbers if all(map(math.isfinite, numbers)) else [])
    means, stds = both
    if not means or len(means) != len(stds) or min(stds) <= 0:
        raise ValueError(
            f"mean and std want one number a channel, std > 0; given {told(mean)} and {told(std)}"
        )
    if min(means) < 0 or max(means) > 1 or max(stds) > 2:
        raise ValueError(
            f"mean and std are those of pictures in [0, 1]; given {told(mean)} and {told(std)}: of pictures "
            "in 0…255, divide both by 255"
        )
    return means, stds


def class_names(given: object, count: int) -> list[str]:
    """The names, one for each output; None: "class 0", …  Raises ValueError where they are no such names."""
    if given is None:
        return [f"class {index}" for index in range(count)]
    if (
        isinstance(given, str | bytes | dict | set)
        or getattr(given, "ndim", 1) != 1
        or not isinstance(given, Iterable)
    ):
        raise ValueError(f"classes is a list of names in the order of the outputs; given {told(given)}")
    names = list(given)
    if wrong := [one for one in names if not isinstance(one, str)]:
        raise ValueError(f"classes are names, in quotes; given {told(wrong[0])}")
    if len(names) != count:
        raise ValueError(f"{len(names)} class names for a network with {count} outputs")
    return [str(one) for one in names]


def _number(given: Any) -> float:
    try:
        return float(given) if not isinstance(given, str) else math.nan
    except (TypeError, ValueError, RuntimeError):
        return math.nan
