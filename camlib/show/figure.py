"""The figure: one style, its message as its title, an alt text that travels with it."""

import base64
import io
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec

import matplotlib.style
from matplotlib import patheffects
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as MatplotlibFigure

STYLE = "camlib.course"
WIDTH = 8.0  # inches; 100 CSS pixels each
GREY = "#5b5b5b"  # of notes
MARK = "#ffd400"  # of boxes and points on pictures, always with a black halo
HALO = [patheffects.withStroke(linewidth=4.5, foreground="black")]

PAD = 0.12  # inches around the page

_TITLE = 16.0  # points
_lock = threading.RLock()  # the style is matplotlib's global state; widgets draw on other threads
P = ParamSpec("P")


class Figure(MatplotlibFigure):
    """A matplotlib figure that knows its alt text, and displays as a PNG that carries it."""

    alt: str = ""

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
        data = png(self)
        width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))  # PNG's header
        scale = 100 / _dots()
        size = {"width": round(width * scale), "height": round(height * scale)}
        bundle = {"image/png": base64.b64encode(data).decode(), "text/plain": self.alt}
        return bundle, {"image/png": {"alt": self.alt, **size}}


def png(figure: MatplotlibFigure) -> bytes:
    """The figure as PNG bytes, in the course's style; safe to call from any thread."""
    with _style():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", pil_kwargs={"optimize": True})
        return buffer.getvalue()


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run a drawing function in the course's style."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with _style():
            return draw(*args, **kwargs)

    return inside


def page(title: str, alt: str | None, content: str, height: float, width: float = WIDTH) -> Figure:
    """A figure with its title and, from (PAD, PAD) inches up, `height` inches of room for the drawing.

    content: what is drawn, for the alt text where none is given.
    Raises ValueError for an empty title or alt text.
    """
    if not title.strip():
        raise ValueError("a figure needs a title that says its message in a sentence")
    if alt is not None and not alt.strip():
        raise ValueError("alt is empty; say what one sees, or leave it out")
    letters = int((width - 2 * PAD) * 72 / (_TITLE * 0.64))  # bold DejaVu Sans is .64 em wide on average
    rows = textwrap.wrap(title, letters)
    total = PAD + height + 0.12 + len(rows) * _TITLE * 1.25 / 72 + PAD
    figure = Figure(figsize=(width, total))
    FigureCanvasAgg(figure)
    figure.alt = alt or f"{title.strip().rstrip('.')}. {content}"
    top = 1 - PAD / total
    figure.suptitle("\n".join(rows), x=PAD / width, y=top, ha="left", va="top", linespacing=1.25)
    return figure


def place(figure: Figure, x: float, y: float, width: float, height: float) -> Any:
    """Axes at (x, y) from the page's lower left corner, in inches."""
    full_width, full_height = figure.get_size_inches()
    return figure.add_axes((x / full_width, y / full_height, width / full_width, height / full_height))


def _dots() -> float:
    with _style():
        return float(matplotlib.rcParams["savefig.dpi"])


@contextmanager
def _style() -> Iterator[None]:
    with _lock, matplotlib.style.context(STYLE, after_reset=True):
        yield
