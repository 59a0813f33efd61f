"""How an array differs from the right one: the usual mistakes, recognised and said in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]


def compare(got: Any, want: Any, what: str = "answer", atol: float = 1e-4, named: str = "") -> str:
    """Say how an array differs from the right one, recognising the usual mistakes; empty when it does not.

    what: what it is called in the sentence ("map").  atol: the largest difference that counts as equal.
    named: the order of its axes ("row, column"), for the sentence about a transposed one.
    """
    right = _array(want).astype(float)
    if sentence := unfit(got, right.shape, what, named):
        return sentence
    mine = _array(got).astype(float)
    if np.abs(mine - right).max(initial=0) <= atol:
        return ""
    return _known_mistake(mine, right, what, atol, named) or _worst(mine, right, what)


def unfit(got: Any, shape: tuple[int, ...], what: str = "answer", named: str = "") -> str:
    """Say why something is no array of finite numbers of this shape; empty when it is one."""
    try:
        mine = _array(got)
    except (TypeError, ValueError, RuntimeError):
        return f"the {what} should be a tensor of numbers, but is {describe(got)}"
    if mine.dtype.kind not in "biuf":
        return f"the {what} should hold numbers, but is {describe(got)}"
    if mine.shape != shape:
        return _shape(mine, shape, what, named)
    if bad := int((~np.isfinite(mine)).sum()):
        return f"the {what} holds {bad} values that are NaN or infinite: look for 0 / 0, log(0), a large exp"
    return ""


def describe(value: Any) -> str:
    """A value in a few words."""
    text = repr(value)
    return f"{type(value).__name__} {text}" if len(text) < 40 else kind(value)


def kind(value: Any) -> str:
    """What a value is: a tensor of some shape, or of some type."""
    shape = getattr(value, "shape", None)
    return f"of type {type(value).__name__}" if shape is None else f"a tensor of shape {tuple(shape)}"


def _shape(mine: Array, shape: tuple[int, ...], what: str, named: str) -> str:
    shapes = f"its shape is {mine.shape}, and should be {shape}"
    if mine.size == 1 and shape and max(shape) > 1:
        return f"the {what} is a single number; {shapes}"
    if [n for n in mine.shape if n > 1] == [n for n in shape if n > 1]:
        more = "many" if mine.ndim > len(shape) else "few"
        return f"the {what} has an axis of length 1 too {more}: {shapes}"
    if sorted(mine.shape) == sorted(shape):
        return f"the axes of the {what} are in another order{f' than ({named})' if named else ''}: {shapes}"
    return f"the {what} has the wrong shape: {shapes}"


def _known_mistake(mine: Array, right: Array, what: str, atol: float, named: str) -> str:
    """The sentence for the first mistake that turns the right array into mine."""

    def same(other: Array, where: Any = ...) -> bool:
        return other.shape == mine.shape and bool(np.abs(mine - other)[where].max(initial=0) <= atol)

    if mine.size > 1 and not mine.any():
        return f"the {what} is 0 everywhere"
    if mine.size > 1 and np.ptp(mine) <= atol:
        return f"the {what} has the same value, {mine.flat[0]:.4g}, everywhere"
    if same(-right):
        return f"the {what} has the opposite sign"
    if right.size == 1:  # a single 0 or 1 may have come about in any way
        return ""
    if same(np.abs(right)):
        return f"the {what} has lost its signs: negative values came out positive"
    if same(right.clip(0)):
        return f"the {what} has lost its negative values: they came out 0"
    if same((right == right.max(-1, keepdims=True)).astype(float)):
        each = "each row's largest value" if right.ndim > 1 else "its largest value"
        return f"the {what} is 1 at {each} and 0 elsewhere: it was rounded, or it is the one-hot of an argmax"
    if same(right.round()) or same(np.trunc(right)):
        return f"the {what} holds whole numbers: its values were rounded, by `int`, `//` or an integer dtype"
    moved = _known_place(right, what, named, same) if right.ndim >= 2 else ""
    return moved or (_scaled(mine, right, what, atol) if np.ptp(right) > 0 else "")


def _known_place(right: Array, what: str, named: str, same: Callable[..., bool]) -> str:
    """Right values in the wrong places."""
    picture = right.ndim == 3 and right.shape[-1] == 3  # (row, column, channel)
    row, column = (-3, -2) if picture else (-2, -1)
    for axis in range(right.ndim):
        if right.ndim > 2 and right.shape[axis] == 3 and same(np.flip(right, axis)):
            return f"the {what} has its three channels in reverse (BGR); they are RGB here"
    if same(right.swapaxes(row, column)):
        order = named or "row, column"
        return f"the {what} is transposed: you index [column, row], or [x, y]; arrays here are [{order}]"
    for axes, how in (((column,), "left to right"), ((row,), "upside down")):
        if same(np.flip(right, axes)):
            return f"the {what} is mirrored, {how}"
    if same(np.flip(right, (row, column))):
        return f"the {what} is turned round by half a turn"
    for axis, way in ((column, "column"), (row, "row")):
        inner = np.s_[(..., slice(1, -1), *[slice(None)] * (-axis - 1))]  # what came in at the edge is open
        for step in (-1, 1):
            moved = np.roll(right, step, axis)
            if right.shape[axis] > 3 and same(moved, inner):
                return f"the {what} is shifted by one {way}: an index is off by one"
    return ""


def _scaled(mine: Array, right: Array, what: str, atol: float) -> str:
    """Right up to a factor, a constant, or both."""
    offset = float((mine - right).mean())
    if np.abs(mine - offset - right).max() <= atol:
        return f"the {what} is right up to a constant: every value is {abs(offset):.4g} too {_way(offset)}"
    factor = float((mine * right).sum() / (right * right).sum())
    if factor and np.abs(mine - factor * right).max() <= atol * max(1.0, abs(factor)):
        sign = ", and its sign is turned" if factor < 0 else ""
        return f"the {what} is right up to a factor: it is {abs(factor):.4g} × the right one{sign}"
    if right.size < 3:  # any two numbers are a factor and a constant away from any other two
        return ""
    slope, constant = np.polyfit(right.ravel(), mine.ravel(), 1)
    if abs(slope) > atol and np.abs(mine - slope * right - constant).max() <= atol * max(1.0, abs(slope)):
        return f"the {what} is right up to scaling: it is {slope:.4g} × the right one {constant:+.4g}"
    return ""


def _worst(mine: Array, right: Array, what: str) -> str:
    if right.size == 1:
        return f"the {what} is {mine.item():.6g}, and should be {right.item():.6g}"
    off = np.abs(mine - right)
    at = tuple(int(i) for i in np.unravel_index(off.argmax(), off.shape))
    share = (off > 1e-4).mean()
    return (
        f"in the {what}, {share:.0%} of the values are wrong: "
        f"the worst is at {list(at)}, where it is {mine[at]:.4g} and should be {right[at]:.4g}"
    )


def _array(value: Any) -> Array:
    if isinstance(value, Tensor):
        return value.detach().cpu().numpy()
    return np.asarray(value)


def _way(difference: float) -> str:
    return "large" if difference > 0 else "small"
