"""How far a tracked point is from the true one, frame by frame."""

import torch
from torch import Tensor

__all__ = ["track_errors"]


def track_errors(points: Tensor, truth: Tensor) -> Tensor:
    """How far each frame's point is from the nearest true one, in pixels.

    points: (N, 2), NaN where there is none.  truth: (N, 2), or (N, K, 2) for several; NaN where hidden.
    Returns float32 (N,), on the CPU; NaN where there is no point, or no true one.
    Raises ValueError for other shapes.
    """
    true = truth[:, None] if truth.ndim == 2 else truth
    if points.shape != (len(points), 2) or true.ndim != 3 or true.shape[::2] != points.shape:
        given = f"{tuple(points.shape)} and {tuple(truth.shape)}"
        raise ValueError(f"points and truth are {given}; give (N, 2), and (N, 2) or (N, K, 2)")
    apart = (points[:, None].detach().cpu().float() - true.detach().cpu().float()).norm(dim=2)
    nearest: Tensor = apart.nan_to_num(nan=torch.inf).amin(1)
    return nearest.masked_fill(nearest.isinf(), torch.nan)
