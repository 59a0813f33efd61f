"""What a network's layers cost: the numbers they keep (parameters) and the work they do (multiplications)."""

from collections.abc import Iterator
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.module_tracker import ModuleTracker

from .net import Net, check_net
from .trace import trace

__all__ = ["Cost", "costs"]


class Cost(NamedTuple):
    """One layer: the shape of what it gives out for one picture, its parameters and its multiplications."""

    name: str
    shape: tuple[int, ...]
    parameters: int
    multiplications: int


def costs(net: Net) -> list[Cost]:
    """Every layer of `net.layers` in forward order, for one picture of `net.size`.

    A convolution multiplies out · H' · W' · (in / groups) · kh · kw times, a linear layer in · out times, and
    attention as often as its products of queries with keys, and of shares with values, do (torch's
    FlopCounterMode, of whose sums and products these are the products). Additions, activations, norms, pools
    and products number by number are not counted. What runs between two named layers is counted with the
    later one, what comes after the last with the last (where no layer runs just once, all is one row, by the
    network's name), and a parameter used twice is counted once.
    Parameters are those of all modules that run, and of their parts that have no parts, which may be used
    without being called, as attention's are; a head that only training calls is left out, where it has parts.
    """
    check_net(net)
    names = {id(module): name for name, module in net.layers.items()}
    found: list[Cost] = []
    seen: set[int] = set()
    parameters = done = 0
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _Nowhere()
    with torch.inference_mode(False), counter:
        calls, _ = trace(net.module, net.channels, net.sides, counter.get_total_flops)
    called = {id(call.module) for call in calls}
    for call in calls:
        new = [one for one in _parameters(call.module, called) if id(one) not in seen]
        seen.update(map(id, new))
        parameters += sum(one.numel() for one in new)
        if id(call.module) in names and isinstance(call.output, Tensor):
            shape = tuple(call.output.shape[1:])
            found.append(Cost(names[id(call.module)], shape, parameters, (call.counted - done) // 2))
            parameters, done = 0, call.counted
    left = (calls[-1].counted - done) // 2
    last = found.pop() if found else Cost(net.name, (len(net.classes),), 0, 0)
    found.append(
        last._replace(parameters=last.parameters + parameters, multiplications=last.multiplications + left)
    )
    return found


class _Nowhere(ModuleTracker):
    """Counts all in one. Torch's own lays hooks on all modules of the process, other threads' too."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _parameters(module: nn.Module, called: set[int]) -> Iterator[nn.Parameter]:
    """A module's own, and those of its parts that it uses without calling them."""
    yield from module.parameters(recurse=False)
    for part in module.children():
        held = isinstance(part, nn.ModuleList | nn.ModuleDict)  # which nobody can call
        if id(part) not in called and (held or next(part.children(), None) is None):
            yield from _parameters(part, called)
