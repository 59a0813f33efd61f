"""Maps that never look at the network: what a method must beat in every test.

An edge detector sees the picture, a centred blob sees nothing at all, a random map is chance. Adebayo et al.
(2018), "Sanity checks for saliency maps", compare with the edge detector; the other two are their controls.
"""

import numpy as np
import torch
from skimage.filters import gaussian, sobel
from torch import Tensor

from ..networks.net import Net

__all__ = ["blob", "edges", "noise"]


def edges(net: Net, images: Tensor, targets: Tensor | None = None) -> Tensor:
    """How steeply the lightness changes (scikit-image's Sobel filter): (N, H, W), never negative."""
    grey = images.detach().cpu().float().mean(1).numpy()
    found = [sobel(one) for one in grey]  # type: ignore[no-untyped-call]
    return torch.stack([torch.from_numpy(one) for one in found]).float()


def blob(net: Net, images: Tensor, targets: Tensor | None = None) -> Tensor:
    """A Gaussian hill in the middle, its standard deviation a quarter of each side: (N, H, W), up to 1."""
    down, across = (
        torch.exp(-0.5 * (torch.linspace(-2, 2, side)) ** 2) if side > 1 else torch.ones(1)
        for side in images.shape[2:]
    )
    return (down[:, None] * across).expand(len(images), -1, -1).clone()


def noise(net: Net, images: Tensor, targets: Tensor | None = None, *, seed: int = 0) -> Tensor:
    """Noise, smoothed to the grain of a 16 × 16 map, for each picture and class another one: (N, H, W).

    Drawn from the seed, the picture's number and the class's alone: the same whatever the network.
    """
    high, wide = images.shape[2:]
    classes = [0] * len(images) if targets is None else torch.as_tensor(targets).tolist()
    maps = []
    for number, target in enumerate(classes):
        random = np.random.default_rng([seed, number, target])
        drawn = random.standard_normal((high, wide))
        # wrapped, for the picture's edges would stand out if they were repeated
        soft = gaussian(drawn, min(high, wide) / 32, mode="wrap")  # type: ignore[no-untyped-call]
        maps.append(torch.from_numpy(soft))
    return torch.stack(maps).float()
