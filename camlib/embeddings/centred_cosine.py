"""How alike a layer finds two pictures, when anything in them is changed.

Activations are never negative, so even unrelated pictures point the same way. What all pictures share is
therefore taken off first: with μ the layer's mean over many pictures, the cosine of a - μ and b - μ.
"""

import torch
from torch import Tensor

from ..given import tensor

__all__ = ["centred_cosine"]


def centred_cosine(before: Tensor, after: Tensor) -> Tensor:
    """For each of N pictures, how like its activations before and after a change are: (N,).

    before, after: (N, …), a layer's maps or codes, or pixels.  μ is the mean of `before` over the N.
    1: the same.  0: as unlike as two of the pictures are on average (for large N).  Where a picture is just
    the mean, 0.
    Raises ValueError for fewer than two pictures, for two shapes, and for numbers that are not finite.
    """
    if tensor(before, "before").shape != tensor(after, "after").shape or not before.ndim or len(before) < 2:
        given = f"{tuple(before.shape)} and {tuple(after.shape)}"
        raise ValueError(f"shapes {given}; give twice the same, of two pictures or more")
    first, second = (given.flatten(1).double() for given in (before, after))
    for what, rows in {"before": first, "after": second}.items():
        if not rows.isfinite().all():
            row = int((~rows.isfinite()).any(1).nonzero()[0, 0])
            raise ValueError(f"row {row} of `{what}` is not finite; leave it out")
    middle = first.mean(0)
    return torch.cosine_similarity(first - middle, second - middle).float()
