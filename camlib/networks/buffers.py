"""Run a network and leave the numbers that it keeps as they were: some count pictures, even in eval mode."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .lock import alone, every

__all__ = ["numbers_kept"]

_LARGE = 64 * 2**20  # bytes; such a tensor is a table to look up in, of which no copy is made


@contextmanager
def numbers_kept(module: nn.Module) -> Iterator[None]:
    """After the block every buffer, and every tensor that is an attribute, holds its numbers again.

    Parameters, and tensors of 64 MiB or more, are not looked at. No other thread runs the network meanwhile.
    """
    with alone(module):
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
