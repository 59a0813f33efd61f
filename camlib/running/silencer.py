"""Silence a layer's units one by one, and compute only what comes after the layer.

The network is resumed behind the layer (`resume`). Where something goes around the layer (it lies inside a
residual block) the cut is made earlier, at the last place where it works. Where one linear layer behind tells
all, nothing is repeated at all (`closed_form`).
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ..networks.eval_mode import evaluating
from ..networks.net import Net, traced
from ..networks.trace import Call
from ..networks.unit_axis import unit_axis, units_second
from .closed_form import Linear, Part, by_linear, separable
from .record import silence
from .resume import Cut, close, hooked, noise

__all__ = ["Silencer"]

_ROOM = 4_000_000  # numbers in the largest tensor of one run


class Silencer:
    """`logits, parts = Silencer(net, "conv5", (128, 128))(images)`: each unit of the layer silent in turn.

    size: the pictures' (H, W).  units: how many the layer has.
    The network is to be in eval mode, under `torch.inference_mode()`, for as long as `parts` runs.
    Raises ValueError for an unknown layer, one that does not run, and one without units.
    """

    def __init__(self, net: Net, layer: str, size: tuple[int, int]) -> None:
        self.net, self.name, self.module, self.size = net, layer, net.layer(layer), size
        calls, logits = traced(net)
        at = [n for n, call in enumerate(calls) if call.module is self.module]
        if not at:
            raise ValueError(f"{layer!r} does not run when {net.name} classifies a picture")
        output = calls[at[0]].output
        if not isinstance(output, Tensor) or output.ndim not in (2, 3, 4):
            given = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(f"{layer!r} gives {given}; choose a layer of (N, units) or (N, units, H, W)")
        self.axis = unit_axis(net, self.module)(output)
        self.units = output.shape[self.axis]
        self.linear: Linear | None = None
        self.cut: Cut | None = None
        with evaluating(net), torch.inference_mode():
            if not hooked(net):  # else what its hooks do to the logits would be left out
                simple = len(at) == 1 and self.axis == 1
                self.linear = separable(net, self.module, self.units, calls, logits, size) if simple else None
                self.cut = self.linear.rest if self.linear else self._last_cut(calls, at[0])
        computed = calls[self.cut.at if self.cut else 0 :]
        largest = max(call.output.numel() for call in computed if isinstance(call.output, Tensor))
        self.rows = max(1, int(_ROOM / largest / max(1.0, size[0] * size[1] / math.prod(net.sides))))

    def __call__(self, images: Tensor) -> tuple[Tensor, Iterator[Part]]:
        """The pictures' logits (B, C), and those without each unit, in parts of a bounded size."""
        images = images.to(self.net.mean.device)
        if self.linear:
            return by_linear(self.net, self.linear, images, self.size, self.rows, _ROOM)
        if self.cut is None:
            return self.net(images), self._repeated(images, images)
        kept: list[Tensor] = []
        with self.cut.module.register_forward_hook(lambda _m, _i, output: kept.append(output.clone())):
            logits = self.net(images)
        return logits, self._repeated(images, kept[0])

    def _repeated(self, images: Tensor, kept: Tensor) -> Iterator[Part]:
        every = torch.arange(len(images) * self.units, device=kept.device)
        for some in torch.split(every, self.rows):
            image, unit = some // self.units, some % self.units
            yield Part(image, unit, self._without(kept[image], unit))

    def _without(self, values: Tensor, unit: Tensor) -> Tensor:
        """The logits (R, C) for R rows of the cut's output, or of pictures, with unit[r] of row r silent."""
        index = torch.arange(len(unit), device=values.device), unit
        zero = values.new_zeros(())

        def hush(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            if output.is_meta:
                return output
            silent = units_second(output, self.axis).index_put(index, zero.to(output.dtype))
            return silent if self.axis == 1 else silent.movedim(1, self.axis)

        if self.cut is None:
            with self.module.register_forward_hook(hush):
                logits: Tensor = self.net(values)
                return logits
        return self.cut(values, self.size, (self.module, hush))

    def _last_cut(self, calls: list[Call], at: int) -> "Cut | None":
        """The last place, at the layer or before, where the network can be cut; None: nowhere."""
        picture = noise(self.net, self.size)
        unit = torch.tensor([0], device=picture.device)
        with silence(self.net, self.name, 0):
            wanted = self.net(picture)
        once = [call.module for call in calls]
        for n in range(at, -1, -1):
            call = calls[n]
            fits = isinstance(call.output, Tensor) and call.output.ndim > 1 and len(call.output) == 1
            if not fits or (n < at and once.count(call.module) > 1):
                continue
            self.cut = Cut(self.net, calls, n)
            kept: list[Tensor] = []
            try:
                with call.module.register_forward_hook(
                    lambda _m, _i, out, kept=kept: kept.append(out.clone())
                ):
                    self.net(picture)
                if close(self._without(kept[0], unit), wanted):
                    return self.cut
            except Exception:  # whatever a network makes of numbers that meet tensors without
                continue
        return None
