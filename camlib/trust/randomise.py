"""Sanity checks: with other weights the network answers otherwise, so its explanation should change, too.

Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim (2018), "Sanity checks for saliency maps": *cascading*, the
weights drawn anew from the last layer down, one more at each step; *independent*, one layer at a time. Binder
et al. (2023) and Hedström et al. (2023) show why the first alone misleads: the layers below keep shaping the
map.
"""

import copy
from collections.abc import Iterator
from typing import Literal

import torch
from torch import nn

from ..given import seeded, told
from ..networks.net import Net, check_net, traced

__all__ = ["fresh", "randomised"]


def randomised(
    net: Net, *, order: Literal["cascading", "independent"] = "cascading", seed: int = 0
) -> Iterator[tuple[str, Net]]:
    """Copies of a network with layers drawn anew, from the last to the first: (the layer's name, a copy).

    order: "cascading": this layer and all behind it; "independent": this layer alone.
    A layer is drawn by its own `reset_parameters`, as PyTorch begins it. The network itself is left as it
    was.
    Raises ValueError for another order, and for a network without a layer that can be drawn anew.
    """
    if order not in ("cascading", "independent"):
        raise ValueError(f"no order {told(order)}; there are 'cascading' and 'independent'")
    seed, names = seeded(seed), _resettable(net)
    return _copies(net, names, order, seed)


def fresh(net: Net, *, seed: int = 0) -> Net:
    """A copy of the network with all its layers drawn anew: the untrained network of the same build."""
    seed, names, copied = seeded(seed), _resettable(net), copy.deepcopy(net)
    for k, name in enumerate(reversed(names)):
        _draw(copied, name, seed + k)
    return copied


def _copies(net: Net, names: list[str], order: str, seed: int) -> Iterator[tuple[str, Net]]:
    copied = copy.deepcopy(net)
    for k, name in enumerate(reversed(names)):
        if order == "independent":
            copied = copy.deepcopy(net)
        _draw(copied, name, seed + k)
        yield name, copy.deepcopy(copied)


def _draw(net: Net, name: str, seed: int) -> None:
    """One layer's numbers, anew; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False):
        torch.manual_seed(seed)
        net.module.get_submodule(name).reset_parameters()  # type: ignore[operator]


def _resettable(net: Net) -> list[str]:
    """The layers that hold numbers and can draw them anew, in the order in which they run."""
    check_net(net)
    order = {id(call.module): k for k, call in enumerate(traced(net)[0])}
    found = [
        (order[id(module)], name)
        for name, module in net.module.named_modules()
        if id(module) in order and _draws(module)
    ]
    if not found:
        raise ValueError(f"{net.name} has no layer that PyTorch can draw anew")
    return [name for _, name in sorted(found)]


def _draws(module: nn.Module) -> bool:
    own = next(module.parameters(recurse=False), None)
    return own is not None and callable(getattr(module, "reset_parameters", None))
