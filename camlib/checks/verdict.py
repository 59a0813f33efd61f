"""What the exercises' checks are made of: a verdict in a sentence, and the usual mistakes recognised.

A check never raises. It returns a `Verdict`, which a notebook shows as ✓ or ✗ and one sentence.
"""

from __future__ import annotations

import functools
import linecache
import math
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ..given import usual_torch
from .compare import compare, describe, kind

Learners = Callable[..., Any]


@dataclass(frozen=True)
class Verdict:
    """Whether an answer passed, and a sentence about it."""

    passed: bool
    message: str

    def __repr__(self) -> str:
        return f"{'✓' if self.passed else '✗'} {self.message}"

    def __bool__(self) -> bool:
        return self.passed


class Wrong(Exception):  # noqa: N818, a verdict rather than an error
    """Ends a check; its text is the sentence the learner reads."""


def check(test: Callable[..., str]) -> Callable[..., Verdict]:
    """Make a check of a test that returns what is right, or raises `Wrong`, about a learner's answer."""

    @functools.wraps(test)
    def verdict(answer: Any) -> Verdict:
        try:
            demand_usual_torch()
            return Verdict(True, test(answer))
        except Wrong as wrong:
            return Verdict(False, str(wrong))

    return verdict


def demand_usual_torch() -> None:
    """Raise `Wrong` where torch's defaults are not the usual: what is tried here would be other numbers."""
    try:
        usual_torch()
    except ValueError as error:
        raise Wrong(str(error)) from None


def ask(f: Learners, *arguments: Any, call: str = "") -> Any:
    """What the learner's function answers. Unfinished or stopped by an error: `Wrong` says so, and where.

    call: how the call reads in the sentence; by default it is made of the arguments.
    """
    if not callable(f):
        raise Wrong(f"hand over the function itself, without calling it; this is {describe(f)}")
    name = getattr(f, "__name__", "your function")
    call = call or f"{name}({', '.join(str(a) if np.isscalar(a) else '…' for a in arguments)})"
    copies = [a.clone() if isinstance(a, Tensor) else a for a in arguments]
    try:
        answer = f(*copies)
    except Exception as error:
        if isinstance(error, NotImplementedError) and not str(error):  # torch's own has a message
            raise Wrong(f"not done yet: {name} still says that it is not implemented") from None
        raise Wrong(f"{call} stopped{_where(f, error)}: {type(error).__name__}: {error}") from None
    if answer is None or answer is ...:
        returned = "nothing" if answer is None else "..."
        raise Wrong(f"not done yet: {call} returned {returned} (does the function end in `return`?)")
    return answer


def demand(got: Any, want: Any, what: str = "answer", atol: float = 1e-4, named: str = "") -> None:
    """Raise `Wrong` unless got is want; see `compare`."""
    if sentence := compare(got, want, what, atol, named):
        raise Wrong(sentence)


def demand_formula(
    f: Learners,
    cases: Sequence[tuple[int, ...]],
    formula: Callable[..., float],
    mistakes: dict[str, Callable[..., float]],
) -> None:
    """Compare on every case; a wrong formula that explains *all* of the learner's answers is named."""
    name = getattr(f, "__name__", "your function")
    answers = [(case, demand_number(ask(f, *case), f"{name}{case}")) for case in cases]
    wrong = [(case, answer) for case, answer in answers if not math.isclose(answer, formula(*case))]
    if not wrong:
        return
    case, answer = wrong[0]
    why = next(
        (why for why, g in mistakes.items() if all(math.isclose(a, g(*c)) for c, a in answers)),
        f"{len(answers) - len(wrong)} of {len(answers)} cases are right",
    )
    raise Wrong(f"{name}{case} gave {answer:g}, and should be {formula(*case):g}: {why}")


def demand_number(value: Any, call: str) -> float:
    """The value as a float; `Wrong` unless it is one finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"{call} should be one number, but is {kind(value)}") from None
    if not math.isfinite(number):
        raise Wrong(f"{call} is {number}, not a finite number")
    return number


def refuse(got: Any, mistakes: dict[str, Tensor]) -> None:
    """Raise the sentence of the wrong array that equals got, if one does."""
    for sentence, wrong in mistakes.items():
        if not compare(got, wrong):
            raise Wrong(sentence)


def refuse_number(got: float, want: float, mistakes: dict[str, float]) -> None:
    """Raise the sentence of the wrong number that equals got, if one does that differs from the right one."""
    for sentence, wrong in mistakes.items():
        if abs(got - wrong) < 1e-4 and abs(wrong - want) > 1e-4:
            raise Wrong(sentence)


@check
def double(f: Learners) -> str:
    """The example in CONTRIBUTING.md: f(x) is twice x."""
    for x in (1, 2.5, -3):
        demand(ask(f, x), 2 * x, f"double of {x}")
    return "right: twice the number, for whole, broken and negative ones"


def _where(f: Learners, error: BaseException) -> str:
    """The last line of the learner's own code that ran, as ' at line 3, `return x[9]`'."""
    own = getattr(getattr(f, "__code__", None), "co_filename", None)
    lines = [
        line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == own
    ]
    if not own or not lines:
        return ""
    return f" at line {lines[-1]}, `{linecache.getline(own, lines[-1]).strip()}`"
