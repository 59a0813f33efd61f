"""The layer for Grad-CAM where none is named: the last with a map that the logits read.

In a convolutional network that is the last of its layers with a map. In a ViT whose logits are read off a
class token it is not: what its last block makes of the patches is thrown away, and a map of it would be zero.
The class token's last look at them is in that block's attention: the layer before it, its norm, is the one.
"""

from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..geometry.field import ReceptiveField, field_if_any, on_map
from ..networks.eval_mode import evaluating
from ..networks.layers import POOLS
from ..networks.net import Net
from ..networks.unit_axis import unit_axis, units_second
from ..running.compared import noise
from ..wording import listing

__all__ = ["last_map", "unread"]


def last_map(net: Net, size: tuple[int, int]) -> str | None:
    """The name of that layer for pictures of (H, W); None where there is no map of several cells.

    Raises ValueError where the last layers are tokens of which it is not known where they look.
    """
    found = _maps(net, size)
    if not found:
        return None
    name, dims = found[-1]
    if dims == 4:
        return name
    field = field_if_any(net, name, size)
    if field is None or field.tokens is None:
        raise ValueError(
            f"where the tokens of {name} in {net.name} look is not known here; name a layer: "
            f"{listing(net.layers)}"
        )
    return _read(net, size, name, field)


def unread(whole: Tensor, places: Tensor) -> bool:
    """Whether of a layer's gradients those of the tokens with a place are zero, and only they."""
    return not places.any() and bool(whole.any())


def _maps(net: Net, size: tuple[int, int]) -> list[tuple[str, int]]:
    """Of `net.layers` those with a map of several cells that is not a pool's, and of how many dimensions."""
    found: list[tuple[str, int]] = []
    pooled: list[object] = [None]  # the last pool's output, which a container may hand on
    axes = {name: unit_axis(net, module) for name, module in net.layers.items()}

    def look(name: str, module: nn.Module, output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim not in (3, 4) or not output.is_floating_point():
            return
        if isinstance(module, POOLS):
            pooled[0] = output
        several = units_second(output, axes[name](output)).shape[2:].numel() > 1
        if output is not pooled[0] and several:
            found.append((name, output.ndim))

    with ExitStack() as hooks, torch.inference_mode(False), torch.no_grad():
        hooks.enter_context(evaluating(net))
        for name, module in net.layers.items():
            hook = lambda module, _inputs, output, name=name: look(name, module, output)  # noqa: E731
            hooks.enter_context(module.register_forward_hook(hook))
        net(torch.zeros(1, net.channels, *size, dtype=net.mean.dtype, device=net.mean.device))
    return found


def _read(net: Net, size: tuple[int, int], name: str, field: ReceptiveField) -> str:
    """This layer of tokens, or, where the logits read none of its places, the last before that they read.

    Tried with a gradient, of numbers that are not zero where the network's own are, as of a new head.
    """
    made: list[tuple[str, nn.Module, Tensor]] = []
    named = [(path, module) for path, module in net.module.named_modules() if path]
    named.append((name, net.layer(name)))

    def keep(path: str, module: nn.Module, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 3 and output.requires_grad:
            made.append((path, module, output))

    with ExitStack() as stack, torch.inference_mode(False), torch.enable_grad():
        stack.enter_context(evaluating(net))
        for path, module in named:
            hook = lambda module, _inputs, output, path=path: keep(path, module, output)  # noqa: E731
            stack.enter_context(module.register_forward_hook(hook))
        generator = torch.Generator().manual_seed(0)
        others = {
            key: torch.randn(value.shape, generator=generator).to(value)
            for key, value in net.named_parameters()
            if not value.any()
        }
        picture = noise(net, size).to(net.mean.dtype).requires_grad_()
        logits: Tensor = functional_call(net, others, (picture,), tie_weights=False)
        weights = torch.randn(logits.shape, generator=generator).to(logits)
        slopes = torch.autograd.grad((logits * weights).sum(), [one[2] for one in made], allow_unused=True)
    shape = next(output.shape for path, _, output in reversed(made) if path == name)
    for (path, module, output), slope in zip(reversed(made), reversed(slopes), strict=True):
        # a linear layer in a block gives out what is compared, or asked for, not the tokens
        stream = output.shape == shape and not isinstance(module, nn.Linear)
        if path == name or stream:
            axis = unit_axis(net, module)(output)
            if slope is not None and on_map(units_second(slope, axis), field).any():
                return path
    return name
