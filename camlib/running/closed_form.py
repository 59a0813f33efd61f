"""Silence units in closed form, where one linear layer behind them tells all.

Where each input of the first linear layer behind a layer depends on one unit at most (a pooled map, a
flattened one), with x that input, W the weights, I_u the inputs that come from unit u,

    z without u = z - Σ_{i in I_u} (x_i - x_i at silence) W_i

and where z are the logits (global pooling), that is all. At silence x_i is still the picture's: what goes
around the layer and is added to its output, in a residual block, is in it. Which inputs come from which unit
is found by sending NaN through, from several units at once, in a binary code.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Size, Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..networks.net import Net
from ..networks.trace import Call
from .resume import Cut, close, kept_of, tensors

__all__ = ["Linear", "Part", "by_linear", "separable"]

_NEAR = 1e-5  # of the largest input: so near are two sums of the same numbers in float32


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


def separable(
    cut: Cut, values: Tensor, module: nn.Module, units: int, calls: list[Call], size: tuple[int, int]
) -> tuple[int, Tensor] | None:
    """The first linear layer behind a module, if each of its inputs depends on one unit or none; else None.

    cut: a place at the module, or before it, from where the network can be resumed.  values: (1, …), what is
    there for some picture of (H, W) = size.  calls: as `trace` tells them.
    Returns the linear layer's number in the calls, and its columns, as in `Linear`. Whether the logits depend
    on the module past that layer is not looked into: compare them.
    """
    at = [call.module for call in calls].index(module)
    behind = [n for n, call in enumerate(calls) if n > at and type(call.module) is nn.Linear]
    if not behind:
        return None
    call, once = calls[behind[0]], [other.module for other in calls].count(calls[behind[0]].module) == 1
    flat = isinstance(call.input, Tensor) and call.input.ndim == 2
    linear = call.module
    hooks = linear._forward_hooks or linear._forward_pre_hooks
    own = "forward" in vars(linear) or hooks  # then it is not what its type says
    if own or not once or not flat:
        return None

    bits = max(1, (units - 1).bit_length())
    codes = (torch.arange(units) >> torch.arange(bits)[:, None]) & 1 == 1
    codes = torch.cat([codes, ~codes])
    half = torch.arange(units) % 2 == 0

    def one(shape: Size) -> Tensor:
        marks = torch.zeros(1, *shape)
        marks[0, 0] = torch.nan
        return marks

    def every(shape: Size) -> Tensor:
        drawn = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        marks = torch.zeros(2 * bits + 4, *shape)
        marks[: 2 * bits][codes] = torch.nan
        marks[-3], marks[-2, half], marks[-1, ~half] = drawn, drawn[half], drawn[~half]
        return marks

    def sent(rows: int, marks: Callable[[Size], Tensor]) -> Tensor:
        """What goes into the linear layer when the module gives out these marks."""

        def give(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            return output if output.is_meta else marks(output.shape[1:]).to(output.device, output.dtype)

        with _Harmless():  # type: ignore[no-untyped-call]
            return cut.into(linear, values.repeat_interleave(rows, 0), size, (module, give))

    alone = sent(1, one).isnan()
    if (
        alone.sum() * units > alone.numel()
    ):  # it is mixed with the others: a quick look, before all are marked
        return None
    found = sent(2 * bits + 4, every)
    marked, (silent, whole, even, odd) = found[: 2 * bits].isnan(), found[2 * bits :]
    ones, zeros = marked[:bits], marked[bits:]
    owned = ones.any(0) | zeros.any(0)
    if (ones & zeros).any() or (owned & ~(ones ^ zeros).all(0)).any():
        return None
    powers = 2 ** torch.arange(bits, device=ones.device)
    owner = torch.where(owned, (ones * powers[:, None]).sum(0), units)
    counts = owner.bincount(minlength=units + 1)[:units]
    # And that an input is what its own unit makes of it, or silence does, is tried with numbers too.
    lit, fixed = owned & (owner % 2 == 0), torch.where(owned, silent, whole)
    right = close(even, torch.where(lit, whole, fixed), _NEAR)
    right &= close(odd, torch.where(lit, fixed, whole), _NEAR)
    if counts.min() != counts.max() or not counts[0] or not right:
        return None
    return behind[0], owner.argsort(stable=True)[: int(counts.sum())].view(units, -1)


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


class _Harmless(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lets NaN become no whole number, which may be a place in memory, nor meet another library's operation.

    torchvision's deformable convolution, asked to look NaN pixels aside, ends the whole process.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> object:
        if any(not one.is_meta for one in tensors([*args, *(kwargs or {}).values()])):
            whole = (kwargs or {}).get("dtype")
            cast = whole is not None and not (
                whole.is_floating_point or whole.is_complex or whole == torch.bool
            )
            if func.namespace != "aten" or cast:
                raise ValueError(f"what {func} makes of NaN is not known")
        return func(*args, **(kwargs or {}))


def _hush(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    return output if output.is_meta else torch.zeros_like(output)
