"""What an optimizer paints on: free numbers, and the picture x = sigmoid(R w + m) that they stand for.

R and m are the data's colours (`spectrum`), or the identity and mid grey. The numbers are, by `basis`,

    "pixels"    w itself
    "fourier"   the spectrum of w, each frequency f divided by max(f, 1 / side): low ones move faster
    "phase"     a field whose phases w has; its magnitudes are the data's mean, and stay (MACO)

Another basis shows the same pictures; what it changes is the direction of steepest ascent. Olah et al.
(2017), "Feature visualization", "preconditioning and parameterization", and their code lucid; Fel et al.
(2023), MACO.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..given import told
from ..unrounded import unrounded
from .spectrum import EDGE, Spectrum

__all__ = ["BASES", "Canvas", "canvas"]

BASES = ("pixels", "fourier", "phase")
_QUIET = 0.01  # the standard deviation of the first numbers, as in lucid


@dataclass(frozen=True, eq=False)
class Canvas:
    """shape: (C, H, W).  mean: (C, 1, 1).  colours: (C, C).  scale: (…, H, W // 2 + 1), of frequencies."""

    basis: str
    shape: tuple[int, int, int]
    mean: Tensor
    colours: Tensor
    scale: Tensor

    def start(self, n: int, seed: int) -> Tensor:
        """The numbers of n faint pictures of noise; those of the first are the same for every n."""
        channels, high, wide = self.shape
        drawn = (high, wide // 2 + 1, 2) if self.basis == "fourier" else (high, wide)
        random = torch.Generator().manual_seed(seed)
        noise = torch.stack([torch.randn(channels, *drawn, generator=random) for _ in range(n)])
        return noise.to(self.mean) * (1 if self.basis == "phase" else _QUIET)

    @unrounded()
    def of(self, pictures: Tensor) -> Tensor:
        """The numbers of given pictures (N, C, H, W) in [0, 1]; of "phase" only their phases are taken."""
        z = pictures.to(self.mean).logit(EDGE) - self.mean
        w = torch.einsum("dc,nchw->ndhw", self.colours.inverse(), z)
        if self.basis != "fourier":
            return w
        return torch.view_as_real(torch.fft.rfft2(w, norm="ortho") / self.scale)

    @unrounded()
    def paint(self, numbers: Tensor) -> Tensor:
        """The pictures (N, C, H, W) in (0, 1)."""
        size = self.shape[1:]
        if self.basis == "pixels":
            w = numbers
        elif self.basis == "fourier":
            w = torch.fft.irfft2(torch.view_as_complex(numbers) * self.scale, s=size, norm="ortho")
        else:
            waves = torch.fft.rfft2(numbers, norm="ortho")
            w = torch.fft.irfft2(waves / waves.abs().clamp_min(1e-12) * self.scale, s=size, norm="ortho")
        return (torch.einsum("cd,ndhw->nchw", self.colours, w) + self.mean).sigmoid()


def canvas(basis: str, shape: tuple[int, int, int], like: Spectrum | None, device: torch.device) -> Canvas:
    """A canvas for pictures (C, H, W).

    Raises ValueError for an unknown basis, "phase" without `like`, and a spectrum of other pictures.
    """
    channels, high, wide = shape
    if basis not in BASES:
        raise ValueError(f"no basis {told(basis)}; there are {', '.join(map(repr, BASES))}")
    if like is not None and not isinstance(like, Spectrum):
        raise ValueError(f"like is what spectrum(data) gives; given {told(like)}")
    if basis == "phase" and like is None:
        raise ValueError("the basis 'phase' keeps a data set's magnitudes; give like=spectrum(data)")
    if like is not None and len(like.mean) != channels:
        raise ValueError(f"a spectrum of {len(like.mean)} channels for pictures of {channels}")
    if basis == "phase" and like is not None:
        if like.size != (high, wide):
            raise ValueError(f"a spectrum of {like.size} for pictures of {(high, wide)}")
        scale = like.magnitude
    else:
        rows, columns = torch.fft.fftfreq(high)[:, None], torch.fft.rfftfreq(wide)
        far = (rows.square() + columns.square()).sqrt()
        scale = 0.25 / far.clamp_min(1 / max(high, wide))  # the quarter is lucid's
    mean = torch.zeros(channels) if like is None else like.mean
    colours = torch.eye(channels) if like is None else like.colours
    with torch.inference_mode(False):  # copies that gradients may pass, wherever the spectrum was made
        mean, colours, scale = (one.clone().to(device) for one in (mean.view(-1, 1, 1), colours, scale))
    return Canvas(basis, shape, mean, colours, scale)
