"""A network as a graph of operations, where it is known which of them work locally.

`torch.fx` writes down every operation of a network without control flow on values. Four kinds carry a changed
part of a map on to a part of the next one; any other one needs its inputs whole:

- "window": a convolution, a pool;
- "pointwise": an activation, a batch norm in eval mode: each number for itself;
- "meet": a sum or concatenation of maps;
- "nothing": a dropout in eval mode, a batch norm that has been folded into the convolution before it.
"""

import copy
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ...networks.attributes import attributes_kept
from .spans import Window

__all__ = ["Graph", "UnclearError"]

_POINTWISE = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish),
    *(nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid),
    *(functional.relu, functional.relu6, functional.leaky_relu, functional.elu, functional.gelu),
    *(functional.silu, functional.hardswish, functional.hardsigmoid, functional.sigmoid, functional.tanh),
    *(torch.relu, torch.sigmoid, torch.tanh, "relu", "sigmoid", "tanh"),
)
_NOTHING = (nn.Dropout, nn.Dropout2d, nn.Identity)
_SUMS = (operator.add, operator.iadd, torch.add)
_INPLACE = (
    *(operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv, operator.imod),
    *(operator.ipow, operator.imatmul, operator.iand, operator.ior, operator.ixor, operator.setitem),
)
_FRESH = (nn.Linear, nn.LayerNorm, nn.GroupNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.ConvTranspose2d)


class UnclearError(ValueError):
    """The network cannot be written down as such a graph, or not safely."""


class Graph:
    """The operations of a network in eval mode, in their order.

    nodes: fx's.  kinds: node → "window", "pointwise", "meet", "nothing", "picture" or "other".
    windows: node → its window.  norms: convolution → the batch norm that is folded into it, or None.
    output: the node of a layer's output, where one was asked for.
    Raises UnclearError where control flow depends on values, and where an operation overwrites what another
    one may still read.
    """

    def __init__(self, module: nn.Module, layer: nn.Module | None = None) -> None:
        tracer = _Tracer()
        self.module = copy.copy(module)  # fx puts tensors that `forward` makes on the module that it traces
        try:
            with attributes_kept(module):  # else stand-ins for tensors stay where `forward` keeps something
                self.graph = tracer.trace(self.module)
        except Exception as error:  # whatever the network's own code makes of fx's stand-ins for tensors
            raise UnclearError(str(error)) from error
        self.nodes = list(self.graph.nodes)
        for node in self.nodes:
            if node.op == "call_method" and node.target == "view":
                node.target = "reshape"  # the same numbers, whatever order they lie in
        self.modules = dict(self.module.named_modules())
        self.windows: dict[fx.Node, Window] = {}
        self.norms: dict[fx.Node, Any] = {}
        self.kinds = {node: self._kind(node) for node in self.nodes}
        self.output = None if layer is None else tracer.outputs.get(layer)
        if (layer is not None and self.output is None) or list(self.kinds.values()).count("picture") != 1:
            raise UnclearError("its input or the layer's output is no node of the graph")
        for node in self.nodes:
            if self._overwrites(node) and not self._fresh(next(iter(node.args), None)):
                raise UnclearError(f"{node} overwrites a tensor that others may read")
            if self.kinds[node] == "window" and isinstance(self.called(node), nn.Conv2d):
                self._fold(node)

    def called(self, node: fx.Node) -> Any:
        """The module or the function, or a method's name."""
        return self.modules[str(node.target)] if node.op == "call_module" else node.target

    def source(self, node: fx.Node) -> fx.Node:
        """The node that computes what this one gives out."""
        while self.kinds[node] == "nothing":
            node = node.all_input_nodes[0]
        return node

    def convolve(self, node: fx.Node, images: Tensor, padded: bool) -> Tensor:
        """A convolution's own, on maps (N, C, h, w); padded: the padding is in them already."""
        conv, norm = self.called(node), self.norms[node]
        weight, bias, padding = conv.weight, conv.bias, (0, 0) if padded else conv.padding
        if norm is not None:  # anew each time: a copy of all weights costs more memory than this costs time
            given = norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
            weight, bias = fuse_conv_bn_weights(weight, bias, *given)
        return functional.conv2d(images, weight, bias, conv.stride, padding, conv.dilation, conv.groups)

    def _kind(self, node: fx.Node) -> str:
        called = self.called(node)
        if node.op == "placeholder":
            return "picture"
        if not node.args:  # given by name: rare, and right either way
            return "other"
        own = node.op == "call_module" and "forward" in vars(
            called
        )  # then its type does not tell what it does
        if node.op == "call_module" and not own:
            if window := _window(called):
                self.windows[node] = window
                return "window"
            if type(called) is nn.BatchNorm2d and called.running_mean is not None:
                return "pointwise"
        if type(called) in _NOTHING and not own:
            return "nothing"
        if (type(called) in _POINTWISE and not own) or (node.op != "call_module" and called in _POINTWISE):
            return "pointwise"
        inputs = len(node.all_input_nodes)
        if called in _SUMS and inputs == len(node.args) == 2 and not node.kwargs:
            return "meet"
        joins = called is torch.cat and isinstance(node.args[0], list | tuple) and inputs == len(node.args[0])
        if joins and (*node.args[1:], node.kwargs.get("dim"))[0] == 1:
            return "meet"
        return "other"

    def _overwrites(self, node: fx.Node) -> bool:
        called = self.called(node)
        if node.op == "call_module":
            return bool(getattr(called, "inplace", False)) and self.kinds[node] != "nothing"
        name = str(getattr(called, "__name__", called))
        named = name.endswith("_") and not name.endswith("__")
        return called in _INPLACE or named or "out" in node.kwargs or bool(node.kwargs.get("inplace"))

    def _fresh(self, node: object) -> bool:
        """Whether what a node gives out is a tensor of its own, with one reader."""
        if not isinstance(node, fx.Node) or len(node.users) != 1:
            return False
        if self.kinds[node] == "nothing":
            return self._fresh(node.all_input_nodes[0])
        return self.kinds[node] in ("window", "pointwise", "meet") or type(self.called(node)) in _FRESH

    def _fold(self, node: fx.Node) -> None:
        """Into a convolution the batch norm that alone reads what it gives out."""
        self.norms[node] = None
        after = next(iter(node.users), node)
        norm = self.called(after)
        alone = len(node.users) == 1 and node is not self.output
        if alone and type(norm) is nn.BatchNorm2d and self.kinds[after] == "pointwise":
            self.norms[node], self.kinds[after] = norm, "nothing"


class _Tracer(fx.Tracer):
    """Also notes the node of each module's last output."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[nn.Module, fx.Node] = {}

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        result = super().call_module(m, forward, args, kwargs)
        if isinstance(result, fx.Proxy):
            self.outputs[m] = result.node
        return result


def _window(module: nn.Module) -> Window | None:
    """What a convolution or a pool reads; None for another module, and for one with a rule of its own."""
    if type(module) is nn.Conv2d:
        plain = module.padding_mode == "zeros" and not isinstance(module.padding, str)
    elif type(module) is nn.MaxPool2d:
        plain = not module.return_indices
    elif type(module) is nn.AvgPool2d:
        counts = module.count_include_pad or not any(_pair(module.padding))
        plain = counts and not module.ceil_mode and module.divisor_override is None
    else:
        return None
    numbers = (getattr(module, name, 1) for name in Window._fields[1:])
    return Window(_pair(module.kernel_size), *map(_pair, numbers)) if plain else None


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)
