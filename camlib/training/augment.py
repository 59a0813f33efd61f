"""Pictures varied at random while a network learns from them."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["hidden", "mean_of", "shifted", "varied"]

SHIFT = 6  # pixels, at most, each way


def varied(pixels: Tensor, generator: torch.Generator, points: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Normalised pictures: mirrored or not, in another light, lighter or darker, and all shifted.

    The light's colour is a gain of .88 to 1.12 for each channel.
    Pictures with points (B, P, 2) are not mirrored: a unit that answers with the right eye would contradict
    itself. Returns the pictures, and where the points are now.
    """
    n, side = len(pixels), pixels.shape[-1]

    def draw(channels: int, low: float, high: float) -> Tensor:
        return torch.empty(n, channels, 1, 1).uniform_(low, high, generator=generator)

    mirrored = (draw(1, 0, 1) < 0.5) & (points is None)
    dx, dy = torch.randint(-SHIFT, SHIFT + 1, (2,), generator=generator).tolist()
    gain, offset = draw(1, 0.8, 1.2) * draw(3, 0.88, 1.12), draw(1, -0.06, 0.06)
    rows, columns = (
        (torch.arange(side) + by).clamp(0, side - 1) for by in (dy, dx)
    )  # the border is repeated
    images = torch.where(mirrored, pixels.flip(3), pixels).index_select(2, rows).index_select(3, columns)
    # the normalisation, (x − ½) / ¼, is part of the same product and sum
    images = torch.addcmul(4 * offset - 2, images.float(), gain * (4 / 255)).clamp_(-2, 2)
    moved = (torch.empty(n, 0, 2) if points is None else points) - torch.tensor([dx, dy])
    return images.contiguous(memory_format=torch.channels_last), moved


def shifted(pixels: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Digits (N, 1, H, W) as floats in [0, 1], all shifted by up to `most` pixels; black comes in."""
    height, width = pixels.shape[-2:]
    dx, dy = torch.randint(0, 2 * most + 1, (2,), generator=generator).tolist()
    return pad(pixels.float() / 255, [most] * 4)[..., dy : dy + height, dx : dx + width]


def hidden(
    images: Tensor, sides: Sequence[int], fill: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Pictures (N, C, H, W) with cells of a grid at random hidden: Hide-and-Seek (Singh, Lee 2017).

    For each picture one of the sides, in pixels, or no grid at all, is drawn; in the grid each cell is hidden
    with probability one half. What is left to see is often no head, so the rest must do.
    fill: (C,), what hidden cells show: the mean of the training pictures, so that on average a filter meets
    there what it meets in a whole picture.
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
    return torch.where(covered[:, None], fill[:, None, None], images)


def mean_of(pixels: Tensor) -> Tensor:
    """The mean of all pictures (N, C, H, W), normalised, for each channel: (C,)."""
    sums = sum((part.sum((0, 2, 3)).double() for part in torch.split(pixels, 1000)), torch.zeros(()).double())
    return ((sums / (pixels.numel() / pixels.shape[1]) / 255 - 0.5) / 0.25).float()
