"""What a window is filled with when a place of a picture is covered: a grey, a colour, another picture."""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ..given import told, whole

__all__ = ["Fill", "Pair", "filled", "pair"]

Pair: TypeAlias = int | tuple[int, int]
Fill: TypeAlias = float | str | Sequence[float] | Tensor

_NAMED = ("mean", "blur", "noise")


def filled(images: Tensor, fill: Fill, window: Pair) -> Tensor:
    """What stands in a window laid on each of the pictures (N, C, H, W): pictures of the same shape.

    fill, window: as in `occlusion`. Raises ValueError for a fill that is none.
    """
    if isinstance(fill, str):
        if fill not in _NAMED:
            raise ValueError(f"no fill {fill!r}; give a number, a colour, a picture, or one of {_NAMED}")
        if fill == "mean":
            return images.mean((2, 3), keepdim=True).expand_as(images)
        if fill == "noise":
            noise = torch.rand(images.shape[1:], generator=torch.Generator().manual_seed(0))
            return noise.to(images).expand_as(images)
        down, across = pair(window, "window", (1, 1))
        smooth = [
            gaussian_filter(image.detach().float().cpu().numpy(), (0, down / 2, across / 2), mode="nearest")
            for image in images
        ]
        return torch.stack([torch.from_numpy(one) for one in smooth]).to(images)
    try:
        value = torch.as_tensor(fill).detach().to(images)
        whole = (value[:, None, None] if value.ndim == 1 else value).expand_as(images)
    except (RuntimeError, TypeError, ValueError):
        given = f"shape {tuple(fill.shape)}" if isinstance(fill, Tensor) else repr(fill)
        wanted = f"a number, {images.shape[1]} numbers, a picture, or one of {_NAMED}"
        raise ValueError(f"{given} fills no images {tuple(images.shape)}; give {wanted}") from None
    low, high = (edge.item() for edge in value.float().aminmax())
    if not (low >= -0.01 and high <= 1.01):
        raise ValueError(
            f"a fill from {low:.3g} to {high:.3g}; pictures are in [0, 1], a Net normalises by itself"
        )
    return whole


def pair(value: Pair | None, name: str, default: tuple[int, int]) -> tuple[int, int]:
    """A number of pixels as (down, across); None: the default. Raises ValueError where it is none."""
    if value is None:
        return default
    both = tuple(value) if isinstance(value, tuple | list) else (value, value)
    try:
        down, across = (whole(one, name, 1) for one in both)
    except ValueError:
        wanted = "give a number of pixels, or (down, across), at least 1"
        raise ValueError(f"{name} is {told(value)}; {wanted}") from None
    return down, across
