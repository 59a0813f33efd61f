"""LayerCAM: each cell of a map weighed by its own slope, where Grad-CAM takes the mean slope of all cells.

    M_c(x, y) = ReLU(Σ_k ReLU(∂S_c / ∂A_k(x, y)) A_k(x, y))

So it stays sharp in early layers, where a unit's slopes differ from place to place. Negative slopes are
dropped before the sum: what speaks against the class takes nothing away. Behind average pooling all cells of
a unit have the same slope, w_k^c / Z with Z cells, and LayerCAM is CAM of the positive weights alone, / Z.
Jiang, Zhang, Hou, Cheng, Wei (2021), "LayerCAM: Exploring hierarchical class activation maps for
localization", eq. 6 to 8.
"""

from torch import Tensor

from ..networks.net import Net
from ..networks.targets import Targets
from .tapped import by_slopes

__all__ = ["layercam"]


def layercam(net: Net, images: Tensor, targets: Targets = None, *, layer: str | None = None) -> Tensor:
    """LayerCAM's heatmaps, never negative, laid over the pictures where the layer's cells look.

    images, targets, layer: as for `gradcam`. Costs one pass forward, and one back to the layer for each
    target.
    Returns (N, H, W), or (N, K, H, W), in logits: a cell's share of them, were the network linear from there.
    Raises ValueError as `gradcam` does.
    """
    return by_slopes(net, images, targets, layer, _weighed)


def _weighed(slopes: Tensor, maps: Tensor) -> Tensor:
    """(N, units, h, w) each to (N, h, w)."""
    return (slopes.relu() * maps).sum(1).relu()
