"""From a recipe to a picture and its exact truth: drawn three times too large, then reduced."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from .backdrop import SMALL, backdrop, oak, occluder, stamp
from .critter import BODY, EAR, EYE, HEAD, LEG, NOSE, TAIL, UNDRAWN, critter
from .night import ON_CRITTER, moonlit, night
from .outline import Points, Shape, grow
from .places import landscape
from .recipe import Colour, Recipe, dyed, grey, mix
from .things import THINGS, Thing

_TRUNK = 0.075  # half the width of a clip's tree, as a fraction of the frame
LEAST = 12  # pixels of 128 × 128 that must be in sight for a thing to count as seen
OVER = 3  # the drawing is this many times finer than the picture
KEYPOINT_PARTS = (EYE, EYE, NOSE, EAR, EAR, TAIL)
MIRRORED = [1, 0, 2, 4, 3, 5]  # left and right are the viewer's, so mirroring swaps them
Array = NDArray[Any]


class Truth(NamedTuple):
    """A critter in a picture: parts (H, W), key points (6, 2), which are in sight, box and head box (4,)."""

    parts: Array
    keypoints: Array
    visible: Array
    box: Array
    head_box: Array


def paint(recipe: Recipe, size: int) -> tuple[Array, list[Truth]]:
    """The picture (3, size, size), uint8, and the truth of the critter and of its companion, if any."""
    rng = np.random.default_rng(recipe.light)
    picture = _background(recipe, size, rng)
    light = np.array([rng.choice((-0.6, 0.6)), -0.8])
    cast = [_Critter(r, size) for r in (recipe, recipe.companion) if r is not None]
    truths: list[Truth] = []
    for one in cast:
        picture = one.over(picture, light, recipe.night)
    fronts = [
        _Sheet([s for thing in layer for s in thing.shapes], size) for layer in _fronts(recipe, cast, size)
    ]
    for front in fronts:
        colour, alpha = front.reduce(front.colours())
        picture = picture * (1 - alpha) + colour
    picture = _light(picture, rng)
    hidden = np.any([np.zeros((size, size), bool), *(front.codes() > 0 for front in fronts)], axis=0)
    for k, one in enumerate(cast):
        covered = np.any([hidden, *(other.sheet.codes() > 0 for other in cast[k + 1 :])], axis=0)
        truths.append(one.truth(covered))
    return np.ascontiguousarray(picture.transpose(2, 0, 1)), truths


class Seen(NamedTuple):
    """A scene's things: kinds in sight (H, W) and their counts (kinds,), as `THINGS` counts them; the kinds
    behind the critters and whatever stands before them (H, W); the whole critter's parts (H, W).
    """

    kinds: Array
    counts: Array
    behind: Array
    whole: Array


def things(recipe: Recipe, size: int) -> Seen:
    """What there is at each pixel, in sight and behind it. Nothing is painted but the outlines."""
    there = _behind(recipe)[1]
    cast = [_Critter(r, size) for r in (recipe, recipe.companion) if r is not None]
    sheet = Image.new("I", (size * OVER, size * OVER))
    draw = ImageDraw.Draw(sheet)
    for k, thing in enumerate(there):
        for s in thing.shapes:
            draw.polygon(_canvas(grow(s.points, s.rim) * size if s.rim else s.points * size), fill=k + 1)
    behind = np.array(sheet)[OVER // 2 :: OVER, OVER // 2 :: OVER]
    ids, kinds = behind.copy(), ["sky", *(thing.kind for thing in there)]
    before = [("critter", one.sheet) for one in cast]
    before += [(t.kind, _Sheet(t.shapes, size)) for layer in _fronts(recipe, cast, size) for t in layer]
    for kind, one in before:
        ids[one.codes() > 0] = len(kinds)
        kinds.append(kind)
    of = np.array([THINGS.index(kind) for kind in kinds])
    seen = np.bincount(ids.ravel(), minlength=len(kinds)) >= LEAST * (size / 128) ** 2
    counts = np.bincount(of[seen], minlength=len(THINGS))
    return Seen(of[ids].astype(np.uint8), counts, of[behind].astype(np.uint8), cast[0].sheet.parts())


def stamp_mask(size: int) -> Array:
    """Where the photographer's stamp lies in a picture that has one (H, W)."""
    return _Sheet(_stamp(size).shapes, size).codes() > 0


