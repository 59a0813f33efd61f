"""Class activation maps: where in the picture the evidence for a class lies.

    M_c(x, y) = Σ_k w_k^c f_k(x, y),    so that  S_c = Σ_k w_k^c F_k + b_c = mean of M_c + b_c

for a network that ends in global average pooling and one linear layer. (The paper writes F_k as a sum over
places; networks take the mean, and so S_c - b_c is the mean of M_c, not its sum.) With max pooling M_c is the
same, but S_c - b_c is Σ_k w_k^c max f_k, of maxima that may lie in different places.
Zhou, Khosla, Lapedriza, Oliva, Torralba (2016), "Learning deep features for discriminative localization".
"""

from torch import Tensor

from ..geometry.field import lay
from ..networks.images import check_images
from ..networks.net import Net
from ..networks.targets import Targets, class_indices
from .classifier import ending

__all__ = ["cam", "class_maps"]


def cam(net: Net, images: Tensor, targets: Targets = None) -> Tensor:
    """Class activation maps, laid over the pictures where their cells look.

    images: (N, C, H, W) in [0, 1], of any size that the network takes.
    targets: class index or name, one or N; several for each picture as (N, K); None: the top-1 class.
    Returns (N, H, W), or (N, K, H, W) for targets (N, K): raw values, in logits. One forward pass. Their mean
    over the map's own cells (see `class_maps`) plus the class's bias is the logit.
    Raises ValueError where the classifier is not one linear layer on a pooled map; use `gradcam` there.
    """
    size = check_images(net, images)
    wanted = class_indices(net, targets, len(images))
    end = ending(net, images, size)
    return lay(end.maps(wanted), end.field, size)


def class_maps(net: Net, images: Tensor, targets: Targets = None) -> Tensor:
    """The same at the map's own cells: (N, h, w), or (N, K, h, w) for targets (N, K).

    With average pooling `class_maps(net, images, c).mean((1, 2)) + bias[c]` is the logit of class c.
    """
    size = check_images(net, images)
    wanted = class_indices(net, targets, len(images))
    return ending(net, images, size).maps(wanted)
