"""Saliency: how strongly each pixel would move a class's logit, the gradient alone.

    G_c(x, y) = max over the channels of |∂S_c / ∂I(x, y)|

Simonyan, Vedaldi, Zisserman (2014), "Deep inside convolutional networks", section 3.1; the "backprop" row of
Zhou et al.'s tables.
"""

import torch
from torch import Tensor

from ..networks.eval_mode import evaluating
from ..networks.hookable import check_differentiable, check_floating, check_hookable, no_slope
from ..networks.images import check_answers, check_images
from ..networks.net import Net
from ..networks.targets import Targets, class_indices

__all__ = ["saliency"]

_AT_ONCE = 16  # pictures in one run, for the whole graph is kept


def saliency(net: Net, images: Tensor, targets: Targets = None) -> Tensor:
    """The gradient of the target's logit for the pixels: never negative, in logits per unit of light.

    images: (N, C, H, W) in [0, 1].
    targets: class index or name, one or N; several for each picture as (N, K); None: the top-1 class.
    Returns (N, H, W), or (N, K, H, W). Works under `torch.no_grad()` and
    `torch.inference_mode()`, with frozen parameters; leaves no gradients.
    Raises ValueError for an unknown class, and pictures that the network does not take, and a network that
    was made, or runs, without gradients.
    """
    check_images(net, images)
    check_differentiable(net)
    check_floating(net)
    check_hookable(net)
    found = []
    with evaluating(net), torch.inference_mode(False), torch.enable_grad():
        wanted = class_indices(net, targets, len(images))
        for start in range(0, len(images), _AT_ONCE):
            pixels = images[start : start + _AT_ONCE].detach().to(net.mean.device).clone().requires_grad_()
            logits = net(pixels)
            if not logits.requires_grad:
                raise no_slope(net.name)
            check_answers(net, logits, start)
            some = logits.argmax(1) if wanted is None else wanted[start : start + _AT_ONCE]
            columns = some.reshape(len(pixels), -1).T
            slopes = [
                torch.autograd.grad(
                    logits.gather(1, column[:, None]).sum(),
                    pixels,
                    retain_graph=k + 1 < len(columns),
                    allow_unused=True,
                )[0]
                for k, column in enumerate(columns)
            ]
            if slopes[0] is None:
                raise no_slope(net.name)
            maps = torch.stack([slope.abs().amax(1) for slope in slopes], 1)
            found.append(maps.reshape(*some.shape, *maps.shape[2:]))
    return torch.cat(found)
