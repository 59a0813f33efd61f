"""What was found out about a network by running it once, and holds until the network is changed.

Which modules run in which order, and where a layer's cells look, depends on the network's build and on the
picture's size, not on its numbers. A `Net` keeps such findings. A finding is forgotten when a module is
replaced, or a setting of one (a stride, a padding, a list of them, a hook, a `forward` of its own), or a
parameter or its shape. What hides deeper, in a dictionary that is changed in place, is not noticed.
"""

import operator
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from torch import nn

from .hookable import check_floating, check_hookable
from .lock import alone, every

__all__ = ["Remembering", "remembered"]

T = TypeVar("T")
_MOST = 64  # findings of one network; then the oldest goes


class Remembering(nn.Module):
    """A module that keeps what was found out about it; a copy of it, or a saved one, begins with nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[Hashable, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "found": {}}


def remembered(
    net: Remembering,
    question: Hashable,
    answer: Callable[[], T],
    keep: Callable[[T], bool] = lambda _: True,
    hooks: bool = True,
) -> T:
    """What `answer()` gave when the question was last asked of this network, or gives now.

    question: all that the answer depends on, besides the network's build.  keep: whether an answer is kept.
    hooks: whether it depends on what hooks lie on the network, too.
    """
    with alone(net):
        now = _build(net, hooks)
        built, known = net.found.get(question, (None, None))
        if built and _alike(built, now):
            return cast(T, known)
        check_hookable(net)  # whoever finds something out looks into the network
        check_floating(net)
        given = answer()
        if keep(given):
            net.found[question] = now, given
            if len(net.found) > _MOST:
                del net.found[next(iter(net.found))]
        return given


def _build(net: nn.Module, hooks: bool) -> tuple[list[Any], list[Any]]:
    """A network's modules and their settings, the same objects; and the shapes of their numbers."""
    same: list[Any] = []
    shapes: list[Any] = []
    for module in every(net):
        settings = vars(module)
        same.append(module)
        same.extend({**settings, "training": None, "found": None}.values())
        same.extend(settings["_modules"].values())
        for several in settings.values():
            if type(several) is list:  # which may be changed in place
                same.extend(several)
        for numbers in (settings["_parameters"], settings["_buffers"]):
            if numbers:
                same.extend(numbers.values())
                shapes.extend([None if one is None else one.shape for one in numbers.values()])
        if hooks and (settings["_forward_hooks"] or settings["_forward_pre_hooks"]):
            same.extend((*settings["_forward_hooks"].values(), *settings["_forward_pre_hooks"].values()))
    return same, shapes


def _alike(one: tuple[list[Any], list[Any]], other: tuple[list[Any], list[Any]]) -> bool:
    """Whether they are the same objects, of the same shapes."""
    same = len(one[0]) == len(other[0]) and all(map(operator.is_, one[0], other[0]))
    return same and one[1] == other[1]
