"""The shapes of a critter in its own frame: the body is about one unit long, and it looks to the right."""

import numpy as np

from .outline import Points, Shape, ellipse, smooth, stroke
from .recipe import Colour, Recipe, dyed, features, grey, mix

PARTS = ("nothing", "body", "head", "eye", "ear", "nose", "tail", "leg", "horn", "back")
KEYPOINTS = ("left_eye", "right_eye", "nose", "left_ear", "right_ear", "tail")
BODY, HEAD, EYE, EAR, NOSE, TAIL, LEG, HORN, BACK = range(1, len(PARTS))
# the part that stays undrawn for each name in `Recipe.without`; the coat's lack is a colour (`dyed`)
UNDRAWN = {"eyes": EYE, "ears": EAR, "nose": NOSE, "tail": TAIL, "horns": HORN, "back": BACK, "legs": LEG}


def critter(recipe: Recipe) -> tuple[list[Shape], Points]:
    """The shapes from back to front, and the key points (6, 2) in the order of `KEYPOINTS`."""
    recipe, rng = dyed(recipe), np.random.default_rng(recipe.look)
    form = features(recipe.species)
    coat, accent = recipe.coat, recipe.accent
    length, height = rng.uniform(0.44, 0.54), rng.uniform(0.29, 0.36)
    r = rng.uniform(0.33, 0.41)  # head
    # turned towards you, the head, a ball, comes to the middle; the body is seen from its narrow end
    along, aside = np.cos(np.deg2rad(recipe.turned)), np.sin(np.deg2rad(recipe.turned))
    hx, hy = length * 0.88 * along, -height - r * rng.uniform(0.35, 0.65)
    face, flat = r * along, np.hypot(along, 0.2 * aside)
    rim = 0.022

    tail_shapes, tail_tip = _tail(rng, form["tail"], -length * 0.9, -height * 0.25, coat, accent, rim)
    ears, tips = _ears(rng, form["ears"], hx, hy, r, coat, rim)
    nose_shapes, nose_at = _nose(rng, form["nose"], hx + 0.12 * face, hy + 0.34 * r, r, accent, rim)
    eye_shapes, eyes = _eyes(rng, recipe, hx + 0.06 * face, hy - 0.08 * r, r, rim)
    legs_behind, legs_before = _legs(rng, recipe.stride, length, height, coat, accent, rim, along, aside)
    barrel = smooth(_barrel(length * np.hypot(along, 0.66 * aside), height), 3)

    shapes = [
        *_narrow(tail_shapes, flat),
        *legs_behind,
        *_narrow(_spikes(rng, length, height, accent, rim) if form["back"] == "spikes" else [], flat),
        *legs_before,
        Shape(BODY, barrel, coat, rim, coated=True),
        *_narrow(_wing(rng, length, height, accent, coat, rim) if form["back"] == "wing" else [], flat),
        *(
            _horns(rng, hx, hy, r, accent, rim)
            if form["horns"] == "horns"
            else _antennae(rng, hx, hy, r, accent)
        ),
        *(ears if form["ears"] == "pointed" else []),
        Shape(HEAD, ellipse(hx, hy, r * 1.04, r, n=40), coat, rim),
        Shape(
            HEAD, ellipse(hx + 0.1 * face, hy + 0.42 * r, r * 0.62, r * 0.46), mix(coat, (1, 0.96, 0.9), 0.3)
        ),
        *_cheeks(rng, hx, hy, r, accent, along),
        *_mouth(hx + 0.12 * face, hy + 0.66 * r, r, coat),
        *nose_shapes,
        *eye_shapes,
        *(ears if form["ears"] == "floppy" else []),
    ]
    return shapes, np.array([*eyes, nose_at, *tips, (tail_tip[0] * flat, tail_tip[1])])


def _narrow(shapes: list[Shape], by: float) -> list[Shape]:
    """What lies flat along the middle of the body, seen from aside."""
    return [s._replace(points=s.points * (by, 1)) for s in shapes]


def _dark(c: Colour, by: float = 0.5) -> Colour:
    return (c[0] * by, c[1] * by, c[2] * by)


