"""How often a layer is called in a run, and whether what it gives out has a row for each picture.

Most layers are called once for a whole batch. But a network may call one for each picture, fold pieces of the
pictures into the batch, or go round a loop as often as a picture's size or its brightness asks for. Which row
then belongs to which picture, and which call is meant, nobody can tell from outside.
"""

from collections import Counter

from torch import Tensor, nn

from .net import Net, traced
from .remembered import remembered
from .trace import trace

__all__ = ["check_rows", "check_times", "check_units", "times"]


def times(net: Net, module: nn.Module, size: tuple[int, int]) -> int | None:
    """How often a module is called for an empty picture of (H, W); None: the network takes none such."""
    if size == net.sides:
        return sum(call.module is module for call in traced(net)[0])
    found = remembered(net, ("times", size), lambda: _counts(net, size), hooks=False)
    return None if found is None else found[module]


def check_times(layer: str, ran: int, expected: int) -> None:
    """Raise ValueError where a layer ran another number of times than was expected."""
    if ran != expected:
        raise ValueError(
            f"{layer!r} ran {_many(ran, 'time')} for these pictures, and {_many(expected, 'time')} for an "
            "empty one of the network's size: which output is meant? choose a layer that always runs as often"
        )


def check_rows(layer: str, output: Tensor, pictures: int) -> None:
    """Raise ValueError where a layer's output has not one row for each picture."""
    if len(output) != pictures:
        raise ValueError(
            f"{layer!r} gives {_many(len(output), 'row')} for {_many(pictures, 'picture')}: the network runs "
            "it on single pictures, or on pieces of them; choose a layer that it runs on whole batches"
        )


def check_units(layer: str, output: object) -> Tensor:
    """What a layer gives out for one picture. Raises ValueError where that is no tensor of units."""
    if not isinstance(output, Tensor) or output.ndim not in (2, 3, 4):
        given = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ValueError(f"{layer!r} gives {given}; choose a layer of (N, units) or (N, units, H, W)")
    check_rows(layer, output, 1)
    return output


def _counts(net: Net, size: tuple[int, int]) -> Counter[nn.Module] | None:
    try:
        return Counter(call.module for call in trace(net.module, net.channels, size)[0])
    except ValueError:  # what comes after the layer need not take the picture
        return None


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
