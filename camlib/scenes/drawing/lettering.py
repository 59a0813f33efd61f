"""Sheets with letters on them: colours, and at each point what is drawn there, laid into each other exactly.

A sheet is drawn `OVER` times too large and without soft edges, so each fine pixel is one thing: character k
of the picture (code k + 1), a stroke that is no text, anything else, or nothing. Sheets are laid through
homographies, colours and codes alike, and reduced at the end. Lengths are pixels of the picture, from the
upper left corner of the sheet.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw
from skimage.transform import estimate_transform

from .glyphs import OVER, Style, glyph, measure, points
from .recipe import Colour

CLEAR, STROKE, BARE = -2, -1, 0  # codes: nothing, a stroke that is no text, anything else; text is above 0
LEGIBLE = 9  # pixels: how high an H is at least, before perspective

Fill = tuple[int, int, int] | int


class Letter(NamedTuple):
    """A character that was drawn, the font it was drawn in, and the number of its word's first letter."""

    char: str
    font: str
    word: int


class Sheet:
    """A flat thing, width × height pixels, of one colour or clear.

    letters: of the whole picture.  blank: each of them has its place, and none has ink.
    """

    def __init__(
        self,
        width: float,
        height: float,
        letters: list[Letter],
        colour: Colour | None = None,
        blank: bool = False,
    ):
        self.width, self.height, self.letters, self.blank = width, height, letters, blank
        size = max(1, round(width * OVER)), max(1, round(height * OVER))
        self.colours = Image.new("RGB", size, rgb(colour or (0, 0, 0)))
        self.codes = Image.new("I", size, CLEAR if colour is None else BARE)
        self._pens = ImageDraw.Draw(self.colours), ImageDraw.Draw(self.codes)

    def inner(self, width: float, height: float, colour: Colour | None = None) -> "Sheet":
        """A sheet of the same picture, to be laid upon this one."""
        return Sheet(width, height, self.letters, colour, self.blank)

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

    def ink(
        self, mask: Image.Image, x: int, y: int, colour: Colour, char: str, font: str, word: int | None = None
    ) -> None:
        """A character by its mask; (x, y) is the mask's corner in fine pixels.  word: None: its own."""
        self.letters.append(Letter(char, font, len(self.letters) if word is None else word))
        if not self.blank:
            self.colours.paste(rgb(colour), (x, y), mask)
        self.codes.paste(len(self.letters), (x, y), mask)

    def text(self, x: float, y: float, words: str, style: Style, align: float = 0.0) -> None:
        """Words on a baseline at y; x: their left end (align 0), middle (0.5), or right end (1).

        Letters too small to be read are not set.
        """
        if style.cap < LEGIBLE:
            return
        at, word = (x - align * measure(words, style)) * OVER, len(self.letters)
        for char in words:
            mask, left, top, advance = glyph(style.font, points(style), round(style.stretch, 2), char)
            if mask is None:  # a space: the next letter begins a word
                word = len(self.letters)
            else:
                self.ink(mask, round(at) + left, round(y * OVER) + top, style.colour, char, style.font, word)
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


def rgb(colour: Colour) -> tuple[int, int, int]:
    """A colour in [0, 1] as bytes."""
    r, g, b = (min(255, max(0, round(255 * c))) for c in colour)
    return r, g, b
