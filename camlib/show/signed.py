"""Heat with a sign over its picture: what speaks for an answer glows, what speaks against it is blue.

Where the heat is zero the picture is seen in middle greys. More heat is always brighter, from orange to pale
yellow, less is always darker, from blue to night blue, and the picture's own contrast shows through: so that
the sign is seen on a print in grey, too, and by whoever does not tell red from green.
"""

import numpy as np
from numpy.typing import NDArray

from .tiles import Pixels

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_KNOTS = (-1, -0.7, -0.35, 0, 0.35, 0.7, 1)  # of the heat, and its colours; their luma rises throughout
_COLOURS = ("#060f45", "#122f8c", "#3159b3", "#757575", "#e8911c", "#ffb22b", "#fff3b0")
_CONTRAST, _LESS = 0.36, 0.2  # of the picture where there is no heat; by how much less where it is full
_MIDDLE = (
    0.6  # the grey that stays as it is; these four numbers keep "brighter" true where a colour is cut at 1
)
_PALE = 0.72  # how far towards white, where nothing was looked at


def blend_signed(picture: Pixels, heat: NDArray[np.float32]) -> Pixels:
    """A picture (H, W, 3) in [0, 1] under its heat (H, W) in [-1, 1]; pale where the heat is not a number."""
    rgb = np.array([[int(one[i : i + 2], 16) / 255 for i in (1, 3, 5)] for one in _COLOURS])
    grey = picture @ _LUMA
    unseen = np.isnan(heat)
    known = np.where(unseen, 0, heat).clip(-1, 1)
    relief = (grey - _MIDDLE) * (_CONTRAST - _LESS * np.abs(known))
    mixed = np.stack([np.interp(known, _KNOTS, rgb[:, i]) + relief for i in range(3)], -1)
    mixed[unseen] = (_PALE + (1 - _PALE) * grey)[unseen, None]
    result: Pixels = mixed.clip(0, 1).astype(np.float32)
    return result


def ramp_signed(low: float = -1) -> Pixels:
    """The colours (256, 3) of a mid-grey picture, from `low` to 1."""
    steps = np.linspace(low, 1, 256, dtype=np.float32)[None]
    row: Pixels = blend_signed(np.full((1, 256, 3), _MIDDLE, np.float32), steps)[0]
    return row
