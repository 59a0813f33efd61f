"""Characters as masks, in sixteen fonts: Pillow's own (Aileron), and those that matplotlib brings.

matplotlib is not imported. Lengths are pixels of the picture; masks are `OVER` times finer, with hard edges.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from .recipe import Colour

OVER = 3  # a mask, and a sheet, is this many times finer than the picture
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


class Style(NamedTuple):
    """How text is set: its font, the height of an H in pixels, spacing in heights, stretch of widths."""

    font: str
    cap: float
    colour: Colour
    spacing: float = 0.06
    stretch: float = 1.0


def measure(words: str, style: Style) -> float:
    """The width of the words in pixels."""
    fine = sum(glyph(style.font, points(style), round(style.stretch, 2), char)[3] for char in words)
    return fine / OVER + style.spacing * style.cap * max(0, len(words) - 1)


def points(style: Style) -> int:
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
def glyph(font: str, size: int, stretch: float, char: str) -> tuple[Image.Image | None, int, int, float]:
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
