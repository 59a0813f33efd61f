"""What a house front has: windows, doors, shops, bills, painted walls; most with something written on it."""

import colorsys
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from .glyphs import Style, measure
from .lettering import BARE, STROKE, Sheet
from .outline import ellipse
from .pages import photograph
from .recipe import Colour, mix
from .setting import cap_height, fitted, fitting, number, pick, sturdy
from .words import SHOPS, WORDS

Rng = np.random.Generator
Box = tuple[float, float, float, float]  # x, y, width, height
DARK: Colour = (0.1, 0.09, 0.12)
BOARDS = (("#1f3d36", "#f3e6c0"), ("#7a1f2b", "#f7ead0"), ("#18304f", "#f2f2ea"), ("#f4efe2", "#2a2a33"),
          ("#f2c14e", "#2b2118"), ("#e8e1d3", "#8c1c13"), ("#20232a", "#f0b35b"), ("#dfe9e4", "#114b5f"),
          ("#c8553d", "#fff4e4"), ("#f7f7f2", "#1d6b4f"))  # fmt: skip


class House(NamedTuple):
    """What the parts of a house share: colours, the length of a unit in pixels, whether it is evening."""

    wall: Colour
    trim: Colour
    unit: float
    evening: bool


def hexed(text: str) -> Colour:
    """A colour in [0, 1] from "#rrggbb"."""
    return int(text[1:3], 16) / 255, int(text[3:5], 16) / 255, int(text[5:7], 16) / 255


def board(rng: Rng) -> tuple[Colour, Colour]:
    """The colours of a sign: of the board and of its letters."""
    ground, letters = BOARDS[int(rng.integers(len(BOARDS)))]
    return hexed(ground), hexed(letters)


def window(rng: Rng, sheet: Sheet, house: House, box: Box) -> None:
    """Panes in their frame, a sill, shutters or flowers."""
    x, y, w, h = box
    u = house.unit
    wide = min(0.62 * w, 0.85 * h)
    x, w = x + (w - wide) / 2, wide
    glass = _glass(rng, house)
    if rng.uniform() < 0.45:
        paint = mix(hexed(BOARDS[int(rng.integers(len(BOARDS)))][0]), house.wall, 0.25)
        side = 0.3 * w
        for left in (x - side - u, x + w + u):
            sheet.rectangle(left, y, side, h, paint)
            for at in np.arange(y + 3 * u, y + h - 3 * u, 4.5 * u).tolist():
                sheet.rectangle(
                    left + 2 * u, at, side - 4 * u, max(1.1, 1.4 * u), mix(paint, DARK, 0.4), STROKE
                )
    sheet.rectangle(x - 3 * u, y - 3 * u, w + 6 * u, h + 6 * u, house.trim)
    sheet.rectangle(x, y, w, h, glass)
    light = mix(glass, (1, 1, 1), 0.25)
    sheet.polygon([(x + 0.1 * w, y + h), (x + 0.45 * w, y), (x + 0.7 * w, y), (x + 0.35 * w, y + h)], light)
    if rng.uniform() < 0.5:
        cloth = mix((0.95, 0.92, 0.86), glass, 0.2)
        for a, b in ((x, x + 0.24 * w), (x + w, x + 0.76 * w)):
            sheet.polygon([(a, y), (b, y), ((a + b) / 2, y + 0.7 * h), (a, y + h)], cloth)
    bar = max(1.2, 2 * u)
    sheet.rectangle(x + w / 2 - bar / 2, y, bar, h, house.trim, STROKE)
    for k in range(1, int(rng.integers(2, 4))):
        sheet.rectangle(x, y + h * k / 3 - bar / 2, w, bar, house.trim, STROKE)
    sheet.frame(x, y, w, h, bar, house.trim)
    sheet.rectangle(x - 5 * u, y + h + 2 * u, w + 10 * u, 4 * u, mix(house.trim, DARK, 0.15))
    sheet.rectangle(x - 5 * u, y + h + 6 * u, w + 10 * u, 1.3 * u, mix(house.wall, DARK, 0.4))
    if rng.uniform() < 0.4:
        _flowers(rng, sheet, x, y + h + 2 * u, w, u)


def _flowers(rng: Rng, sheet: Sheet, x: float, y: float, width: float, unit: float) -> None:
    """A box of leaves and blossoms; y is the sill."""
    blossom = colorsys.hsv_to_rgb(rng.uniform(), 0.65, 0.95)
    for kind, reach, count in ((0, 4.5, 12), (1, 2.2, 9)):
        for at in np.linspace(x + 3 * unit, x + width - 3 * unit, count).tolist():
            green = mix((0.2, 0.45, 0.22), (0.5, 0.65, 0.3), rng.uniform())
            r = reach * unit * rng.uniform(0.7, 1.1)
            sheet.polygon(ellipse(at, y - rng.uniform(3, 8) * unit, r, r, n=12), blossom if kind else green)
    sheet.rectangle(x, y - 3 * unit, width, 6 * unit, (0.42, 0.26, 0.18))


