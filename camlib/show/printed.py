"""A sheet to hang on a wall: a picture at its full resolution, with a title, names and a line about it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from matplotlib.font_manager import FontProperties, findfont
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torchvision.transforms.v2.functional import to_pil_image

from ..given import number, path_of

_INK, _PAPER = "#1a1a1a", "white"
_MARGIN, _TITLE, _NOTE, _NAME = 0.03, 0.024, 0.009, 0.018  # shares of the picture's width
_KINDS = ".jpg", ".png", ".pdf"


def print_poster(
    path: str | Path,
    picture: Tensor,
    *,
    title: str,
    note: str = "",
    names: Sequence[tuple[str, float, float]] = (),
    inches: float = 23.4,
) -> float:
    """Write a picture as a sheet for the printer, and tell its dots an inch.

    path: its ending chooses the kind, JPEG, PNG or PDF.  picture: (C, H, W), floats in [0, 1] or bytes, C = 1
    or 3, such as `mosaic` makes; none of its pixels is lost.  note: a line under the picture.
    names: what is written over it, and where, as `regions` gives them.
    inches: how wide the sheet is, margins and all; A2 on its side is 23.4. 150 dots an inch print sharply.
    Raises ValueError for another ending, a picture that is none, a width that is none and an empty title.
    """
    file = path_of(path, "path")
    if file.suffix.lower() not in _KINDS:
        raise ValueError(f"path is {file.name!r}; it ends in {', '.join(_KINDS)}")
    if picture.ndim != 3 or picture.shape[0] not in (1, 3):
        raise ValueError(f"a poster is one picture (1 or 3, H, W); given {tuple(picture.shape)}")
    if not title.strip():
        raise ValueError("a poster needs a title")
    across = number(inches, "inches", "the sheet's width, more than 0")
    if across <= 0:
        raise ValueError(f"inches is {inches}; give the sheet's width, more than 0")
    shown = to_pil_image(picture.detach().cpu().clamp(0, 1) if picture.is_floating_point() else picture.cpu())
    wide, high = shown.size
    margin, head, foot = (round(share * wide) for share in (_MARGIN, 1.6 * _TITLE, 2 * _NOTE if note else 0))
    sheet = Image.new("RGB", (wide + 2 * margin, high + 2 * margin + head + foot), _PAPER)
    sheet.paste(shown.convert("RGB"), (margin, margin + head))
    draw = ImageDraw.Draw(sheet)
    draw.text((margin, margin), title, fill=_INK, font=_font(_TITLE * wide, "bold"), anchor="lt")
    below = margin + head + high + round(_NOTE * wide)
    draw.text((margin, below), note, fill=_INK, font=_font(_NOTE * wide), anchor="lt")
    font = _font(_NAME * wide, "bold")
    for name, x, y in names:
        where = margin + x * wide, margin + head + y * high
        draw.text(where, name, "white", font, "mm", stroke_width=max(1, wide // 700), stroke_fill="black")
    dots = sheet.width / across
    with tempfile.TemporaryDirectory(dir=file.parent) as near:
        part = Path(near) / file.name
        sheet.save(part, dpi=(dots, dots), resolution=dots, quality=92, subsampling=0)
        part.replace(file)
    return dots


def _font(size: float, weight: str = "normal") -> ImageFont.FreeTypeFont:
    """The course's font, in pixels."""
    return ImageFont.truetype(
        findfont(FontProperties(family="DejaVu Sans", weight=weight)), max(1, round(size))
    )
