"""Silence a layer's units one by one, and compute only what comes after the layer.

What comes before it is run on the "meta" device, on tensors that have a shape but no numbers: nothing is
computed, and nothing can leak from there. If the logits come out with numbers all the same, they depend on a
picture through the layer's output alone, whatever the network's code looks like. Where something goes around
the layer (it lies inside a residual block) the cut is made earlier, at the last place where it works.

Where each input of the first linear layer behind depends on one unit at most (a pooled map, a flattened one),
that layer needs no repeating either: with x its input, W its weights, I_u the inputs that come from unit u,

    z without u = z - Σ_{i in I_u} (x_i - x_i at silence) W_i

and where z are the logits (global pooling), that is all: the closed form. Which inputs come from which unit
is found by sending NaN through, from several units at once, in a binary code.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .layers import Call, trace
from .modes import evaluating
from .nets import Net
from .record import silence

__all__ = ["Part", "Silencer"]

_ROOM = 4_000_000  # numbers in the largest tensor of one run
_NEAR = {torch.float16: 2e-2, torch.bfloat16: 2e-2}  # of the largest logit; else 1e-3


class Part(NamedTuple):
    """R answers, each to one picture with one unit silent.

    images, units: int64 (R,), which picture of the batch, and which unit.  logits: (R, C).
    """

    images: Tensor
    units: Tensor
    logits: Tensor


class Silencer:
    """`logits, parts = Silencer(net, "conv5", (128, 128))(images)`: each unit of the layer silent in turn.

    size: the pictures' (H, W).  units: how many the layer has.
    The network is to be in eval mode, under `torch.inference_mode()`, for as long as `parts` runs.
    Raises ValueError for an unknown layer, one that does not run, and one without units in dimension 1.
    """

    def __init__(self, net: Net, layer: str, size: tuple[int, int]) -> None:
        self.net, self.name, self.module, self.size = net, layer, net.layer(layer), size
        with torch.inference_mode(False):  # so that tensors count how often they are overwritten
            calls, logits = trace(net.module, net.channels, net.size)
        at = [n for n, call in enumerate(calls) if call.module is self.module]
        if not at:
            raise ValueError(f"{layer!r} does not run when {net.name} classifies a picture")
        output = calls[at[0]].output
        if not isinstance(output, Tensor) or output.ndim not in (2, 4):
            given = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(f"{layer!r} gives {given}; choose a layer of (N, units) or (N, units, H, W)")
        self.units = output.shape[1]
        self.linear: _Linear | None = None
        self.cut: _Cut | None = None
        with evaluating(net), torch.inference_mode():
            if not _hooked(net):  # else what its hooks do to the logits would be left out
                self.linear = self._separable(calls, at, logits) if len(at) == 1 else None
                self.cut = self.linear.rest if self.linear else self._last_cut(calls, at[0])
        computed = calls[self.cut.at if self.cut else 0 :]
        largest = max(call.output.numel() for call in computed if isinstance(call.output, Tensor))
        self.rows = max(1, int(_ROOM / largest / max(1.0, size[0] * size[1] / net.size**2)))

    def __call__(self, images: Tensor) -> tuple[Tensor, Iterator[Part]]:
        """The pictures' logits (B, C), and those without each unit, in parts of a bounded size."""
        images = images.to(self.net.mean.device)
        if self.linear:
            return self._by_linear(self.linear, images)
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
            return output if output.is_meta else output.index_put(index, zero.to(output.dtype))

        if self.cut is None:
            with self.module.register_forward_hook(hush):
                logits: Tensor = self.net(values)
                return logits
        return self.cut(values, self.size, (self.module, hush))

    def _last_cut(self, calls: list[Call], at: int) -> "_Cut | None":
        """The last place, at the layer or before, where the network can be cut; None: nowhere."""
        picture = self._picture()
        unit = torch.tensor([0], device=picture.device)
        with silence(self.net, self.name, 0):
            wanted = self.net(picture)
        once = [call.module for call in calls]
        for n in range(at, -1, -1):
            call = calls[n]
            fits = isinstance(call.output, Tensor) and call.output.ndim > 1 and len(call.output) == 1
            if not fits or (n < at and once.count(call.module) > 1):
                continue
            self.cut = _Cut(self.net, calls, n)
            kept: list[Tensor] = []
            try:
                with call.module.register_forward_hook(
                    lambda _m, _i, out, kept=kept: kept.append(out.clone())
                ):
                    self.net(picture)
                if _close(self._without(kept[0], unit), wanted):
                    return self.cut
            except Exception:  # whatever a network makes of numbers that meet tensors without
                continue
        return None

    def _separable(self, calls: list[Call], at: list[int], logits: object) -> "_Linear | None":
        """The first linear layer behind, where each of its inputs depends on one unit or none; else None."""
        behind = [n for n, call in enumerate(calls) if n > at[0] and type(call.module) is nn.Linear]
        if not behind:
            return None
        call, once = calls[behind[0]], [other.module for other in calls].count(calls[behind[0]].module) == 1
        flat = isinstance(call.input, Tensor) and call.input.ndim == 2
        linear = call.module
        own = "forward" in vars(linear) or _hooked(linear)  # then it is not what its type says
        if not isinstance(linear, nn.Linear) or own or not once or not flat:
            return None
        bits = max(1, (self.units - 1).bit_length())
        codes = (torch.arange(self.units) >> torch.arange(bits)[:, None]) & 1 == 1
        codes = torch.cat([codes, ~codes])
        half = torch.arange(self.units) % 2 == 0
        ends: list[Tensor] = []

        def mark(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            noise = torch.randn(output.shape[1:], generator=torch.Generator().manual_seed(0))
            values = torch.zeros(output.shape)
            values[: 2 * bits][codes] = torch.nan
            values[-3], values[-2, half], values[-1, ~half] = noise, noise[half], noise[~half]
            return values.to(self.net.mean.device, output.dtype)

        def stop(_module: nn.Module, inputs: tuple[Tensor]) -> None:
            ends.append(inputs[0])
            raise _ReachedError

        cut = _Cut(self.net, calls, at[0])
        try:
            with call.module.register_forward_pre_hook(stop):
                cut.run(2 * bits + 4, self.size, [(self.module, mark)])
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
        owner = torch.where(owned, (ones * powers[:, None]).sum(0), self.units)
        counts = owner.bincount(minlength=self.units + 1)[: self.units]
        # And that an input is what its own unit makes of it, or silence does, is tried with numbers too.
        lit, fixed = owned & (owner % 2 == 0), torch.where(owned, silent, whole)
        right = torch.equal(even, torch.where(lit, whole, fixed))
        right &= torch.equal(odd, torch.where(lit, fixed, whole))
        if counts.min() != counts.max() or not counts[0] or not right:
            return None
        columns = owner.argsort(stable=True)[: int(counts.sum())].view(self.units, -1)
        if call.output is logits and logits._version == 0:  # type: ignore[attr-defined]
            return _Linear(linear, columns, silent, None)
        rest = _Cut(self.net, calls, behind[0])
        return _Linear(linear, columns, silent, rest) if self._agrees(rest) else None

    def _agrees(self, rest: "_Cut") -> bool:
        """Whether the network, resumed there, gives a picture's logits."""
        picture = self._picture()
        kept: list[Tensor] = []
        with rest.module.register_forward_hook(lambda _m, _i, output: kept.append(output.clone())):
            wanted = self.net(picture)
        try:
            return _close(rest(kept[0], self.size), wanted)
        except Exception:  # something goes around the linear layer
            return False

    def _picture(self) -> Tensor:
        noise = torch.Generator().manual_seed(0)
        return torch.rand((1, self.net.channels, *self.size), generator=noise).to(self.net.mean.device)

    def _by_linear(self, linear: "_Linear", images: Tensor) -> tuple[Tensor, Iterator[Part]]:
        kept: list[tuple[Tensor, Tensor]] = []

        def keep(_module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            kept.append((inputs[0].clone(), output.clone()))

        with linear.module.register_forward_hook(keep):
            logits = self.net(images)
        return logits, self._parts(linear, *kept[0])

    def _parts(self, linear: "_Linear", x: Tensor, z: Tensor) -> Iterator[Part]:
        weight = linear.module.weight
        dtype = torch.promote_types(x.dtype, torch.float32)
        more = (x - linear.silent).to(dtype)
        # The pieces of the weights and of the results, of so many units, are in memory at once.
        each = max(1, _ROOM // max(len(x) * len(weight), linear.columns.shape[1] * len(weight)))
        pictures = torch.arange(len(x), device=x.device)
        for units in torch.split(torch.arange(self.units, device=x.device), each):
            columns = linear.columns[units]
            lost = torch.bmm(more[:, columns].transpose(0, 1), weight.T[columns].to(dtype))
            rows = (z.to(dtype) - lost).flatten(0, 1)
            image, unit = pictures.repeat(len(units)), units.repeat_interleave(len(x))
            if linear.rest is None:
                yield Part(image, unit, rows)
                continue
            for some in torch.split(torch.arange(len(rows), device=x.device), self.rows):
                yield Part(image[some], unit[some], linear.rest(rows[some].to(z.dtype), self.size))


class _Cut:
    """The network from the output of calls[at] on; what is before runs without numbers."""

    def __init__(self, net: Net, calls: list[Call], at: int) -> None:
        self.net, self.module, self.at = net, calls[at].module, at
        done = {call.name for call in calls[: at + 1]} - {call.name for call in calls[at + 1 :]}
        self.empty = {
            f"{path}.{key}": tensor.to("meta")
            for path, inner in net.module.named_modules()
            if any(path == name or path.startswith(f"{name}.") for name in done)
            for own in (inner.named_parameters, inner.named_buffers)
            for key, tensor in own(recurse=False)
        }

    def __call__(self, values: Tensor, size: tuple[int, int], *hooks: Any) -> Tensor:
        """The logits (R, C) for R rows of what the module would have given out."""
        given = [values]
        logits = self.run(
            len(values),
            size,
            [(self.module, lambda _m, _i, output: given.pop() if given else output), *hooks],
        )
        if logits.is_meta:
            raise ValueError("the logits depend on more than this module's output")
        return logits

    def run(self, rows: int, size: tuple[int, int], hooks: list[Any]) -> Tensor:
        picture = torch.empty((rows, self.net.channels, *size), dtype=self.net.mean.dtype, device="meta")
        with ExitStack() as stack:
            for module, hook in hooks:
                stack.enter_context(module.register_forward_hook(hook))
            logits: Tensor = functional_call(self.net.module, self.empty, (picture,), tie_weights=False)
        return logits


class _Linear(NamedTuple):
    """The first linear layer behind.

    columns: int64 (U, s), the inputs that come from each unit.  silent: (F,), the inputs when all are silent.
    rest: the network from its output on; None where these are the logits.
    """

    module: nn.Linear
    columns: Tensor
    silent: Tensor
    rest: _Cut | None


class _ReachedError(Exception):
    """The linear layer is reached: what follows is not needed."""


def _hooked(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)


def _close(one: Tensor, other: Tensor) -> bool:
    near = _NEAR.get(other.dtype, 1e-3)
    return not one.is_meta and bool((one - other).abs().max() <= near * other.abs().max())
