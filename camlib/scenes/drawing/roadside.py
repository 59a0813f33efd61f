"""What stands before the houses, never before text: signs, cars, trees, fences, lamps."""

import numpy as np

from .develop import Array
from .glyphs import Style, measure
from .lettering import BARE, STROKE, Sheet
from .openings import DARK, board
from .outline import ellipse, stroke
from .recipe import Colour, mix
from .setting import cap_height, fitted, number, pick, sturdy
from .words import PLACES

Rng = np.random.Generator


def _spot(
    rng: Rng, scene: Sheet, width: float, height: float, foot: float
) -> tuple[float, float, float, float] | None:
    """Where a thing of that size can stand, (x0, y0, x1, y1), without text behind it; None: nowhere."""
    for x in rng.uniform(4, max(5, scene.width - width - 4), 24).tolist():
        box = x, foot - height, x + width, foot
        around = x - 5, box[1] - 5, x + width + 5, foot + 2
        if around[2] < scene.width and around[1] > 0 and not scene.text_in(around):
            return box
    return None


def road_sign(rng: Rng, scene: Sheet, unit: float) -> None:
    """A post with a speed limit, a town's name, a number of a route or a stop."""
    cap = cap_height(rng, 14, 64)
    shape = int(rng.integers(4))
    ground, ink = board(rng)
    words = number(rng, int(rng.integers(1, 4)))
    if shape == 0:
        words = number(rng, 2)
    elif shape == 1:
        words = pick(rng, PLACES) if cap < 26 else pick(rng, ("Ulm", "Riga", "York", "Faro", "Hull", "Zug"))
        words += " " + number(rng, 2) if rng.uniform() < 0.5 else ""
    elif shape == 2:
        words = pick(rng, ("STOP", "TAXI", "BUS", "ZONE", "EXIT", "H", "P"))
    style = fitted(words, Style(sturdy(rng), cap, ink, 0.08), 0.55 * scene.width)
    wide = measure(words, style)
    side = (wide + 1.1 * style.cap, 1.9 * style.cap)
    if shape == 0:
        side = (1.55 * max(wide, style.cap) + 4, 1.55 * max(wide, style.cap) + 4)
    tall = side[1] + rng.uniform(12, 60) * unit
    box = _spot(rng, scene, side[0], tall, rng.uniform(0.86, 0.96) * scene.height)
    if box is None:
        return
    sign = scene.inner(*side)
    if shape == 0:
        centre = side[0] / 2, side[1] / 2
        for share, colour, code in ((0.5, (0.8, 0.12, 0.12), STROKE), (0.41, (0.97, 0.97, 0.95), BARE)):
            sign.polygon(ellipse(*centre, share * side[0], share * side[0], n=48), colour, code)
        style = style._replace(colour=(0.06, 0.06, 0.08))
    else:
        sign.rectangle(0, 0, *side, ground)
        edge = max(1.2, 0.06 * style.cap)
        sign.frame(1.5 * edge, 1.5 * edge, side[0] - 3 * edge, side[1] - 3 * edge, edge, ink)
    sign.text(side[0] / 2, side[1] / 2 + style.cap / 2, words, style, 0.5)
    middle = (box[0] + box[2]) / 2
    post = np.array([(middle, box[1] + side[1] / 2), (middle, box[3])])
    scene.line(post, 3.2 * unit, (0.45, 0.46, 0.48))
    scene.line(post - (0.8 * unit, 0), 1.0 * unit, (0.75, 0.76, 0.78))
    low, high = box[1], box[1] + side[1]
    square = np.array([(box[0], low), (box[2], low), (box[2], high), (box[0], high)])
    inward = (
        np.array([(0, 1), (0, 1), (0, -1), (0, -1)])
        * rng.permutation([0, 0.09 * side[1]])[[0, 1, 1, 0], None]
    )
    scene.lay(sign, square + inward)  # one edge is farther away


