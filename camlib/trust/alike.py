"""How alike two heatmaps are, and how complex one is: the measures of the sanity checks.

Rank correlation (Spearman) of the values, or of their sizes alone; structural similarity (Wang et al. 2004,
by scikit-image) of maps scaled by their largest size; the entropy of a map's histogram (Hedström et al. 2024,
eMPRT). Sundararajan and Taly (2018) show that leaving the sign out makes unlike maps look alike: take both.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import entropy as entropy_of
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity
from torch import Tensor

from ..given import whole
from ..scores.maps import finite

__all__ = ["complexity", "rank_correlation", "similarity"]

Maps = NDArray[np.float64]
_WINDOW = 11  # pixels


def rank_correlation(one: Tensor, other: Tensor, *, signed: bool = True) -> Tensor:
    """Spearman's correlation of each pair of maps (N, H, W), over pixels: double (N,), in [-1, 1].

    signed: False compares the sizes alone, |map|. Where one of two maps is the same everywhere it is 0.
    """
    a, b = _pairs(one, other, signed)
    found = [
        0.0 if np.ptp(x) == 0 or np.ptp(y) == 0 else float(spearmanr(x, y, axis=None).statistic)
        for x, y in zip(a, b, strict=True)
    ]
    return torch.tensor(found, dtype=torch.float64)


def similarity(one: Tensor, other: Tensor, *, signed: bool = True) -> Tensor:
    """Structural similarity of each pair of maps (N, H, W), 1 for the same: double (N,).

    Each map is divided by its largest absolute value. A Gaussian window of 11 pixels, as in Wang et al.;
    ValueError for smaller maps.
    """
    a, b = _pairs(one, other, signed)
    if min(a.shape[1:]) < _WINDOW:
        high, wide = a.shape[1:]
        raise ValueError(f"structural similarity needs {_WINDOW} pixels a side; given {high} × {wide}")
    found = [
        structural_similarity(  # type: ignore[no-untyped-call]
            _scaled(x),
            _scaled(y),
            data_range=2.0 if signed else 1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for x, y in zip(a, b, strict=True)
    ]
    return torch.tensor(found, dtype=torch.float64)


def complexity(maps: Tensor, *, bins: int = 100) -> Tensor:
    """The entropy of each map's histogram, in nats: double (N,), from 0, one value, to log(bins)."""
    bins = whole(bins, "bins", 1)
    histograms = [np.histogram(one, bins=bins)[0] for one in finite(maps)]
    return torch.tensor([float(entropy_of(counts)) for counts in histograms], dtype=torch.float64)


def _pairs(one: Tensor, other: Tensor, signed: bool) -> tuple[Maps, Maps]:
    a, b = finite(one), finite(other)
    if a.shape != b.shape:
        raise ValueError(f"maps of shape {a.shape} and {b.shape} are no pairs")
    return (a, b) if signed else (np.abs(a), np.abs(b))


def _scaled(one: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = one / (np.abs(one).max() or 1.0)
    return scaled
