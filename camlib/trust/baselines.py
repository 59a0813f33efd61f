"""Maps that never look at the network: what a method must beat in every test.

An edge detector sees the picture, a centred blob sees nothing at all, a random map is chance. Adebayo et al.
(2018), "Sanity checks for saliency maps", compare with the edge detector; the other two are their controls.
"""

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
    """Noise, smoothed to the grain of a 16 × 16 map, another one for each picture: (N, H, W).

    Drawn from the seed and the picture's number alone: the same whatever the network and the class.
    """
    high, wide = images.shape[2:]
    random = torch.Generator().manual_seed(seed)
    drawn = torch.randn(len(images), high, wide, generator=random).numpy()
    soft = [gaussian(one, min(high, wide) / 32) for one in drawn]  # type: ignore[no-untyped-call]
    return torch.stack([torch.from_numpy(one) for one in soft]).float()
