"""Run a network as far as the layers that are asked for: what comes after them is never computed."""

from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from ..networks.eval_mode import evaluating
from ..networks.net import Net, traced
from ..networks.unit_axis import unit_axis, units_second

__all__ = ["FeatureExtractor"]


class FeatureExtractor:
    """`FeatureExtractor(net, "conv3", "conv5")(images)["conv3"]` is what conv3 gives out, (B, units, …).

    layers: names, in any order.  shapes: of each, (units, …), for a picture of `net.size`. Units come second
    whatever the layer does: tokens (B, tokens, units) are given as (B, units, tokens).
    The network runs in eval mode, on its own device and without gradients, no further than the last of the
    layers; its hooks and modes are afterwards as they were. Of a layer that is called several times it is the
    last call, as in `record`.
    Raises ValueError for no layer, an unknown one, one that does not run, and one that gives out no tensor of
    units.
    """

    def __init__(self, net: Net, *layers: str) -> None:
        if not layers:
            raise ValueError("name a layer, for example FeatureExtractor(net, 'conv5')")
        self.net, self.layers = net, layers
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._axes: dict[str, int] = {}
        calls = traced(net)[0]
        ends: dict[str, int] = {}
        for layer in layers:
            module = net.layer(layer)
            at = [n for n, call in enumerate(calls) if call.module is module]
            if not at:
                raise ValueError(f"{layer!r} does not run when {net.name} classifies a picture")
            output = calls[at[-1]].output
            if not isinstance(output, Tensor) or output.ndim not in (2, 3, 4):
                given = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
                raise ValueError(f"{layer!r} gives {given}; choose a layer of (N, units) or (N, units, H, W)")
            self._axes[layer] = unit_axis(net, module)(output)
            self.shapes[layer] = tuple(units_second(output, self._axes[layer]).shape[1:])
            ends[layer] = at[-1]
        self._last = max(layers, key=lambda layer: ends[layer])
        module = net.layer(self._last)
        self._calls = sum(call.module is module for call in calls)

    def map_units(self, layer: str) -> int:
        """How many units a layer with a map has. Raises ValueError for a layer without one."""
        shape = self.shapes[layer]
        if len(shape) == 2:
            raise ValueError(
                f"{layer!r} gives tokens, {shape[1]} of {shape[0]} units, and no map (units, H, W)"
            )
        if len(shape) != 3:
            raise ValueError(
                f"{layer!r} has no map, it gives {shape[0]} numbers; choose a convolution or a pool"
            )
        return shape[0]

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        """What the layers give out for these pictures in [0, 1]."""
        found: dict[str, Tensor] = {}
        left = self._calls

        def keep(layer: str, output: Tensor) -> Tensor:
            found[layer] = output
            return output.clone()  # goes on in its place, so that nothing that follows overwrites it

        def stop(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            nonlocal left
            left -= 1
            if not left:
                found[self._last] = output
                raise _Reached

        try:
            with ExitStack() as stack:
                stack.enter_context(evaluating(self.net))
                stack.enter_context(torch.inference_mode())
                for layer in self.layers:
                    if layer != self._last:
                        hook = lambda _m, _i, output, layer=layer: keep(layer, output)  # noqa: E731
                        stack.enter_context(self.net.layer(layer).register_forward_hook(hook))
                stack.enter_context(self.net.layer(self._last).register_forward_hook(stop))
                self.net(images.to(self.net.mean.device))
        except _Reached:
            return {layer: units_second(found[layer], self._axes[layer]) for layer in self.layers}
        raise ValueError(f"{self._last!r} ran {self._calls - left} times, not {self._calls} as before")


class _Reached(BaseException):
    """The last layer has run; no Exception, so that no `except Exception` on the way holds it up."""
