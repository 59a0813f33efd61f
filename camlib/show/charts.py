"""Bars and lines, labelled where they are, without legends."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from .figure import DARK, PAD, PALE, WIDTH, Figure, breadth, page, place, styled

Numbers = Sequence[float] | Tensor

SHADES = 96  # colours of a chart, its lines' soft edges and bands included


@styled
def bars(
    values: Numbers,
    labels: Sequence[str],
    *,
    title: str,
    alt: str | None = None,
    form: str = ".2f",
    strong: Sequence[str] | None = None,
) -> Figure:
    """Horizontal bars from top to bottom, each with its name and its value.

    values: N numbers.  form: how they are written, such as ".0%".  strong: names to stand out; the others are
    pale.
    """
    numbers = _numbers(values)
    if len(numbers) != len(labels) or not len(numbers):
        raise ValueError(f"{len(numbers)} values for {len(labels)} labels")
    content = f"Bars: {', '.join(f'{name} {n:{form}}' for name, n in zip(labels, numbers, strict=True))}."
    height = min(0.34 * len(numbers), 4.2) + 0.1  # many stand closer, so that they still fit on a slide
    figure = page(title, alt, content, height)
    figure.shades = SHADES
    left = PAD + 0.1 + max(breadth(name, 13) for name in labels)
    written = [f"{n:{form}}" for n in numbers]
    right = PAD + 0.15 + 0.115 * max(map(len, written))
    ax = place(figure, left, PAD, WIDTH - left - right, height)
    colours = [DARK if strong is None or name in strong else PALE for name in labels]
    ax.barh(range(len(numbers)), numbers, color=colours, height=0.72)
    for i, (number, text) in enumerate(zip(numbers, written, strict=True)):
        # right of the axis even where the bar goes left: there stand the names
        ax.annotate(text, (max(number, 0), i), (4, 0), textcoords="offset points", va="center")
    ax.set(yticks=range(len(numbers)), xticks=[])
    ax.set_yticklabels(labels, size=13)
    ax.invert_yaxis()
    ax.tick_params(length=0)
    ax.spines["bottom"].set_visible(False)
    ax.margins(x=0, y=0.02)
    return figure


@styled
def lines(
    x: Numbers | Sequence[str],
    curves: Mapping[str, Numbers],
    xlabel: str,
    ylabel: str,
    *,
    title: str,
    alt: str | None = None,
    height: float = 3.4,
) -> Figure:
    """Curves over x, each named at its right end; they differ in lightness and dash as well as in colour.

    x: numbers, or words, such as the names of layers, which stand evenly.
    """
    words = [word for word in x if isinstance(word, str)]
    across = _numbers(range(len(words)) if words else x)  # type: ignore[arg-type]
    ys = {name: _numbers(y) for name, y in curves.items()}
    for name, y in ys.items():
        if len(y) != len(across):
            raise ValueError(f"{name!r} has {len(y)} values for {len(across)} places")
    ends = "; ".join(f"{name} goes from {y[0]:.3g} to {y[-1]:.3g}" for name, y in ys.items())
    reach = (words[0], words[-1]) if words else (f"{across[0]:.3g}", f"{across[-1]:.3g}")
    content = f"{ylabel} over {xlabel} from {reach[0]} to {reach[1]}: {ends}."
    figure = page(title, alt, content, height)
    figure.shades = SHADES
    right = 0.2 + max(breadth(name, 13, "bold") for name in ys)
    ax = place(figure, PAD + 0.75, PAD + 0.6, WIDTH - 2 * PAD - 0.75 - right, height - 0.7)
    drawn = [ax.plot(across, y)[0] for y in ys.values()]
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if words:
        ax.set_xticks(across, words)
    ax.margins(x=0.01)
    lowest, highest = ax.get_ylim()
    apart = 0.26 * (highest - lowest) / (height - 0.7)  # a line of text
    for name, y, line in _spread(ys, apart, drawn):
        ax.annotate(
            name,
            (across[-1], y),
            (6, 0),
            textcoords="offset points",
            va="center",
            color=line.get_color(),
            weight="bold",
            annotation_clip=False,
        )
    return figure


def _spread(ys: Mapping[str, Any], apart: float, drawn: Sequence[Any]) -> list[tuple[str, float, Any]]:
    """Where each curve's name stands: at its end, moved up just as far as the one below it demands."""
    ends = sorted(zip(ys, (float(y[-1]) for y in ys.values()), drawn, strict=True), key=lambda end: end[1])
    placed: list[tuple[str, float, Any]] = []
    for name, y, line in ends:
        placed.append((name, max(y, placed[-1][1] + apart) if placed else y, line))
    return placed


def _numbers(values: Numbers) -> Any:
    if isinstance(values, Tensor):
        values = values.detach().cpu()
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim != 1:
        raise ValueError(f"values have shape {numbers.shape}; give one row of numbers")
    return numbers
