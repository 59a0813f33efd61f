"""A network as a plain chain of steps, each a few numbers and its weights, for who computes without torch.

The live page runs networks so. Whether one is a chain is asked of its code, which torch.fx reads, and not
believed: the steps are run as they are written here, and must give the network's own logits.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F  # noqa: N812, everybody's name for it

from ..wording import one_line
from .chain_steps import Step, add, refused, rename, run
from .eval_mode import evaluating
from .net import Net, check_net

__all__ = ["Chain", "chain"]

_NEAR = 1e-4  # of the largest logit, or of 1: folding a batch norm rounds otherwise
_FUNCTIONS: dict[Any, type[nn.Module]] = {
    **dict.fromkeys((torch.relu, F.relu, "relu", "relu_"), nn.ReLU),
    **dict.fromkeys((torch.flatten, "flatten"), nn.Flatten),
    **dict.fromkeys((torch.max_pool2d, F.max_pool2d), nn.MaxPool2d),
    F.avg_pool2d: nn.AvgPool2d,
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
    F.adaptive_max_pool2d: nn.AdaptiveMaxPool2d,
}


class Chain(NamedTuple):
    """steps: in order, as `chain_steps` tells them.  weights: "conv1.weight" → float32, and so on."""

    steps: list[Step]
    weights: dict[str, Tensor]


@torch.no_grad()
def chain(net: Net) -> Chain:
    """The steps of a chain of convolutions, ReLU, pooling, a mean or maximum over places, and linear layers.

    They are those of eval mode, in whatever mode the network is, which is left as it was. Batch norms are
    folded into the layer before them; dropout is left out. A layer has its name in `net.layers`; its map is
    what that name means there.
    Raises ValueError, in one sentence, for every other network, naming what is in the way.
    """
    check_net(net)
    with evaluating(net):
        return _chain(net)


def _chain(net: Net) -> Chain:
    if len(set(net.sides)) > 1:
        raise ValueError(f"{net.name} takes rectangles, {net.sides[0]} × {net.sides[1]}; {refused()}")
    steps: list[Step] = []
    weights: dict[str, Tensor] = {}
    names = {module: name for name, module in net.layers.items()}
    picture = torch.rand((2, net.channels, *net.sides), generator=torch.Generator().manual_seed(0))
    now = (picture.to(net.mean) - net.mean) / net.std
    start = now.float().cpu()
    for label, part in _parts(net):
        was, now = now, _result(net, label, part, now)
        add(steps, weights, label, part, tuple(was.shape[1:]))
        if steps and part in names:
            rename(steps[-1], weights, names[part])
    if not any(step["op"] == "conv" for step in steps) or steps[-1]["op"] != "linear":
        raise ValueError(f"{net.name} has no convolution before its last linear layer; {refused()}")
    told, own = run(steps, weights, start), net(picture.to(net.mean)).float().cpu()
    if not torch.allclose(told, own, rtol=0, atol=_NEAR * max(1.0, float(own.abs().max()))):
        raise ValueError(f"{net.name} does more than its layers in their order; {refused()}")
    return Chain(steps, weights)


def _parts(net: Net) -> list[tuple[str, nn.Module]]:
    """The modules that the network applies, one after the other; functions as modules that do the same."""
    try:
        traced = fx.symbolic_trace(net.module)
        traced.graph.eliminate_dead_code()
    except Exception as error:  # whatever its code meets without numbers
        why = one_line(error)
        raise ValueError(f"{net.name} decides while it runs what to do ({why}); {refused()}") from error
    before, *nodes = (node for node in traced.graph.nodes if node.op != "placeholder" or node.users)
    parts, used = [], set()
    for node in nodes:
        if node.op == "output":
            break
        label = str(node.target if node.op == "call_module" else node.name)
        if node.all_input_nodes != [before] or label in used:
            raise ValueError(f"{net.name} is no chain: {label!r} branches, joins, or repeats; {refused()}")
        if node.op == "call_module":
            parts.append((label, net.module.get_submodule(label)))
            if next(parts[-1][1].parameters(), None) is not None:  # a ReLU may be used again
                used.add(label)
        elif node.op in ("call_function", "call_method") and node.target in _FUNCTIONS:
            options = {name: value for name, value in node.kwargs.items() if name != "inplace"}
            parts.append((label, _FUNCTIONS[node.target](*node.args[1:], **options)))
        elif node.target is not F.dropout or node.kwargs.get("training", True):
            raise ValueError(f"{net.name} has {label!r} between its layers; {refused()}")
        before = node
    return parts


def _result(net: Net, label: str, part: nn.Module, given: Tensor) -> Tensor:
    try:
        result: Tensor = part(given)
    except Exception as error:
        why = one_line(error)
        raise ValueError(f"{net.name}'s {label!r} does not take what comes before it ({why})") from error
    return result
