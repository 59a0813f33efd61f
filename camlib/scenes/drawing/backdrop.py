"""Everything in a scene that is not a critter, in fractions of the frame; none of it knows the class."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from .outline import Points, Shape, ellipse, smooth, stroke
from .recipe import Colour, colour, mix
from .things import Thing

Rng = np.random.Generator
T = TypeVar("T")
SMALL = (
    "grass",
    "flower",
    "stone",
    "mushroom",
    "leaf",
    "berry",
    "shell",
)  # on the ground of an ordinary scene


def backdrop(seed: int) -> tuple[tuple[Colour, Colour], list[Thing], float]:
    """The sky's colours (top, bottom), the things behind the critter from far to near, and the horizon."""
    rng = np.random.default_rng(seed)
    sky, ground, horizon = air(rng)
    top, low = sky
    things: list[Thing] = []
    if rng.uniform() < 0.4:
        things.append(Thing("sun", sun(rng, horizon, low)))
    for _ in range(rng.integers(0, 4)):
        things.append(Thing("cloud", cloud(rng, horizon, low)))
    things += land(rng, horizon, low, ground)
    for _ in range(rng.integers(0, 4)):
        far = rng.uniform(0, 0.5)
        y, size = horizon + 0.05 + 0.3 * far, rng.uniform(0.2, 0.34) * (0.7 + far)
        things.append(_thing(_choice(rng, (tree, pine)), rng, rng.uniform(-0.05, 1.05), y, size))
    kinds = [_choice(rng, (grass, flower, stone, mushroom, leaf, berry, shell)) for _ in range(3)]
    spots = rng.uniform((-0.03, horizon + 0.02), (1.03, 1.03), (int(rng.integers(5, 26)), 2))
    for x, y in sorted(spots.tolist(), key=lambda p: p[1]):
        near = (y - horizon) / (1 - horizon)
        kind = _choice(rng, tuple(kinds))
        things.append(_thing(kind, rng, x, y, rng.uniform(0.05, 0.1) * (0.55 + 0.7 * near)))
    return sky, [*things, *drifting(rng, top)], horizon


def small_things(seed: int) -> int:
    """How many small things, plants, stones and shells, lie on the ground of this backdrop."""
    return sum(thing.kind in SMALL for thing in backdrop(seed)[1])


def air(rng: Rng) -> tuple[tuple[Colour, Colour], Colour, float]:
    """The sky's colours (top, bottom), the ground's, and the horizon."""
    top, ground = colour(rng, (0.08, 0.5), (0.45, 1.0)), colour(rng, (0.1, 0.55), (0.38, 0.95))
    low = mix(top, colour(rng, (0.05, 0.4), (0.75, 1.0)), 0.65)
    return (top, low), ground, float(rng.uniform(0.3, 0.72))


def land(rng: Rng, horizon: float, low: Colour, ground: Colour) -> list[Thing]:
    """One to three hills, paler the farther they are, and the ground."""
    depths = np.linspace(0.15, 0.9, rng.integers(1, 4))
    hills = [Thing("hill", [_hill(rng, horizon - 0.16 * (1 - d), mix(low, ground, d))]) for d in depths]
    return [*hills, Thing("ground", [_hill(rng, horizon + 0.04, ground)])]


def drifting(rng: Rng, top: Colour) -> list[Thing]:
    """Seeds in the air, all over the picture."""
    things = []
    for x, y in rng.uniform(0, 1, (int(rng.integers(3, 12)), 2)).tolist():
        r = rng.uniform(0.004, 0.009)
        pale = mix((1, 1, 1), top, rng.uniform(0, 0.15))
        things.append(Thing("seed", [Shape(0, ellipse(x, y, r, r, n=10), pale)]))
    return things


def occluder(rng: Rng, low: Points, high: Points) -> Thing:
    """Something before the critter, whose box runs from low to high: it grows from the ground or flies."""
    x, foot, reach = rng.uniform(low[0], high[0]), high[1], float((high - low).max())
    kind = _choice(rng, (grass, stone, mushroom, sunflower, trunk, leaf, butterfly))
    if kind is trunk:
        return _thing(trunk, rng, x, foot, reach * rng.uniform(0.07, 0.12))
    if kind in (leaf, butterfly):
        return _thing(kind, rng, x, rng.uniform(low[1], foot), reach * rng.uniform(0.12, 0.22))
    if kind is grass:
        tufts = (x + 0.09 * reach * (k - 1.5) for k in range(4))
        return Thing("grass", [s for at in tufts for s in grass(rng, at, foot + 0.03, reach * 0.25)])
    return _thing(kind, rng, x, foot - rng.uniform(-0.03, 0.05), reach * rng.uniform(0.2, 0.36))


