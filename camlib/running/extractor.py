"""Run a network as far as the layers that are asked for: what comes after them is never computed."""

from collections import Counter
from contextlib import ExitStack, suppress

import torch
from torch import Tensor

from ..networks.called import check_rows, check_times, check_units, times
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
    Raises ValueError for no layer, an unknown one, one that does not run, one that gives out no tensor of
    units, and, when it is called, for one that has not a row for each picture, or that runs another number of
    times than for an empty picture.
    """

    def __init__(self, net: Net, *layers: str) -> None:
        if not layers:
            raise ValueError("name a layer, for example FeatureExtractor(net, 'conv5')")
        self.net, self.layers = net, layers
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._axes: dict[str, int] = {}
        calls = traced(net)[0]
        ran = Counter(call.module for call in calls)
        modules = {layer: net.layer(layer) for layer in layers}
        ends: dict[str, int] = {}
        for layer, module in modules.items():
            at = [n for n, call in enumerate(calls) if call.module is module]
            if not at:
                raise ValueError(f"{layer!r} does not run when {net.name} classifies a picture")
            output = check_units(layer, calls[at[-1]].output)
            self._axes[layer] = unit_axis(net, module)(output)
            self.shapes[layer] = tuple(units_second(output, self._axes[layer]).shape[1:])
            ends[layer] = at[-1]
        self._last = max(layers, key=lambda layer: ends[layer])
        self._times = {layer: ran[module] for layer, module in modules.items()}
        # A network that looks at numbers might come to the last layer once more: it runs to its end.
        self._stops = all(call.output.is_meta for call in calls if isinstance(call.output, Tensor))

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
        ran = dict.fromkeys(self.layers, 0)

        def keep(layer: str, output: Tensor) -> Tensor:
            check_rows(layer, output, len(images))
            found[layer] = output
            ran[layer] += 1
            if layer == self._last and ran[layer] == self._times[layer] and self._stops:
                raise _Reached
            return output.clone()  # goes on in its place, so that nothing that follows overwrites it

        with ExitStack() as stack:
            stack.enter_context(evaluating(self.net))
            stack.enter_context(torch.inference_mode())
            self._check_size(tuple(images.shape[2:]))
            for layer in self.layers:
                hook = lambda _m, _i, output, layer=layer: keep(layer, output)  # noqa: E731
                stack.enter_context(self.net.layer(layer).register_forward_hook(hook))
            with suppress(_Reached):
                self.net(images.to(self.net.mean.device))
        for layer, expected in self._times.items():
            check_times(layer, ran[layer], expected)
        return {layer: units_second(found[layer], self._axes[layer]) for layer in self.layers}

    def _check_size(self, size: tuple[int, ...]) -> None:
        """Raise ValueError where a layer is called another number of times for pictures of (H, W)."""
        for layer, expected in self._times.items():
            if len(size) == 2 and size != self.net.sides:
                ran = times(self.net, self.net.layer(layer), size)
                check_times(layer, expected if ran is None else ran, expected)


class _Reached(BaseException):
    """The last layer has run; no Exception, so that no `except Exception` on the way holds it up."""
