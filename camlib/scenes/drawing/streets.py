"""A street: a house front seen at an angle, the sky over it, the pavement, and what stands there."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .develop import Array
from .facade import facade
from .lettering import STROKE, Sheet
from .openings import DARK, House
from .outline import ellipse
from .recipe import mix
from .roadside import car, fence, lamp, road_sign, tree

Rng = np.random.Generator


def street(rng: Rng, width: int, height: int, blank: bool = False) -> tuple[Sheet, Array]:
    """The scene, width × height pixels, and how much light comes through its shadows (H, W).

    blank: the same street with nothing written on it.
    """
    unit = height / 240
    scene = Sheet(width, height, [], (0.5, 0.5, 0.5), blank)
    eye, foot, near = 0.66 * height, rng.uniform(0.84, 0.9) * height, rng.choice((1, 1.2, 1.5, 1.9))
    top = foot - near * rng.uniform(0.66, 0.84) * height
    seen = 3 - top if top < 3 else 0.0  # of the front, how much lies above the frame where it is nearest
    front, house = facade(rng, scene, 1.04 * width, foot - top, seen, unit * near)
    far = rng.uniform(0.68, 1)
    ends = [eye + (level - eye) * k for k in (1.0, far) for level in (top, foot)]
    if rng.uniform() < 0.5:
        ends = ends[2:] + ends[:2]
    left, right = -0.02 * width, 1.02 * width
    _sky(rng, scene, house)
    _cables(rng, scene, unit)
    _ground(rng, scene, house, (left, ends[1]), (right, ends[3]))
    scene.lay(front, [(left, ends[0]), (right, ends[2]), (right, ends[3]), (left, ends[1])])
    things: tuple[Callable[[Rng, Sheet, float], None], ...] = (tree, fence, lamp, road_sign, road_sign, car)
    for k in sorted(rng.permutation(len(things))[: int(rng.integers(2, 6))].tolist()):  # the nearest last
        things[k](rng, scene, unit)
    return scene, _shadows(rng, width, height)


def _sky(rng: Rng, scene: Sheet, house: House) -> None:
    """From blue, grey or evening red down to something paler, with clouds."""
    tops = ((0.36, 0.56, 0.82), (0.62, 0.68, 0.74), (0.52, 0.7, 0.86))
    top = (0.13, 0.14, 0.32) if house.evening else tops[int(rng.integers(len(tops)))]
    low = (0.86, 0.5, 0.42) if house.evening else mix(top, (1, 0.97, 0.9), 0.65)
    bands = np.linspace(0, 0.5, 40)
    for y in bands.tolist():
        scene.rectangle(0, y * scene.height, scene.width, scene.height * 0.02, mix(top, low, 2 * y))
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(0, (scene.width, 0.15 * scene.height))
        r = rng.uniform(0.03, 0.07) * scene.width
        for a, b, c in ((-1.2, 0.1, 0.7), (0, -0.2, 1), (1.2, 0.1, 0.8), (0.4, 0.2, 0.9)):
            scene.polygon(ellipse(x + a * r, y + b * r, 1.2 * c * r, 0.6 * c * r), mix(low, (1, 1, 1), 0.4))


def _cables(rng: Rng, scene: Sheet, unit: float) -> None:
    """Wires across the sky, with a bird or two."""
    for _ in range(int(rng.integers(0, 4))):
        a, b = rng.uniform(0, 0.14 * scene.height, 2)
        t = np.linspace(0, 1, 24)
        sag = a + (b - a) * t + rng.uniform(4, 14) * unit * 4 * t * (1 - t)
        scene.line(np.stack([t * scene.width, sag], 1), max(1.2, unit), (0.12, 0.12, 0.14))
        k = int(rng.integers(4, 20))
        x, y, r = k / 23 * scene.width, sag[k], 2.6 * unit
        scene.polygon(ellipse(x, y - r, r, 0.75 * r, 0.4, 14), (0.13, 0.12, 0.15))


def _ground(
    rng: Rng, scene: Sheet, house: House, left: tuple[float, float], right: tuple[float, float]
) -> None:
    """Pavement with its joints, a kerb, the road."""
    w, h, u = scene.width, scene.height, house.unit
    road = mix((0.36, 0.36, 0.39), (0.1, 0.1, 0.2), 0.5 if house.evening else 0.0)
    stone = mix(road, (0.9, 0.87, 0.8), rng.uniform(0.35, 0.6))
    scene.polygon([left, right, (right[0], h + 2), (left[0], h + 2)], stone)
    vanishing = w * rng.uniform(0.3, 0.7), 0.66 * h
    for x in np.arange(-1.5 * w, 2.5 * w, 26 * u).tolist():
        scene.line(
            [(vanishing[0] + (x - vanishing[0]) * 0.35, 0.7 * h), (x, h + 2)], 1.2 * u, mix(stone, DARK, 0.3)
        )
    kerb = 0.93 * h
    scene.rectangle(0, kerb, w, h - kerb, road)
    scene.rectangle(0, kerb, w, 3 * u, mix(stone, (1, 1, 1), 0.3), STROKE)
    for x in np.arange(rng.uniform(0, 30) * u, w, 46 * u).tolist():
        scene.polygon(
            [(x, 0.985 * h), (x + 24 * u, 0.985 * h), (x + 21 * u, 0.972 * h), (x - 3 * u, 0.972 * h)],
            (0.93, 0.92, 0.88), STROKE,
        )  # fmt: skip


def _shadows(rng: Rng, width: int, height: int) -> Array:
    """The soft shadows of what stands behind the viewer (H, W) in [0, 1]."""
    shade = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(shade)
    lean = rng.uniform(-0.7, 0.7) * height
    for _ in range(int(rng.integers(0, 3))):
        x, wide = rng.uniform(-0.3, 1) * width, rng.uniform(0.15, 0.45) * width
        dark = int(255 * rng.uniform(0.6, 0.85))
        draw.polygon([(x, 0), (x + wide, 0), (x + wide + lean, height), (x + lean, height)], fill=dark)
    soft = shade.filter(ImageFilter.GaussianBlur(rng.uniform(1, 6) * height / 240))
    return np.asarray(soft, np.float32) / 255
