"""Handwritten digits, enlarged, on a slate, a wall or ruled paper."""

import colorsys

import numpy as np
from PIL import Image, ImageFilter

from .develop import Array
from .glyphs import OVER
from .lettering import STROKE, Sheet
from .recipe import Colour, mix
from .setting import cap_height

Rng = np.random.Generator


def handwriting(rng: Rng, width: int, height: int, pictures: Array, labels: Array) -> Sheet:
    """Digits at random places, width × height pixels.

    pictures: uint8 (D, 28, 28), white on black.  labels: (D,).
    """
    light = rng.uniform() < 0.5
    paper, ink = _colours(rng, light)
    sheet = Sheet(width, height, [], paper)
    _ruled(rng, sheet, mix(paper, ink, rng.uniform(0.2, 0.45)))
    rows = []
    y = rng.uniform(4, 14)
    while y + 12 < height:  # rows of digits of one height
        high = min(cap_height(rng, 10, min(66, 0.4 * height)), height - 4 - y)
        if high < 10:
            break
        rows.append((y, high))
        y += high * rng.uniform(1.15, 1.5)
    for top, high in rows:
        x = rng.uniform(4, 4 + high)
        colour = ink if rng.uniform() < 0.7 else _colours(rng, light)[1]
        while True:
            k = int(rng.integers(len(labels)))
            mask = _mask(pictures[k], high)
            if x + mask.width / OVER > width - 4:
                break
            jitter = rng.uniform(0, 0.12) * high
            at = round(x * OVER), round(min(top + jitter, height - 3 - mask.height / OVER) * OVER)
            sheet.ink(mask, *at, colour, str(labels[k]), "handwriting")
            x += mask.width / OVER + high * rng.uniform(0.15, 0.9)
    return sheet


def _colours(rng: Rng, light: bool) -> tuple[Colour, Colour]:
    """Ground and ink: a dark pen on something light, or chalk on something dark."""
    dark = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0.2, 0.8), rng.uniform(0.08, 0.35))
    pale = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0.02, 0.3), rng.uniform(0.85, 1))
    return (pale, dark) if light else (dark, pale)


def _ruled(rng: Rng, sheet: Sheet, colour: Colour) -> None:
    """Nothing, lines, squares, or bricks."""
    kind, pitch = int(rng.integers(4)), rng.uniform(14, 30)
    if kind:
        for y in np.arange(pitch / 2, sheet.height, pitch).tolist():
            sheet.rectangle(0, y, sheet.width, 1.2, colour, STROKE)
    if kind == 2:
        for x in np.arange(pitch / 2, sheet.width, pitch).tolist():
            sheet.rectangle(x, 0, 1.2, sheet.height, colour, STROKE)
    if kind == 3:
        for row, y in enumerate(np.arange(-pitch / 2, sheet.height, pitch).tolist()):
            for x in np.arange(row % 2 * pitch, sheet.width, 2 * pitch).tolist():
                sheet.rectangle(x, y, 1.2, pitch, colour, STROKE)


def _mask(picture: Array, high: float) -> Image.Image:
    """A digit's ink, cut out and `high` pixels high, where it is at least half white."""
    y, x = np.nonzero(picture >= 128)
    cut = Image.fromarray(picture[y.min() : y.max() + 1, x.min() : x.max() + 1])
    tall = round(high * OVER)
    wide = max(2, round(cut.width * tall / cut.height))
    large = cut.resize((wide, tall), Image.Resampling.BICUBIC)
    soft = np.asarray(large.filter(ImageFilter.GaussianBlur(tall / 30)))  # no corners of pixels
    return Image.fromarray(soft >= 110)
