"""Choices of whoever sets text: a font, a height, a word that fits."""

import numpy as np

from .glyphs import FONTS, THIN, Style, measure

Rng = np.random.Generator


def any_font(rng: Rng, cap: float) -> str:
    """A font; hairlines only where they are still a pixel wide."""
    names = [name for name in FONTS if cap >= 22 or name not in THIN]
    return names[int(rng.integers(len(names)))]


def sturdy(rng: Rng) -> str:
    """A font for signs, without hairlines."""
    return pick(rng, tuple(name for name in FONTS if name not in THIN))


def cap_height(rng: Rng, low: float, high: float) -> float:
    """A height in pixels; each octave from low to high is equally likely."""
    return float(np.exp(rng.uniform(np.log(low), np.log(max(low, high)))))


def fitted(words: str, style: Style, width: float) -> Style:
    """The style, smaller where the words would be wider than `width`."""
    return style._replace(cap=style.cap * min(1.0, width / max(measure(words, style), 1e-6)))


def fitting(rng: Rng, options: tuple[str, ...], style: Style, width: float) -> str:
    """One of the words that fit into `width` as they are; where none does, one of the eight narrowest."""
    wide = {words: measure(words, style) for words in options}
    narrow = tuple(sorted(options, key=wide.__getitem__)[:8])
    return pick(rng, tuple(words for words in options if wide[words] <= width) or narrow)


def pick(rng: Rng, options: tuple[str, ...]) -> str:
    """One of the options."""
    return options[int(rng.integers(len(options)))]


def number(rng: Rng, digits: int) -> str:
    """A number of so many digits, any of them; the first may be 0."""
    return "".join(str(d) for d in rng.integers(0, 10, digits))
