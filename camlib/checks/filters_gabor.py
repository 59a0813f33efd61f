"""Lesson 01's textbook filter: a Gabor patch, that is, a grating under a Gaussian window.

What a learner's patch is made of is told by least squares: of which kind of wave and window, in whatever
phase, size and width, hardly anything is left over. A sine passes as a cosine does; each mistake is a kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ..units.filters import orientation
from .compare import unfit
from .verdict import Learners, Wrong, ask, check


class _Asked(NamedTuple):
    size: int
    degrees: float
    wavelength: float


_ASKED = [_Asked(25, a, 6.0) for a in (30.0, 75.0, 110.0)] + [_Asked(31, 30.0, 9.0), _Asked(15, 0.0, 5.0)]
_WIDTHS = [0.5 * 1.1**k for k in range(48)]  # σ from half a pixel to 44
_LEFT = 0.03  # the share of a patch's energy that may be left over
_NEAR = 8  # degrees, within which stripes run as asked


@check
def gabor(f: Learners) -> str:
    """f(size, angle, wavelength): (size, size), stripes that run at that angle and fade towards the edge.

    The angle is in degrees, as in `camlib.orientation`: 0 is a horizontal stripe, 45 rises to the right.
    """
    patches = [_patch(f, asked) for asked in _ASKED]
    width = _width(patches, lambda asked, s: _waves(asked, _round(*_grid(asked), s)))
    if not width:
        for sentence, kind in _KINDS.items():
            if _width(patches, kind):
                raise Wrong(sentence)
        _refuse_stripes(patches)
        raise Wrong("right stripes, but the window over them is no Gaussian, exp(-r² / 2σ²)")
    size, _, wavelength = _ASKED[0]
    told = f"right stripes, but at size {size} the window's σ is about {width:.1f} pixels"
    if width > size:
        raise Wrong("right stripes, but they reach the corners: multiply by a Gaussian, exp(-r² / 2σ²)")
    if width > 0.4 * size:
        raise Wrong(f"{told}, so they reach the corners: try size / 5")
    if width < wavelength / 5:
        raise Wrong(f"{told}, too narrow for even one stripe: try size / 5")
    return "right: conv1's striped filters look like this"


def _patch(f: Learners, asked: _Asked) -> Tensor:
    got, size = ask(f, *asked), asked.size
    if sentence := unfit(got, (size, size), f"patch of size {size}"):
        raise Wrong(sentence)
    patch = torch.as_tensor(got, dtype=torch.float64)
    if patch.std() == 0:
        raise Wrong(f"the patch of size {size} has the same value, {patch[0, 0].item() + 0.0:g}, everywhere")
    return patch


_Kind = Callable[[_Asked, float], list[Tensor]]  # the parts of which a patch is a sum; the float is σ


def _grid(asked: _Asked) -> tuple[Tensor, Tensor]:
    """How far each pixel lies to the right of the middle, and below it."""
    steps = torch.arange(asked.size, dtype=torch.float64) - (asked.size - 1) / 2
    return steps.expand(asked.size, -1), steps[:, None].expand(-1, asked.size)


def _waves(asked: _Asked, window: Tensor | float = 1.0, wavelength: float | None = None) -> list[Tensor]:
    """A cosine and a sine under a window; summed, each with a factor, they are the wave in every phase."""
    (x, y), angle = _grid(asked), math.radians(asked.degrees)
    turn = 2 * math.pi * (x * math.sin(angle) + y * math.cos(angle)) / (wavelength or asked.wavelength)
    return [window * turn.cos(), window * turn.sin()]


def _round(x: Tensor, y: Tensor, s: float) -> Tensor:
    return torch.exp(-(x**2 + y**2) / (2 * s**2))


def _growing(x: Tensor, y: Tensor, s: float) -> Tensor:
    return torch.exp((x**2 + y**2 - (x**2 + y**2).max()) / (2 * s**2))


def _from_corner(asked: _Asked) -> tuple[Tensor, Tensor]:
    x, y = _grid(asked)
    return x - x.min(), y - y.min()


# In this order: half a broad stripe, say, is much like a window.
_KINDS: dict[str, _Kind] = {
    "the stripes are too broad: one wave is 2π of the cosine's argument": (
        lambda asked, s: _waves(asked, _round(*_grid(asked), s), 2 * math.pi * asked.wavelength)
    ),
    "the wave runs from 0 to 1; it should run from -1 to 1": (
        lambda asked, s: [
            *_waves(asked, _round(*_grid(asked), s)),
            _round(*_grid(asked), s),
        ]
    ),
    "a constant is added to the patch: where the window has faded, it should be 0": (
        lambda asked, s: [
            *_waves(asked, _round(*_grid(asked), s)),
            torch.ones(asked.size, asked.size).double(),
        ]
    ),
    "the window is added to the stripes: multiply them by it": (
        lambda asked, s: [*_waves(asked), _round(*_grid(asked), s)]
    ),
    "the window grows towards the corners: its exponent is negative, -r² / 2σ²": (
        lambda asked, s: _waves(asked, _growing(*_grid(asked), s))
    ),
    "the window fades only to the left and right: r² is x² + y²": (
        lambda asked, s: _waves(asked, _round(_grid(asked)[0], torch.zeros(()), s))
    ),
    "the window fades only upwards and downwards: r² is x² + y²": (
        lambda asked, s: _waves(asked, _round(torch.zeros(()), _grid(asked)[1], s))
    ),
    "the window's middle lies in a corner: count x and y from the patch's middle, (size - 1) / 2": (
        lambda asked, s: _waves(asked, _round(*_from_corner(asked), s))
    ),
    "the way across the stripes is divided by the wavelength; here it is multiplied by it": (
        lambda asked, s: _waves(asked, _round(*_grid(asked), s), 1 / asked.wavelength)
    ),
}


def _width(patches: list[Tensor], kind: _Kind) -> float | None:
    """The first patch's σ where this kind explains all the patches, each with a σ of its own; else None."""
    widths = []
    for patch, asked in zip(patches, _ASKED, strict=True):
        left = [_left_over(patch, kind(asked, s)) for s in _WIDTHS]
        if min(left) > _LEFT:
            return None
        widths.append(_WIDTHS[left.index(min(left))])
    return widths[0]


