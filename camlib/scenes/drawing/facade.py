"""A house front, seen straight on: its wall of bricks, boards or plaster, and two storeys of openings."""

import numpy as np

from .lettering import STROKE, Sheet
from .openings import DARK, House, entrance, hexed, painted, posters, shop, window
from .outline import ellipse
from .recipe import Colour, mix
from .setting import pick

Rng = np.random.Generator
WALLS = ("#b5563c", "#8e4a3b", "#d9c7a3", "#c98b5e", "#e7ddc6", "#7f8c8d", "#c7d3c9", "#e0b7a0", "#a9b7c6",
         "#6b4f4f", "#efe6d8", "#d8a657")  # fmt: skip


def facade(
    rng: Rng, scene: Sheet, width: float, height: float, seen: float, unit: float
) -> tuple[Sheet, House]:
    """The front of a house of two storeys in a scene, width × height pixels; its upper edge is the cornice.

    Nothing is written above `seen`, nor near the left and right edges: there the frame may cut it.
    """
    evening = rng.uniform() < 0.25
    wall = hexed(pick(rng, WALLS))
    house = House(mix(wall, (0.08, 0.08, 0.2), 0.5) if evening else wall, _trim(rng, wall), unit, evening)
    sheet = scene.inner(width, height, house.wall)
    cover = (_bricks, _bricks, _planks, _plaster)[int(rng.integers(4))]
    cover(rng, sheet, house)
    belt, base = 0.5 * height, height - 9 * unit
    for y, tall in ((0.0, 9 * unit), (belt - 3 * unit, 5 * unit)):
        sheet.rectangle(0, y, width, tall, house.trim)
        sheet.rectangle(0, y + tall, width, 1.2 * unit, mix(house.wall, DARK, 0.45), STROKE)
    sheet.rectangle(0, base, width, 9 * unit, mix(house.wall, DARK, 0.4))
    edge = 0.045 * width
    count = max(1, round(width / (88 * unit)))
    bay = (width - 2 * edge) / count
    for k in range(count):
        upper = painted if rng.uniform() < 0.3 and seen < 14 * unit else window
        upper(rng, sheet, house, (edge + k * bay + 0.08 * bay, 15 * unit, 0.84 * bay, belt - 24 * unit))
    k = 0
    while k < count:
        left = count - k
        span = int(rng.integers(1, min(2, left) + 1))
        box = (edge + k * bay + 0.05 * bay, belt + 6 * unit, span * bay - 0.1 * bay, base - belt - 6 * unit)
        if span == 2 or rng.uniform() < 0.35:
            shop(rng, sheet, house, box)
        else:
            (entrance, posters)[int(rng.integers(2))](rng, sheet, house, box)
        k += span
    return sheet, house


def _trim(rng: Rng, wall: Colour) -> Colour:
    return mix(wall, (1, 0.98, 0.94) if rng.uniform() < 0.7 else (0.15, 0.13, 0.15), rng.uniform(0.5, 0.8))


def _bricks(rng: Rng, sheet: Sheet, house: House) -> None:
    """Courses of bricks; the mortar is a stroke."""
    tall, wide, joint = 8.5 * house.unit, 21 * house.unit, max(1.1, 1.2 * house.unit)
    mortar = mix(house.wall, (0.85, 0.82, 0.78) if rng.uniform() < 0.6 else DARK, rng.uniform(0.3, 0.55))
    sheet.rectangle(0, 0, sheet.width, sheet.height, mortar, STROKE)
    for row, y in enumerate(np.arange(0, sheet.height, tall).tolist()):
        for x in np.arange(-(row % 2) * wide / 2, sheet.width, wide).tolist():
            shade = mix(
                house.wall, (0.25, 0.1, 0.05) if rng.uniform() < 0.5 else (1, 0.8, 0.6), rng.uniform(0, 0.22)
            )
            sheet.rectangle(x, y, wide - joint, tall - joint, shade)


def _planks(rng: Rng, sheet: Sheet, house: House) -> None:
    """Boards across, a dark gap under each."""
    tall = rng.uniform(9, 14) * house.unit
    for y in np.arange(0, sheet.height, tall).tolist():
        sheet.rectangle(0, y, sheet.width, tall, mix(house.wall, (1, 1, 1), rng.uniform(0, 0.12)))
        sheet.rectangle(0, y, sheet.width, max(1.1, 1.3 * house.unit), mix(house.wall, DARK, 0.35), STROKE)


def _plaster(rng: Rng, sheet: Sheet, house: House) -> None:
    """Stains and a few cracks."""
    for _ in range(12):
        x, y = rng.uniform(0, (sheet.width, sheet.height))
        r = rng.uniform(8, 30) * house.unit
        shade = mix(house.wall, (1, 1, 1) if rng.uniform() < 0.5 else DARK, rng.uniform(0.02, 0.07))
        sheet.polygon(ellipse(x, y, r, r * rng.uniform(0.3, 0.8)), shade)
    for _ in range(int(rng.integers(2, 6))):
        start = rng.uniform(0, (sheet.width, sheet.height))
        steps = rng.normal((2, 5), 4, (7, 2)) * house.unit
        path = start + np.cumsum(steps, 0)
        sheet.line(path, max(1.1, house.unit), mix(house.wall, DARK, 0.4))
