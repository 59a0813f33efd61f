"""The figure: one style, its message as its title, an alt text that travels with it."""

import base64
import io
import math
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, ParamSpec

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path
from PIL import Image

STYLE = "camlib.course"
WIDTH = 8.0  # inches; 100 CSS pixels each
PAD = 0.12  # inches around the page
DOTS = 150  # an inch, in the picture: savefig.dpi of the style
DARK, PALE, GREY = "#12255c", "#a9b4cf", "#5b5b5b"  # bars that count, bars that do not, notes

_TITLE = 16.0  # points
_HEAVY = 100_000  # bytes
_lock = threading.RLock()  # the style is matplotlib's global state, and widgets draw on other threads
P = ParamSpec("P")


class Figure(MatplotlibFigure):
    """A matplotlib figure that knows its alt text and displays as a picture that carries it.

    The picture is a PNG; a JPEG where photographs would make the PNG heavier than 100 kB, in full colour if
    its `quality` is 90 or more. `shades`, where given, is how many colours are enough for it, as for charts.
    """

    alt: str = ""
    quality: int = 90
    shades: int | None = None

    def _ipython_display_(self) -> None:
        # `%matplotlib inline` registers its own PNG for every matplotlib figure; only this goes before it.
        from IPython.display import display

        bundle, metadata = self._repr_mimebundle_()
        display(bundle, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
        image, photo = drawn(self), b""
        kind, data = "image/png", _encoded(image, "png", compress_level=1)
        if len(data) > _HEAVY:
            full = 0 if self.quality >= 90 else 2  # 2: colour at half the resolution
            photo = _encoded(image.convert("RGB"), "jpeg", quality=self.quality, subsampling=full)
        if len(data) <= 2 * max(_HEAVY, len(photo)):  # packing it tightly takes long, and does not halve it
            data = _encoded(image, "png", optimize=True)
        if photo and len(data) > max(_HEAVY, len(photo)):
            kind, data = "image/jpeg", photo
        width, height = (round(100 * inches) for inches in self.get_size_inches())
        bundle = {kind: base64.b64encode(data).decode(), "text/plain": self.alt}
        return bundle, {kind: {"alt": self.alt, "width": width, "height": height}}


def png(figure: MatplotlibFigure) -> bytes:
    """The figure as PNG bytes, in the course's style; safe to call from any thread."""
    return _encoded(drawn(figure), "png", optimize=True)


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run a drawing function in the course's style."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with _style():
            return draw(*args, **kwargs)

    return inside


def page(title: str, alt: str | None, content: str, height: float) -> Figure:
    """A figure with its title and, from (PAD, PAD) inches up, `height` inches of room for the drawing.

    content: what is drawn, for the alt text where none is given.
    Raises ValueError for an empty title or alt text.
    """
    if not title.strip():
        raise ValueError("a figure needs a title that says its message in a sentence")
    if alt is not None and not alt.strip():
        raise ValueError("alt is empty; say what one sees, or leave it out")
    rows = _rows(title)
    total = math.ceil(50 * (PAD + height + 0.12 + len(rows) * _TITLE * 1.25 / 72 + PAD)) / 50  # whole pixels
    figure = Figure(figsize=(WIDTH, total))
    FigureCanvasAgg(figure)
    figure.alt = alt or f"{title.strip().rstrip('.')}. {content}"
    where = {"x": PAD / WIDTH, "y": 1 - PAD / total, "ha": "left", "va": "top"}
    figure.suptitle("\n".join(rows), **where, linespacing=1.25, parse_math=False)
    return figure


def _rows(title: str) -> list[str]:
    """A title's lines: words wider than the page are broken, and "?" stands for what the font lacks."""
    letters, width, pieces = _letters(), WIDTH - 2 * PAD, []
    drawable = "".join(one if one.isspace() or ord(one) in letters else "?" for one in title)
    for word in re.split(r"(\s+)", drawable):
        while breadth(word, _TITLE, "bold") > width:
            ends = range(2, len(word) + 1)
            end = next(end for end in ends if breadth(word[:end], _TITLE, "bold") > width) - 1
            pieces.append(f"{word[:end]}\n")
            word = word[end:]
        pieces.append(word)
    return wrapped("".join(pieces), width, _TITLE, "bold").split("\n")


@cache
def _letters() -> frozenset[int]:
    """The letters, by number, that titles can be drawn with."""
    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans", weight="bold"))).get_charmap())


def place(figure: Figure, x: float, y: float, width: float, height: float) -> Axes:
    """Axes at (x, y) from the page's lower left corner, in inches."""
    across, up = figure.get_size_inches()
    return figure.add_axes((x / across, y / up, width / across, height / up))


def breadth(text: str, size: float, weight: str = "normal") -> float:
    """How wide the widest line of a text is, in inches."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    lines = text.split("\n")
    return max(float(text_to_path.get_text_width_height_descent(line, font, False)[0]) for line in lines) / 72


def wrapped(text: str, width: float, size: float, weight: str = "normal") -> str:
    """The text in lines of at most `width` inches, where its words allow."""
    rows = []
    for line in text.split("\n"):
        row = ""
        for word in line.split():
            longer = f"{row} {word}".strip()
            if row and breadth(longer, size, weight) > width:
                rows.append(row)
                longer = word
            row = longer
        rows.append(row)
    return "\n".join(rows)


def drawn(figure: MatplotlibFigure) -> Image.Image:
    """The figure as a picture in the course's style; safe to call from any thread."""
    buffer = io.BytesIO()
    with _style():
        figure.savefig(buffer, format="png", pil_kwargs={"compress_level": 1})
    image = Image.open(buffer).convert("RGB")
    shades = getattr(figure, "shades", None)
    few = Image.Quantize.MEDIANCUT, 0, None, Image.Dither.NONE  # white stays white
    return image.quantize(shades, *few) if shades else image


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@contextmanager
def _style() -> Iterator[None]:
    with _lock, matplotlib.style.context(STYLE, after_reset=True):
        yield
