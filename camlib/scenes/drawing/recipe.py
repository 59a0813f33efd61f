"""What is in a scene: every choice that draws it, as plain numbers that can be changed one at a time.

The eight species are the eight words of a [6, 3, 3] binary code over six features with two forms each:

    ears = a    nose = b    tail = c    coat = a xor b    horns = a xor c    back = b xor c

so one feature alone leaves four species, any two leave two, and any two features may be hidden without
losing the species. Five features are shapes; the coat is a colour, of two families of hue (`HUES`), whatever
the light; its markings say nothing. The ninth class, the sleeper, is any species with its eyes closed.
"""

import colorsys
from dataclasses import dataclass, replace

import numpy as np

FEATURES = {
    "ears": ("pointed", "floppy"),
    "nose": ("snout", "beak"),
    "tail": ("curly", "bushy"),
    "coat": ("warm", "cool"),
    "horns": ("horns", "antennae"),
    "back": ("spikes", "wing"),
}
SPECIES = ("bramble", "clover", "fennel", "juniper", "mallow", "nettle", "sorrel", "tansy")
CLASSES = (*SPECIES, "sleeper")
HUES = {"warm": (-20, 50), "cool": (170, 240)}  # degrees: pink to amber, and turquoise to blue
MARKINGS = ("stripes", "spots", "plain")
# what a critter can do without; without the coat it is grey, and eyes and legs say nothing of its species
REMOVABLE = ("eyes", "ears", "nose", "tail", "coat", "horns", "back", "legs")

Colour = tuple[float, float, float]


def features(species: int) -> dict[str, str]:
    """The form of each feature that makes a species: `features(0)["ears"] == "pointed"`.

    species: 0 to 7; the sleeper, class 8, is of any. Raises ValueError for another.
    """
    if isinstance(species, bool) or species not in range(len(SPECIES)):
        raise ValueError(f"species is {species!r}; it is a whole number, from 0 to {len(SPECIES) - 1}")
    a, b, c = (species >> 2) & 1, (species >> 1) & 1, species & 1
    forms = (a, b, c, a ^ b, a ^ c, b ^ c)
    return {name: options[form] for (name, options), form in zip(FEATURES.items(), forms, strict=True)}


@dataclass(frozen=True)
class Recipe:
    """One critter in one place. `dataclasses.replace(recipe, angle=30)` changes one thing and keeps the rest.

    coat, pattern, accent: colours, RGB in [0, 1], of its body, of the markings on it, of nose, horns, back.
    markings: one of `MARKINGS`.
    x, y: where the critter's box lies in the room it has: 0 at the left and top edge, 1 at the other.
    scale: the longest side of that box, as a fraction of the frame.
    angle: degrees, clockwise on screen.  gaze: where the pupils point, each in [-1, 1].
    stride: phase of the walk in radians.  look, backdrop, clutter, light: seeds of the small things.
    occluders: how many things stand in front.  without: what is left undrawn, names from `REMOVABLE`.
    companion: a second critter in the same scene.  stamp: whether the photographer's stamp is on the picture.
    For clips: turned, degrees from its side, 0, towards you, 90.  blink: closed eyes of one awake.
    tree: where a trunk stands before everything, from 0, the left edge, to 1; None: nowhere.
    place: what kind of place the landscape is, a name from `PLACES`; None: of no kind.
    cleared: kinds of things that are left undrawn, names from `CLEARABLE`; all else stays where it was.
    picked: which of the small things on the ground are left undrawn, counted from far to near.
    night: whether it is night: a moon and stars in place of a sun, and all else in moonlight.
    """

    species: int
    asleep: bool
    x: float
    y: float
    scale: float
    angle: float
    mirrored: bool
    coat: Colour
    pattern: Colour
    markings: str
    accent: Colour
    gaze: tuple[float, float]
    stride: float
    look: int
    backdrop: int
    clutter: int
    light: int
    occluders: int
    without: tuple[str, ...] = ()
    companion: "Recipe | None" = None
    stamp: bool = False
    turned: float = 0.0
    blink: bool = False
    tree: float | None = None
    place: str | None = None
    cleared: tuple[str, ...] = ()
    picked: tuple[int, ...] = ()
    night: bool = False

    @property
    def label(self) -> int:
        """Index into `CLASSES`; who blinks is not asleep."""
        return len(SPECIES) if self.asleep else self.species


