"""A tracked point, steadied: near its measured places, and turning as little as it can.

f minimises Σ w_i |p_i − f(t_i)|² + λ ∫ |f″|²: a smoothing spline (Reinsch 1967, "Smoothing by spline
functions"). A surer point weighs more. One far from the curve weighs less, and nothing in the end, as in
Cleveland (1979), "Robust locally weighted regression and smoothing scatterplots".
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import make_smoothing_spline
from torch import Tensor

from ..given import number, tensor

__all__ = ["smooth"]

_ROUNDS, _FAR = 4, 6.0  # Cleveland's: fits after the first, and how many median distances weigh nothing
_STRAIGHT = 2  # a span of so many tracks leaves a straight line, to a ten-thousandth of its bend
_STEADY = 1000  # frames: beyond, double precision no longer solves for the spline, to a hundredth of a pixel
_LEAST = 1.0  # pixels: the median distance counts for no less, or a clean track's own turns were outliers


def smooth(points: Tensor, *, strengths: Tensor | None = None, span: float = 1.5) -> Tensor:
    """A track without its jitter, its outliers and its gaps. It looks ahead, so it is not for live use.

    points: (N, 2), one place in pixels for each frame; NaN where there is none.
    strengths: (N,), 0 or more: how much each point weighs, to any factor; None: all as much.
    span: in frames; a place is told by those of about ±3 spans. λ = span⁴ (Silverman 1984, "Spline smoothing:
    the equivalent variable kernel method"). Of two tracks' length or more it gives a straight line, else it
    is at most 1000.
    Returns float32 (N, 2), on the CPU, in gaps as well; before the first known place and after the last it
    stands. An even, straight walk is left as it is.
    Raises ValueError for other shapes, infinite points, a strength below 0, a span of 0 or less, and fewer
    than 5 known points.
    """
    if tensor(points, "points").ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points are {tuple(points.shape)}; give (N, 2), a place for each frame")
    if points.isinf().any():
        raise ValueError("a point is infinite; NaN stands for none")
    if strengths is not None:
        if tensor(strengths, "strengths").shape != points.shape[:1]:
            raise ValueError(f"strengths are {tuple(strengths.shape)}; give {len(points)}, one a point")
        if (wrong := ~((strengths >= 0) & strengths.isfinite())).any():
            raise ValueError(f"a strength is {strengths[wrong][0].item():g}; give 0 or more")
    if not (span := number(span, "span", "frames, more than 0")) > 0:
        raise ValueError(f"span is {span}; give frames, more than 0")
    places: NDArray[np.float64] = points.detach().cpu().double().numpy()
    weights = np.ones(len(places)) if strengths is None else strengths.detach().cpu().double().numpy()
    known = np.flatnonzero(np.isfinite(places).all(1) & (weights > 0))
    if len(known) < 5:
        raise ValueError(f"{len(known)} of {len(points)} points are known; a track wants 5 or more")
    length = int(known[-1] - known[0])
    if _STEADY < span < _STRAIGHT * length:
        raise ValueError(
            f"span is {span:g}; give at most {_STEADY} frames, or for a straight line {_STRAIGHT * length}"
        )
    given, trust = places[known], weights[known] / np.median(weights[known])
    frames = np.clip(np.arange(len(places)), known[0], known[-1])
    curve = _fitted(known, given, trust, span, frames)
    for _ in range(_ROUNDS):
        off = np.hypot(*(curve[known] - given).T)
        far = off / (_FAR * max(float(np.median(off)), _LEAST))
        doubt = (1 - np.minimum(far, 1) ** 2) ** 2  # Tukey's bisquare
        curve = _fitted(known, given, trust * doubt, span, frames)
    return torch.from_numpy(curve).float()


def _fitted(
    known: NDArray[np.int64],
    given: NDArray[np.float64],
    weights: NDArray[np.float64],
    span: float,
    frames: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The splines of x and y at the frames."""
    weights = np.maximum(weights, 1e-9)  # SciPy wants each above 0
    if span >= _STRAIGHT * (known[-1] - known[0]):
        line = [np.polyfit(known, given[:, k], 1, w=np.sqrt(weights)) for k in (0, 1)]
        return np.stack([np.polyval(one, frames) for one in line], 1)
    both = [make_smoothing_spline(known, given[:, k], weights, span**4)(frames) for k in (0, 1)]
    return np.stack(both, 1)
