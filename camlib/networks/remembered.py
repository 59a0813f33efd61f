"""What was found out about a network by running it once, and holds until the network is changed.

Which modules run in which order, and where a layer's cells look, depends on the network's build and on the
picture's size, not on its numbers. A `Net` keeps such findings. A finding is forgotten when a module is
replaced, or a setting of one (a stride, a padding, a hook, a `forward` of its own), or the shape or the type
of a parameter changes.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from torch import nn

from .lock import alone

__all__ = ["Remembering", "remembered"]

T = TypeVar("T")
_MOST = 64  # findings of one network; then the oldest goes
_PLAIN = (int, float, str, bool, tuple, type(None))


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
        if built == now:
            return cast(T, known)
        given = answer()
        if keep(given):
            net.found[question] = now, given
            if len(net.found) > _MOST:
                del net.found[next(iter(net.found))]
        return given


def _build(net: nn.Module, hooks: bool) -> list[Any]:
    """A network's modules, their settings, and the shapes and types of their numbers, to compare."""
    return [
        (
            id(module),
            [one for key, one in vars(module).items() if type(one) in _PLAIN and key != "training"],
            id(vars(module).get("forward")),
            [
                None if one is None else (one.shape, one.dtype, one.device)
                for numbers in (module._parameters, module._buffers)
                for one in numbers.values()
            ],
            [id(child) for child in module._modules.values()],
            [*module._forward_hooks, *module._forward_pre_hooks] if hooks else None,
        )
        for module in net.modules()
    ]
