"""First-layer weights as pictures, and what can be measured on them.

A filter of the first layer lives in pixel space: of all patches of unit length the one that excites it most
is the filter itself, w/‖w‖ (Cauchy and Schwarz). So looking at it is looking at what it looks for. From the
second layer on the weights join channels that are no colours, and this reading ends.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from ..given import tensor, told, whole
from ..networks.net import Net, traced
from ..networks.weights import read, shipped_folder

__all__ = [
    "Orientation",
    "autocorrelation",
    "colour",
    "colourfulness",
    "filter_history",
    "filters",
    "orientation",
]


def filters(net: nn.Module) -> Tensor:
    """The weights of the first convolution, a detached copy: float32 (N, C, kh, kw).

    net: a `Net`, where the first is the one that runs first; or any module, where it is the one defined
    first.
    Raises ValueError for a network without a two-dimensional convolution.
    """
    if not isinstance(net, nn.Module):
        raise ValueError(f"filters are those of a network; given {told(net)}")
    ran = traced(net)[0] if isinstance(net, Net) else []
    modules = [call.module for call in ran] or list(net.modules())
    for module in modules:
        if isinstance(module, nn.Conv2d):
            return module.weight.detach().float().cpu().clone()
    kinds = sorted({type(module).__name__ for module in modules if module is not net})
    raise ValueError(f"no Conv2d in this {type(net).__name__}; it is made of {', '.join(kinds) or 'nothing'}")


def filter_history(*, constant: bool = False) -> dict[int, Tensor]:
    """critternet's first layer while it was trained: epoch → (32, 3, 11, 11), before the first one under 0.

    Each with its batch norm folded in: so the filters under 0 are those of `load("critternet",
    weights="untrained")`, 12 to 40 times as large.
    constant: of another run from the same start, whose learning rate did not fall towards the end.
    Raises WeightsError where the file that ships with the course is missing or damaged.
    """
    run = "critternet_conv1_epochs_constant" if constant else "critternet_conv1_epochs"
    kept = read(shipped_folder() / f"{run}.safetensors")
    return {int(name.removeprefix("epoch_")): kept[name] for name in sorted(kept)}


def autocorrelation(filters: Tensor, *, lag: int = 1) -> Tensor:
    """How alike neighbouring weights are, for each filter: (N,), 1 smooth, 0 noise, −1 a chessboard.

    With each channel's mean taken off, ½ Σ_d mean(w(p) w(p + lag·d)) / mean(w(p)²), d right and down, the
    means over all channels and all places p where both weights exist. Noise gives −1/(kh·kw − 1) on average,
    the price of taking the mean off; a filter of zeros gives 0. Raises ValueError where no two weights are
    `lag` apart.
    """
    _check(filters)
    most = min(filters.shape[2:]) - 1
    if most < 1:
        raise ValueError(f"in filters of {_size(filters)} no two weights are neighbours both ways")
    lag = whole(lag, f"for filters of {_size(filters)} lag", 1, most)
    w = filters.double() - filters.double().mean(dim=(2, 3), keepdim=True)
    right = (w[..., :, lag:] * w[..., :, :-lag]).mean(dim=(1, 2, 3))
    down = (w[..., lag:, :] * w[..., :-lag, :]).mean(dim=(1, 2, 3))
    return ((right + down) / 2 / w.square().mean(dim=(1, 2, 3)).clamp_min(1e-30)).float()


class Orientation(NamedTuple):
    """How stripes lie, how clearly, and how fine they are, for each filter.

    angle: (N,), degrees in [0, 180): 0 is a horizontal stripe, 90 an upright one, 45 rises to the right.
    strength: (N,), from 0, no direction, to 1, only one.  frequency: (N,), stripes per pixel, 0 to 0.5.
    """

    angle: Tensor
    strength: Tensor
    frequency: Tensor


def orientation(filters: Tensor) -> Orientation:
    """Which way each filter's stripes or edge run, how clearly, and how fine they are.

    The structure tensor J = Σ ∇w ∇wᵀ (Bigün and Granlund 1987), summed over places and colours, so that a
    red-green edge counts as a black-white one does: its main axis λ1 is across the stripes, and the strength
    is (λ1 − λ2) / (λ1 + λ2). The gradient is Scharr's, the 3×3 one with the truest direction (Scharr 2000).
    The frequency is where the power spectrum is highest, mean taken off, to 1/128. Angles of stripes 3 to 8
    pixels apart come out within 1°, near a filter's rim within 3°.
    Raises ValueError for filters smaller than 3×3; in those, strength says how far the channels agree.
    """
    _check(filters)
    if min(filters.shape[2:]) < 3:
        raise ValueError(f"filters of {_size(filters)} have no direction; it takes 3×3 or more")
    w = filters.double()
    smooth, slope = w.new_tensor([46.84, 162.32, 46.84]) / 512, w.new_tensor([-1, 0, 1])
    scharr = torch.stack([smooth[:, None] * slope, slope[:, None] * smooth])[:, None]
    gradient = conv2d(w.flatten(0, 1)[:, None], scharr)  # (N · C, 2: to the right, down, …)
    right, down = (gradient[:, i].reshape(len(w), -1) for i in (0, 1))
    xx, yy, xy = ((one * two).sum(1) for one, two in ((right, right), (down, down), (right, down)))
    across = torch.rad2deg(torch.atan2(2 * xy, xx - yy)) / 2  # clockwise on a screen, whose y points down
    strength = torch.hypot(xx - yy, 2 * xy) / (xx + yy).clamp_min(1e-30)
    power = torch.fft.fft2(w - w.mean(dim=(2, 3), keepdim=True), s=(128, 128)).abs().square().sum(1)
    peak, k = power.flatten(1).argmax(1), torch.fft.fftfreq(128, dtype=torch.float64)
    frequency = torch.hypot(k[peak // 128], k[peak % 128])
    # Rounding to single precision may carry 179.999999 to 180.
    return Orientation((90 - across).float().remainder(180), strength.float(), frequency.float())


def colourfulness(filters: Tensor) -> Tensor:
    """The share of each filter's energy that is colour, not grey: (N,), 0 grey, 1 pure colour, noise ⅔.

    1 − 3 Σ_p g(p)² / Σ_p,c w_c(p)², with g the mean of the three channels: what is left after projecting
    every weight triple onto the grey axis. Filters of one channel have none; a filter of zeros has none.
    Raises ValueError for other numbers of channels.
    """
    w = _rgb(filters)
    grey = 3 * w.mean(1).square().sum(dim=(1, 2))
    energy = w.square().sum(dim=(1, 2, 3))
    return torch.where(energy > 0, 1 - grey / energy.clamp_min(1e-30), 0).clamp(0, 1).float()


def colour(filters: Tensor) -> Tensor:
    """The colour that each filter answers to: (N, 3), RGB in [0, 1]; its opposite is 1 − colour.

    The main axis of the filter's colours after grey is taken off (the first principal component, through 0),
    drawn from mid grey to the edge of the cube; of its two ends the one on the side of the strongest weight.
    A grey filter's colour is mid grey. Raises ValueError for filters with other than 1 or 3 channels.
    """
    w = _rgb(filters)
    chroma = (w - w.mean(1, keepdim=True)).flatten(2)
    axis = torch.linalg.eigh(chroma @ chroma.mT).eigenvectors[:, :, -1]
    along = (axis[:, :, None] * chroma).sum(1)
    strongest = along.gather(1, along.abs().argmax(1, keepdim=True))
    axis = axis * torch.where(strongest < 0, -1, 1) / axis.abs().amax(1, keepdim=True)
    coloured = strongest.abs() > 1e-6 * w.abs().amax(dim=(1, 2, 3))[:, None]
    return (0.5 + 0.5 * torch.where(coloured, axis, 0)).float()


def _rgb(filters: Tensor) -> Tensor:
    _check(filters)
    if filters.shape[1] not in (1, 3):
        raise ValueError(f"filters of {filters.shape[1]} channels have no colour; it takes 3, or 1 for grey")
    return filters.double().expand(-1, 3, -1, -1)


def _check(filters: Tensor) -> None:
    if tensor(filters, "filters").ndim != 4 or filters.numel() == 0 or filters.is_complex():
        raise ValueError(f"filters have shape {tuple(filters.shape)}; give (N, C, kh, kw)")
    if (wrong := ~filters.isfinite().flatten(1).all(1)).any():
        raise ValueError(f"filter {int(wrong.nonzero()[0, 0])} holds weights that are NaN or infinite")


def _size(filters: Tensor) -> str:
    return "×".join(map(str, filters.shape[2:]))