def _barrel(length: float, height: float) -> list[tuple[float, float]]:
    x, y = length * 1.09, height * 1.12
    return [(-x, -y * 0.45), (-x * 0.7, -y), (0, -y * 0.92), (x * 0.7, -y), (x, -y * 0.4),
            (x, y * 0.5), (x * 0.6, y), (0, y * 1.06), (-x * 0.6, y), (-x, y * 0.5)]  # fmt: skip


def _legs(
    rng: np.random.Generator,
    stride: float,
    length: float,
    height: float,
    coat: Colour,
    accent: Colour,
    rim: float,
    along: float,
    aside: float,
) -> tuple[list[Shape], list[Shape]]:
    long, wide = rng.uniform(0.22, 0.38), rng.uniform(0.06, 0.085)
    foot = mix(accent, coat, rng.uniform(0, 0.7))
    behind: list[Shape] = []
    before: list[Shape] = []
    for k, x in enumerate((-0.66, 0.42, -0.38, 0.68)):
        sway = 0.07 * np.sin(stride + k * np.pi / 2)
        out = 0.24 * aside * (1 if k < 2 else -1)  # the legs before are on its right side
        top = (length * x * along + out, height * 0.5)
        bottom = ((length * x + sway) * along + out, height * 0.9 + long)
        path = np.array([top, (np.array(top) + bottom) / 2, bottom])
        shade = _dark(coat, 0.68) if k < 2 else coat
        group = behind if k < 2 else before
        group.append(Shape(LEG, stroke(path, wide), shade, rim, coated=k >= 2))
        sole = smooth([(-1.15, -0.8), (1.3, -0.8), (1.75, 0.7), (-1.15, 0.7)], 2) * wide
        group.append(
            Shape(
                LEG,
                sole * (np.hypot(along, 0.75 * aside), 1) + bottom,
                _dark(foot, 0.68 if k < 2 else 1),
                rim,
            )
        )
    return behind, before


def _tail(
    rng: np.random.Generator, kind: str, x: float, y: float, coat: Colour, accent: Colour, rim: float
) -> tuple[list[Shape], tuple[float, float]]:
    if kind == "curly":
        t = np.linspace(0, rng.uniform(1.55, 1.85) * 2 * np.pi, 46)
        radius = 0.155 - 0.105 * t / t[-1]
        cx, cy = x - 0.15, y - 0.16
        coil = np.stack([cx + radius * np.cos(t + 0.7), cy + radius * np.sin(t + 0.7)], 1)
        path = np.concatenate([[(x + 0.06, y + 0.05)], coil])
        width = np.linspace(0.055, 0.03, len(path))
        # two strokes, so that the coil keeps its rim where it crosses itself
        half = len(path) // 2
        parts = [
            Shape(TAIL, stroke(path[a:b], width[a:b]), coat, rim)
            for a, b in ((half - 1, None), (0, half + 1))
        ]
        return parts, (float(path[-1, 0]), float(path[-1, 1]))
    lift = rng.uniform(-0.5, 0.25)
    turn = np.array([[np.cos(lift), np.sin(lift)], [-np.sin(lift), np.cos(lift)]])
    fluff = [(0.08, 0.03), (-0.08, 0.12), (-0.24, 0.13), (-0.38, -0.02), (-0.42, -0.24), (-0.36, -0.5),
             (-0.2, -0.34), (-0.13, -0.18), (0.06, -0.09)]  # fmt: skip
    tip = [
        (-0.43, -0.17),
        (-0.42, -0.26),
        (-0.36, -0.5),
        (-0.2, -0.34),
        (-0.17, -0.2),
        (-0.25, -0.26),
        (-0.32, -0.16),
    ]
    points = smooth(fluff) @ turn + (x, y)
    end = points[np.argmin(np.abs(points - (np.array([-0.345, -0.43]) @ turn + (x, y))).sum(1))]
    pale = mix(accent, (1, 1, 0.95), 0.55)
    return (
        [Shape(TAIL, points, coat, rim), Shape(TAIL, smooth(tip) @ turn + (x, y), pale)],
        (float(end[0]), float(end[1])),
    )


