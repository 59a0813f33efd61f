"""How names are told in error messages: the near misses of one, and a list of many."""

import difflib
from collections.abc import Iterable

__all__ = ["listing", "near"]


def near(name: str, known: Iterable[str]) -> str:
    """`name`'s near misses among `known`, as the middle of a sentence; nothing where there are none."""
    lower = {one.lower(): one for one in known}
    found = [lower[one] for one in difflib.get_close_matches(name.lower(), lower, n=3)]
    return f" (did you mean {' or '.join(map(repr, found))}?)" if found else ""


def listing(names: Iterable[str], most: int = 20) -> str:
    """The names with commas, cut after `most`."""
    every = list(names)
    return ", ".join(every[:most]) + (f", … ({len(every)} in all)" if len(every) > most else "")