def agreeing(recipe: Recipe) -> tuple[bool, ...]:
    """For each class, whether it agrees with the parts that are drawn (Hesse et al. 2023, FunnyBirds).

    Without ears, pointed and floppy ones both agree; without eyes, so do awake and asleep. Closed eyes are a
    sleeper's, also of one that blinks.
    """
    own, gone = features(recipe.species), recipe.without
    fits = [
        all(name in gone or form == own[name] for name, form in features(species).items())
        for species in range(len(SPECIES))
    ]
    if "eyes" in gone:
        return (*fits, True)
    closed = recipe.asleep or recipe.blink
    return (*(fit and not closed for fit in fits), closed)


def dyed(recipe: Recipe) -> Recipe:
    """The recipe as it is drawn: without its coat the critter is as light as before, but grey."""
    if "coat" not in recipe.without:
        return recipe
    return replace(recipe, coat=grey(recipe.coat), pattern=grey(recipe.pattern))


def grey(shade: Colour) -> Colour:
    """The grey of the same luminance (ITU-R 601)."""
    light = 0.299 * shade[0] + 0.587 * shade[1] + 0.114 * shade[2]
    return (light, light, light)


def colour(
    rng: np.random.Generator,
    saturation: tuple[float, float],
    value: tuple[float, float],
    hue: tuple[float, float] = (0, 360),
) -> Colour:
    """A colour with hue in degrees, saturation and value drawn from the given ranges."""
    at = rng.uniform(*hue) / 360
    return colorsys.hsv_to_rgb(at % 1, rng.uniform(*saturation), rng.uniform(*value))


def mix(a: Colour, b: Colour, t: float) -> Colour:
    """The colour a share t of the way from a to b."""
    return (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2]))


def sample(seed: int, index: int, pair: bool = False) -> Recipe:
    """The recipe of scene number `index` of a series; it depends on nothing but its arguments."""
    rng = np.random.default_rng([seed, index, int(pair)])
    label = int(rng.integers(len(CLASSES)))
    if not pair:
        return _one(rng, label, scale=(0.35, 0.8))
    other = int((label + rng.integers(1, len(CLASSES))) % len(CLASSES))
    left, right = rng.uniform(0, 0.06), rng.uniform(0.94, 1)
    first, second = (left, right) if rng.uniform() < 0.5 else (right, left)
    companion = _one(rng, other, scale=(0.32, 0.46), x=second)
    return _one(rng, label, scale=(0.32, 0.46), x=first, companion=companion)


def _one(
    rng: np.random.Generator,
    label: int,
    scale: tuple[float, float],
    x: float | None = None,
    companion: Recipe | None = None,
) -> Recipe:
    """A random critter of class `label`; everything but the class is drawn without looking at it."""
    asleep = label == len(SPECIES)
    species = int(rng.integers(len(SPECIES))) if asleep else label
    coat = colour(rng, (0.45, 0.85), (0.4, 0.95), HUES[features(species)["coat"]])
    shade = 0.45 if sum(coat) > 1.5 else 1.9
    mixed = np.clip(
        shade * (0.7 * np.array(coat) + 0.3 * np.array(colour(rng, (0.2, 0.8), (0.4, 0.9)))), 0, 1
    )
    return Recipe(
        species=species,
        asleep=asleep,
        x=float(rng.uniform()) if x is None else x,
        y=float(rng.uniform(0.3, 1)),
        scale=float(rng.uniform(*scale)),
        angle=float(np.clip(rng.normal(0, 11), -28, 28)),
        mirrored=bool(rng.uniform() < 0.5),
        coat=coat,
        pattern=(float(mixed[0]), float(mixed[1]), float(mixed[2])),
        markings=MARKINGS[int(rng.integers(len(MARKINGS)))],
        accent=colour(rng, (0.35, 0.9), (0.6, 0.95)),
        gaze=(float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1))),
        stride=float(rng.uniform(0, 2 * np.pi)),
        look=int(rng.integers(2**31)),
        backdrop=int(rng.integers(2**31)),
        clutter=int(rng.integers(2**31)),
        light=int(rng.integers(2**31)),
        occluders=int(rng.choice(4, p=(0.4, 0.3, 0.2, 0.1))),
        companion=companion,
    )
