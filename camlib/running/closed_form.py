"""Silence units in closed form, where one linear layer behind them tells all.

Where each input of the first linear layer behind a layer depends on one unit at most (a pooled map, a
flattened one), with x that input, W the weights, I_u the inputs that come from unit u,

    z without u = z - Σ_{i in I_u} (x_i - x_i at silence) W_i

and where z are the logits (global pooling), that is all. Which inputs come from which unit is found by
sending NaN through, from several units at once, in a binary code.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..networks.net import Net
from ..networks.trace import Call
from .resume import Cut, kept_of

__all__ = ["Linear", "Part", "by_linear", "separable"]


class Part(NamedTuple):
    """R answers, each to one picture with one unit silent.

    images, units: int64 (R,), which picture of the batch, and which unit.  logits: (R, C).
    """

    images: Tensor
    units: Tensor
    logits: Tensor


class Linear(NamedTuple):
    """The first linear layer behind.

    columns: int64 (U, s), the inputs that come from each unit.  silent: (F,), the inputs when all are silent.
    rest: the network from its output on; None where these are the logits.
    """

    module: nn.Linear
    columns: Tensor
    silent: Tensor
    rest: Cut | None

    def without(self, net: Net, picture: Tensor, half: Tensor, size: tuple[int, int]) -> Tensor:
        """The logits (2, C) of one picture with each unit u silent in row half[u]."""
        with kept_of(self.module, inputs=True) as kept:
            net(picture)
        x = kept[0].repeat(2, 1)
        x[half[:, None], self.columns] = self.silent[self.columns]
        z: Tensor = self.module(x)
        return z if self.rest is None else self.rest(z, size)


def separable(
    net: Net, module: nn.Module, units: int, calls: list[Call], logits: object, size: tuple[int, int]
) -> Linear | None:
    """The first linear layer behind a module, if each of its inputs depends on one unit or none; else None.

    calls, logits: as `trace` tells them.  size: the pictures' (H, W).
    Whether the logits depend on the module past that layer is not looked into: compare them.
    """
    at = [n for n, call in enumerate(calls) if call.module is module]
    behind = [n for n, call in enumerate(calls) if n > at[0] and type(call.module) is nn.Linear]
    if not behind:
        return None
    call, once = calls[behind[0]], [other.module for other in calls].count(calls[behind[0]].module) == 1
    flat = isinstance(call.input, Tensor) and call.input.ndim == 2
    linear = call.module
    hooks = linear._forward_hooks or linear._forward_pre_hooks
    own = "forward" in vars(linear) or hooks  # then it is not what its type says
    if not isinstance(linear, nn.Linear) or own or not once or not flat:
        return None
    bits = max(1, (units - 1).bit_length())
    codes = (torch.arange(units) >> torch.arange(bits)[:, None]) & 1 == 1
    codes = torch.cat([codes, ~codes])
    half = torch.arange(units) % 2 == 0
    ends: list[Tensor] = []

    def mark(_m: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        drawn = torch.randn(output.shape[1:], generator=torch.Generator().manual_seed(0))
        values = torch.zeros(output.shape)
        values[: 2 * bits][codes] = torch.nan
        values[-3], values[-2, half], values[-1, ~half] = drawn, drawn[half], drawn[~half]
        return values.to(net.mean.device, output.dtype)

    def stop(_module: nn.Module, inputs: tuple[Tensor]) -> None:
        ends.append(inputs[0])
        raise _ReachedError

    cut = Cut(net, calls, at[0])
    try:
        with call.module.register_forward_pre_hook(stop):
            cut.run(2 * bits + 4, size, [(module, mark)])
    except _ReachedError:
        pass
    except Exception:  # something goes around the layer
        return None
    if not ends or ends[0].is_meta:
        return None
    marked, (silent, whole, even, odd) = ends[0][: 2 * bits].isnan(), ends[0][2 * bits :]
    ones, zeros = marked[:bits], marked[bits:]
    owned = ones.any(0) | zeros.any(0)
    if (ones & zeros).any() or (owned & ~(ones ^ zeros).all(0)).any():
        return None
    powers = 2 ** torch.arange(bits, device=ones.device)
    owner = torch.where(owned, (ones * powers[:, None]).sum(0), units)
    counts = owner.bincount(minlength=units + 1)[:units]
    # And that an input is what its own unit makes of it, or silence does, is tried with numbers too.
    lit, fixed = owned & (owner % 2 == 0), torch.where(owned, silent, whole)
    right = torch.equal(even, torch.where(lit, whole, fixed))
    right &= torch.equal(odd, torch.where(lit, fixed, whole))
    if counts.min() != counts.max() or not counts[0] or not right:
        return None
    columns = owner.argsort(stable=True)[: int(counts.sum())].view(units, -1)
    if call.output is logits and logits._version == 0:  # type: ignore[attr-defined]
        return Linear(linear, columns, silent, None)
    return Linear(linear, columns, silent, Cut(net, calls, behind[0]))


def by_linear(
    net: Net, linear: Linear, images: Tensor, size: tuple[int, int], at_once: int, room: int
) -> tuple[Tensor, Iterator[Part]]:
    """The pictures' logits (B, C), and those without each unit.

    at_once: rows that run through the rest together.  room: numbers in the largest tensor.
    """
    kept: list[tuple[Tensor, Tensor]] = []

    def keep(_module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        kept.append((inputs[0].clone(), output.clone()))

    with linear.module.register_forward_hook(keep):
        logits = net(images)
    return logits, _parts(linear, *kept[0], size, at_once, room)


def _parts(
    linear: Linear, x: Tensor, z: Tensor, size: tuple[int, int], at_once: int, room: int
) -> Iterator[Part]:
    every = torch.arange(len(linear.columns), device=x.device)
    weight = linear.module.weight
    dtype = torch.promote_types(x.dtype, torch.float32)
    more = (x - linear.silent).to(dtype)
    # The pieces of the weights and of the results, of so many units, are in memory at once.
    each = max(1, room // max(len(x) * len(weight), linear.columns.shape[1] * len(weight)))
    pictures = torch.arange(len(x), device=x.device)
    for units in torch.split(every, each):
        columns = linear.columns[units]
        lost = torch.bmm(more[:, columns].transpose(0, 1), weight.T[columns].to(dtype))
        rows = (z.to(dtype) - lost).flatten(0, 1)
        image, unit = pictures.repeat(len(units)), units.repeat_interleave(len(x))
        if linear.rest is None:
            yield Part(image, unit, rows)
            continue
        for some in torch.split(torch.arange(len(rows), device=x.device), at_once):
            yield Part(image[some], unit[some], linear.rest(rows[some].to(z.dtype), size))


class _ReachedError(Exception):
    """The linear layer is reached: what follows is not needed."""
