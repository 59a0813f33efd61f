"""Sheets with letters on them: colours, and at each point what is drawn there, laid into each other exactly.

A sheet is drawn `OVER` times too large and without soft edges, so each fine pixel is one thing: character k
of the picture (code k + 1), a stroke that is no text, anything else, or nothing. Sheets are laid through
homographies, colours and codes alike, and reduced at the end. Lengths are pixels of the picture, from the
upper left corner of the sheet. The fonts are Pillow's own (Aileron) and those that matplotlib brings; it
is not imported.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage.transform import estimate_transform

from .recipe import Colour

OVER = 3  # a sheet is this many times finer than the picture
CLEAR, STROKE, BARE = -2, -1, 0  # codes: nothing, a stroke that is no text, anything else; text is above 0
LEGIBLE = 9  # pixels: how high an H is at least, before perspective
FONTS = {
    "Aileron": "",
    "DejaVu Sans": "DejaVuSans.ttf",
    "DejaVu Sans Bold": "DejaVuSans-Bold.ttf",
    "DejaVu Sans Oblique": "DejaVuSans-Oblique.ttf",
    "DejaVu Serif": "DejaVuSerif.ttf",
    "DejaVu Serif Bold": "DejaVuSerif-Bold.ttf",
    "DejaVu Serif Italic": "DejaVuSerif-Italic.ttf",
    "DejaVu Mono": "DejaVuSansMono.ttf",
    "DejaVu Mono Bold": "DejaVuSansMono-Bold.ttf",
    "STIX": "STIXGeneral.ttf",
    "STIX Bold": "STIXGeneralBol.ttf",
    "STIX Italic": "STIXGeneralItalic.ttf",
    "Computer Modern": "cmr10.ttf",
    "Computer Modern Bold": "cmb10.ttf",
    "Computer Modern Sans": "cmss10.ttf",
    "Computer Modern Mono": "cmtt10.ttf",
}


THIN = tuple(name for name in FONTS if name.startswith(("STIX", "Computer")) and "Bold" not in name)


Fill = tuple[int, int, int] | int


class Style(NamedTuple):
    """How text is set: its font, the height of an H in pixels, spacing in heights, stretch of widths."""

    font: str
    cap: float
    colour: Colour
    spacing: float = 0.06
    stretch: float = 1.0


class Letter(NamedTuple):
    """A character that was drawn, and the font it was drawn in."""

    char: str
    font: str


class Sheet:
    """A flat thing, width × height pixels, of one colour or clear; `letters`: of the whole picture."""

    def __init__(self, width: float, height: float, letters: list[Letter], colour: Colour | None = None):
        self.width, self.height, self.letters = width, height, letters
        size = max(1, round(width * OVER)), max(1, round(height * OVER))
        self.colours = Image.new("RGB", size, rgb(colour or (0, 0, 0)))
        self.codes = Image.new("I", size, CLEAR if colour is None else BARE)
        self._pens = ImageDraw.Draw(self.colours), ImageDraw.Draw(self.codes)

    def rectangle(
        self, x: float, y: float, width: float, height: float, colour: Colour, code: int = BARE
    ) -> None:
        """A filled rectangle; (x, y) is its upper left corner."""
        x0, y0, x1, y1 = (round(v * OVER) for v in (x, y, x + width, y + height))
        if x1 > x0 and y1 > y0:
            for draw, fill in self._drawn(colour, code):
                draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill=fill)

    def polygon(self, points: ArrayLike, colour: Colour, code: int = BARE) -> None:
        """A filled outline, (n, 2)."""
        at = (np.asarray(points, float) * OVER).ravel().tolist()
        for draw, fill in self._drawn(colour, code):
            draw.polygon(at, fill=fill)

    def line(self, points: ArrayLike, width: float, colour: Colour, code: int = STROKE) -> None:
        """A line through the points (n, 2)."""
        at = (np.asarray(points, float) * OVER).ravel().tolist()
        for draw, fill in self._drawn(colour, code):
            draw.line(at, fill=fill, width=max(1, round(width * OVER)), joint="curve")

    def frame(
        self, x: float, y: float, width: float, height: float, line: float, colour: Colour, code: int = STROKE
    ) -> None:
        """Four bars, `line` wide, along the inside of a rectangle."""
        for bar in (
            (x, y, width, line),
            (x, y + height - line, width, line),
            (x, y, line, height),
            (x + width - line, y, line, height),
        ):
            self.rectangle(*bar, colour, code)

    def paste(self, picture: Image.Image, x: float, y: float, width: float, height: float) -> None:
        """A picture, fitted into the rectangle."""
        x0, y0, x1, y1 = (round(v * OVER) for v in (x, y, x + width, y + height))
        self.colours.paste(picture.resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC), (x0, y0))
        self.codes.paste(BARE, (x0, y0, x1, y1))

    def ink(self, mask: Image.Image, x: int, y: int, colour: Colour, char: str, font: str) -> None:
        """A character by its mask; (x, y) is the mask's corner in fine pixels."""
        self.letters.append(Letter(char, font))
        self.colours.paste(rgb(colour), (x, y), mask)
        self.codes.paste(len(self.letters), (x, y), mask)

    def text(self, x: float, y: float, words: str, style: Style, align: float = 0.0) -> None:
        """Words on a baseline at y; x: their left end (align 0), middle (0.5), or right end (1).

        Letters too small to be read are not set.
        """
        if style.cap < LEGIBLE:
            return
        at = (x - align * measure(words, style)) * OVER
        for char in words:
            mask, left, top, advance = _glyph(style.font, _points(style), round(style.stretch, 2), char)
            if mask is not None:
                self.ink(mask, round(at) + left, round(y * OVER) + top, style.colour, char, style.font)
            at += advance + style.spacing * style.cap * OVER

    def lay(self, other: "Sheet", corners: ArrayLike) -> None:
        """Another sheet upon this one, by where its corners go: (4, 2), clockwise from the upper left."""
        ends = np.asarray(corners, float)
        low = np.maximum(np.floor(ends.min(0) * OVER).astype(int), 0)
        high = np.minimum(np.ceil(ends.max(0) * OVER).astype(int), self.codes.size)
        if (high <= low).any():
            return
        to = homography((other.width, other.height), ends)
        fine, start = np.diag([OVER, OVER, 1.0]), np.array([[1, 0, low[0]], [0, 1, low[1]], [0, 0, 1.0]])
        back = fine @ np.linalg.inv(to) @ np.linalg.inv(fine) @ start
        size, data = tuple((high - low).tolist()), (back / back[2, 2]).ravel()[:8].tolist()
        how = Image.Transform.PERSPECTIVE, data, Image.Resampling.NEAREST
        codes = other.codes.transform(size, *how, fillcolor=CLEAR)
        where = Image.fromarray(np.asarray(codes) != CLEAR)
        x, y = low.tolist()
        self.colours.paste(other.colours.transform(size, *how), (x, y), where)
        self.codes.paste(codes, (x, y), where)

    def text_in(self, box: tuple[float, float, float, float]) -> bool:
        """Whether a character has a point inside of the box (x0, y0, x1, y1)."""
        x0, y0, x1, y1 = (round(v * OVER) for v in box)
        return (np.asarray(self.codes.crop((x0, y0, x1, y1))) > BARE).any().item()

    def _drawn(self, colour: Colour, code: int) -> tuple[tuple[ImageDraw.ImageDraw, Fill], ...]:
        """The two pens, and what each fills with."""
        return (self._pens[0], rgb(colour)), (self._pens[1], code)


