"""Run a network and leave what its modules hold as it was: some fill an attribute in `forward`.

A grid that is made for the first picture and kept, a gate that is kept to be looked at, a weight that pruning
computes anew before each run: after a run without numbers, or on an empty picture, they would be of no use.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from .lock import alone, every

__all__ = ["CONTAINERS", "attributes_kept"]

CONTAINERS: tuple[Any, ...] = (dict, list, set, deque)  # filled in place, as a module's buffers are
_NOTHING = object()


@contextmanager
def attributes_kept(module: nn.Module) -> Iterator[None]:
    """After the block every module in it holds the same objects as before, whatever happens.

    Put back are attributes, parameters, buffers and hooks, and what lies in a module's own dictionaries,
    lists and sets; not the numbers of a tensor that is overwritten, nor what hides deeper. Of a `Net` give
    the module inside: what is found out about it meanwhile would be put back too. No other thread runs the
    network meanwhile.
    """
    with alone(module):
        tables = [(vars(inner), dict(vars(inner))) for inner in every(module)]
        held = [
            (one, kind(one))
            for _, before in tables
            for one in before.values()
            for kind in CONTAINERS
            if isinstance(one, kind)
        ]
        try:
            yield
        finally:
            for table, before in tables:
                _put_back(table, before)
            for one, before in held:
                if _objects(one) != _objects(before):
                    one.clear()
                    one.extend(before) if isinstance(one, list | deque) else one.update(before)


def _put_back(table: dict[str, Any], before: dict[str, Any]) -> None:
    for name in [name for name in table if name not in before]:
        del table[name]
    table.update({name: one for name, one in before.items() if table.get(name, _NOTHING) is not one})


def _objects(held: Any) -> list[int]:
    """Which objects lie in a container; of a dictionary the keys, then the values."""
    return [*map(id, held), *(map(id, held.values()) if isinstance(held, dict) else ())]
