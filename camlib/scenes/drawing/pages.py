"""Printed pages: an article, a timetable, a calendar, a title page; each seen a little askew on a desk."""

import colorsys
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from PIL import Image

from .glyphs import Style, measure
from .lettering import BARE, STROKE, Sheet
from .paint import paint
from .recipe import Colour, mix, sample
from .setting import any_font, cap_height, fitted, fitting, number, pick
from .words import PLACES, TITLES, WORDS

Rng = np.random.Generator
_SIDE = 96  # pixels of a photograph


class Ink(NamedTuple):
    """The colours of a page: its paper, what is printed, the rules, the one that stands out."""

    paper: Colour
    text: Colour
    rule: Colour
    accent: Colour


def page(rng: Rng, width: int, height: int) -> Sheet:
    """A desk with a page upon it, width × height pixels."""
    desk = _desk(rng, width, height)
    w, h = width * 0.97, height * 0.97
    ink = _ink(rng)
    sheet = desk.inner(w, h, ink.paper)
    layouts: tuple[Callable[..., None], ...] = (_article, _timetable, _calendar, _cover)
    layouts[int(rng.choice(len(layouts), p=(0.25, 0.2, 0.25, 0.3)))](rng, sheet, ink)
    inner = np.array([(0.015, 0.015), (0.985, 0.015), (0.985, 0.985), (0.015, 0.985)])
    askew = inner + (0.5 - inner) * rng.uniform(0, 0.16, (4, 2))
    desk.lay(sheet, askew * (width, height))
    return desk


def _desk(rng: Rng, width: int, height: int) -> Sheet:
    """Wood with its grain, or plain cloth."""
    wood = colorsys.hsv_to_rgb(rng.uniform(0.04, 0.1), rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.7))
    cloth = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0.1, 0.5), rng.uniform(0.15, 0.6))
    plain = rng.uniform() < 0.4
    desk = Sheet(width, height, [], cloth if plain else wood)
    if not plain:
        for y in np.arange(0, height, height / 40):
            bend = y + height / 60 * np.sin(np.linspace(0, rng.uniform(2, 6), 9) + rng.uniform(0, 6))
            path = np.stack([np.linspace(0, width, 9), bend], 1)
            desk.line(path, rng.uniform(0.5, 2), mix(wood, (0.1, 0.05, 0), rng.uniform(0.05, 0.35)), BARE)
    return desk


def _ink(rng: Rng) -> Ink:
    hue = rng.uniform()
    accent = colorsys.hsv_to_rgb(hue, rng.uniform(0.55, 0.9), rng.uniform(0.4, 0.75))
    if rng.uniform() < 0.3:  # light on dark: a slide, a blackboard
        paper = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0.15, 0.6), rng.uniform(0.08, 0.24))
        text = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0, 0.25), rng.uniform(0.85, 1))
        light = colorsys.hsv_to_rgb(hue, rng.uniform(0.3, 0.6), 0.95)
        return Ink(paper, text, mix(paper, text, 0.45), light)
    paper = colorsys.hsv_to_rgb(rng.uniform(0.08, 0.16), rng.uniform(0.01, 0.14), rng.uniform(0.88, 1))
    text = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0, 0.5), rng.uniform(0.04, 0.28))
    return Ink(paper, text, mix(paper, text, 0.5), accent)


def photograph(rng: Rng) -> Image.Image:
    """A picture to print: a critter in its land."""
    pixels, _ = paint(sample(int(rng.integers(2**31)), 0), _SIDE)
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def picture(rng: Rng, sheet: Sheet, box: tuple[float, float, float, float], ink: Ink) -> None:
    """A photograph in its frame; box is (x, y, width, height)."""
    x, y, w, h = box
    image = photograph(rng)
    columns, rows = (round(_SIDE * side / max(w, h)) for side in (w, h))
    left, top = (_SIDE - columns) // 2, (_SIDE - rows) // 2
    sheet.paste(image.crop((left, top, left + columns, top + rows)), x, y, w, h)
    sheet.frame(x, y, w, h, 1.2, ink.rule)


