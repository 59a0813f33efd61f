"""The same scene at night: a dark sky with stars and a moon and without a sun, all else in moonlight."""

import numpy as np

from .outline import Points, Shape, ellipse
from .recipe import Colour, colour, grey, mix
from .things import Thing

ON_LAND: Colour = (0.32, 0.38, 0.55)  # how much of each colour the moon lights of the land
ON_CRITTER: Colour = (0.62, 0.68, 0.86)  # and of a critter, so that it is still seen
PALE = 0.5  # how much of a colour turns to grey at night


def night(seed: int, there: list[Thing], horizon: float) -> tuple[tuple[Colour, Colour], list[Thing]]:
    """The sky's colours (top, bottom) and the landscape's things from far to near, its sun gone.

    The land, and all that stands on it, is where it is by day. The stars are of the sky's kind.
    """
    rng = np.random.default_rng([seed, 3])
    top = colour(rng, (0.55, 0.75), (0.1, 0.17), (215, 250))
    low = mix(top, colour(rng, (0.35, 0.6), (0.4, 0.55), (200, 245)), 0.75)
    sky = [Thing("sky", [_star(rng, horizon)]) for _ in range(int(rng.integers(18, 45)))]
    sky.append(Thing("moon", moon(rng, horizon, mix(top, low, 0.4))))
    return (top, low), [*sky, *(moonlit(thing) for thing in there if thing.kind != "sun")]


def moonlit(thing: Thing) -> Thing:
    """The thing in the colours that it has by night."""
    return Thing(thing.kind, [s._replace(colour=_dim(s.colour)) for s in thing.shapes])


def moon(rng: np.random.Generator, horizon: float, sky: Colour) -> list[Shape]:
    """A moon, from a crescent to nearly full, in two rings of its glow."""
    r = rng.uniform(0.05, 0.09)
    x, y = rng.uniform(0.08, 0.92), rng.uniform(r + 0.02, r + 0.03 + 0.4 * horizon)
    disc = mix(colour(rng, (0.05, 0.3), (0.95, 1.0), (30, 60)), (1, 1, 1), 0.3)
    glow = [Shape(0, ellipse(x, y, k * r, k * r), mix(sky, disc, t)) for k, t in ((1.7, 0.12), (1.3, 0.25))]
    return [*glow, Shape(0, _lit(x, y, r, rng.uniform(-0.8, 0.5), rng.uniform(-0.6, 0.6)), disc)]


def _lit(x: float, y: float, r: float, phase: float, turn: float) -> Points:
    """The lit right side of a disc, then turned.  phase: from -1, all of it, over 0, half, to 1, nothing."""
    t = np.linspace(-np.pi / 2, np.pi / 2, 20)
    rim = np.stack([np.cos(t), np.sin(t)], 1)
    inner = np.stack([phase * np.cos(t), np.sin(t)], 1)[::-1]
    c, s = np.cos(turn), np.sin(turn)
    points: Points = np.concatenate([rim, inner]) @ np.array([[c, s], [-s, c]]) * r + (x, y)
    return points


def _star(rng: np.random.Generator, horizon: float) -> Shape:
    x, y, r = rng.uniform(0, 1), horizon * rng.uniform(0, 1) ** 1.2, rng.uniform(0.0025, 0.006)
    return Shape(0, ellipse(x, y, r, r, n=8), colour(rng, (0, 0.25), (0.6, 1.0)))


def _dim(shade: Colour) -> Colour:
    pale = mix(shade, grey(shade), PALE)
    return (pale[0] * ON_LAND[0], pale[1] * ON_LAND[1], pale[2] * ON_LAND[2])
