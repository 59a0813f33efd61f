"""What was found out about a network by running it once, and holds until the network is changed.

Which modules run in which order, and where a layer's cells look, depends on the network's build and on the
picture's size, not on its numbers. A `Net` keeps such findings. A finding is forgotten when a module is
replaced, or a setting of one (a stride, a padding, a hook, a `forward` of its own; also one in a list, a
dictionary, a set or an object), a class, the code of its class's `forward` (an edited file, loaded again), a
parameter or its shape. What hides deeper, in a dictionary inside a dictionary, is not noticed.
"""

from collections.abc import Callable, Hashable
from itertools import accumulate, chain
from operator import attrgetter, methodcaller
from types import ModuleType
from typing import Any, TypeVar, cast

from torch import Tensor, nn

from .attributes import CONTAINERS
from .hookable import check_floating, check_hookable
from .lock import alone, every

__all__ = ["Remembering", "forget", "recalled", "remembered"]

T = TypeVar("T")
_MODE = attrgetter("training")
_COPY = methodcaller("copy")
_TORCHS = frozenset(vars(nn.Module()))  # what every module has
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
        if built and built.unchanged():
            return cast(T, known)
        now = _Build(net, hooks)
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
    return known if built and built.unchanged() and not any(map(_MODE, built.modules)) else None


def _code(kind: type) -> object:
    """What a class's `forward` does; IPython's autoreload changes it within the same function."""
    forward = getattr(kind, "forward", None)
    return getattr(forward, "__code__", forward)


def _filled(value: object) -> Any:
    """What of a module's attribute may be changed in place: a container, or the attributes of an object."""
    if isinstance(value, CONTAINERS):
        return value
    other = isinstance(value, nn.Module | Tensor | type | ModuleType)  # looked at elsewhere, or no settings
    return None if other else getattr(value, "__dict__", None)


def forget(net: Remembering, question: Hashable) -> None:
    """Forget an answer that proves to be wrong, so that it is found anew when it is asked for."""
    with alone(net):
        net.found.pop(question, None)


class _Build:
    """All modules of a network as they are, with the hooks on them or without.

    A module that is replaced is missed by the one that held it, so the network is not walked through again.
    Hundreds of modules are compared at each call: so by whole lists, which takes microseconds.
    """

    def __init__(self, net: Remembering, hooks: bool) -> None:
        self.modules = every(net)
        tables = [vars(module) for module in self.modules]
        # of each, what may be changed in place: its settings, and the tables of what it holds
        own = (one for table in tables for name, one in table.items() if name not in _TORCHS)
        filled = {id(one): one for one in map(_filled, own) if one is not None and one is not net.found}
        self._settings = list(filled.values())
        numbers = [table[name] for table in tables for name in ("_parameters", "_buffers")]
        names = ("_modules", *(("_forward_hooks", "_forward_pre_hooks") if hooks else ()))
        held = [*numbers, *(table[name] for table in tables for name in names)]
        self._numbers, self._held = ([one for one in some if one] for some in (numbers, held))
        self._empty = [one for one in held if not one]
        self._kinds = list(dict.fromkeys(map(type, self.modules)))
        ends = accumulate(map(len, tables), initial=0)
        # where "training" stands, which may change
        self._modes = [end + list(table).index("training") for end, table in zip(ends, tables, strict=False)]
        self._kept = self._now()

    def unchanged(self) -> bool:
        """Whether the modules hold the same objects still, of the same shapes."""
        try:
            return self._now() == self._kept  # lists are equal where their objects are the same ones
        except Exception:  # where they are not, two tensors, say, are compared, which may not be done
            return False

    def _now(self) -> tuple[object, ...]:
        settings = list(chain.from_iterable(map(dict.values, map(vars, self.modules))))
        for place in self._modes:
            if place < len(settings):
                settings[place] = None
        numbers = chain.from_iterable(map(dict.values, self._numbers))
        return (
            settings,
            list(map(type, self.modules)),
            list(map(_code, self._kinds)),
            list(map(len, self._held)),
            list(chain.from_iterable(map(dict.values, self._held))),
            any(self._empty),
            [*map(_COPY, self._settings)],
            [None if one is None else one.shape for one in numbers],
        )
