"""The one door that pictures pass on their way to a heatmap: is this a batch that the network takes?"""

import math

from torch import Tensor

from ..given import usual_torch
from .net import Net, check_net, check_takes

__all__ = ["check_answers", "check_images"]


def check_images(net: Net, images: Tensor) -> tuple[int, int]:
    """(H, W) of the pictures, once it is sure that they are a batch (N, C, H, W) of one or more, in [0, 1].

    Raises ValueError for a network that is no `Net`, for what is no such batch, for values that are not
    numbers, and for values outside [0, 1] by more than a hundredth, which rounding may have left.
    """
    usual_torch()
    check_net(net)
    check_takes(net, images)
    if not images.numel():
        raise ValueError(f"there is no picture in images of shape {tuple(images.shape)}")
    low, high = (one.item() for one in (images.detach() if images.requires_grad else images).aminmax())
    if not (low > -math.inf and high < math.inf):  # NaN is neither
        bad = int((~images.detach().isfinite()).flatten(1).any(1).nonzero()[0])
        raise ValueError(f"image {bad} holds values that are not finite numbers (NaN or infinite)")
    if low < -0.01 or high > 1.01:
        raise ValueError(
            f"values from {low:.3g} to {high:.3g}; pictures are in [0, 1], a Net normalises by itself"
        )
    return images.shape[2], images.shape[3]


def check_answers(net: Net, logits: Tensor, first: int = 0) -> None:
    """Raise ValueError where a logit (B, C) is not a number; `first` is the number of the first picture."""
    if math.isfinite(logits.detach().sum().item()):  # then each of them is; large ones may add up to infinity
        return
    bad = (~logits.isfinite()).any(1).nonzero()
    if len(bad):
        raise ValueError(f"{net.name} gives a logit that is not a number for image {first + int(bad[0])}")
