"""Grad-CAM: class activation maps for networks that have none, from the gradient at any layer with a map.

    α_k^c = mean over cells of ∂S_c / ∂A_k(x, y),    L_c(x, y) = ReLU(Σ_k α_k^c A_k(x, y))

Of tokens those are the cells that stand for a place; a class token and registers are left out.

Where the network ends in average pooling and one linear layer, α_k^c = w_k^c / Z with Z cells, and before the
ReLU Grad-CAM is CAM / Z. The ReLU is the paper's: what speaks against the class is left out.
Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra (2017), "Grad-CAM", eq. 1 and 2.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..geometry.field import ReceptiveField, field_if_any, lay, on_map
from ..networks.eval_mode import evaluating
from ..networks.hookable import check_differentiable
from ..networks.images import check_answers, check_images
from ..networks.net import Net
from ..networks.remembered import remembered
from ..networks.targets import Targets, class_indices
from ..networks.unit_axis import unit_axis, units_second
from ..wording import listing
from .last_map import last_map, unread

__all__ = ["gradcam"]

_AT_ONCE = 32  # pictures in one run


def gradcam(
    net: Net, images: Tensor, targets: Targets = None, *, layer: str | None = None, relu: bool = True
) -> Tensor:
    """Grad-CAM's heatmaps, laid over the pictures where the layer's cells look.

    images: (N, C, H, W) in [0, 1].
    targets: class index or name, one or N; several for each picture as (N, K); None: the top-1 class.
    layer: a short name or a dotted one; None: the last of `net.layers` with a map of several cells that is
        not a pool's, as the paper chooses it. Of a layer that is called several times, its last call. Tokens
        are a map, too. Where the logits read a class token alone, which last looked at the others in the last
        block, it is the layer before that look: this block's first norm.
    relu: False leaves negative values, what speaks against the class.
    Returns (N, H, W), or (N, K, H, W), in logits per cell. Works under `torch.no_grad()` and
    `torch.inference_mode()`, with frozen parameters; leaves no gradients, and keeps no graph below the layer.
    Raises ValueError for an unknown layer or class, a layer without a map, and one that the logits ignore, or
    whose places they ignore, as in a last block from which a class token alone is read; for pictures as
    `check_images` does, and for a network made under `torch.inference_mode()`.
    """
    size = check_images(net, images)
    if layer is not None:
        net.layer(layer)  # raises for what is no name
    tap = remembered(net, ("tap", layer, size), lambda: _tap(net, layer, size))
    found: list[Tensor] = []
    with torch.inference_mode(False), torch.no_grad():
        wanted = class_indices(net, targets, len(images))
        for start in range(0, len(images), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            leaf, logits = _tapped(net, images[part], tap.module)
            if leaf is None or (leaf.ndim == 3 and tap.field is None):
                raise ValueError(f"{net.name} has no map at {tap.name}; name a layer: {listing(net.layers)}")
            check_answers(net, logits, start)
            some = logits.argmax(1) if wanted is None else wanted[part]
            found.append(_maps(leaf, logits, some, tap, f"{net.name}, {tap.name}"))
    maps = torch.cat(found)
    return lay(maps.relu() if relu else maps, tap.field, size)


class _Tap(NamedTuple):
    """The layer to look at: its name, its module, where its cells look, what tells the units' dimension."""

    name: str
    module: nn.Module
    field: ReceptiveField | None
    axis: Callable[[Tensor], int]

    def map(self, output: Tensor) -> Tensor:
        """What the layer gives out, or its gradient, as (N, units, h, w)."""
        return on_map(units_second(output, self.axis(output)), self.field)


def _tap(net: Net, layer: str | None, size: tuple[int, int]) -> _Tap:
    check_differentiable(net)
    at = last_map(net, size) if layer is None else layer
    if at is None:
        raise ValueError(f"{net.name} has no map for such pictures; name a layer: {listing(net.layers)}")
    module = net.layer(at)
    return _Tap(at, module, field_if_any(net, at, size), unit_axis(net, module))


def _tapped(net: Net, images: Tensor, module: nn.Module) -> tuple[Tensor | None, Tensor]:
    """The module's map or tokens, where the graph begins, and the logits."""
    leaf: list[Tensor] = []

    def cut(_module: nn.Module, _inputs: Any, output: Any) -> Tensor | None:
        if not isinstance(output, Tensor) or output.ndim not in (3, 4) or not output.is_floating_point():
            return None
        torch.set_grad_enabled(True)  # from here on, until the run ends
        leaf[:] = [output.detach().requires_grad_()]
        return leaf[0].clone()  # so that what follows in place does not overwrite it

    images = images.to(net.mean.device)
    with evaluating(net), torch.no_grad(), module.register_forward_hook(cut):
        logits: Tensor = net(images.clone() if images.is_inference() else images)
    return (leaf[0] if leaf else None), logits


def _maps(leaf: Tensor, logits: Tensor, targets: Tensor, tap: _Tap, where: str) -> Tensor:
    """Σ_k α_k^c A_k: (N, h, w) for targets (N,), (N, K, h, w) for (N, K)."""
    columns = targets.reshape(len(logits), -1).T
    dtype = torch.promote_types(leaf.dtype, torch.float32)
    maps, found = tap.map(leaf.detach()).to(dtype), []
    for k, column in enumerate(columns):
        with torch.enable_grad():
            score = logits.gather(1, column[:, None]).sum()
            slope = None
            if score.requires_grad:
                (slope,) = torch.autograd.grad(
                    score, leaf, retain_graph=k + 1 < len(columns), allow_unused=True
                )
        if slope is None:
            raise ValueError(f"{where}: no gradient reaches the logits from there; name another layer")
        slopes = tap.map(slope)
        if slopes.numel() < slope.numel() and unread(slope, slopes):
            raise ValueError(
                f"{where}: the logits read only its tokens without a place (a class token), none of a patch; "
                "name an earlier layer, or none"
            )
        found.append(torch.einsum("nk,nkhw->nhw", slopes.to(dtype).mean((2, 3)), maps))
    return torch.stack(found, 1).reshape(*targets.shape, *maps.shape[2:])
