"""Which inputs of a linear layer come from which unit of a layer before it, if each comes from one at most.

Whatever is computed of NaN is NaN. So that not every unit wants a run of its own, many are NaN at once, in a
binary code: in run b those whose number has bit b, in run B + b those whose number has not. An input that
comes from one unit is NaN in one run of each such pair, and they spell the unit's number; one that comes from
two is NaN in both runs of some pair.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..networks.trace import Call
from .compared import close
from .resume import Cut, tensors

__all__ = ["separable"]

_NEAR = 1e-5  # of the largest input: so near are two sums of the same numbers in float32


def separable(
    cut: Cut, values: Tensor, module: nn.Module, units: int, calls: list[Call], size: tuple[int, int]
) -> tuple[int, Tensor] | None:
    """The first linear layer behind a module, if each of its inputs depends on one unit or none; else None.

    cut: a place at the module, or before it, from where the network can be resumed.  values: (1, …), what is
    there for some picture of (H, W) = size.  calls: as `trace` tells them.
    Returns the linear layer's number in the calls, and int64 (units, s), the inputs that come from each unit.
    Whether the logits depend on the module past that layer is not looked into: compare them.
    """
    number = _first_linear(module, calls)
    if number is None:
        return None

    def sent(rows: int, mark: Callable[[Tensor], None]) -> Tensor:
        """What goes into the linear layer when the module gives out zeros with these marks."""

        def give(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            if output.is_meta:
                return output
            marks = torch.zeros_like(output)
            mark(marks)
            return marks

        with _Harmless():  # type: ignore[no-untyped-call]
            return cut.into(calls[number].module, values.repeat_interleave(rows, 0), size, (module, give))

    bits = max(1, (units - 1).bit_length())
    codes = (torch.arange(units) >> torch.arange(bits)[:, None]) & 1 == 1
    even = torch.arange(units) % 2 == 0

    def first(marks: Tensor) -> None:
        marks[0, 0] = torch.nan

    def every(marks: Tensor) -> None:
        """Rows with NaN, then with numbers: silence, all units lit, the even ones, the odd ones."""
        marks[: 2 * bits][torch.cat([codes, ~codes])] = torch.nan
        lit = torch.randn(marks.shape[1:], generator=torch.Generator().manual_seed(0)).to(marks)
        marks[-3], marks[-2, even], marks[-1, ~even] = lit, lit[even], lit[~even]

    alone = sent(1, first).isnan()
    if alone.sum() * units > alone.numel():  # mixed with other units' inputs: no need to mark them all
        return None
    found = sent(2 * bits + 4, every)
    ones, zeros = found[:bits].isnan(), found[bits : 2 * bits].isnan()
    owned = (ones | zeros).any(0)
    if (ones & zeros).any() or (owned & ~(ones ^ zeros).all(0)).any():
        return None
    powers = 2 ** torch.arange(bits, device=ones.device)
    owner = torch.where(owned, (ones * powers[:, None]).sum(0), units)
    counts = owner.bincount(minlength=units + 1)[:units]
    # And that an input is what its own unit makes of it, or silence does, is tried with numbers too.
    silent, whole, evens, odds = found[2 * bits :]
    lit, fixed = owned & (owner % 2 == 0), torch.where(owned, silent, whole)
    right = close(evens, torch.where(lit, whole, fixed), _NEAR)
    right &= close(odds, torch.where(lit, fixed, whole), _NEAR)
    if counts.min() != counts.max() or not counts[0] or not right:
        return None
    return number, owner.argsort(stable=True)[: int(counts.sum())].view(units, -1)


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


def _first_linear(module: nn.Module, calls: list[Call]) -> int | None:
    """The number of the first call of a linear layer behind a module, if it is what its type says."""
    modules = [call.module for call in calls]
    at = modules.index(module)
    number = next((n for n, one in enumerate(modules) if n > at and type(one) is nn.Linear), None)
    if number is None or modules.count(modules[number]) > 1:
        return None
    linear, given = modules[number], calls[number].input
    flat = isinstance(given, Tensor) and given.ndim == 2
    own = "forward" in vars(linear) or linear._forward_hooks or linear._forward_pre_hooks
    return number if flat and not own else None
