"""One run of a network without numbers: which modules are called, in which order, with what.

On the "meta" device tensors have shapes and no numbers: no arithmetic, no copy.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn
from torch.func import functional_call

from ..wording import one_line
from .attributes import attributes_kept, numbers_kept
from .eval_mode import evaluating
from .unhooked import unhooked

__all__ = ["Call", "trace"]


class Call(NamedTuple):
    """One call of a module: its dotted name, what went in, what came out, and what was counted by its end."""

    name: str
    module: nn.Module
    input: object
    output: object
    counted: int = 0

    @property
    def leaf(self) -> bool:
        """Whether the module holds no other modules."""
        return next(self.module.children(), None) is None


def trace(
    module: nn.Module, channels: int, size: int | tuple[int, int], count: Callable[[], int] = int
) -> tuple[list[Call], object]:
    """All calls of one run on a picture of `size`, in order, and the network's output, without numbers.

    count: is asked at the end of each call; `Call.counted` is by how much it grew since the run began.
    Raises ValueError where the module cannot take such a picture. The module is left as it was.
    """
    with evaluating(module), unhooked(module):  # nobody's hook is to be met by tensors without numbers
        return _traced(module, channels, size, count)


def _traced(
    module: nn.Module, channels: int, size: int | tuple[int, int], count: Callable[[], int]
) -> tuple[list[Call], object]:
    sides = (size, size) if isinstance(size, int) else size
    calls: list[Call] = []
    start = count()
    for name, inner in module.named_modules():
        inner.register_forward_hook(
            lambda inner, inputs, output, name=name: calls.append(
                Call(name, inner, inputs[0] if inputs else None, output, count() - start)
            )
        )
    state = {  # each module's own, so that one that is used twice gets its numbers back
        f"{path}.{key}" if path else key: tensor
        for path, inner in module.named_modules()
        for own in (inner.named_parameters, inner.named_buffers)
        for key, tensor in own(recurse=False)
    }
    dtype = next((tensor.dtype for tensor in state.values() if tensor.is_floating_point()), torch.float32)
    try:
        with torch.no_grad():
            picture = torch.zeros(1, channels, *sides, dtype=dtype)
            try:
                empty = {name: tensor.to("meta") for name, tensor in state.items()}
                with attributes_kept(module):
                    output = functional_call(module, empty, (picture.to("meta"),), tie_weights=False)
            except Exception:  # it makes tensors of its own, or looks at values: run it for real
                calls.clear()
                start = count()
                device = next((tensor.device for tensor in state.values()), torch.device("cpu"))
                with numbers_kept(module):
                    output = module(picture.to(device))
    except Exception as error:
        shape, why = (1, channels, *sides), one_line(error)
        raise ValueError(f"the network does not take images of shape {shape}: {why}") from error
    return calls, output
