"""Maps that never look at the network: what a method must beat in every test.

An edge detector sees the picture, a centred blob sees nothing at all, a random map is chance. Adebayo et al.
(2018), "Sanity checks for saliency maps", compare with the edge detector; the other two are their controls.
They are called as any method is: with a row of K classes for each picture their maps are (N, K, H, W).
"""

import numpy as np
import torch
from skimage.filters import gaussian, sobel
from torch import Tensor

from ..given import seeded, tensor
from ..networks.net import Net, check_net
from ..networks.targets import Targets, class_indices

__all__ = ["blob", "edges", "noise"]


def edges(net: Net, images: Tensor, targets: Targets = None) -> Tensor:
    """How steeply the lightness changes (scikit-image's Sobel filter): (N, H, W), never negative."""
    classes = _classes(net, images, targets)
    grey = images.detach().cpu().float().mean(1).numpy()
    found = [sobel(one) for one in grey]  # type: ignore[no-untyped-call]
    return _each(torch.stack([torch.from_numpy(one) for one in found]).float(), classes)


def blob(net: Net, images: Tensor, targets: Targets = None) -> Tensor:
    """A Gaussian hill in the middle, its standard deviation a quarter of each side: (N, H, W), up to 1."""
    classes = _classes(net, images, targets)
    down, across = (
        torch.exp(-0.5 * (torch.linspace(-2, 2, side)) ** 2) if side > 1 else torch.ones(1)
        for side in images.shape[2:]
    )
    return _each((down[:, None] * across).expand(len(images), -1, -1).clone(), classes)


def noise(net: Net, images: Tensor, targets: Targets = None, *, seed: int = 0) -> Tensor:
    """Noise, smoothed to the grain of a 16 × 16 map, for each picture and class another one: (N, H, W).

    Drawn from the seed, the picture's number and the class's alone: the same whatever the network. Without
    targets that is class 0, for the top-1 class would depend on the network.
    """
    classes, start = _classes(net, images, targets), seeded(seed)
    high, wide = images.shape[2:]
    wanted = torch.zeros(len(images), 1, dtype=torch.int64) if classes is None else classes.cpu()
    maps = torch.empty(len(images), wanted[0].numel(), high, wide)
    for number, row in enumerate(wanted.reshape(len(images), -1).tolist()):
        for k, target in enumerate(row):
            drawn = np.random.default_rng([start, number, target]).standard_normal((high, wide))
            # wrapped, for the picture's edges would stand out if they were repeated
            soft = gaussian(drawn, min(high, wide) / 32, mode="wrap")  # type: ignore[no-untyped-call]
            maps[number, k] = torch.from_numpy(soft)
    return maps[:, 0] if classes is None or classes.ndim == 1 else maps


def _classes(net: Net, images: Tensor, targets: Targets) -> Tensor | None:
    """The targets as indices, as every method reads them; of the network it takes the names alone."""
    if tensor(images, "images").ndim != 4 or not len(images):
        raise ValueError(f"images are {tuple(images.shape)}; give a batch of them, (N, C, H, W)")
    if targets is None:
        return None
    check_net(net)
    return class_indices(net, targets, len(images))


def _each(maps: Tensor, classes: Tensor | None) -> Tensor:
    """The same map for every class: (N, H, W), or (N, K, H, W) where each picture has K classes."""
    if classes is None or classes.ndim == 1:
        return maps
    return maps[:, None].expand(-1, classes.shape[1], -1, -1).clone()
