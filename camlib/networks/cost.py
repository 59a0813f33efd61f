"""What a network's layers cost: the numbers they keep (parameters) and the work they do (multiplications)."""

from typing import NamedTuple

from torch import Tensor, nn

from .net import Net, check_net, traced

__all__ = ["Cost", "costs"]


class Cost(NamedTuple):
    """One layer: the shape of what it gives out for one picture, its parameters and its multiplications."""

    name: str
    shape: tuple[int, ...]
    parameters: int
    multiplications: int


def costs(net: Net) -> list[Cost]:
    """Every layer of `net.layers` in forward order, for one picture of `net.size`.

    A convolution multiplies out · H' · W' · (in / groups) · kh · kw times, a linear layer in · out times;
    additions, activations, norms and pools are not counted. What runs between two named layers is counted
    with the later one, and a parameter used twice is counted once.
    """
    check_net(net)
    names = {id(module): name for name, module in net.layers.items()}
    found: list[Cost] = []
    seen: set[int] = set()
    parameters = multiplications = 0
    for call in traced(net)[0]:
        if call.leaf:
            multiplications += _multiplications(call.module, call.output)
            new = [p for p in call.module.parameters() if id(p) not in seen]
            seen.update(map(id, new))
            parameters += sum(p.numel() for p in new)
        if id(call.module) in names and isinstance(call.output, Tensor):
            found.append(
                Cost(names[id(call.module)], tuple(call.output.shape[1:]), parameters, multiplications)
            )
            parameters = multiplications = 0
    return found


def _multiplications(module: nn.Module, output: object) -> int:
    if not isinstance(output, Tensor):
        return 0
    if isinstance(module, nn.Conv2d):
        return output.numel() * module.weight[0].numel()
    return output.numel() * module.in_features if isinstance(module, nn.Linear) else 0