def _article(rng: Rng, sheet: Sheet, ink: Ink) -> None:
    """A headline, a rule, columns of words and numbers, a photograph."""
    w, h = sheet.width, sheet.height
    edge = 0.06 * w
    style = Style(any_font(rng, 30), cap_height(rng, 20, min(66, 0.24 * h)), ink.text, 0.08)
    count = int(rng.integers(1, 3))
    room = w - 2 * edge - (count + 1) * 0.9 * style.cap
    title = fitting(rng, TITLES, style, room) + " " + number(rng, count)
    style = fitted(title, style, w - 2 * edge)
    y = 0.06 * h + style.cap
    sheet.text(edge, y, title, style)
    sheet.rectangle(edge, y + 0.3 * style.cap, w - 2 * edge, 1.5 + h / 240, ink.accent, STROKE)
    top = y + 0.3 * style.cap + 0.05 * h
    cap = rng.uniform(10, min(32, 0.1 * h))
    count = int(np.clip((w - 2 * edge) / (cap * 11), 1, 3))
    gap = 1.2 * cap
    column = (w - 2 * edge - gap * (count - 1)) / count
    body = Style(any_font(rng, cap), cap, ink.text, 0.05)
    with_picture = int(rng.integers(count + 1))
    for k in range(count):
        x, start = edge + k * (column + gap), top
        if k == with_picture:
            tall = min(column * 0.8, (h * 0.94 - top) * 0.55)
            if tall > 0.4 * column:
                picture(rng, sheet, (x, top, column, tall), ink)
                start = top + tall + 0.04 * h
        if k:
            sheet.rectangle(x - gap / 2 - 0.6, top, 1.2, h * 0.94 - top, ink.rule, STROKE)
        for line, base in _lines(rng, body, column, start + cap, 0.94 * h, 1.75 * cap):
            sheet.text(x, base, line, body)


def _lines(
    rng: Rng, style: Style, width: float, start: float, end: float, step: float
) -> Iterator[tuple[str, float]]:
    """Lines of words and numbers that fit a column, each with its baseline."""
    for base in np.arange(start, end, step).tolist():
        line = ""
        for _ in range(12):
            word = pick(rng, WORDS) if rng.uniform() < 0.62 else number(rng, int(rng.integers(1, 5)))
            longer = f"{line} {word}".strip()
            if measure(longer, style) > width:
                break
            line = longer
        yield line, base


def _timetable(rng: Rng, sheet: Sheet, ink: Ink) -> None:
    """A bar with light letters, rows of places and times, rules, every second row tinted."""
    w, h = sheet.width, sheet.height
    edge, bar = 0.05 * w, 0.2 * h
    sheet.rectangle(0, 0, w, bar, ink.accent)
    on_bar = ink.paper if sum(ink.paper) > 1.5 else mix(ink.paper, (0, 0, 0), 0.4)
    title = pick(rng, ("Departures", "Arrivals", "Platform 7", "Lines", "Prices", "Tides", "Results", "Menu"))
    style = Style(any_font(rng, 24), cap_height(rng, 14, 0.11 * h), on_bar, 0.05)
    style = fitted(title, style, 0.62 * w)
    sheet.text(edge, bar / 2 + style.cap / 2, title, style)
    corner = Style(style.font, style.cap, on_bar)
    sheet.text(w - edge, bar / 2 + style.cap / 2, number(rng, 2), corner, align=1)
    cap = rng.uniform(10, min(38, 0.13 * h))
    step = 2.1 * cap
    body, times = Style(any_font(rng, cap), cap, ink.text), Style("DejaVu Mono Bold", cap, ink.text)
    columns = [w - edge]
    while columns[-1] - 2 * (measure("0000", times) + 1.2 * cap) > 0.36 * w:
        columns.append(columns[-1] - measure("0000", times) - 1.2 * cap)
    for row, y in enumerate(np.arange(bar + 0.03 * h, h - step, step).tolist()):
        if row % 2 == 0:
            sheet.rectangle(0, y, w, step, mix(ink.paper, ink.accent, 0.12))
        sheet.rectangle(0, y + step - 0.6, w, 1.2, ink.rule, STROKE)
        base = y + step / 2 + cap / 2
        place = pick(rng, PLACES)
        sheet.text(edge, base, place, fitted(place, body, columns[-1] - measure("0000", times) - edge - cap))
        for x in columns:
            sheet.text(x, base, number(rng, 4), times, align=1)


