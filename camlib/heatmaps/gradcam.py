"""Grad-CAM: class activation maps for networks that have none, from the gradient at any layer with a map.

    α_k^c = mean over cells of ∂S_c / ∂A_k(x, y),    L_c(x, y) = ReLU(Σ_k α_k^c A_k(x, y))

Where the network ends in average pooling and one linear layer, α_k^c = w_k^c / Z with Z cells, and before the
ReLU Grad-CAM is CAM / Z. The ReLU is the paper's: what speaks against the class is left out.
Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra (2017), "Grad-CAM", eq. 1 and 2.
"""

from contextlib import ExitStack
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..geometry.field import ReceptiveField, field_if_any, lay
from ..networks.eval_mode import evaluating
from ..networks.hookable import check_differentiable
from ..networks.images import check_answers, check_images
from ..networks.layers import POOLS
from ..networks.net import Net
from ..networks.remembered import remembered
from ..networks.targets import Targets, class_indices
from ..networks.unit_axis import check_units_second
from ..wording import listing

__all__ = ["gradcam"]

_AT_ONCE = 32  # pictures in one run


def gradcam(
    net: Net, images: Tensor, targets: Targets = None, *, layer: str | None = None, relu: bool = True
) -> Tensor:
    """Grad-CAM's heatmaps, laid over the pictures where the layer's cells look.

    images: (N, C, H, W) in [0, 1].
    targets: class index or name, one or N; several for each picture as (N, K); None: the top-1 class.
    layer: a short name or a dotted one; None: the last of `net.layers` with a map of several cells that is
        not a pool's, as the paper chooses it. Of a layer that is called several times, its last call.
    relu: False leaves negative values, what speaks against the class.
    Returns (N, H, W), or (N, K, H, W), in logits per cell. Works under `torch.no_grad()` and
    `torch.inference_mode()`, with frozen parameters; leaves no gradients, and keeps no graph below the layer.
    Raises ValueError for an unknown layer or class, a layer without a map, and one that the logits ignore;
    for pictures as `check_images` does, and for a network made under `torch.inference_mode()`.
    """
    size = check_images(net, images)
    if layer is not None:
        net.layer(layer)  # raises for what is no name
    at, module, field = remembered(net, ("tap", layer, size), lambda: _tap(net, layer, size))
    found: list[Tensor] = []
    with torch.inference_mode(False), torch.no_grad():
        wanted = class_indices(net, targets, len(images))
        for start in range(0, len(images), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            leaf, logits = _tapped(net, images[part], module)
            if leaf is None:
                raise ValueError(f"{net.name} has no map at {at}; name a layer: {listing(net.layers)}")
            check_units_second(net, at, leaf)
            check_answers(net, logits, start)
            some = logits.argmax(1) if wanted is None else wanted[part]
            found.append(_maps(leaf, logits, some, f"{net.name}, {at}"))
    maps = torch.cat(found)
    return lay(maps.relu() if relu else maps, field, size)


class _Tap(NamedTuple):
    """The layer to look at: its name, its module, and where its cells look."""

    name: str
    module: nn.Module
    field: ReceptiveField | None


def _tap(net: Net, layer: str | None, size: tuple[int, int]) -> _Tap:
    check_differentiable(net)
    at = _last_map(net, size) if layer is None else layer
    if at is None:
        raise ValueError(f"{net.name} has no map for such pictures; name a layer: {listing(net.layers)}")
    return _Tap(at, net.layer(at), field_if_any(net, at, size))


def _last_map(net: Net, size: tuple[int, int]) -> str | None:
    """The last of `net.layers` with a map of several cells that is not a pool's."""
    layers, last = net.layers, list[str]()
    pooled: list[object] = [None]  # the last pool's output, which a container may hand on

    def look(name: str, module: nn.Module, output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim != 4 or not output.is_floating_point():
            return
        if isinstance(module, POOLS):
            pooled[0] = output
        if output is not pooled[0] and output.shape[2:].numel() > 1:
            last[:] = [name]

    with ExitStack() as hooks, torch.inference_mode(False), torch.no_grad():
        hooks.enter_context(evaluating(net))
        for name, module in layers.items():
            hook = lambda module, _inputs, output, name=name: look(name, module, output)  # noqa: E731
            hooks.enter_context(module.register_forward_hook(hook))
        net(torch.zeros(1, net.channels, *size, dtype=net.mean.dtype, device=net.mean.device))
    return last[0] if last else None


def _tapped(net: Net, images: Tensor, module: nn.Module) -> tuple[Tensor | None, Tensor]:
    """The module's map (N, units, h, w), where the graph begins, and the logits."""
    leaf: list[Tensor] = []

    def cut(_module: nn.Module, _inputs: Any, output: Any) -> Tensor | None:
        if not isinstance(output, Tensor) or output.ndim != 4 or not output.is_floating_point():
            return None
        torch.set_grad_enabled(True)  # from here on, until the run ends
        leaf[:] = [output.detach().requires_grad_()]
        return leaf[0].clone()  # so that what follows in place does not overwrite it

    images = images.to(net.mean.device)
    with evaluating(net), torch.no_grad(), module.register_forward_hook(cut):
        logits: Tensor = net(images.clone() if images.is_inference() else images)
    return (leaf[0] if leaf else None), logits


def _maps(leaf: Tensor, logits: Tensor, targets: Tensor, where: str) -> Tensor:
    """Σ_k α_k^c A_k: (N, h, w) for targets (N,), (N, K, h, w) for (N, K)."""
    columns = targets.reshape(len(logits), -1).T
    dtype = torch.promote_types(leaf.dtype, torch.float32)
    found = []
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
        weights = slope.to(dtype).mean((2, 3))
        found.append(torch.einsum("nk,nkhw->nhw", weights, leaf.detach().to(dtype)))
    return torch.stack(found, 1).reshape(*targets.shape, *leaf.shape[2:])