def homography(size: tuple[float, float], corners: ArrayLike) -> NDArray[np.float64]:
    """(3, 3), from a sheet (width, height) to where its corners (4, 2) lie, clockwise from the upper left."""
    w, h = size
    own = np.array([(0, 0), (w, 0), (w, h), (0, h)], float)
    found: Any = estimate_transform("projective", own, np.asarray(corners, float))  # type: ignore[no-untyped-call]
    matrix: NDArray[np.float64] = found.params
    return matrix


def measure(words: str, style: Style) -> float:
    """The width of the words in pixels."""
    fine = sum(_glyph(style.font, _points(style), round(style.stretch, 2), char)[3] for char in words)
    return fine / OVER + style.spacing * style.cap * max(0, len(words) - 1)


def rgb(colour: Colour) -> tuple[int, int, int]:
    """A colour in [0, 1] as bytes."""
    r, g, b = (min(255, max(0, round(255 * c))) for c in colour)
    return r, g, b


def _points(style: Style) -> int:
    """The font size at which an H is as high as the style wants."""
    return max(4, round(style.cap * OVER / _cap(style.font)))


@lru_cache
def _cap(font: str) -> float:
    _, top, _, bottom = _font(font, 400).getbbox("H", anchor="ls")
    return (bottom - top) / 400


@lru_cache(maxsize=256)
def _font(font: str, size: int) -> ImageFont.FreeTypeFont:
    if not FONTS[font]:
        found = ImageFont.load_default(size)
        assert isinstance(found, ImageFont.FreeTypeFont)
        return found
    spec = find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / FONTS[font]
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=8192)
def _glyph(font: str, size: int, stretch: float, char: str) -> tuple[Image.Image | None, int, int, float]:
    """A character's mask, its corner from the pen's place on the baseline, and how far the pen moves on."""
    face = _font(font, size)
    x0, y0, x1, y1 = (round(v) for v in face.getbbox(char, anchor="ls"))
    advance = face.getlength(char) * stretch
    if char == " " or x1 <= x0 or y1 <= y0:
        return None, 0, 0, advance
    mask = Image.new("1", (x1 - x0, y1 - y0))
    ImageDraw.Draw(mask).text((-x0, -y0), char, 1, face, anchor="ls")
    if stretch != 1:
        mask = mask.resize((max(1, round(mask.width * stretch)), mask.height), Image.Resampling.NEAREST)
    return mask, round(x0 * stretch), y0, advance
