"""Run a network and leave what its modules hold as it was: some fill an attribute in `forward`.

A grid that is made for the first picture and kept, a gate that is kept to be looked at, a weight that pruning
computes anew before each run: after a run without numbers, or on an empty picture, they would be of no use.
Some also count pictures, or keep a mean of them, even in eval mode: then ours shall not count.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .lock import alone, every

__all__ = ["CONTAINERS", "attributes_kept", "numbers_kept"]

CONTAINERS: tuple[Any, ...] = (dict, list, set, deque)  # filled in place, as a module's buffers are
_LARGE = 64 * 2**20  # bytes; such a tensor is a table to look up in, of which no copy is made


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
                for name in table.keys() - before.keys():
                    del table[name]
                table.update(before)
            for one, before in held:
                if (one or before) and _objects(one) != _objects(before):  # most are empty
                    one.clear()
                    one.extend(before) if isinstance(one, list | deque) else one.update(before)


@contextmanager
def numbers_kept(module: nn.Module) -> Iterator[None]:
    """As `attributes_kept`; and every buffer, and every tensor that is an attribute, holds its numbers again.

    Parameters, and tensors of 64 MiB or more, are not looked at.
    """
    with attributes_kept(module):
        before = [(one, one.detach().clone()) for one in _kept(module)]
        try:
            yield
        finally:
            with torch.no_grad():
                for one, numbers in before:
                    if not one.is_leaf:  # it was overwritten with what came from the pixels
                        one.detach_()
                    if not torch.equal(one, numbers):
                        one.copy_(numbers)


def _objects(held: Any) -> list[int]:
    """Which objects lie in a container; of a dictionary the keys, then the values."""
    return [*map(id, held), *(map(id, held.values()) if isinstance(held, dict) else ())]


def _kept(module: nn.Module) -> list[Tensor]:
    tables = [table for inner in every(module) for table in (vars(inner), inner._buffers)]
    return [
        one
        for table in tables
        for one in table.values()
        if isinstance(one, Tensor)
        and one.is_leaf  # what pruning computes from the parameters is none
        and one.layout is torch.strided
        and not one.is_meta
        and one.nbytes < _LARGE
    ]
