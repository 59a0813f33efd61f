"""Class activation maps: where in the picture the evidence for a class lies.

    M_c(x, y) = Σ_k w_k^c f_k(x, y),    so that  S_c = Σ_k w_k^c F_k + b_c = mean of M_c + b_c

for a network that ends in global average pooling and one linear layer. (The paper writes F_k as a sum over
places; networks take the mean, and so S_c - b_c is the mean of M_c, not its sum.) With max pooling M_c is the
same, but S_c - b_c is Σ_k w_k^c max f_k, of maxima that may lie in different places.
Zhou, Khosla, Lapedriza, Oliva, Torralba (2016), "Learning deep features for discriminative localization".
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from .geometry import ReceptiveField, upsample
from .head import find_head, picture_size
from .nets import Net, Target, Targets
from .nets import targets as class_indices

__all__ = ["ManyTargets", "cam", "chosen", "class_maps", "lay"]

ManyTargets: TypeAlias = Targets | Sequence[Sequence[Target]]


def cam(net: Net, images: Tensor, targets: ManyTargets = None) -> Tensor:
    """Class activation maps, laid over the pictures where their cells look.

    images: (N, C, H, W) in [0, 1], of any size that the network takes.
    targets: class index or name, one or N; several for each picture as (N, K); None: the top-1 class.
    Returns (N, H, W), or (N, K, H, W) for targets (N, K): raw values, in logits. One forward pass. Their mean
    over the map's own cells (see `class_maps`) plus the class's bias is the logit.
    Raises ValueError where the classifier is not one linear layer on a pooled map; use `gradcam` there.
    """
    size = picture_size(net, images)
    wanted = chosen(net, targets, len(images))
    head = find_head(net, images)
    return lay(head.maps(wanted), head.field, size)


def class_maps(net: Net, images: Tensor, targets: ManyTargets = None) -> Tensor:
    """The same at the map's own cells: (N, h, w), or (N, K, h, w) for targets (N, K).

    With average pooling `class_maps(net, images, c).mean((1, 2)) + bias[c]` is the logit of class c.
    """
    picture_size(net, images)
    wanted = chosen(net, targets, len(images))
    return find_head(net, images).maps(wanted)


def chosen(net: Net, targets: ManyTargets, n: int) -> Tensor | None:
    """Class indices, int64 (n,), or (n, K) where there are several for each picture; None for None.

    Raises ValueError for an unknown class, and where there is not one target, or one row of them, per image.
    """
    given: Any = targets
    given = given.tolist() if hasattr(given, "tolist") else given
    if given is None:
        return None
    rows = list(given) if isinstance(given, list | tuple | range) else [given]
    several = [row for row in rows if isinstance(row, list | tuple | range) or getattr(row, "ndim", False)]
    if not several:
        return class_indices(net, given, n)
    if len(rows) != n or len({len(row) for row in several}) > 1 or len(several) != n or not len(several[0]):
        raise ValueError(
            f"{len(rows)} rows of targets for {n} images: give each image a row of the same length"
        )
    return torch.stack([class_indices(net, row, len(row)) for row in several])


def lay(maps: Tensor, field: ReceptiveField | None, size: tuple[int, int]) -> Tensor:
    """Maps (…, h, w) over a picture of (H, W): where their cells look, by `geometry.upsample`.

    Where that is everywhere (field None, behind self-attention), each cell lies in the middle of its equal
    share of the picture, from which it came.
    """
    if field is not None:
        return upsample(maps, field)
    stack = maps.reshape(1, -1, *maps.shape[-2:])
    return interpolate(stack, size=size, mode="bilinear").reshape(*maps.shape[:-2], *size)
