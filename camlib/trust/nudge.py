"""A picture changed too little to see, so that its map goes where it is wanted, and the answer stays.

    max_δ  mean corr(M_c(x + δ), wish) - KL(p(x) ‖ p(x + δ)),    |δ| ≤ ε in every pixel and channel

by steps along the gradient's sign. Ghorbani, Abid, Zou (2019), "Interpretation of neural networks is
fragile"; Dombrowski et al. (2019), "Explanations can be manipulated and geometry is to blame", who give the
wish, as here. M_c is the class activation map at its own cells.
"""

import torch
from torch import Tensor
from torch.nn import functional

from ..given import tensor, whole
from ..heatmaps.classifier import find_classifier
from ..heatmaps.last_map import last_map
from ..networks.eval_mode import evaluating
from ..networks.hookable import check_differentiable, check_floating, check_hookable
from ..networks.images import check_images
from ..networks.net import Net
from ..networks.targets import Targets, check_several, class_indices

__all__ = ["nudged"]


def nudged(
    net: Net, images: Tensor, wish: Tensor, targets: Targets = None, *, most: int = 2, steps: int = 40
) -> Tensor:
    """The pictures (N, C, H, W), each value changed by at most `most` of 255 steps of light.

    images: (N, C, H, W) in [0, 1].  wish: (h, w), as many cells as the class activation map has: the map's
    correlation with it over cells is raised.  targets: whose map; None: the top-1 class.
    Light changes by whole steps, so that a picture out of a file can be kept in one; which pictures keep
    their answer has to be looked at.
    Raises ValueError for a wish of another shape, the same everywhere, or not finite; for several targets
    for a picture; for a network without class activation maps; and where the map that it pools is not what
    its last layer with a map gives out as (N, K, h, w), as where channels are last.
    """
    size = check_images(net, images)
    for check in (check_several, check_differentiable, check_floating, check_hookable):
        check(net)
    steps, limit = whole(steps, "steps", 1), whole(most, "most", 1, 255) / 255
    wish = tensor(wish, "wish").detach()
    held: list[Tensor] = []
    with evaluating(net), torch.inference_mode(False), torch.enable_grad():
        end, name = find_classifier(net, images), last_map(net, size)
        if name is None:
            raise ValueError(f"{net.name} has no layer that gives out the class activation map's features")
        cells = tuple(end.features.shape[2:])
        if tuple(wish.shape) != cells:
            raise ValueError(f"the wish is {tuple(wish.shape)}; the map's cells are {cells}")
        if not wish.isfinite().all() or wish.min() == wish.max():
            raise ValueError("the wish is the same everywhere, or not finite")
        aim = _standard(wish.to(end.weight)[None])
        wanted = class_indices(net, targets, len(images))
        if wanted is not None and wanted.ndim > 1:
            raise ValueError(f"{wanted.shape[1]} targets for each picture; one map of each can be nudged")
        weights = end.weight[end.logits.argmax(1) if wanted is None else wanted]
        before, whole_ones = end.logits.softmax(1), images.detach().to(net.mean.device).float()
        low, high = (whole_ones - limit).clamp(min=0), (whole_ones + limit).clamp(max=1)
        hook = net.layer(name).register_forward_hook(lambda _module, _inputs, output: held.append(output))
        try:
            found = whole_ones.clone()
            for step in range(steps):
                held.clear()
                found.requires_grad_()
                logits = net(found).to(before.dtype)
                features = held[0].to(weights.dtype)
                if step == 0 and not _alike(features, end.features):
                    raise ValueError(
                        f"what {net.name} pools is not what its layer {name} gives out as (N, K, h, w)"
                    )
                maps = torch.einsum("nk,nkhw->nhw", weights, features)
                near = (_standard(maps) * aim).mean((1, 2))
                stays = functional.kl_div(logits.log_softmax(1), before, reduction="none").sum(1)
                slope = torch.autograd.grad((stays - near).sum(), found)[0]
                rate = limit / 2 * (1 - step / steps)
                found = (found.detach() - rate * slope.sign()).clamp(low, high)
        finally:
            hook.remove()
        steps_of_light = ((found - whole_ones) * 255).round()
        return (whole_ones + steps_of_light / 255).clamp(0, 1)


def _alike(one: Tensor, other: Tensor) -> bool:
    """Of one shape, and the same numbers but for rounding."""
    return one.shape == other.shape and bool((one - other).abs().max() <= 0.01 * other.abs().max())


def _standard(maps: Tensor) -> Tensor:
    """Maps (N, h, w), their mean 0 and their mean square 1; of a map that is the same everywhere 0."""
    centred = maps - maps.mean((1, 2), keepdim=True)
    return centred / centred.square().mean((1, 2), keepdim=True).clamp_min(1e-24).sqrt()
