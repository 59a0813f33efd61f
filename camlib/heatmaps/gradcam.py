"""Grad-CAM: class activation maps for networks that have none, from the gradient at any layer with a map.

    α_k^c = mean over cells of ∂S_c / ∂A_k(x, y),    L_c(x, y) = ReLU(Σ_k α_k^c A_k(x, y))

Of tokens those are the cells that stand for a place; a class token and registers are left out.

Where the network ends in average pooling and one linear layer, α_k^c = w_k^c / Z with Z cells, and before the
ReLU Grad-CAM is CAM / Z. The ReLU is the paper's: what speaks against the class is left out.
Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra (2017), "Grad-CAM", eq. 1 and 2.
"""

import torch
from torch import Tensor

from ..networks.net import Net
from ..networks.targets import Targets
from .tapped import by_slopes

__all__ = ["gradcam"]


def gradcam(
    net: Net, images: Tensor, targets: Targets = None, *, layer: str | None = None, relu: bool = True
) -> Tensor:
    """Grad-CAM's heatmaps, laid over the pictures where the layer's cells look.

    images: (N, C, H, W) in [0, 1].
    targets: class index or name, one or N; several for each picture as (N, K); None: the top-1 class.
    layer: a short name or a dotted one; None: the last of `net.layers` with a map of several cells that is
        not a pool's, as the paper chooses it. Of a layer that is called several times, its last call. Tokens
        are a map, too. Where the logits read a class token alone, which last looked at the others in the last
        block, it is the layer before that look: this block's first norm.
    relu: False leaves negative values, what speaks against the class.
    Returns (N, H, W), or (N, K, H, W), in logits per cell. Works under `torch.no_grad()` and
    `torch.inference_mode()`, with frozen parameters; leaves no gradients, and keeps no graph below the layer.
    Raises ValueError for an unknown layer or class, a layer without a map, and one that the logits ignore, or
    whose places they ignore, as in a last block from which a class token alone is read; for pictures as
    `check_images` does, and for a network made under `torch.inference_mode()`.
    """

    def combine(slopes: Tensor, maps: Tensor) -> Tensor:
        weights = slopes.mean((2, 3))[:, None]
        found = torch.bmm(weights, maps.flatten(2)).view(len(maps), *maps.shape[2:])
        return found.relu() if relu else found

    return by_slopes(net, images, targets, layer, combine)