def _left_over(patch: Tensor, parts: list[Tensor]) -> float:
    """The share of a patch's energy that no sum of these parts, each with a factor, explains."""
    columns, target = torch.stack([part.flatten() for part in parts], 1), patch.reshape(-1, 1)
    rest = target - columns @ torch.linalg.lstsq(columns, target).solution
    return float(rest.square().sum() / target.square().sum())


def _refuse_stripes(patches: list[Tensor]) -> None:
    """Raise what is wrong with the way the stripes run, or how far apart they are, if it is that."""
    found = [orientation(patch[None, None]) for patch in patches]
    lengths = [1 / one.frequency.clamp_min(1e-6).item() for one in found]
    if min(one.strength.item() for one in found) < 0.5 or lengths[0] > 3 * _ASKED[0].wavelength:
        raise Wrong("the patch has no clear direction: it should be one wave, the same along each stripe")
    known: dict[str, Callable[[float], float]] = {
        "": lambda a: a,
        "the stripes run across the angle: let the wave go across it": lambda a: a + 90,
        "the stripes lean the other way: rows count downwards, so y is minus the row": lambda a: -a,
        "the wave goes along the angle, and rows count downwards: x sin a + y cos a, with y the row": (
            lambda a: 90 - a
        ),
        "cos and sin take radians, the angle is in degrees": math.degrees,
        "cos and sin take radians, and the stripes run across the angle": lambda a: math.degrees(a) + 90,
    }
    angles = [one.angle.item() for one in found]
    off = {why: _off(angles, turn) for why, turn in known.items()}
    if max(off[""]) >= _NEAR:
        first = next(k for k, far in enumerate(off[""]) if far >= _NEAR)
        why = next((why for why, far in off.items() if max(far) < _NEAR), "turn the wave with the angle")
        raise Wrong(f"asked for {_ASKED[first].degrees:.0f}°, the stripes run at {angles[first]:.0f}°: {why}")
    for length, asked in zip(lengths, _ASKED, strict=True):
        if not 0.8 < length / asked.wavelength < 1.25:
            raise Wrong(
                f"asked for {asked.wavelength:.0f} pixels from stripe to stripe, "
                f"the stripes repeat every {length:.0f} pixels"
            )


def _off(angles: list[float], turn: Callable[[float], float]) -> list[float]:
    """How far each patch's stripes are from the angle asked for, turned; a half turn changes nothing."""
    off = [(angle - turn(asked.degrees)) % 180 for angle, asked in zip(angles, _ASKED, strict=True)]
    return [min(one, 180 - one) for one in off]