def _calendar(rng: Rng, sheet: Sheet, ink: Ink) -> None:
    """A month: a photograph or a bar, the month's name, a grid of days."""
    w, h = sheet.width, sheet.height
    head = rng.uniform(0.26, 0.36) * h
    months = ("January", "March", "April", "May", "June", "July", "August", "October", "November")
    month, year = pick(rng, months), number(rng, 4)
    if rng.uniform() < 0.5:
        picture(rng, sheet, (w - head * 1.25, 0.04 * h, head * 1.15, head * 0.92), ink)
        room = w - head * 1.45
    else:
        sheet.rectangle(0, 0, w, 0.06 * h, ink.accent)
        room = 0.9 * w
    style = fitted(month, Style(any_font(rng, 26), cap_height(rng, 18, 0.14 * h), ink.text), room - 0.05 * w)
    sheet.text(0.05 * w, 0.09 * h + style.cap, month, style)
    small = Style(style.font, max(11, 0.55 * style.cap), ink.accent, 0.15)
    small = small._replace(cap=min(small.cap, head - 0.12 * h - 1.4 * style.cap))
    if small.cap >= 10:  # else there is no room under the month
        sheet.text(0.05 * w, head, year, fitted(year, small, room - 0.05 * w))
    days = int(rng.choice((4, 5, 7))) if w < 400 else 7
    rows = int(rng.integers(2, 6)) if h > 200 else 2
    x0, y0, cell, tall = 0.04 * w, head + 0.04 * h, 0.92 * w / days, (0.94 * h - head - 0.04 * h) / rows
    cap = min(rng.uniform(11, 50), 0.62 * tall, 0.42 * cell)
    day = Style(any_font(rng, cap), cap, ink.text)
    for k in range(rows + 1):
        sheet.rectangle(x0, y0 + k * tall - 0.6, days * cell, 1.2, ink.rule, STROKE)
    for k in range(days + 1):
        sheet.rectangle(x0 + k * cell - 0.6, y0, 1.2, rows * tall, ink.rule, STROKE)
    for k in range(min(31, rows * days)):
        x, y = x0 + (k % days) * cell, y0 + (k // days) * tall
        holiday = k % days == days - 1
        if holiday:
            sheet.rectangle(x + 2, y + 2, cell - 4, tall - 4, ink.accent)
        own = day._replace(colour=ink.paper) if holiday else day
        sheet.text(x + cell / 2, y + tall / 2 + cap / 2, str(k + 1), own, align=0.5)


def _cover(rng: Rng, sheet: Sheet, ink: Ink) -> None:
    """A title page: a photograph, one great word, an edition's number, stripes."""
    w, h = sheet.width, sheet.height
    style = Style(
        any_font(rng, 50), cap_height(rng, 30, min(66, 0.26 * h)), ink.text, 0.1, rng.uniform(0.8, 1.2)
    )
    title = fitting(rng, TITLES, style, 0.88 * w)
    style = fitted(title, style, 0.88 * w)
    left = rng.uniform() < 0.5
    x, align = (0.06 * w, 0.0) if left else (0.94 * w, 1.0)
    sheet.text(x, 0.08 * h + style.cap, title, style, align)
    top = 0.08 * h + 1.5 * style.cap
    side = min(0.46 * w, 0.9 * h - top)
    at = 0.94 * w - side if left else 0.06 * w
    picture(rng, sheet, (at, top, side, side), ink)
    from_x, to_x = (0.06 * w, at - 0.04 * w) if left else (at + side + 0.04 * w, 0.94 * w)
    issue = number(rng, int(rng.integers(1, 4)))
    great = Style(any_font(rng, 50), cap_height(rng, 30, min(66, 0.34 * h)), ink.accent, 0.05)
    great = fitted(issue, great, to_x - from_x)
    sheet.text(from_x, top + great.cap, issue, great)
    edges = np.linspace(top + 1.35 * great.cap, top + 1.35 * great.cap + 0.08 * h, 5).tolist()
    for above, below in pairwise(edges):
        sheet.rectangle(from_x, above, to_x - from_x, (below - above) * 0.5, ink.rule, STROKE)
    cap = cap_height(rng, 10, 20)
    small = Style(any_font(rng, cap), cap, ink.text)
    for line, base in _lines(rng, small, to_x - from_x, edges[-1] + 1.6 * cap, 0.95 * h, 1.8 * cap):
        sheet.text(from_x, base, line, small)
