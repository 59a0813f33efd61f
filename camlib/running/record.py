"""Look at layers while a network runs, or switch units off; afterwards the network is as it was.

with record(net, "conv5", "fc7") as acts:
    net(images)
acts["conv5"]                       # (N, 64, 16, 16)

with silence(net, "conv5", [3, 17]):
    logits = net(images)
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..given import told
from ..networks.hookable import check_hookable
from ..networks.layers import find_layer
from ..networks.lock import alone
from ..networks.net import Net
from ..networks.unit_axis import unit_axis
from .in_place import put_out
from .unit_numbers import unit_numbers


class Record(dict[str, Tensor]):
    """Layer name → its output in the last run; `calls` has every call's, for a module used twice."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.calls: dict[str, list[Tensor]] = {name: [] for name in names}

    def __missing__(self, name: str) -> Tensor:
        if name not in self.calls:
            raise KeyError(f"{name!r} is not recorded; recorded are {', '.join(map(repr, self.calls))}")
        raise KeyError(f"{name!r} has not run yet: run the network inside the `with` block")


@contextmanager
def record(net: nn.Module, *layers: str) -> Iterator[Record]:
    """Within the block, each run of the network puts its layers' outputs into the record.

    net: a `Net`, or any module.  layers: short names, or dotted ones; a plain module has only dotted ones.
    Yields a dict, name → tensor, of the *last* run; after the block it stays. Where a module is called more
    than once in a run, the dict has its last output and `.calls[name]` the list of all of them.
    The tensors are those the network computed with, before any in-place operation that follows, and in its
    graph: `torch.autograd.grad(logits[0, 3], acts["conv5"])` works. Under `torch.inference_mode()` they
    are plain numbers. Raises ValueError for an unknown layer, or one that gives no tensor, and for a network
    past whose hooks it runs: compiled, or scripted.
    """
    if not layers:
        raise ValueError("name the layers to record, for example record(net, 'conv5')")
    modules = {name: _layer(net, name) for name in layers}
    acts = Record(layers)

    def forget(*_: Any) -> None:
        acts.clear()
        acts.calls.update({name: [] for name in acts.calls})

    def keep(name: str, output: Any) -> Tensor:
        if not isinstance(output, Tensor):
            raise ValueError(
                f"{name!r} gives a {type(output).__name__}, not a tensor: record a layer inside it"
            )
        acts[name] = output
        acts.calls[name].append(output)
        return output.clone()  # goes on in its place, so that nothing that follows can overwrite the record

    with alone(net), ExitStack() as hooks:
        root = net.module if isinstance(net, Net) else net
        hooks.enter_context(root.register_forward_pre_hook(forget))
        for name, module in modules.items():
            hook = module.register_forward_hook(
                lambda _module, _inputs, output, name=name: keep(name, output)
            )
            hooks.enter_context(hook)
        yield acts


@contextmanager
def silence(net: nn.Module, layer: str, units: int | Iterable[int] | Tensor) -> Iterator[None]:
    """Within the block, these units of the layer put out zero.

    units: one index, or several: channels of a map (N, units, H, W), numbers of a code (N, units), of tokens
    (N, tokens, units), or of a map (N, H, W, units), as Swin has them (`unit_axis`). Inside `record`, the
    record shows the silence, whichever block was opened first.
    Raises ValueError for an unknown layer, when the network runs for a unit that it does not have, and at the
    block's end where the network ran and the layer was never called, so that nothing was silenced.
    """
    module, root = _layer(net, layer), net.module if isinstance(net, Net) else net
    each, axis_of = unit_numbers(units, layer), unit_axis(net, module)
    ran, silenced = [], []

    def hush(module: nn.Module, _inputs: Any, output: Any) -> Tensor:
        silenced.append(True)
        if not isinstance(output, Tensor) or output.ndim < 2:
            raise ValueError(f"{layer!r} gives no tensor of units: silence a layer inside it")
        if output.is_quantized:
            raise ValueError(f"{layer!r} is quantised, and cannot be silenced: take the network before that")
        axis = axis_of(output)
        unit_numbers(each, layer, output.shape[axis])
        index = torch.tensor(each, dtype=torch.int64, device=output.device)
        return put_out(module, output, lambda given: given.index_fill(axis, index, 0))

    with (
        alone(net),
        module.register_forward_hook(hush, prepend=True),
        root.register_forward_hook(lambda *_: ran.append(True)),
    ):
        yield
    if ran and not silenced:
        raise ValueError(
            f"nothing was silenced: the network ran and never called {layer!r} (it calls its forward by "
            "itself, past all hooks, or these pictures do not get there)"
        )


def _layer(net: nn.Module, name: str) -> nn.Module:
    if not isinstance(net, nn.Module):
        raise ValueError(f"a network is what load or wrap gives, or a torch.nn.Module; given {told(net)}")
    check_hookable(net)
    return net.layer(name) if isinstance(net, Net) else find_layer(net, name, {}, type(net).__name__)
