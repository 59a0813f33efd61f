"""From a finished sheet to a picture under uneven light, and the exact truth of its characters."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .glyphs import OVER
from .lettering import BARE, STROKE, Sheet

Array = NDArray[Any]


class Truth(NamedTuple):
    """ids int16 (H, W): 0, or k + 1 where character k has its ink; clutter bool (H, W): strokes, no text."""

    ids: Array
    clutter: Array


def truth(sheet: Sheet) -> Truth:
    """A pixel is text where at least half of it is, and belongs to the character that has most of it."""
    codes = np.asarray(sheet.codes)
    height, width = (n // OVER for n in codes.shape)
    y, x = np.nonzero(codes > BARE)
    pixel = y // OVER * width + x // OVER
    count = np.bincount(pixel, minlength=height * width).reshape(height, width)
    whose, votes = np.unique(pixel * (len(sheet.letters) + 1) + codes[y, x], return_counts=True)
    order = np.lexsort((-whose, votes))  # the most votes last, of equals the lower number
    ids = np.zeros(height * width, np.int16)
    where, who = np.divmod(whose[order], len(sheet.letters) + 1)
    ids[where] = who
    half = OVER * OVER / 2
    strokes = (codes == STROKE).reshape(height, OVER, width, OVER).sum((1, 3))
    return Truth(np.where(count >= half, ids.reshape(height, width), 0), strokes >= half)


def develop(sheet: Sheet, rng: np.random.Generator, shadows: Array | None = None) -> Array:
    """The picture uint8 (3, H, W): reduced, lit from a side, tinted, a little blurred, with grain.

    shadows: (H, W) in [0, 1], how much light comes through.
    """
    scene: Array = np.asarray(sheet.colours.reduce(OVER), np.float32) / 255
    height, width = scene.shape[:2]
    if shadows is not None:
        scene = scene * shadows[..., None] ** np.array([1.0, 0.96, 0.86], np.float32)  # shade is bluish
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0.04, 0.16)
    light = 1 + fall * (x * np.cos(angle) + y * np.sin(angle)) - rng.uniform(0, 0.12) * (x**2 + y**2)
    patches = rng.normal(0, 0.02, (6, 8)).astype(np.float32)
    uneven = np.asarray(Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC))
    tint = rng.uniform(0.94, 1.04, 3) * rng.uniform(0.9, 1.06)
    lit = np.clip(scene * ((light + uneven)[..., None] * tint.astype(np.float32)), 0, 1)
    soft = Image.fromarray((255 * lit + 0.5).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(float(rng.uniform(0, 0.55)))
    )
    grain = rng.normal(0, 255 * rng.uniform(0.003, 0.014), (height, width, 1)).astype(np.float32)
    picture = np.clip(np.asarray(soft, np.float32) + grain + 0.5, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(picture.transpose(2, 0, 1))
