"""A layer's units by their numbers, checked."""

import operator
from collections.abc import Iterable
from typing import Any

from torch import Tensor

from ..given import told

__all__ = ["unit_numbers"]


def unit_numbers(units: int | Iterable[int] | Tensor, layer: str, count: int | None = None) -> list[int]:
    """One unit, or several, as a list of whole numbers.

    count: how many units the layer has; None: not known yet.
    Raises ValueError for what is no whole number, and for a unit that the layer does not have.
    """
    has = "" if count is None else f": {layer!r} has {count} units, 0 to {count - 1}"
    given: Any = units.tolist() if hasattr(units, "tolist") else units
    each = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    for unit in each:
        whole = hasattr(unit, "__index__") and not isinstance(unit, bool)
        if not whole or unit < 0 or (count is not None and unit >= count):
            raise ValueError(f"unit {told(unit)}{has or ': units are whole numbers from 0'}")
    return [operator.index(unit) for unit in each]
