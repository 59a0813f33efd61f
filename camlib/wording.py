"""How things are told in a line: a name's near misses, a list of many names, what holds many numbers."""

import difflib
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from torch import Tensor, nn

__all__ = ["in_short", "listing", "near", "one_line"]


def near(name: str, known: Iterable[str]) -> str:
    """`name`'s near misses among `known`, as the middle of a sentence; nothing where there are none."""
    lower = {one.lower(): one for one in known}
    found = [lower[one] for one in difflib.get_close_matches(name.lower(), lower, n=3)]
    return f" (did you mean {' or '.join(map(repr, found))}?)" if found else ""


def listing(names: Iterable[str], most: int = 20) -> str:
    """The names with commas, cut after `most`."""
    every = list(names)
    return ", ".join(every[:most]) + (f", … ({len(every)} in all)" if len(every) > most else "")


def one_line(error: object) -> str:
    """What an error says, whose own words may take several lines."""
    return " ".join(str(error).split())


def in_short(found: Any) -> str:
    """A dataclass on a line, as its repr: tensors by type and shape, networks by name, tuples by length."""
    told = (f"{field.name}={_in_short(getattr(found, field.name))}" for field in fields(found))
    return f"{type(found).__name__}({', '.join(told)})"


def _in_short(value: Any) -> str:
    if isinstance(value, Tensor) and not value.ndim:
        return str(value.item())
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    if isinstance(value, nn.Module):
        return str(getattr(value, "name", type(value).__name__))
    line = repr(value)
    if isinstance(value, tuple | list | dict) and len(line) > 60:
        return f"{type(value).__name__} of {len(value)}"
    return line
