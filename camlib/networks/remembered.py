"""What was found out about a network by running it once, and holds until the network is changed.

Which modules run in which order, and where a layer's cells look, depends on the network's build and on the
picture's size, not on its numbers. A `Net` keeps such findings. A finding is forgotten when a module is
replaced, or a setting of one (a stride, a padding, a list of them, a hook, a `forward` of its own), or a
parameter or its shape. What hides deeper, in a dictionary that is changed in place, is not noticed.
"""

import operator
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar, cast

from torch import nn

from .hookable import check_floating, check_hookable
from .lock import alone, every

__all__ = ["Remembering", "recalled", "remembered"]

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
        built, known = net.found.get(question, (None, None))
        if built and _unchanged(built):
            return cast(T, known)
        now = _build(net, hooks)
        check_hookable(net)  # whoever finds something out looks into the network
        check_floating(net)
        given = answer()
        if keep(given):
            net.found[question] = now, given
            if len(net.found) > _MOST:
                del net.found[next(iter(net.found))]
        return given


def recalled(net: Remembering, question: Hashable) -> Any:
    """What `remembered` keeps, if the network is as it was then and all of it in eval mode; else None."""
    built, known = net.found.get(question, (None, None))
    as_it_was = built and _unchanged(built) and not any(one.module.training for one in built)
    return known if as_it_was else None


class _Kept(NamedTuple):
    """A module as it was: its settings, what its lists and tables held, and the shapes of its numbers."""

    module: nn.Module
    settings: list[Any]
    mode: int  # where among them "training" stands, which may change
    held: list[tuple[list[Any] | dict[Any, Any], list[Any]]]
    empty: list[list[Any] | dict[Any, Any]]  # those of them that held nothing
    numbers: list[tuple[dict[str, Any], list[Any]]]


def _build(net: nn.Module, hooks: bool) -> list[_Kept]:
    """All modules of a network as they are, with the hooks on them or without."""
    return [_kept(module, hooks) for module in every(net)]


def _kept(module: nn.Module, hooks: bool) -> _Kept:
    settings = vars(module)
    values = list(settings.values())
    numbers = [settings["_parameters"], settings["_buffers"]]
    held = [one for one in values if type(one) is list]  # which may be changed in place
    held += [settings["_modules"], *numbers]
    held += [settings["_forward_hooks"], settings["_forward_pre_hooks"]] if hooks else []
    return _Kept(
        module,
        values,
        list(settings).index("training"),
        [(several, _content(several)) for several in held if several],
        [several for several in held if not several],
        [(several, _shapes(several)) for several in numbers if several],
    )


def _unchanged(build: list[_Kept]) -> bool:
    """Whether the modules hold the same objects still, of the same shapes.

    A module that is replaced is missed by the one that held it, so the network is not walked through again.
    """
    for module, settings, mode, held, empty, numbers in build:
        values = list(vars(module).values())
        if len(values) != len(settings) or any(empty):
            return False
        values[mode] = settings[mode]
        if not all(map(operator.is_, values, settings)):
            return False
        for several, content in held:
            if len(several) != len(content) or not all(map(operator.is_, _content(several), content)):
                return False
        for several, shapes in numbers:
            if _shapes(several) != shapes:
                return False
    return True


def _content(several: list[Any] | dict[Any, Any]) -> list[Any]:
    return list(several.values() if isinstance(several, dict) else several)


def _shapes(numbers: dict[str, Any]) -> list[Any]:
    return [None if one is None else one.shape for one in numbers.values()]
