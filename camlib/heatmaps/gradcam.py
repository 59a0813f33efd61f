"""Grad-CAM: class activation maps for networks that have none, from the gradient at any layer with a map.

    α_k^c = mean over cells of ∂S_c / ∂A_k(x, y),    L_c(x, y) = ReLU(Σ_k α_k^c A_k(x, y))

Where the network ends in average pooling and one linear layer, α_k^c = w_k^c / Z with Z cells, and before the
ReLU Grad-CAM is CAM / Z. The ReLU is the paper's: what speaks against the class is left out.
Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra (2017), "Grad-CAM", eq. 1 and 2.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from ..geometry.field import ReceptiveField, field_of, lay
from ..geometry.field_tracer import FieldTracer
from ..geometry.tensor_field import Lost, TensorField
from ..networks.eval_mode import evaluating
from ..networks.layers import POOLS
from ..networks.net import Net, Targets, class_indices, picture_size
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
    Raises ValueError for an unknown layer or class, a layer without a map, and one that the logits ignore.
    """
    size = picture_size(net, images)
    at = layer or "the last map"
    field: ReceptiveField | None = None
    found: list[Tensor] = []
    with torch.inference_mode(False), torch.no_grad():
        wanted = class_indices(net, targets, len(images))
        taps = [net.layer(layer)] if layer is not None else list(net.layers.values())
        for start in range(0, len(images), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            tap = _Tap(any_map=layer is not None, tracer=None if found else FieldTracer())
            logits = tap.run(net, images[part], taps)
            if tap.leaf is None:
                raise ValueError(f"{net.name} has no map at {at}; name a layer: {listing(net.layers)}")
            some = logits.argmax(1) if wanted is None else wanted[part]
            found.append(_maps(tap.leaf, logits, some, f"{net.name}, {at}"))
            field = field if start else tap.field(size)
    maps = torch.cat(found)
    return lay(maps.relu() if relu else maps, field, size)


class _Tap:
    """Runs a network and cuts its graph at the layer: what is below is never in it.

    leaf: the layer's output (N, units, h, w), where the graph begins.
    """

    def __init__(self, any_map: bool, tracer: FieldTracer | None) -> None:
        self.any_map, self.tracer = any_map, tracer
        self.looks: TensorField | Lost | None = None
        self.leaf: Tensor | None = None
        self.pooled: object = None  # the last pool's output, which a container may hand on

    def run(self, net: Net, images: Tensor, taps: Sequence[nn.Module]) -> Tensor:
        """The logits."""
        images = images.to(net.mean.device)
        with ExitStack() as stack:
            stack.enter_context(evaluating(net))
            stack.enter_context(torch.no_grad())  # as far as the layer
            images = images.clone() if images.is_inference() else images
            for module in taps:
                stack.enter_context(module.register_forward_hook(self._cut))
            if self.tracer:
                self.tracer.see(images)
                stack.enter_context(self.tracer)
            logits: Tensor = net(images)
        return logits

    def field(self, picture: tuple[int, int]) -> ReceptiveField | None:
        """Where the layer's cells look; None where that is everywhere."""
        try:
            return field_of(self.looks, picture)
        except ValueError:
            return None

    def _cut(self, module: nn.Module, _inputs: Any, output: Any) -> Tensor | None:
        fits = isinstance(output, Tensor) and output.ndim == 4 and output.is_floating_point()
        if fits and not self.any_map:
            if isinstance(module, POOLS):
                self.pooled = output
            fits = output is not self.pooled and output.shape[2:].numel() > 1
        if not fits:
            return None
        self.looks = self.tracer.look(output) if self.tracer else None
        torch.set_grad_enabled(True)  # from here on, until `run` ends
        self.leaf = output.detach().requires_grad_()
        return self.leaf.clone()  # so that what follows in place does not overwrite it


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
