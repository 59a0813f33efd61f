"""Pictures varied at random while a network learns from them."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["hidden", "mean_of", "varied"]


def varied(pixels: Tensor, generator: torch.Generator, points: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Normalised pictures: mirrored or not, channels in any order, lighter or darker, and all shifted.

    Pictures with points (B, P, 2) are not mirrored: a unit that answers with the right eye would contradict
    itself. Returns the pictures, and where the points are now.
    """
    n, side = len(pixels), pixels.shape[-1]

    def draw(low: float, high: float) -> Tensor:
        return torch.empty(n, 1, 1, 1).uniform_(low, high, generator=generator)

    images = pixels.float() / 255
    images = torch.where((draw(0, 1) < 0.5) & (points is None), images.flip(3), images)
    order = torch.rand(n, 3, generator=generator).argsort(1)[:, :, None, None]
    images = images.gather(1, order.expand_as(images))
    images = (images * draw(0.8, 1.2) + draw(-0.06, 0.06)).clamp(0, 1)
    dx, dy = torch.randint(0, 13, (2,), generator=generator).tolist()
    images = pad(images, (6, 6, 6, 6), mode="replicate")[:, :, dy : dy + side, dx : dx + side]
    moved = (torch.empty(n, 0, 2) if points is None else points) + torch.tensor([6 - dx, 6 - dy])
    return ((images - 0.5) / 0.25).contiguous(memory_format=torch.channels_last), moved


def hidden(
    images: Tensor, sides: Sequence[int], fill: float, generator: torch.Generator | None = None
) -> Tensor:
    """Pictures (N, C, H, W) with cells of a grid at random hidden: Hide-and-Seek (Singh, Lee 2017).

    For each picture one of the sides, in pixels, or no grid at all, is drawn; in the grid each cell is hidden
    with probability one half. What is left to see is often no head, so the rest must do.
    fill: what hidden cells show: the mean of the training pictures, so that on average a filter meets there
    what it meets in a whole picture.
    Raises ValueError where a side does not divide the picture's.
    """
    n, _, height, width = images.shape
    if wrong := [side for side in sides if side < 1 or height % side or width % side]:
        raise ValueError(f"cells of side {wrong[0]} do not fill a picture of {height} × {width}")
    drawn = torch.randint(0, len(sides) + 1, (n, 1, 1), generator=generator)
    covered = torch.zeros(n, height, width, dtype=torch.bool)
    for number, side in enumerate(sides, 1):
        cells = torch.rand(n, height // side, width // side, generator=generator) < 0.5
        large = cells.repeat_interleave(side, 1).repeat_interleave(side, 2)
        covered |= large & (drawn == number)
    return images.masked_fill(covered[:, None], fill)


def mean_of(pixels: Tensor) -> float:
    """The mean of all pictures, normalised. One number: `varied` puts the channels in any order."""
    sums = sum(part.double().sum() for part in torch.split(pixels, 1000))
    return (float(sums) / pixels.numel() / 255 - 0.5) / 0.25
