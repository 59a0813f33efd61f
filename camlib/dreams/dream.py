"""The picture that would excite a unit most, by gradient ascent from noise: feature visualization.

    x* = argmax_x a_k(x)

Erhan, Bengio, Courville, Vincent (2009), "Visualizing higher-layer features of a deep network"; Simonyan,
Vedaldi, Zisserman (2014), section 2, for a class's logit; Olah, Mordvintsev, Schubert (2017), "Feature
visualization", whose regularisers these are. From a photograph, raising all that a layer sees in it, the same
ascent is DeepDream (Mordvintsev, Olah, Tyka 2015).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..given import number, seeded, tensor, told, whole
from ..networks.images import check_images
from ..networks.net import Net, check_net
from ..running.extractor import FeatureExtractor
from ..running.unit_numbers import unit_numbers
from ..unrounded import unrounded
from ..wording import in_short
from .before import Values, values
from .canvas import canvas
from .climb import climb, roused
from .spectrum import Spectrum

__all__ = ["Dreams", "dream"]

_AT_ONCE = 32  # pictures in memory together


@dataclass(frozen=True, eq=False)
class Dreams:
    """N pictures, each made for one unit.

    pictures: float32 (N, C, H, W) in [0, 1], on the CPU.
    values: float32 (N,), what the layer itself answers to them (behind its ReLU): the unit's highest cell, as
    in `top_patches`; of a layer without a map its number; of the whole layer the mean of its squares.
    course: float32 (N, steps), what was raised, on the shaken picture before each step.
    dead: bool (N,), whether the gradient was zero from beginning to end, so that the picture is still noise.
    """

    pictures: Tensor
    values: Tensor
    course: Tensor
    dead: Tensor

    __repr__ = in_short


def dream(
    net: Net,
    layer: str,
    units: int | Iterable[int] | Tensor | None = None,
    *,
    basis: str = "fourier",
    like: Spectrum | None = None,
    cell: bool = False,
    behind: bool = False,
    shake: float = 1.0,
    apart: float = 0.0,
    start: Tensor | None = None,
    steps: int = 128,
    rate: float = 0.05,
    seed: int = 0,
) -> Dreams:
    """The picture that excites each unit most; a unit named twice is dreamed twice, from other noise.

    units: numbers; or floats (N, U), directions in the place of units: Σ_j units[n, j] · unit j is raised. So
    two units together are a direction with two ones. None: all that the layer sees in `start`, the mean
    square of its numbers.
    basis, like: what is painted on (`canvas`): "pixels", "fourier" or "phase", in the colours, and of "phase"
    with the magnitudes, of a data set: `like=spectrum(data)`.
    cell: raise the map's middle cell alone, in place of its mean.
    behind: behind the layer's ReLU, where most noise gives a unit 0 and the ascent no slope: see `dead`. By
    default before it.
    shake: how far the picture is moved (by 1/16 of its side at 1), turned (10°) and resized (10 %) at random
    before each step; 0: not at all.
    apart: how strongly pictures of one unit are pushed apart: this times the mean similarity of their Gram
    matrices in the layer, relative to the height reached.
    start: (N, C, H, W) in [0, 1] or one (1, …) for all: the pictures it begins with, in place of noise.
    Raises ValueError for an unknown layer or unit, directions of another length, no unit and no start, a
    middle cell where there is no map, an unknown basis, and options out of range; before any work starts.
    """
    check_net(net)
    steps, seed = whole(steps, "steps", 1), seeded(seed)
    shake, apart, rate = (
        _amount(value, name, above)
        for value, name, above in ((shake, "shake", False), (apart, "apart", False), (rate, "rate", True))
    )
    extract = FeatureExtractor(net, layer)
    shape = extract.shapes[layer]
    if cell and len(shape) != 3:
        raise ValueError(f"{layer!r} has no map, and so no middle cell; leave out cell")
    rows = _rows(units, layer, shape[0])
    if rows is None and start is None:
        raise ValueError("name units, or give the pictures to start from: start=images")
    sides = net.sides if start is None else check_images(net, start)
    if start is not None and rows is not None and len(start) not in (1, len(rows)):
        raise ValueError(f"{len(start)} pictures to start from for {len(rows)} units; give 1 or {len(rows)}")
    count = len(rows) if rows is not None else len(start) if start is not None else 0
    device = net.mean.device
    page = canvas(basis, (net.channels, *sides), like, device)
    each = count if apart else _AT_ONCE
    with values(net, layer, behind=behind) as run:
        numbers = page.start(count, seed) if start is None else page.of(start.detach().float().clone())
        numbers = numbers.expand(count, *numbers.shape[1:])
        parts = []
        for first in range(0, count, each):
            some = slice(first, first + each)
            height = _Height(run, None if rows is None else rows[some].clone().to(device), cell, apart)
            begun = numbers[some] if start is not None else roused(page, numbers[some], height)
            parts.append(climb(page, begun, height, shake=shake, steps=steps, rate=rate, seed=seed + 1))
    pictures, course, dead = (torch.cat(part) for part in zip(*parts, strict=True))
    reached = [
        _highest(
            extract(pictures[first : first + each])[layer],
            None if rows is None else rows[first : first + each],
        )
        for first in range(0, count, each)
    ]
    return Dreams(pictures.float().cpu(), torch.cat(reached), course.float(), dead)


class _Height:
    """What is raised: (N,) of pictures (N, C, H, W)."""

    def __init__(self, run: Values, rows: Tensor | None, cell: bool, apart: float) -> None:
        self.run, self.rows, self.cell, self.apart = run, rows, cell, apart

    def __call__(self, pictures: Tensor, some: Tensor | None = None) -> Tensor:
        """some: which of the rows these pictures are for; None: all."""
        found = self.run(pictures)
        if self.rows is None:
            return found.square().flatten(1).mean(1)
        rows = self.rows if some is None else self.rows[some]
        every = found.flatten(2) if found.ndim > 2 else found[:, :, None]
        middle = found[:, :, found.shape[2] // 2, found.shape[3] // 2] if self.cell else every.mean(2)
        height = (middle * rows).sum(1)
        if not self.apart:
            return height
        gram = torch.nn.functional.normalize((every @ every.transpose(1, 2)).flatten(1), dim=1)
        same = (rows[:, None] == rows).all(2).float().fill_diagonal_(0)
        alike = (gram @ gram.T * same).sum(1) / same.sum(1).clamp_min(1)
        return height - self.apart * height.detach().abs() * alike


@unrounded()
def _highest(found: Tensor, rows: Tensor | None) -> Tensor:
    found = found.float().cpu()
    if rows is None:
        return found.square().flatten(1).mean(1)
    every = found.flatten(2) if found.ndim > 2 else found[:, :, None]
    return torch.einsum("nu,nup->np", rows, every).amax(1)


def _rows(units: int | Iterable[int] | Tensor | None, layer: str, count: int) -> Tensor | None:
    """Directions, float32 (N, U); of units the rows of the identity."""
    if units is None:
        return None
    if isinstance(units, Tensor) and units.is_floating_point():
        if tensor(units, "units").ndim != 2 or units.shape[1] != count or not len(units):
            raise ValueError(f"directions of shape {tuple(units.shape)}; give (N, {count}) for {layer!r}")
        if not units.isfinite().all():
            raise ValueError("a direction holds values that are not finite")
        return units.detach().float().cpu()
    chosen = unit_numbers(units, layer, count)
    if not chosen:
        raise ValueError(f"no units; {layer!r} has 0 to {count - 1}")
    return torch.eye(count, dtype=torch.float32)[chosen]


def _amount(value: float, name: str, above: bool) -> float:
    wanted = "a number above 0" if above else "a number, 0 or more"
    found = number(value, name, wanted)
    if found < 0 or (above and not found):
        raise ValueError(f"{name} is {told(value)}; give {wanted}")
    return found
