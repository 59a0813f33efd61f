"""Run a network in eval mode, then give every module its own mode back."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from .lock import alone, every

__all__ = ["evaluating"]


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Within the block all modules are in eval mode; afterwards each has its own again, whatever happens.

    No other thread runs the network meanwhile.
    """
    with alone(net):
        training = [module for module in every(net) if module.training]
        for module in training:
            module.training = False
        try:
            yield
        finally:
            for module in training:
                module.training = True
