"""Cut a network at a layer with a map, and follow the logits' slopes back to it, as Grad-CAM and LayerCAM do.

The graph begins at the layer, so that nothing below it is kept. Of tokens the map is those that stand for a
place; a class token and registers are left out.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..geometry.field import ReceptiveField, field_if_any, lay, on_map
from ..networks.called import check_rows, check_times, times
from ..networks.eval_mode import evaluating
from ..networks.hookable import check_differentiable, sloping
from ..networks.images import check_answers, check_images
from ..networks.lock import alone
from ..networks.net import Net
from ..networks.remembered import recalled, remembered
from ..networks.targets import Targets, class_indices
from ..networks.unit_axis import unit_axis, units_second
from ..wording import listing
from .last_map import last_map, unread

__all__ = ["Tap", "by_slopes", "tap"]

_AT_ONCE = 32  # pictures in one run


class Tap(NamedTuple):
    """The layer to look at: its name, its module, where its cells look, what tells the units' dimension.

    times: how often it runs.
    """

    name: str
    module: nn.Module
    field: ReceptiveField | None
    axis: Callable[[Tensor], int]
    times: int

    def map(self, output: Tensor) -> Tensor:
        """What the layer gives out, or its gradient, as (N, units, h, w)."""
        return on_map(units_second(output, self.axis(output)), self.field)


def tap(net: Net, layer: str | None, size: tuple[int, int]) -> Tap:
    """The layer of that name, for pictures of (H, W); None: the one that Grad-CAM's paper chooses.

    Raises ValueError for an unknown name, where there is no map and none is named, and for a network made
    under `torch.inference_mode()`.
    """
    if layer is not None:
        net.layer(layer)  # raises for what is no name
    return remembered(net, ("tap", layer, size), lambda: _tap(net, layer, size))


def by_slopes(
    net: Net,
    images: Tensor,
    targets: Targets,
    layer: str | None,
    combine: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """`combine(slopes, maps)`, of (N, units, h, w) each, gives (N, h, w); laid over the pictures.

    slopes: ∂S_c / ∂A_k(x, y), of the target's logit; maps: A_k(x, y).
    Returns (N, H, W), or (N, K, H, W) for targets (N, K); as `gradcam` describes it, errors included.
    """
    size, found = check_images(net, images), []
    with alone(net), torch.inference_mode(False), torch.no_grad():
        wanted = class_indices(net, targets, len(images))
        known = recalled(net, ("tap", layer, size)) if isinstance(layer, str | None) else None
        with nullcontext() if known else evaluating(net):  # where it is known, all of it is in eval mode
            at = known or tap(net, layer, size)
            for start in range(0, len(images), _AT_ONCE):
                part = slice(start, start + _AT_ONCE)
                leaf, logits = _tapped(net, images[part] if len(images) > _AT_ONCE else images, at)
                check_answers(net, logits, start)
                some = logits.argmax(1) if wanted is None else wanted[part]
                found.append(_maps(leaf, logits, some, at, f"{net.name}, {at.name}", combine))
    return lay(found[0] if len(found) == 1 else torch.cat(found), at.field, size)


def _tap(net: Net, layer: str | None, size: tuple[int, int]) -> Tap:
    check_differentiable(net)
    at = last_map(net, size) if layer is None else layer
    if at is None:
        every = [path for path, _ in net.module.named_modules() if path]
        names = net.layers or every  # where no layer runs just once, none has a short name
        raise ValueError(f"{net.name} has no map for such pictures; name a layer: {listing(names)}")
    module = net.layer(at)
    ran = times(net, module, size) or times(net, module, net.sides) or 0
    return Tap(at, module, field_if_any(net, at, size), unit_axis(net, module), ran)


def _tapped(net: Net, images: Tensor, at: Tap) -> tuple[Tensor, Tensor]:
    """The layer's map or tokens, where the graph begins, and the logits."""
    leaf: list[Tensor] = []
    ran = 0

    def cut(_module: nn.Module, _inputs: Any, output: Any) -> Tensor | None:
        nonlocal ran
        ran += 1
        if not isinstance(output, Tensor) or output.ndim not in (3, 4) or not output.is_floating_point():
            return None
        check_rows(at.name, output, len(images))
        torch.set_grad_enabled(True)  # from here on, until the run ends
        leaf[:] = [output.detach().requires_grad_()]
        return leaf[0].clone()  # so that what follows in place does not overwrite it

    images = images.to(net.mean.device)
    with torch.no_grad(), at.module.register_forward_hook(cut):  # which turns gradients off again
        logits: Tensor = net(images.clone() if images.is_inference() else images)
    if not leaf or (leaf[0].ndim == 3 and at.field is None):
        raise ValueError(f"{net.name} has no map at {at.name}; name a layer: {listing(net.layers)}")
    check_times(at.name, ran, at.times)
    return leaf[0], logits


def _maps(
    leaf: Tensor,
    logits: Tensor,
    targets: Tensor,
    at: Tap,
    where: str,
    combine: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """(N, h, w) for targets (N,), (N, K, h, w) for (N, K)."""
    columns = targets[None] if targets.ndim == 1 else targets.T
    dtype = torch.promote_types(leaf.dtype, torch.float32)
    maps, found = at.map(leaf.detach()).to(dtype), []
    for k, column in enumerate(columns):
        with torch.enable_grad():
            score = logits.gather(1, column[:, None]).sum()
            slope = None
            if score.requires_grad:
                with sloping(where):
                    (slope,) = torch.autograd.grad(
                        score, leaf, retain_graph=k + 1 < len(columns), allow_unused=True
                    )
        if slope is None:
            raise ValueError(f"{where}: no gradient reaches the logits from there; name another layer")
        slopes = at.map(slope)
        if slopes.numel() < slope.numel() and unread(slope, slopes):
            raise ValueError(
                f"{where}: the logits read only its tokens without a place (a class token), none of a patch; "
                "name an earlier layer, or none"
            )
        found.append(combine(slopes.to(dtype), maps))
    return found[0] if targets.ndim == 1 else torch.stack(found, 1)
