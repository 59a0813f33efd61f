"""Silence units in closed form, where one linear layer behind them tells all.

Where each input of the first linear layer behind a layer depends on one unit at most (a pooled map, a
flattened one), with x that input, W the weights, I_u the inputs that come from unit u,

    z without u = z - Σ_{i in I_u} (x_i - x_i at silence) W_i

and where z are the logits (global pooling), that is all. At silence x_i is still the picture's: what goes
around the layer and is added to its output, in a residual block, is in it. Which inputs come from which unit
is found out by `separable`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..networks.net import Net
from .resume import Cut, kept_of

__all__ = ["Linear", "Part", "by_linear"]


class Part(NamedTuple):
    """R answers, each to one picture with one unit silent.

    images, units: int64 (R,), which picture of the batch, and which unit.  logits: (R, C).
    """

    images: Tensor
    units: Tensor
    logits: Tensor


class Linear(NamedTuple):
    """The first linear layer behind a layer.

    columns: int64 (U, s), the inputs that come from each unit.
    cut: where the network is resumed to find the inputs at silence: at the layer, or at a place before it.
    rest: the network from the linear layer's output on; None where these are the logits.
    """

    layer: nn.Module
    module: nn.Linear
    columns: Tensor
    cut: Cut
    rest: Cut | None

    def silent(self, values: Tensor, size: tuple[int, int]) -> Tensor:
        """(N, F), the inputs when all units are silent, for N rows of the cut's output; or (1, F) for any."""
        some = values[:1] if self.cut.module is self.layer else values
        return self.cut.into(self.module, some, size, (self.layer, _hush))

    def without(self, net: Net, picture: Tensor, half: Tensor, size: tuple[int, int]) -> Tensor:
        """The logits (2, C) of one picture with each unit u silent in row half[u]."""
        with kept_of(self.cut.module) as values, kept_of(self.module, inputs=True) as inputs:
            net(picture)
        x, silent = inputs[0].repeat(2, 1), self.silent(values[0], size)
        x[half[:, None], self.columns] = silent[0, self.columns]
        z: Tensor = self.module(x)
        return z if self.rest is None else self.rest(z, size)


def by_linear(
    net: Net, linear: Linear, images: Tensor, size: tuple[int, int], at_once: int, room: int
) -> tuple[Tensor, Iterator[Part]]:
    """The pictures' logits (B, C), and those without each unit.

    at_once: rows that run through the rest together.  room: numbers in the largest tensor.
    """
    into, out_of = kept_of(linear.module, inputs=True), kept_of(linear.module)
    with kept_of(linear.cut.module) as values, into as inputs, out_of as outputs:
        logits = net(images)
    more = inputs[0] - linear.silent(values[0], size)
    return logits, _parts(linear, more, outputs[0], size, at_once, room)


def _parts(
    linear: Linear, more: Tensor, z: Tensor, size: tuple[int, int], at_once: int, room: int
) -> Iterator[Part]:
    every = torch.arange(len(linear.columns), device=z.device)
    weight = linear.module.weight
    dtype = torch.promote_types(z.dtype, torch.float32)
    more = more.to(dtype)
    # The pieces of the weights and of the results, of so many units, are in memory at once.
    each = max(1, room // max(len(z) * len(weight), linear.columns.shape[1] * len(weight)))
    pictures = torch.arange(len(z), device=z.device)
    for units in torch.split(every, each):
        columns = linear.columns[units]
        lost = torch.bmm(more[:, columns].transpose(0, 1), weight.T[columns].to(dtype))
        rows = (z.to(dtype) - lost).flatten(0, 1)
        image, unit = pictures.repeat(len(units)), units.repeat_interleave(len(z))
        if linear.rest is None:
            yield Part(image, unit, rows)
            continue
        for some in torch.split(torch.arange(len(rows), device=z.device), at_once):
            yield Part(image[some], unit[some], linear.rest(rows[some].to(z.dtype), size))


def _hush(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    return output if output.is_meta else torch.zeros_like(output)