def _glass(rng: Rng, house: House) -> Colour:
    if house.evening and rng.uniform() < 0.7:
        return mix((1.0, 0.82, 0.45), (1.0, 0.93, 0.7), rng.uniform())
    return mix((0.16, 0.22, 0.3), (0.55, 0.68, 0.78), rng.uniform(0, 0.8))


def painted(rng: Rng, sheet: Sheet, house: House, box: Box) -> None:
    """Large letters or a number on the bare wall, or on a field of paint."""
    x, y, w, h = box
    dark = sum(house.wall) > 1.35
    colour = mix(house.wall, DARK if dark else (1, 0.97, 0.9), rng.uniform(0.72, 0.95))
    if rng.uniform() < 0.4:
        ground, colour = board(rng)
        sheet.rectangle(x, y, w, h, ground)
        sheet.frame(x + 2.5 * house.unit, y + 2.5 * house.unit, w - 5 * house.unit, h - 5 * house.unit,
                    max(1.2, 1.4 * house.unit), colour)  # fmt: skip
    style = Style(sturdy(rng), cap_height(rng, 20, min(66, 0.6 * h)), colour, 0.08, rng.uniform(0.85, 1.15))
    words = (
        fitting(rng, SHOPS, style, 0.8 * w) if rng.uniform() < 0.35 else number(rng, int(rng.integers(1, 4)))
    )
    style = fitted(words, style, 0.8 * w)
    sheet.text(x + w / 2, y + h / 2 + style.cap / 2, words, style, 0.5)


def shop(rng: Rng, sheet: Sheet, house: House, box: Box) -> None:
    """A board with the shop's name, a striped awning, a large pane with a word or price on it, a door."""
    x, y, w, h = box
    u = house.unit
    ground, letters = board(rng)
    style = Style(sturdy(rng), cap_height(rng, 16, min(66, 0.4 * h)), letters, rng.uniform(0.05, 0.2))
    with_number = rng.uniform() < 0.55
    name = fitting(rng, SHOPS, style, (0.5 if with_number else 0.86) * w)
    if with_number:
        name += " " + number(rng, int(rng.integers(1, 3)))
    style = fitted(name, style, 0.86 * w)
    tall = max(1.75 * style.cap, 14 * u)
    sheet.rectangle(x - 2 * u, y, w + 4 * u, tall, ground)
    sheet.rectangle(x - 2 * u, y + tall, w + 4 * u, 1.6 * u, mix(ground, DARK, 0.5))
    sheet.text(x + w / 2, y + tall / 2 + style.cap / 2, name, style, 0.5)
    top = y + tall + 1.6 * u
    door = min(26 * u, 0.3 * w)
    pane = (x, top, w - door - 3 * u, y + h - top)
    glass = _glass(rng, house)
    frame = mix(ground, DARK, 0.35)
    sheet.rectangle(*pane, glass)
    px, py, pw, ph = pane
    shine = mix(glass, (1, 1, 1), 0.18)
    sheet.polygon(
        [(px + 0.05 * pw, py + ph), (px + 0.4 * pw, py), (px + 0.55 * pw, py), (px + 0.2 * pw, py + ph)],
        shine,
    )
    words = (
        pick(rng, ("OPEN", "SALE", "Menu", "NEW", "Espresso", "Fresh"))
        if rng.uniform() < 0.5
        else number(rng, 3)
    )
    awning = min(0.2 * ph, 9 * u) if rng.uniform() < 0.55 else 0
    if awning:
        _awning(sheet, x - 2 * u, top, w + 4 * u, awning, ground, letters, u)
    free = ph - 1.7 * awning
    low = sum(glass) < 1.5
    ink = (0.98, 0.96, 0.88) if low else (0.3, 0.08, 0.1)
    on_pane = Style(sturdy(rng), cap_height(rng, 14, max(14, 0.55 * free)), ink, 0.08)
    on_pane = fitted(words, on_pane, 0.8 * pw)
    sheet.frame(px, py + 1.7 * awning, pw, free, max(1.3, 2.2 * u), frame)
    if on_pane.cap >= 10 and free > 1.5 * on_pane.cap:
        sheet.text(px + pw / 2, py + ph - free / 2 + on_pane.cap / 2, words, on_pane, 0.5)
    _door(rng, sheet, house, (x + w - door, top + 1.7 * awning, door, y + h - top - 1.7 * awning), frame)


