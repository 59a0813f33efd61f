"""Silence a layer's units one by one, and compute only what comes after the layer.

The network is resumed behind the layer (`resume`). Where something goes around the layer (it lies inside a
residual block) the cut is made earlier, at the last place where it works. Where one linear layer behind tells
all, nothing is repeated at all (`closed_form`). Whichever way it is, it is compared with the whole network
first, and not taken unless both agree; nor is it where somebody's hooks lie on the network.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..networks.attributes import numbers_kept
from ..networks.called import check_rows, check_units
from ..networks.eval_mode import evaluating
from ..networks.net import Net, traced
from ..networks.trace import Call
from ..networks.unhooked import hooked
from ..networks.unit_axis import unit_axis, units_second
from .closed_form import Linear, Part, by_linear
from .compared import close, noise
from .in_place import put_out
from .resume import Cut, kept_of
from .separable import separable

__all__ = ["Silencer"]

_ROOM = 4_000_000  # numbers in the largest tensor of one run


class Silencer:
    """`logits, parts = Silencer(net, "conv5", (128, 128))(images)`: each unit of the layer silent in turn.

    size: the pictures' (H, W).  units: how many the layer has.
    The network is to be in eval mode, under `torch.inference_mode()`, for as long as `parts` runs.
    Raises ValueError for an unknown layer, one that does not run, one without units, and one whose output has
    not a row for each picture.
    """

    def __init__(self, net: Net, layer: str, size: tuple[int, int]) -> None:
        self.net, self.name, self.module, self.size = net, layer, net.layer(layer), size
        calls, logits = traced(net)
        at = [n for n, call in enumerate(calls) if call.module is self.module]
        if not at:
            raise ValueError(f"{layer!r} does not run when {net.name} classifies a picture")
        output = check_units(layer, calls[at[0]].output)
        self.axis = unit_axis(net, self.module)(output)
        self.units = output.shape[self.axis]
        self.linear: Linear | None = None
        self.cut: Cut | None = None
        if not hooked(net):  # what tensors without numbers would do to somebody's hooks, nobody knows
            with evaluating(net), numbers_kept(net.module), torch.inference_mode():
                self._quicker(calls, logits, at)
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
        with kept_of(self.cut.module) as kept:
            logits = self.net(images)
        return logits, self._repeated(images, kept[0])

    def _repeated(self, images: Tensor, kept: Tensor) -> Iterator[Part]:
        every = torch.arange(len(images) * self.units, device=kept.device)
        for some in torch.split(every, self.rows):
            image, unit = some // self.units, some % self.units
            yield Part(image, unit, self._without(kept[image], unit))

    def _without(self, values: Tensor, units: Tensor, rows: Tensor | None = None) -> Tensor:
        """The logits (R, C) for R rows of the cut's output, or of pictures, with unit[r] of row r silent.

        rows: that unit[n] of row rows[n] is silent.
        """
        index = torch.arange(len(values), device=values.device) if rows is None else rows, units
        zero = values.new_zeros(())

        def silenced(given: Tensor) -> Tensor:
            silent = units_second(given, self.axis).index_put(index, zero.to(given.dtype))
            return silent if self.axis == 1 else silent.movedim(1, self.axis)

        def hush(module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            if output.is_meta:
                return output
            check_rows(self.name, output, len(values))
            return put_out(module, output, silenced)

        if self.cut is None:
            with self.module.register_forward_hook(hush, prepend=True):
                logits: Tensor = self.net(values)
                return logits
        return self.cut(values, self.size, (self.module, hush))

    def _quicker(self, calls: list[Call], logits: object, at: list[int]) -> None:
        """Find what need not be repeated, so that the answer is what the whole network gives.

        Tried on noise, with the even units silent and with the odd ones: one of many changes too little.
        """
        picture = noise(self.net, self.size)
        every = torch.arange(self.units, device=picture.device)
        half = every % 2
        wanted = self._without(picture.expand(2, -1, -1, -1), every, half)
        once = [call.module for call in calls]
        for n in range(at[0], -1, -1):
            call = calls[n]
            fits = isinstance(call.output, Tensor) and call.output.ndim > 1 and len(call.output) == 1
            if not fits or (n < at[0] and once.count(call.module) > 1):
                continue
            with kept_of(call.module) as kept:
                self.net(picture)
            self.cut = Cut(self.net, calls, n)
            if _right(partial(self._without, kept[0].repeat_interleave(2, 0), every, half), wanted):
                break
        else:
            self.cut = None
            return
        if len(at) == 1 and self.axis == 1:
            linear = self._linear(self.cut, kept[0], calls, logits)
            if linear and _right(partial(linear.without, self.net, picture, half, self.size), wanted):
                self.linear, self.cut = linear, linear.rest

    def _linear(self, cut: Cut, kept: Tensor, calls: list[Call], logits: object) -> Linear | None:
        try:
            found = separable(cut, kept, self.module, self.units, calls, self.size)
        except Exception:  # something else goes around the layer, or its own code does not take NaN
            return None
        if found is None:
            return None
        number, columns = found
        call = calls[number]
        last = call.output is logits and logits._version == 0  # type: ignore[attr-defined]
        rest = None if last else Cut(self.net, calls, number)
        return Linear(self.module, cast(nn.Linear, call.module), columns, cut, rest)


def _right(found: Callable[[], Tensor], wanted: Tensor) -> bool:
    """Whether these logits can be computed, and are the ones wanted but for rounding."""
    try:
        return close(found(), wanted)
    except Exception:  # whatever a network makes of numbers that meet tensors without
        return False