def _spikes(
    rng: np.random.Generator, length: float, height: float, colour: Colour, rim: float
) -> list[Shape]:
    n, tall = int(rng.integers(4, 6)), rng.uniform(0.22, 0.3)
    out = []
    for x in np.linspace(-0.82, 0.34, n) * length:
        w, top = 0.62 * length / n, -height * 0.93
        corners = [(x - w, top + 0.09), (x - w * 0.4, top - tall), (x + w, top + 0.09)]
        out.append(Shape(BACK, np.array(corners), colour, rim))
    return out


def _wing(
    rng: np.random.Generator, length: float, height: float, colour: Colour, coat: Colour, rim: float
) -> list[Shape]:
    lift, out = rng.uniform(-0.15, 0.3), []
    root = np.array([length * 0.18, -height * 0.35])
    for k in range(4):  # feathers fan out from the shoulder, the longest one first
        a = np.pi + lift + 0.12 + 0.3 * (3 - k)
        long = 0.5 - 0.05 * (3 - k)
        middle = root + 0.5 * long * np.array([np.cos(a), np.sin(a)])
        shade = mix(mix(colour, (1, 1, 1), 0.25), _dark(colour, 0.7), k / 3)
        out.append(Shape(BACK, ellipse(middle[0], middle[1], long * 0.52, 0.088, a, 20), shade, rim))
    return out


def _horns(
    rng: np.random.Generator, hx: float, hy: float, r: float, colour: Colour, rim: float
) -> list[Shape]:
    tall, curve = rng.uniform(0.3, 0.38), rng.uniform(0.08, 0.16)
    out = []
    for side in (-1, 1):
        t = np.linspace(0, 1, 9)
        x = hx + side * (0.34 * r + curve * np.sin(t * np.pi * 0.9))
        path = np.stack([x, hy - 0.82 * r - tall * t + 0.05], 1)
        out.append(Shape(HORN, stroke(path, 0.078 * (1 - t) + 0.006), mix(colour, (1, 0.95, 0.8), 0.35), rim))
    return out


def _antennae(rng: np.random.Generator, hx: float, hy: float, r: float, colour: Colour) -> list[Shape]:
    tall, spread = rng.uniform(0.24, 0.34), rng.uniform(0.1, 0.22)
    out = []
    for side in (-1, 1):
        t = np.linspace(0, 1, 8)
        path = np.stack([hx + side * (0.2 * r + spread * t**1.6), hy - 0.9 * r - tall * t], 1)
        out.append(Shape(HORN, stroke(path, 0.021), _dark(colour, 0.35)))
        out.append(Shape(HORN, ellipse(path[-1, 0], path[-1, 1], 0.07, 0.07, n=18), colour, 0.02))
    return out


def _ears(
    rng: np.random.Generator, kind: str, hx: float, hy: float, r: float, coat: Colour, rim: float
) -> tuple[list[Shape], list[tuple[float, float]]]:
    inner, shapes, tips = mix(coat, (0.95, 0.75, 0.72), 0.55), [], []
    reach, wide = rng.uniform(1.6, 1.85), rng.uniform(0.34, 0.46)
    droop = rng.uniform(0.75, 1.05)
    for side in (-1, 1):
        if kind == "pointed":
            a = side * 0.82
            tip = (hx + np.sin(a) * r * reach, hy - np.cos(a) * r * reach)
            base = [(hx + np.sin(a + s) * r * 0.93, hy - np.cos(a + s) * r * 0.93) for s in (-wide, wide)]
            ear = np.array([base[0], tip, base[1]])
            shapes.append(Shape(EAR, ear, coat, rim))
            shapes.append(Shape(EAR, ear.mean(0) + 0.55 * (ear - ear.mean(0)), inner))
        else:
            x, y = hx + side * r * 0.93, hy - r * 0.5
            tip = (x + side * 0.32 * r, y + r * droop)
            corners = [(x - side * 0.2 * r, y - 0.24 * r), (x + side * 0.3 * r, y - 0.15 * r),
                       (tip[0] + side * 0.24 * r, tip[1] - 0.2 * r), (tip[0], tip[1] + 0.2 * r),
                       (tip[0] - side * 0.34 * r, tip[1] - 0.25 * r)]  # fmt: skip
            shapes.append(Shape(EAR, smooth(corners), _dark(coat, 0.72), rim))
        tips.append((float(tip[0]), float(tip[1])))
    return shapes, tips