def _awning(
    sheet: Sheet, x: float, y: float, width: float, drop: float, first: Colour, second: Colour, unit: float
) -> None:
    """Stripes with a scalloped hem."""
    count = max(4, round(width / (9 * unit)))
    edges = np.linspace(x, x + width, count + 1).tolist()
    for k, (a, b) in enumerate(pairwise(edges)):
        cloth = mix(first, (1, 1, 1), 0.1) if k % 2 else mix(second, (1, 1, 1), 0.1)
        sheet.rectangle(a, y, b - a, drop, cloth, STROKE if k % 2 else BARE)
        middle, r = (a + b) / 2, (b - a) / 2
        sheet.polygon(ellipse(middle, y + drop, r, 0.7 * r, n=16), cloth, STROKE if k % 2 else BARE)


def _door(rng: Rng, sheet: Sheet, house: House, box: Box, colour: Colour) -> None:
    """A door with panels or a pane."""
    x, y, w, h = box
    u = house.unit
    sheet.rectangle(x - 2 * u, y - 2 * u, w + 4 * u, h + 2 * u, house.trim)
    sheet.rectangle(x, y, w, h, colour)
    line = max(1.1, 1.3 * u)
    split = rng.uniform(0.45, 0.6)
    for top, tall in ((0.07, split - 0.1), (split + 0.04, 0.9 - split)):
        inner = _glass(rng, house) if top < 0.1 and rng.uniform() < 0.6 else mix(colour, DARK, 0.2)
        sheet.rectangle(x + 0.16 * w, y + top * h, 0.68 * w, tall * h, inner)
        sheet.frame(x + 0.16 * w, y + top * h, 0.68 * w, tall * h, line, mix(colour, (1, 1, 1), 0.25))
    sheet.polygon(ellipse(x + 0.9 * w, y + 0.53 * h, 1.8 * u, 1.8 * u, n=12), (0.9, 0.75, 0.35))


def entrance(rng: Rng, sheet: Sheet, house: House, box: Box) -> None:
    """A front door, its house number on a plate or on the wall, a street's name."""
    x, y, w, h = box
    u = house.unit
    wide = min(30 * u, 0.42 * w)
    top = y + 0.14 * h
    colour = hexed(BOARDS[int(rng.integers(len(BOARDS)))][0])
    right = rng.uniform() < 0.5
    _door(rng, sheet, house, (x + w - wide if right else x, top, wide, y + h - top), colour)
    room = (x, w - wide - 5 * u) if right else (x + wide + 5 * u, w - wide - 5 * u)
    ground, letters = board(rng)
    words = number(rng, int(rng.integers(1, 4)))
    style = fitted(words, Style(sturdy(rng), cap_height(rng, 16, min(66, 0.5 * h)), letters), 0.8 * room[1])
    middle, base = room[0] + room[1] / 2, top + 1.5 * style.cap
    wide, pad = measure(words, style), 0.35 * style.cap
    sheet.rectangle(
        middle - wide / 2 - pad, base - style.cap - pad, wide + 2 * pad, style.cap + 2 * pad, ground
    )
    sheet.frame(middle - wide / 2 - pad, base - style.cap - pad, wide + 2 * pad, style.cap + 2 * pad,
                max(1.1, 0.05 * style.cap), letters)  # fmt: skip
    sheet.text(middle, base, words, style, 0.5)


def posters(rng: Rng, sheet: Sheet, house: House, box: Box) -> None:
    """One or two bills on the wall, with a photograph, a date or price, and a word."""
    x, y, w, h = box
    u = house.unit
    count = 1 if w < 95 else 2
    wide = min((w - 4 * u) / count - 4 * u, 0.62 * h)
    for k in range(count):
        left = x + (k + 0.5) * w / count - wide / 2 + rng.uniform(-2, 2) * u
        tall = min(0.82 * h, wide * rng.uniform(1.25, 1.45))
        top = y + (h - tall) / 2 + rng.uniform(-3, 3) * u
        ground, letters = board(rng)
        bill = sheet.inner(wide, tall, ground)
        style = Style(sturdy(rng), cap_height(rng, 14, min(66, 0.34 * tall)), letters, 0.05)
        capitals = tuple(word.upper() for word in WORDS)
        words = (
            fitting(rng, capitals, style, wide)
            if rng.uniform() < 0.4
            else number(rng, int(rng.integers(1, 4)))
        )
        style = fitted(words, style, 0.84 * wide)
        bill.text(wide / 2, 0.07 * tall + style.cap, words, style, 0.5)
        art = 0.14 * tall + style.cap
        side = min(0.86 * wide, 0.93 * tall - art)
        if side > 12:
            bill.paste(photograph(rng), (wide - side) / 2, art, side, side)
        lean = rng.normal(0, 0.012, (4, 2)) * wide
        square = np.array([(left, top), (left + wide, top), (left + wide, top + tall), (left, top + tall)])
        sheet.polygon(square + 1.5 * u, mix(house.wall, DARK, 0.5))
        sheet.lay(bill, square + lean)