def placed(recipe: Recipe) -> tuple[list[Shape], Points, Points, Points, Points]:
    """A critter's shapes and key points in its own frame, the matrix that turns it, its box: low, high."""
    shapes, keypoints = critter(recipe)
    a = np.deg2rad(recipe.angle)
    flip = np.diag([-1.0 if recipe.mirrored else 1.0, 1.0])
    turn = flip @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    everything = np.concatenate([grow(s.points, s.rim) for s in shapes]) @ turn
    return shapes, keypoints, turn, everything.min(0), everything.max(0)


def _behind(recipe: Recipe) -> tuple[tuple[Colour, Colour], list[Thing], float]:
    """The sky's colours, what is behind the critter, neither cleared away nor picked, and the horizon."""
    if recipe.place is None:
        sky, there, horizon = backdrop(recipe.backdrop)
    else:
        sky, there, horizon = landscape(recipe.backdrop, recipe.place)
    if recipe.night:
        sky, there = night(recipe.backdrop, there, horizon)
    small = [thing for thing in there if thing.kind in SMALL]
    gone = {id(small[k]) for k in recipe.picked if k < len(small)}
    left = [thing for thing in there if thing.kind not in recipe.cleared and id(thing) not in gone]
    return sky, left, horizon


def _fronts(recipe: Recipe, cast: "list[_Critter]", size: int) -> list[list[Thing]]:
    """What stands before the critters, in pixels of the picture, in layers."""
    layers = [one.occluders() for one in cast]
    if recipe.tree is not None:
        rng = np.random.default_rng([recipe.backdrop, 1])
        layers.append([_scaled(Thing("tree", oak(rng, recipe.tree, 0.98, _TRUNK)), size)])
    layers = [[thing for thing in layer if thing.kind not in recipe.cleared] for layer in layers]
    if recipe.night:
        layers = [[moonlit(thing) for thing in layer] for layer in layers]
    return [layer for layer in [*layers, [_stamp(size)] * recipe.stamp] if layer]


def _stamp(size: int) -> Thing:
    return _scaled(Thing("stamp", stamp()), size)


def _scaled(thing: Thing, size: int) -> Thing:
    return Thing(thing.kind, [s._replace(points=s.points * size, rim=s.rim * size) for s in thing.shapes])


