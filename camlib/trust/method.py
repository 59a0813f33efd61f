"""What every test of this room takes: a heatmap method, any function of a network, pictures and classes."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from ..given import told
from ..networks.net import Net

__all__ = ["Method", "explained"]

Method: TypeAlias = Callable[[Net, Tensor, Tensor], Tensor]


def explained(method: Method, net: Net, images: Tensor, targets: Tensor) -> Tensor:
    """The method's heatmaps (N, H, W), on the CPU in float32.

    images: (N, C, H, W) in [0, 1].  targets: int64 (N,), a class for each picture.
    Raises ValueError where the method gives another shape, or a value that is not finite.
    """
    if not callable(method):
        raise ValueError(f"a method is a function of network, images and targets; given {told(method)}")
    found = method(net, images, targets)
    name = getattr(method, "__name__", "the method")
    wanted = (len(images), *images.shape[2:])
    if not isinstance(found, Tensor) or tuple(found.shape) != wanted:
        gave = tuple(found.shape) if isinstance(found, Tensor) else told(found)
        raise ValueError(f"{name} gives {gave}; a method gives one heatmap for each picture, {wanted}")
    maps = found.detach().cpu().to(torch.float32)
    if not maps.isfinite().all():
        bad = int((~maps.isfinite()).flatten(1).any(1).nonzero()[0])
        raise ValueError(f"{name} gives values that are NaN or infinite for picture {bad}")
    return maps
