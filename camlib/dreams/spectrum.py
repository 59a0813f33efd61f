"""What all pictures of a data set have in common before anything is recognised: colours and frequencies.

Measured where dreams are painted, z = logit(x): the mean colour m, a root of the colours' covariance S,

    z = R w + m,   R Rᵀ = S,   so that the channels of w are uncorrelated, each of variance 1,

and the mean magnitude of the spectrum of w, over the pictures, M = mean |F(w)|. Olah, Mordvintsev, Schubert
(2017), "Feature visualization", take ImageNet's R; Fel et al. (2023), "Unlocking feature visualization for
deeper networks with magnitude constrained optimization" (MACO), ImageNet's M. Ours are the data's own.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..pictures.batches import batches, data_set
from ..unrounded import unrounded
from ..wording import in_short

__all__ = ["EDGE", "Spectrum", "spectrum"]

EDGE = 0.02  # light is kept so far from 0 and 1, where a logit is infinite


@dataclass(frozen=True, eq=False)
class Spectrum:
    """mean: float32 (C,), in logits.  colours: (C, C), the symmetric root R.  magnitude: (C, H, W // 2 + 1).

    magnitude is of the half spectrum that `torch.fft.rfft2(w, norm="ortho")` gives.  size: (H, W).
    """

    mean: Tensor
    colours: Tensor
    magnitude: Tensor
    size: tuple[int, int]

    __repr__ = in_short


def spectrum(dataset: Any, *, batch_size: int = 64) -> Spectrum:
    """The colours and frequencies of anything `batches` takes; it is gone through twice.

    Raises ValueError for an empty data set, pictures of unequal size, and pictures all of one colour.
    """
    dataset = data_set(dataset)
    total, outer, count = torch.zeros(()), torch.zeros(()), 0
    size: tuple[int, ...] | None = None
    for images, _, _ in batches(dataset, batch_size=batch_size, progress="colours"):
        if size not in (None, tuple(images.shape[1:])):
            raise ValueError(f"pictures of {size} and {tuple(images.shape[1:])}; resize them to one size")
        size = tuple(images.shape[1:])
        z = images.float().cpu().logit(EDGE).double().transpose(0, 1).flatten(1)
        total, outer, count = total + z.sum(1), outer + z @ z.T, count + z.shape[1]
    mean = total / count
    values, vectors = torch.linalg.eigh(outer / count - torch.outer(mean, mean))
    if values[0] < 1e-6:
        raise ValueError("the pictures' channels are the same everywhere, or copies of one another")
    root = vectors @ values.sqrt().diag() @ vectors.T
    back, frequencies = root.inverse().float(), torch.zeros(1)
    for images, _, _ in batches(dataset, batch_size=batch_size, progress="frequencies"):
        z = images.float().cpu().logit(EDGE) - mean.float()[:, None, None]
        with unrounded():
            w = torch.einsum("dc,nchw->ndhw", back, z)
        frequencies = frequencies + torch.fft.rfft2(w, norm="ortho").abs().sum(0)
    assert size is not None  # `batches` gives at least one
    return Spectrum(mean.float(), root.float(), frequencies / len(dataset), (size[1], size[2]))