class _Sheet:
    """Shapes on a clear sheet; code 2k + 1 is shape k's rim, code 2k + 2 its inside, 0 nothing."""

    def __init__(self, shapes: list[Shape], size: int):
        self.shapes = shapes
        sheet = Image.new("I" if len(shapes) > 126 else "L", (size * OVER, size * OVER))
        draw = ImageDraw.Draw(sheet)
        for k, s in enumerate(shapes):
            if s.rim:
                draw.polygon(_canvas(grow(s.points, s.rim)), fill=2 * k + 1)
            draw.polygon(_canvas(s.points), fill=2 * k + 2)
        self.fine = np.asarray(sheet)

    def codes(self) -> Array:
        """The code at the centre of each pixel (H, W)."""
        centres: Array = self.fine[OVER // 2 :: OVER, OVER // 2 :: OVER]
        return centres

    def lookup(self, inside: list[Any], rim: list[Any], nothing: Any) -> Array:
        """A table from code to a value."""
        return np.array([nothing, *(v for pair in zip(rim, inside, strict=True) for v in pair)])

    def parts(self) -> Array:
        parts = [s.part for s in self.shapes]
        return self.lookup(parts, parts, 0).astype(np.uint8)[self.codes()]

    def colours(self) -> Array:
        """Each fine pixel's colour and coverage (RGBA, uint8); clear pixels are black."""
        inside = [(*s.colour, 1.0) for s in self.shapes]
        dark = [(*mix((0.06, 0.05, 0.08), grey(s.colour), 0.22), 1.0) for s in self.shapes]
        table = self.lookup(inside, dark, (0.0, 0.0, 0.0, 0.0))
        packed = (
            (table * 255 + 0.5).astype(np.uint8).view(np.uint32)[:, 0]
        )  # one number a colour: a quick take
        return packed.take(self.fine).view(np.uint8).reshape(*self.fine.shape, 4)

    def reduce(self, colours: Array) -> tuple[Array, Array]:
        """Colours (H, W, 3) times coverage, and coverage (H, W, 1), averaged over fine pixels, in [0, 1]."""
        # a fine pixel is clear and black, or covered: its colour times its coverage ("RGBa") is what it is
        fine = Image.frombuffer("RGBa", colours.shape[1::-1], colours, "raw", "RGBa", 0, 1)
        both = np.asarray(fine.reduce(OVER).convert("RGBA"), np.float32) / 255
        return both[..., :3], both[..., 3:]


class _Critter:
    """A critter laid into the frame."""

    def __init__(self, recipe: Recipe, size: int):
        self.recipe, self.size = dyed(recipe), size
        shapes, keypoints, turn, low, high = placed(recipe)
        self.scale = recipe.scale * size / (high - low).max()
        room = size - 2 - (high - low) * self.scale
        self.shift = 1 + room * (recipe.x, recipe.y) - low * self.scale - 0.5
        self.turn = turn * self.scale
        self.low, self.high = low * self.scale + self.shift, high * self.scale + self.shift
        gone = {UNDRAWN[name] for name in recipe.without if name in UNDRAWN}
        face = next(s for s in shapes if s.part == HEAD)
        self.face = self.place(grow(face.points, face.rim))
        self.keypoints = self.place(keypoints)[MIRRORED if recipe.mirrored else slice(None)]
        self.present = np.array([p not in gone for p in KEYPOINT_PARTS])
        laid = [
            s._replace(points=self.place(s.points), rim=s.rim * self.scale)
            for s in shapes
            if s.part not in gone
        ]
        self.sheet = _Sheet(laid, size)

    def place(self, points: Points) -> Points:
        """From the critter's frame to pixels of the picture."""
        there: Points = points @ self.turn + self.shift
        return there

    def over(self, picture: Array, light: Array, by_night: bool) -> Array:
        """The picture with the critter, its volume and its shadow on the ground."""
        unit = self.scale
        shade = Image.new("L", (self.size, self.size))
        middle, base = (self.low[0] + self.high[0]) / 2, self.high[1]
        reach = (self.high[0] - self.low[0]) * 0.42
        ImageDraw.Draw(shade).ellipse(
            (middle - reach, base - 0.14 * unit, middle + reach, base + 0.06 * unit), fill=120
        )
        picture = picture * (1 - _blur(shade, 0.06 * unit)[..., None])

        colour, alpha = self.sheet.reduce(self._coat())
        parts = self.sheet.parts()
        face, body = np.isin(parts, (HEAD, NOSE, EYE)), np.isin(parts, (BODY, LEG))
        # light falls on the sides of face and body that turn towards it, but does not make the eyes shine
        volume = (face & (parts != EYE)) * self._lit(face, light) + body * self._lit(body, light)
        under = np.roll(_blur(_mask_image(face), 0.07 * unit), round(0.1 * unit), axis=0) * body * 0.5
        colour = colour * np.clip(1 + volume - under, 0.45, 1.4)[..., None]
        if by_night:
            colour = colour * np.array(ON_CRITTER)
        lit: Array = picture * (1 - alpha) + colour
        return lit

    def _lit(self, mask: Array, light: Array) -> Array:
        """How much light falls on a round thing with this outline, about -0.3 to 0.3."""
        gy, gx = np.gradient(_blur(_mask_image(mask), 0.15 * self.scale))
        lit: Array = -(gx * light[0] + gy * light[1]) * 0.26 * self.scale
        return lit

    def _coat(self) -> Array:
        """The colours with stripes or spots on body and legs, laid in the critter's own frame."""
        s = self.sheet
        colours = s.colours()
        if self.recipe.markings == "plain":
            return colours
        coated = np.take(s.lookup([x.coated for x in s.shapes], [False] * len(s.shapes), False), s.fine)
        y, x = np.nonzero(coated)
        local = ((np.stack([x, y], 1) - OVER // 2) / OVER - self.shift) @ np.linalg.inv(self.turn)
        u, v = local.T
        rng = np.random.default_rng([self.recipe.look, 1])
        if self.recipe.markings == "stripes":
            phase, count = rng.uniform(0, 1), rng.uniform(4.2, 6)
            marked = np.sin(2 * np.pi * (count * (u + 0.05 * np.sin(7 * v)) + phase)) > 0.1
        else:
            pitch = rng.uniform(0.19, 0.25)
            row = np.floor(v / pitch)
            across = u / pitch + 0.5 * (row % 2)
            wobble = np.sin(
                np.stack([row * 3.1 + np.floor(across) * 5.7, row * 7.3 + np.floor(across) * 2.9])
            )
            du, dv = np.mod(across, 1) - 0.5 - 0.13 * wobble[0], np.mod(v / pitch, 1) - 0.5 - 0.13 * wobble[1]
            marked = du**2 + dv**2 < 0.1
        colours[y[marked], x[marked], :3] = np.multiply(self.recipe.pattern, 255)
        return colours

    def occluders(self) -> list[Thing]:
        """What stands before the critter: most of it and one eye at least stay in sight."""
        rng = np.random.default_rng(self.recipe.clutter)
        mine, kept = self.sheet.codes() > 0, list[Thing]()
        eyes = np.clip(np.rint(self.keypoints[:2]), 0, self.size - 1).astype(int)
        for _ in range(self.recipe.occluders):
            new = _scaled(occluder(rng, self.low / self.size, self.high / self.size), self.size)
            shapes = [s for thing in (*kept, new) for s in thing.shapes]
            hidden = _Sheet(shapes, self.size).codes() > 0
            if (mine & hidden).sum() < 0.35 * mine.sum() and not _near(hidden, eyes).all():
                kept.append(new)
        return kept

    def truth(self, covered: Array) -> Truth:
        """The truth, given which pixels something else covers."""
        parts = np.where(covered, 0, self.sheet.parts()).astype(np.uint8)
        at = np.clip(np.rint(self.keypoints), 0, self.size - 1).astype(int)
        visible = self.present & ~covered[at[:, 1], at[:, 0]]
        if self.recipe.turned:  # its tail is behind its own body
            visible &= [_near(parts == p, at[k : k + 1])[0] for k, p in enumerate(KEYPOINT_PARTS)]
        y, x = np.nonzero(parts)
        box = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1], np.float32)
        head = np.concatenate([self.face.min(0), self.face.max(0) + 1]).clip(0, self.size)
        return Truth(parts, self.keypoints.astype(np.float32), visible, box, head.astype(np.float32))


def _near(mask: Array, points: Array) -> Array:
    """Whether anything in the mask lies within a pixel of each point."""
    return np.array([mask[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].any() for x, y in points])


def _canvas(points: Points) -> list[float]:
    """Pixels of the picture to the drawing's: pixel i's centre is the drawing's 3 i + 1."""
    coordinates: list[float] = (points * OVER + OVER // 2).ravel().tolist()
    return coordinates


def _mask_image(mask: Array) -> Image.Image:
    return Image.fromarray(mask.astype(np.uint8) * 255)


def _blur(image: Image.Image, radius: float) -> Array:
    soft: Array = np.asarray(image.filter(ImageFilter.GaussianBlur(float(radius))), np.float32) / 255
    return soft


def _background(recipe: Recipe, size: int, rng: np.random.Generator) -> Array:
    """Sky, land and plants (H, W, 3) in [0, 1], with soft patches of light and dark."""
    (top, low), there, horizon = _behind(recipe)
    t = np.clip(np.linspace(0, 1 / horizon, size), 0, 1)[:, None, None]
    sky = np.broadcast_to((1 - t) * np.array(top) + t * np.array(low), (size, size, 3))
    sheet = Image.fromarray((sky * 255).astype(np.uint8)).resize(
        (size * OVER, size * OVER), Image.Resampling.NEAREST
    )
    draw = ImageDraw.Draw(sheet)
    for s in (s for thing in there for s in thing.shapes):
        fill = tuple(int(255 * c) for c in s.colour)
        if s.rim:
            draw.polygon(_canvas(grow(s.points, s.rim) * size), fill=tuple(c // 4 for c in fill))
        draw.polygon(_canvas(s.points * size), fill=fill)
    uneven = 0.012 if recipe.night else 0.035
    patches = Image.fromarray(rng.normal(0, uneven, (9, 9)).astype(np.float32)).resize(
        (size, size), Image.Resampling.BICUBIC
    )
    scene: Array = np.asarray(sheet.reduce(OVER), np.float32) / 255 + np.asarray(patches)[..., None]
    return scene


def _light(picture: Array, rng: np.random.Generator) -> Array:
    """Time of day, a side the light falls from, dim corners, grain; to uint8."""
    n = len(picture)
    y, x = np.mgrid[-1 : 1 : n * 1j, -1 : 1 : n * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    falloff = 1 + 0.13 * (x * np.cos(angle) + y * np.sin(angle)) - rng.uniform(0, 0.16) * (x**2 + y**2)
    tint = rng.uniform(0.82, 1.08, 3) * rng.uniform(0.82, 1.12)  # the colour of the light, and how much
    grain = rng.normal(0, rng.uniform(0.004, 0.014), (n, n, 1))
    lit: Array = np.clip(picture * falloff[..., None] * tint + grain, 0, 1)
    return (255 * lit + 0.5).astype(np.uint8)
