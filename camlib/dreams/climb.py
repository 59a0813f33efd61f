"""Gradient ascent on pictures: Adam on a canvas's numbers, each step on the picture moved a little.

A picture that excites a unit only where it stands, to the pixel, excites it no longer once it is moved,
turned and resized at random before each step; what survives is what does not depend on that (Mordvintsev,
Olah, Tyka 2015, "jitter"; Olah et al. 2017, "transformation robustness").
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from ..networks.hookable import sloping
from .canvas import Canvas

__all__ = ["climb", "roused", "shaken"]

_MOVE, _TURN, _ZOOM = 1 / 16, 10.0, 0.1  # of the side, degrees, of the size: the most at shake=1


def climb(
    canvas: Canvas,
    numbers: Tensor,
    height: Callable[[Tensor], Tensor],
    *,
    shake: float,
    steps: int,
    rate: float,
    seed: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Raise height(pictures) (N,), for each picture by itself.

    Returns the pictures (N, C, H, W); their heights before each step (N, steps), on the shaken picture; and
    bool (N,): whether the gradient was zero at every step, so that nothing moved.
    Raises ValueError where no gradient reaches the pixels.
    """
    random = torch.Generator().manual_seed(seed)
    numbers = numbers.detach().clone().requires_grad_()
    adam = torch.optim.Adam([numbers], lr=rate)
    course, dead = [], torch.ones(len(numbers), dtype=torch.bool)
    for _ in range(steps):
        now = height(shaken(canvas.paint(numbers), shake, random))
        slope = _slope(now, numbers)
        dead &= (slope.flatten(1) == 0).all(1).cpu()
        course.append(now.detach().cpu())
        numbers.grad = -slope
        adam.step()
    with torch.no_grad():
        return canvas.paint(numbers), torch.stack(course, 1), dead


def roused(canvas: Canvas, numbers: Tensor, height: Callable[..., Tensor]) -> Tensor:
    """The numbers; where no gradient comes from faint noise, since all ReLUs on the way give 0, louder ones.

    They are made three times as large, up to six times. Where there is no slope then, they stay as they were.
    """
    found, rows = numbers.clone(), torch.arange(len(numbers), device=numbers.device)
    for loud in range(7):
        tried = (numbers[rows] * 3.0**loud).requires_grad_()
        slope = _slope(height(canvas.paint(tried), rows), tried)
        awake = (slope.flatten(1) != 0).any(1)
        found[rows[awake]], rows = tried.detach()[awake], rows[~awake]
        if not len(rows):
            break
    return found


def _slope(heights: Tensor, numbers: Tensor) -> Tensor:
    """Of all heights' sum. Raises ValueError where none of it comes from the numbers."""
    slope = None
    if heights.requires_grad:
        with sloping("the network"):
            (slope,) = torch.autograd.grad(heights.sum(), numbers, allow_unused=True)
    if slope is None:
        raise ValueError(
            "no gradient reaches the pixels from this layer: does the network run under torch.no_grad(), or "
            "detach what it makes? choose an earlier layer"
        )
    return slope


def shaken(pictures: Tensor, shake: float, random: torch.Generator) -> Tensor:
    """All pictures moved, turned and resized alike, at random; mirrored at the border. At 0 as they are."""
    if not shake:
        return pictures
    draws = (2 * torch.rand(4, generator=random) - 1) * shake
    angle, zoom = torch.deg2rad(_TURN * draws[2]), 1 + _ZOOM * draws[3]
    cos, sin, (right, down) = angle.cos() * zoom, angle.sin() * zoom, (2 * _MOVE * draws[:2])
    high, wide = pictures.shape[2:]
    theta = torch.stack(
        [torch.stack([cos, -sin * high / wide, right]), torch.stack([sin * wide / high, cos, down])]
    ).to(pictures)
    grid = functional.affine_grid(theta.expand(len(pictures), 2, 3), pictures.shape, align_corners=False)  # type: ignore[arg-type]
    return functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