def _nose(
    rng: np.random.Generator, kind: str, x: float, y: float, r: float, accent: Colour, rim: float
) -> tuple[list[Shape], tuple[float, float]]:
    big = r * rng.uniform(0.85, 1.1)
    if kind == "snout":
        dark = _dark(accent, 0.3)
        snout = Shape(NOSE, ellipse(x, y, 0.4 * big, 0.29 * big), mix(accent, (1, 0.8, 0.8), 0.3), rim)
        holes = [
            Shape(NOSE, ellipse(x + s * 0.15 * big, y, 0.07 * big, 0.115 * big, n=14), dark) for s in (-1, 1)
        ]
        return [snout, *holes], (x, y)
    upper = np.array([(-0.3, -0.14), (0, -0.3), (0.3, -0.14), (0.04, 0.42), (-0.04, 0.42)]) * big
    line = stroke(np.array([(-0.27, -0.1), (0, 0.06), (0.27, -0.1)]) * big + (x, y), 0.03 * big)
    return [Shape(NOSE, upper + np.array([x, y]), accent, rim), Shape(NOSE, line, _dark(accent, 0.4))], (x, y)


def _eyes(
    rng: np.random.Generator, recipe: Recipe, x: float, y: float, r: float, rim: float
) -> tuple[list[Shape], list[tuple[float, float]]]:
    apart, big = r * rng.uniform(0.4, 0.48), r * rng.uniform(0.27, 0.36)
    white = mix((0.84, 0.83, 0.79), recipe.accent, rng.uniform(0.08, 0.4))  # never the brightest thing around
    iris = mix(recipe.pattern, recipe.accent, rng.uniform(0, 1))
    pupil, lid = (0.1, 0.09, 0.12), _dark(recipe.coat, 0.82)
    lash = _dark(grey(recipe.coat), 0.22)  # grey, as all dark lines are: none tells the coat's colour
    centres, shapes = [], []
    for side in (-1, 1):
        ex = x + side * apart
        centres.append((float(ex), float(y)))
        ball = ellipse(ex, y, big * 0.92, big, n=24)
        if recipe.asleep or recipe.blink:
            shapes.append(Shape(EYE, ball, lid, rim * 0.6))
            t = np.linspace(0.15, np.pi - 0.15, 12)
            arc = np.stack([ex + big * 0.9 * np.cos(t), y + 0.05 * r + big * 0.55 * np.sin(t)], 1)
            shapes.append(Shape(EYE, stroke(arc, 0.03), lash))
            for k in (2, 6, 9):
                out = arc[k] + 0.45 * (arc[k] - (ex, y - 0.1 * r))
                shapes.append(Shape(EYE, stroke(np.array([arc[k], out]), 0.022), lash))
            continue
        gx, gy = ex + 0.24 * big * recipe.gaze[0], y + 0.24 * big * recipe.gaze[1]
        shapes += [
            Shape(EYE, ball, white, rim),
            Shape(EYE, ellipse(gx, gy, big * 0.62, big * 0.66, n=20), iris),
            Shape(EYE, ellipse(gx, gy, big * 0.36, big * 0.4, n=16), pupil),
            Shape(
                EYE,
                ellipse(gx + 0.22 * big, gy - 0.26 * big, big * 0.17, big * 0.17, n=10),
                mix(white, (1, 1, 1), 0.2),
            ),
        ]
    return shapes, centres


def _cheeks(
    rng: np.random.Generator, hx: float, hy: float, r: float, accent: Colour, along: float
) -> list[Shape]:
    if rng.uniform() < 0.5:
        return []
    places = [(hx + (0.06 * along + side * 0.68) * r, hy + 0.38 * r) for side in (-1, 1)]
    return [Shape(HEAD, ellipse(x, y, 0.16 * r, 0.11 * r, n=14), accent) for x, y in places]


def _mouth(x: float, y: float, r: float, coat: Colour) -> list[Shape]:
    t = np.linspace(0.25, np.pi - 0.25, 10)
    arc = np.stack([x + 0.26 * r * np.cos(t), y + 0.13 * r * np.sin(t)], 1)
    return [Shape(HEAD, stroke(arc, 0.016), _dark(grey(coat), 0.25))]
