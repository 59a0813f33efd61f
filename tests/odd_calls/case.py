"""One odd call: what is tried, and what should come of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Case", "right", "told"]


class Case(NamedTuple):
    """name: in words.  call: what is tried, without arguments.

    wanted: a regular expression that the line of the ValueError must match; or, where the call is to work,
    a function that says whether its answer is right.
    """

    name: str
    call: Callable[[], Any]
    wanted: str | Callable[[Any], bool]


def told(name: str, call: Callable[[], Any], line: str) -> Case:
    """A call that must be refused in one line that matches."""
    return Case(name, call, line)


def right(name: str, call: Callable[[], Any], check: Callable[[Any], bool]) -> Case:
    """A call that must work, and whose answer must pass the check."""
    return Case(name, call, check)