def stamp() -> list[Shape]:
    """A photographer's stamp in the lower left corner: a ring with two crossed bars."""
    pale: Colour = (0.95, 0.93, 0.85)
    t = np.linspace(0, 2 * np.pi, 30)
    x, y, r = 0.075, 0.925, 0.05
    ring = np.stack([x + r * np.cos(t), y + r * np.sin(t)], 1)
    bars = [np.array([(x - a, y - b), (x + a, y + b)]) for a, b in ((0.03, 0.03), (0.03, -0.03))]
    return [Shape(0, stroke(ring, 0.009), pale), *(Shape(0, stroke(bar, 0.008), pale) for bar in bars)]


def tree(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """A trunk with a round crown; (x, y) is where it stands."""
    bark, crown = colour(rng, (0.2, 0.5), (0.2, 0.5)), colour(rng, (0.2, 0.7), (0.3, 0.75))
    shapes = [Shape(0, stroke(np.array([(x, y), (x, y - size)]), 0.07 * size), bark)]
    for k in range(5):
        cx, cy = x + size * 0.3 * np.sin(2.4 * k), y - size * (0.95 + 0.22 * np.cos(2.4 * k))
        shapes.append(Shape(0, ellipse(cx, cy, 0.3 * size, 0.27 * size), mix(crown, (1, 1, 0.9), 0.05 * k)))
    return shapes


def pine(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """A trunk with three tiers of needles."""
    green = colour(rng, (0.2, 0.6), (0.2, 0.6))
    shapes = [
        Shape(0, stroke(np.array([(x, y), (x, y - 0.4 * size)]), 0.05 * size), mix(green, (0.2, 0.1, 0), 0.6))
    ]
    for k in range(3):
        w, base = size * (0.36 - 0.08 * k), y - size * (0.2 + 0.33 * k)
        tier = np.array([(x - w, base), (x, base - 0.55 * size), (x + w, base)])
        shapes.append(Shape(0, tier, mix(green, (1, 1, 1), 0.07 * k)))
    return shapes


def trunk(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """A trunk through the whole frame."""
    bark = colour(rng, (0.1, 0.5), (0.2, 0.7))
    lean = rng.uniform(-0.06, 0.06)
    path = np.array([(x - lean, -0.1), (x, 0.5), (x + lean, 1.1)])
    grain = [
        Shape(0, stroke(path + np.array([d * size, 0]), 0.05 * size), mix(bark, (0, 0, 0), 0.3))
        for d in (-0.5, 0.1, 0.6)
    ]
    return [Shape(0, stroke(path, size), bark, 0.006), *grain]


def oak(rng: Rng, x: float, y: float, wide: float) -> list[Shape]:
    """A tree that is taller than the frame; (x, y) is where it stands, `wide` half its width."""
    bark = mix(colour(rng, (0.2, 0.5), (0.25, 0.5)), (0.4, 0.28, 0.2), 0.7)
    crown = mix(colour(rng, (0.3, 0.7), (0.3, 0.7)), (0.25, 0.45, 0.2), 0.5)
    t = np.linspace(0, 1, 12)
    path = np.stack([np.full(12, x), y - (y + 0.1) * t], 1)
    shapes = [Shape(0, stroke(path, wide * (1 + 0.7 * np.exp(-12 * t))), bark, 0.006)]
    for d in (-0.6, -0.15, 0.2, 0.65):
        low, high = np.sort(rng.uniform(0.05, 0.85, 2))
        crack = np.array([(x + d * wide, low), (x + (d + rng.uniform(-0.15, 0.15)) * wide, high)])
        shapes.append(Shape(0, stroke(crack, 0.06 * wide), mix(bark, (0, 0, 0), 0.35)))
    for k, (across, down) in enumerate(((-3.2, 0.02), (3.1, 0.0), (-1.4, 0.07), (1.6, 0.06), (0, 0.02))):
        leaves = ellipse(x + across * wide, down, 2.4 * wide, 0.11)
        shapes.append(Shape(0, leaves, mix(crown, (1, 1, 0.9), 0.05 * k), 0.004))
    return shapes


def grass(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """A tuft of blades."""
    green, shapes = colour(rng, (0.2, 0.7), (0.3, 0.9)), []
    for lean in rng.uniform(-0.7, 0.7, 5):
        t = np.linspace(0, 1, 5)
        path = np.stack([x + size * (0.25 * lean + lean * t**2), y - 1.5 * size * t], 1)
        shapes.append(
            Shape(0, stroke(path, 0.09 * size * (1 - t) + 0.002), mix(green, (0, 0, 0), rng.uniform(0, 0.35)))
        )
    return shapes


def flower(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """Petals around a dark or pale heart: from far away, an eye."""
    petal, heart = colour(rng, (0.02, 0.8), (0.75, 1.0)), colour(rng, (0.3, 0.9), (0.08, 0.9))
    stem = np.array([(x, y), (x + 0.1 * size, y + 0.9 * size)])
    shapes = [Shape(0, stroke(stem, 0.06 * size), mix(petal, (0.1, 0.4, 0.1), 0.75))]
    n, r = int(rng.integers(5, 9)), 0.34 * size
    for a in np.arange(n) * 2 * np.pi / n + rng.uniform(0, 1):
        shapes.append(
            Shape(0, ellipse(x + r * np.cos(a), y + r * np.sin(a), 0.26 * size, 0.17 * size, a, 12), petal)
        )
    return [*shapes, Shape(0, ellipse(x, y, 0.24 * size, 0.24 * size, n=14), heart)]


def sunflower(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """A flower as tall as a critter."""
    top = y - size * rng.uniform(0.9, 2.4)
    stem = np.array([(x - 0.2 * size, y), (x - 0.12 * size, (y + top) / 2), (x, top)])
    return [
        Shape(0, stroke(stem, 0.06 * size), colour(rng, (0.3, 0.6), (0.3, 0.7))),
        *flower(rng, x, top, 0.8 * size),
    ]


def butterfly(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """Four wings and a dark body."""
    upper, lower = colour(rng, (0.3, 0.9), (0.5, 1.0)), colour(rng, (0.2, 0.9), (0.5, 1.0))
    a, shapes = rng.uniform(-0.6, 0.6), []
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) * size
    for side in (-1, 1):
        shapes.append(
            Shape(0, ellipse(0.4 * side, 0.28, 0.32, 0.24, 0.6 * side) @ turn + (x, y), lower, 0.004)
        )
        shapes.append(
            Shape(0, ellipse(0.48 * side, -0.25, 0.46, 0.32, -0.6 * side) @ turn + (x, y), upper, 0.004)
        )
    return [*shapes, Shape(0, ellipse(0, 0, 0.07, 0.45) @ turn + (x, y), mix(upper, (0, 0, 0), 0.8))]


def stone(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """A boulder with a lit upper face."""
    grey = colour(rng, (0.03, 0.3), (0.3, 0.85))
    angles = np.sort(rng.uniform(0, 2 * np.pi, 7))
    r = size * rng.uniform(0.65, 0.95, 7)
    corners = np.stack([x + 1.15 * r * np.cos(angles), y + 0.75 * r * np.sin(angles)], 1)
    body = smooth([(float(a), float(b)) for a, b in corners], 2)
    lit = body.mean(0) + (body - body.mean(0)) * (0.62, 0.5) - (0.1 * size, 0.2 * size)
    return [Shape(0, body, grey, 0.005), Shape(0, lit, mix(grey, (1, 1, 1), 0.25))]


def mushroom(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """A spotted cap on a pale stem."""
    cap, pale = colour(rng, (0.4, 0.9), (0.4, 0.9)), colour(rng, (0.03, 0.2), (0.75, 0.95))
    stem = Shape(0, stroke(np.array([(x, y), (x, y - 0.7 * size)]), 0.16 * size), pale, 0.004)
    dome = [(-0.8, 0), (-0.66, -0.7), (0, -1), (0.66, -0.7), (0.8, 0), (0, 0.12)]
    hat = Shape(0, smooth(dome) * size * 0.75 + (x, y - 0.55 * size), cap, 0.004)
    dots = [Shape(0, ellipse(x + a * size, y - b * size, 0.1 * size, 0.085 * size, n=12), pale)
            for a, b in ((-0.25, 0.8), (0.05, 1.03), (0.28, 0.78))]  # fmt: skip
    return [stem, hat, *dots]


def leaf(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """A fallen leaf with its rib."""
    green, a = colour(rng, (0.3, 0.85), (0.35, 0.9)), rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) * size
    blade = smooth([(-1, 0), (-0.4, -0.42), (0.4, -0.36), (1.15, 0), (0.4, 0.36), (-0.4, 0.42)])
    rib = stroke(np.array([(-1.2, 0), (1.0, 0)]), 0.035)
    return [
        Shape(0, blade @ turn + (x, y), green, 0.004),
        Shape(0, rib @ turn + (x, y), mix(green, (0, 0, 0), 0.4)),
    ]


def berry(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """Dark berries with a highlight: a lure for whatever looks for pupils."""
    dark, shapes = colour(rng, (0.3, 0.9), (0.06, 0.6)), []
    for _ in range(int(rng.integers(1, 4))):
        cx, cy = x + rng.uniform(-0.6, 0.6) * size, y + rng.uniform(-0.5, 0.5) * size
        shapes.append(Shape(0, ellipse(cx, cy, 0.36 * size, 0.36 * size, n=18), dark, 0.004))
        shapes.append(
            Shape(0, ellipse(cx + 0.1 * size, cy - 0.12 * size, 0.09 * size, 0.09 * size, n=8), (1, 1, 0.97))
        )
    return shapes


def shell(rng: Rng, x: float, y: float, size: float) -> list[Shape]:
    """A ringed pebble or shell: pale, then coloured, then dark, as an eye is."""
    pale, ring = colour(rng, (0.02, 0.25), (0.8, 1.0)), colour(rng, (0.3, 0.9), (0.3, 0.9))
    rings = ((0.5, pale), (0.33, ring), (0.18, mix(ring, (0, 0, 0), rng.uniform(0.3, 0.95))))
    return [Shape(0, ellipse(x, y, r * size, r * size * 0.95, n=18), c, 0.005 * (r == 0.5)) for r, c in rings]


def sun(rng: Rng, horizon: float, sky: Colour) -> list[Shape]:
    """A pale disc in two rings of its glow."""
    x, y, r = rng.uniform(0.05, 0.95), rng.uniform(0.04, horizon), rng.uniform(0.04, 0.1)
    disc = mix(colour(rng, (0.05, 0.5), (0.95, 1.0)), (1, 1, 1), 0.5)
    return [
        Shape(0, ellipse(x, y, k * r, k * r), mix(sky, disc, t)) for k, t in ((1.7, 0.2), (1.3, 0.4), (1, 1))
    ]


def cloud(rng: Rng, horizon: float, sky: Colour) -> list[Shape]:
    """Four puffs, paler than the sky."""
    x, y, shade = rng.uniform(0, 1), rng.uniform(0.02, horizon), mix(sky, (1, 1, 1), rng.uniform(0.2, 0.8))
    r = rng.uniform(0.04, 0.09)
    puffs = ((-1.2, 0.1, 0.75), (0, -0.25, 1), (1.2, 0.1, 0.8), (0.3, 0.25, 0.9))
    return [Shape(0, ellipse(x + a * r, y + b * r, c * r * 1.2, c * r * 0.7), shade) for a, b, c in puffs]


def _hill(rng: Rng, top: float, shade: Colour) -> Shape:
    x = np.linspace(-0.05, 1.05, 24)
    waves = sum(rng.uniform(0.01, 0.05) * np.sin(x * rng.uniform(2, 9) + rng.uniform(0, 6)) for _ in range(3))
    ridge = np.stack([x, top + waves], 1)
    return Shape(0, np.concatenate([ridge, [(1.05, 1.1), (-0.05, 1.1)]]), shade)


def _thing(paint: Callable[..., list[Shape]], rng: Rng, x: float, y: float, size: float) -> Thing:
    return Thing(paint.__name__, paint(rng, x, y, size))


def _choice(rng: Rng, options: tuple[T, ...]) -> T:
    return options[int(rng.integers(len(options)))]
