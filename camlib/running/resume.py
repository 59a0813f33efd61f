"""Resume a network behind one of its modules: what comes before it is not computed.

What comes before is run on the "meta" device, on tensors that have a shape but no numbers: nothing is
computed, and nothing can leak from there. If the logits come out with numbers all the same, they depend on a
picture through the module's output alone, whatever the network's code looks like.
"""

from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..networks.net import Net
from ..networks.trace import Call

__all__ = ["Cut", "close", "hooked", "noise"]

_NEAR = {torch.float16: 2e-2, torch.bfloat16: 2e-2}  # of the largest logit; else 1e-3


class Cut:
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
        """What the network gives out for so many pictures without numbers, with these hooks on modules."""
        picture = torch.empty((rows, self.net.channels, *size), dtype=self.net.mean.dtype, device="meta")
        with ExitStack() as stack:
            for module, hook in hooks:
                stack.enter_context(module.register_forward_hook(hook))
            logits: Tensor = functional_call(self.net.module, self.empty, (picture,), tie_weights=False)
        return logits


def hooked(module: nn.Module) -> bool:
    """Whether somebody's hooks are on the module."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def noise(net: Net, size: tuple[int, int]) -> Tensor:
    """A picture (1, C, H, W) of noise, always the same, to try a cut with."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand((1, net.channels, *size), generator=generator).to(net.mean.device)


def close(one: Tensor, other: Tensor) -> bool:
    """Whether logits are the other ones but for rounding; those without numbers are not."""
    near = _NEAR.get(other.dtype, 1e-3)
    return not one.is_meta and bool((one - other).abs().max() <= near * other.abs().max())
