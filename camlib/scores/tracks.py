"""How far a tracked point is from the true one, frame by frame."""

import torch
from torch import Tensor

from ..given import tensor

__all__ = ["track_errors"]


def track_errors(points: Tensor, truth: Tensor) -> Tensor:
    """How far each frame's point is from the nearest true one, in pixels.

    points: (N, 2), NaN where there is none.  truth: (N, 2), or (N, K, 2) for several; NaN where hidden.
    Returns float32 (N,), on the CPU; NaN where there is no point, or no true one.
    Raises ValueError for other shapes, and infinite points.
    """
    for what, given in {"points": points, "truth": truth}.items():
        if tensor(given, what).isinf().any():
            raise ValueError(f"a point of `{what}` is infinite; NaN stands for none")
    true = truth[:, None] if truth.ndim == 2 else truth
    if points.ndim != 2 or points.shape[1] != 2 or true.ndim != 3 or true.shape[::2] != points.shape:
        shapes = f"{tuple(points.shape)} and {tuple(truth.shape)}"
        raise ValueError(f"points and truth are {shapes}; give (N, 2), and (N, 2) or (N, K, 2)")
    apart = (points[:, None].detach().cpu().float() - true.detach().cpu().float()).norm(dim=2)
    nothing = torch.full((len(apart), 1), torch.inf)  # also where K is 0
    nearest: Tensor = torch.cat([apart.nan_to_num(nan=torch.inf), nothing], 1).amin(1)
    return nearest.masked_fill(nearest.isinf(), torch.nan)
