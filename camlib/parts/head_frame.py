"""Points in a critter's own frame, where errors of many pictures can be laid on one another.

What is left of the errors' mean is systematic: every student inherits it. What spreads around the mean is
random: it averages out, as far as the pictures do not explain it.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..given import tensor
from ..scenes.scenes import KEYPOINTS, Scenes
from ..scores.keypoints import head_sizes
from ..unrounded import unrounded

__all__ = ["head_frame"]


def head_frame(scenes: Scenes, points: Tensor) -> Tensor:
    """Points (N, P, 2) of N scenes, in head sizes from the middle between the eyes: float32 (N, P, 2).

    x runs along the line of the eyes, from the viewer's left one to the right one; y downwards, across it.
    So the eyes lie at (-h, 0) and (h, 0), h half their distance. NaN stays NaN.
    Raises ValueError for points that are not one row for each scene, or infinite.
    """
    if not isinstance(scenes, Scenes):
        raise ValueError(f"only scenes have heads; given a {type(scenes).__name__}")
    if tensor(points, "points").ndim != 3 or points.shape[2] != 2 or len(points) != len(scenes):
        raise ValueError(f"points are {tuple(points.shape)} for {len(scenes)} scenes; give (N, P, 2)")
    if points.isinf().any():
        raise ValueError("a point is infinite; NaN stands for none")
    left, right = (scenes.keypoints[:, KEYPOINTS.index(name)] for name in ("left_eye", "right_eye"))
    along = normalize(right - left, dim=1)
    across = torch.stack([-along[:, 1], along[:, 0]], 1)
    axes = torch.stack([along, across], 2)
    away = points.cpu().float() - ((left + right) / 2)[:, None]
    with unrounded():
        return away @ axes / head_sizes(scenes)[:, None, None]