def car(rng: Rng, scene: Sheet, unit: float) -> None:
    """A car from behind, as large as the letters on its plate need, whatever `unit` is."""
    cap = cap_height(rng, 11, 15)
    initials = tuple("ABCDEFGHJKLMNPRSTUVWXYZ")
    words = f"{pick(rng, initials)}{pick(rng, initials)} {number(rng, 3)}"
    style = Style("DejaVu Sans Bold", cap, (0.06, 0.06, 0.1), 0.06, 0.9)
    plate = measure(words, style) + 0.8 * cap
    w, h = 1.75 * plate, 1.15 * plate
    box = _spot(rng, scene, w, h, 0.985 * scene.height)
    if box is None:
        return
    paint, glass = board(rng)[0], (0.13, 0.16, 0.2)
    whole = scene.inner(w, h)

    def part(corners: list[tuple[float, float]], colour: Colour, code: int = BARE) -> None:
        whole.polygon(np.array(corners) * (w, h), colour, code)

    def bar(x: float, y: float, wide: float, tall: float, colour: Colour, code: int = BARE) -> None:
        whole.rectangle(x * w, y * h, wide * w, tall * h, colour, code)

    whole.polygon(ellipse(w / 2, 0.95 * h, 0.5 * w, 0.05 * h), (0.14, 0.14, 0.16))
    for wheel in (0.08, 0.8):
        bar(wheel, 0.8, 0.12, 0.18, (0.09, 0.09, 0.1))
    part([(0.2, 0.02), (0.8, 0.02), (0.92, 0.43), (0.08, 0.43)], paint)
    part([(0.25, 0.08), (0.75, 0.08), (0.85, 0.38), (0.15, 0.38)], glass)
    part([(0.3, 0.38), (0.48, 0.08), (0.58, 0.08), (0.42, 0.38)], mix(glass, (1, 1, 1), 0.25))
    part([(0.05, 0.42), (0.95, 0.42), (1, 0.56), (0.98, 0.88), (0.02, 0.88), (0, 0.56)], paint)
    bar(0.05, 0.42, 0.9, 0.025, mix(paint, (1, 1, 1), 0.4), STROKE)
    bar(0.02, 0.8, 0.96, 0.08, mix(paint, DARK, 0.5))
    for lamp in (0.05, 0.83):
        bar(lamp, 0.5, 0.12, 0.12, (0.85, 0.15, 0.12))
        bar(lamp, 0.5, 0.12, 0.04, (1, 0.62, 0.3))
    left, top = (w - plate) / 2, 0.58 * h
    whole.rectangle(left, top, plate, 1.5 * cap, (0.96, 0.95, 0.9))
    whole.frame(left, top, plate, 1.5 * cap, 1.1, DARK)
    whole.text(w / 2, top + 1.25 * cap, words, style, 0.5)
    x0, y0, x1, y1 = box
    scene.lay(whole, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def tree(rng: Rng, scene: Sheet, unit: float) -> None:
    """A bare or a green tree, at a side; its branches are strokes."""
    size = rng.uniform(70, 130) * unit
    box = _spot(rng, scene, 0.75 * size, size, rng.uniform(0.88, 0.95) * scene.height)
    if box is None:
        return
    bark = mix((0.3, 0.22, 0.17), (0.5, 0.45, 0.4), rng.uniform())
    tree = scene.inner(0.75 * size, size)
    tips = _branch(rng, tree, np.array([0.375 * size, size]), -np.pi / 2, 0.3 * size, 0.045 * size, bark, 4)
    if rng.uniform() < 0.6:
        green = mix((0.18, 0.36, 0.2), (0.75, 0.6, 0.25), rng.uniform())
        for x, y in tips:
            r = rng.uniform(0.05, 0.09) * size
            tree.polygon(ellipse(x, y, r, 0.8 * r, n=14), mix(green, (1, 1, 0.8), rng.uniform(0, 0.3)))
    x0, y0, x1, y1 = box
    scene.lay(tree, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _branch(
    rng: Rng, scene: Sheet, foot: Array, angle: float, length: float, thick: float, bark: Colour, depth: int
) -> list[tuple[float, float]]:
    """A branch and those that grow from it; returns where they end."""
    tip = foot + length * np.array([np.cos(angle), np.sin(angle)])
    middle = (foot + tip) / 2 + rng.normal(0, 0.04, 2) * length
    widths = np.array([thick, 0.8 * thick, 0.65 * thick])[:, None]
    scene.polygon(stroke(np.stack([foot, middle, tip]), np.maximum(widths, 0.6)), bark, STROKE)
    if depth == 0:
        return [(float(tip[0]), float(tip[1]))]
    ends: list[tuple[float, float]] = []
    for side in (-1, 1):
        turned = angle + side * rng.uniform(0.25, 0.55)
        ends += _branch(
            rng, scene, tip, turned, length * rng.uniform(0.6, 0.74), 0.62 * thick, bark, depth - 1
        )
    return ends


def fence(rng: Rng, scene: Sheet, unit: float) -> None:
    """Railings of iron or wood."""
    tall, wide = rng.uniform(26, 46) * unit, rng.uniform(60, 130) * unit
    box = _spot(rng, scene, wide, tall, rng.uniform(0.88, 0.94) * scene.height)
    if box is None:
        return
    x0, y0, x1, y1 = box
    iron = rng.uniform() < 0.5
    colour = (0.1, 0.11, 0.13) if iron else mix((0.95, 0.93, 0.88), (0.5, 0.35, 0.25), rng.uniform())
    bar, pitch = (max(1.3, 1.6 * unit), 6 * unit) if iron else (4.5 * unit, 8 * unit)
    for y in (y0 + 0.2 * tall, y1 - 0.2 * tall):
        scene.rectangle(x0, y, wide, max(1.3, 2 * unit), mix(colour, DARK, 0.15), STROKE)
    for x in np.arange(x0 + pitch / 2, x1 - bar, pitch).tolist():
        scene.polygon(
            [(x, y0 + bar), (x + bar / 2, y0), (x + bar, y0 + bar), (x + bar, y1), (x, y1)], colour, STROKE
        )


def lamp(rng: Rng, scene: Sheet, unit: float) -> None:
    """A street lamp with its arm."""
    tall = rng.uniform(110, 160) * unit
    box = _spot(rng, scene, 26 * unit, tall, rng.uniform(0.88, 0.95) * scene.height)
    if box is None:
        return
    x, top, right, foot = box[0] + 4 * unit, box[1], box[2], box[3]
    iron = (0.13, 0.16, 0.17)
    t = np.linspace(0, np.pi / 2, 9)
    arm = np.stack([x + 14 * unit * (1 - np.cos(t)), top + 14 * unit * (1 - np.sin(t))], 1)
    scene.line(np.concatenate([[(x, foot)], arm]), 2.6 * unit, iron)
    scene.rectangle(x - 3 * unit, foot - 14 * unit, 6 * unit, 14 * unit, iron)
    lamp = [
        (x + 10 * unit, top + 5 * unit),
        (x + 13 * unit, top),
        (x + 17 * unit, top),
        (right, top + 5 * unit),
    ]
    scene.polygon(lamp, iron)
    scene.polygon(ellipse(x + 15.5 * unit, top + 6 * unit, 5 * unit, 2.5 * unit, n=16), (1, 0.93, 0.7))
