"""Sanity checks: with other weights the network answers otherwise, so its explanation should change, too.

Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim (2018), "Sanity checks for saliency maps": *cascading*, the
weights drawn anew from the last layer down, one more at each step; *independent*, one layer at a time. Binder
et al. (2023) and Hedström et al. (2023) show why the first alone misleads: the layers below keep shaping the
map.
"""

from collections.abc import Iterator
from typing import Literal

import torch

from ..chance import drawing
from ..given import seeded, told
from ..networks.lock import copied
from ..networks.net import Net, check_net, traced

__all__ = ["fresh", "randomised"]


def randomised(
    net: Net, *, order: Literal["cascading", "independent"] = "cascading", seed: int = 0
) -> Iterator[tuple[str, Net]]:
    """Copies of a network with layers drawn anew, from the last to the first: (the layer's name, a copy).

    order: "cascading": this layer and all behind it; "independent": this layer alone.
    A layer is drawn by its own `reset_parameters`, as PyTorch begins it. What that leaves as it was, each
    tensor by itself, is shuffled: of modules without it, such as those that hold a transformer's class token,
    or the scale of a residual branch; of a pruned layer, or one with `spectral_norm`, whose weights are made
    of others; and what a class of one's own adds. The network itself is left as it was.
    Raises ValueError for another order, and for a network without numbers to draw anew.
    """
    if order not in ("cascading", "independent"):
        raise ValueError(f"no order {told(order)}; there are 'cascading' and 'independent'")
    seed, layers = seeded(seed), _layers(net)
    return _copies(net, layers, order, seed)


def fresh(net: Net, *, seed: int = 0) -> Net:
    """A copy of the network with all its layers drawn anew, as `randomised` says: the untrained network."""
    seed, layers, drawn = seeded(seed), _layers(net), copied(net)
    for k, names in enumerate(reversed(layers.values())):
        _draw(drawn, names, seed + k)
    return drawn


def _copies(net: Net, layers: dict[str, list[str]], order: str, seed: int) -> Iterator[tuple[str, Net]]:
    drawn = copied(net)
    for k, (name, names) in enumerate(reversed(layers.items())):
        if order == "independent":
            drawn = copied(net)
        _draw(drawn, names, seed + k)
        yield name, copied(drawn)


def _draw(net: Net, names: list[str], seed: int) -> None:
    """The numbers of some modules, anew; the global random state is left as it was."""
    with drawing(seed, *(p.device for p in net.parameters())), torch.inference_mode(False), torch.no_grad():
        for module in map(net.module.get_submodule, names):
            before = [(own, own.clone()) for own in module.parameters(recurse=False)]
            if callable(reset := getattr(module, "reset_parameters", None)):
                reset()
            for own, numbers in before:
                if torch.equal(own, numbers):
                    mixed = torch.randperm(own.numel()).to(own.device)
                    own.copy_(own.flatten()[mixed].reshape(own.shape))


def _layers(net: Net) -> dict[str, list[str]]:
    """The layers that hold numbers, in the order in which they end, each with the modules drawn with it.

    A module that is never called is drawn with the nearest that is and holds it: an attention reads its last
    linear layer's numbers and never calls it.
    """
    check_net(net)
    calls = {id(call.module): k for k, call in enumerate(traced(net)[0])}
    order = {name: calls[id(module)] for name, module in net.module.named_modules() if id(module) in calls}
    found: dict[str, list[str]] = {}
    for name, module in net.module.named_modules():
        if next(module.parameters(recurse=False), None) is not None:
            layer = name
            while layer and layer not in order:
                layer = layer.rpartition(".")[0]
            found.setdefault(layer, []).append(name)
    if not found:
        raise ValueError(f"{net.name} has no layer that holds numbers to draw anew")
    return dict(sorted(found.items(), key=lambda one: order.get(one[0], -1)))
