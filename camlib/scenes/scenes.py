"""The embedded scenes: drawn critters, each picture with its exact truth.

A scene depends on its seed and its number alone: `critters(9)[3]` and `critters(9000)[3]` are the same.
To change one thing and keep the rest: `draw([dataclasses.replace(r, angle=20) for r in scenes.recipes])`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import joblib
import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from ..given import number, seeded, told, whole
from ..pictures.pixels import Pixels
from .drawing import paint
from .drawing.batch import painted
from .drawing.cores import jobs
from .drawing.critter import KEYPOINTS, PARTS
from .drawing.places import PLACES
from .drawing.recipe import (
    CLASSES,
    FEATURES,
    MARKINGS,
    REMOVABLE,
    SPECIES,
    Recipe,
    agreeing,
    features,
    sample,
)
from .drawing.things import CLEARABLE
from .given_recipe import check_recipe

__all__ = [
    "CLASSES",
    "FEATURES",
    "KEYPOINTS",
    "MARKINGS",
    "PARTS",
    "PLACES",
    "REMOVABLE",
    "SPECIES",
    "Recipe",
    "Scenes",
    "critters",
    "draw",
    "features",
]

_SMALLER = 0.55  # critters, where the landscape is the subject
_CHUNK = 16  # scenes a worker draws before it reports


@dataclass(frozen=True, repr=False)
class Scenes(Pixels):
    """N pictures of H × W pixels and what is true of the critter in each.

    pixels: uint8 (N, 3, H, W), RGB.  labels: int64 (N,), index into `classes`.
    parts: uint8 (N, H, W), the part in sight at each pixel, index into `PARTS`; 0 is no critter.
    boxes, head_boxes: float32 (N, 4), (x0, y0, x1, y1) in pixels, half open. A box holds the pixels in
    sight, a head box the whole face without ears and horns.
    keypoints: float32 (N, 6, 2), (x, y) in the order of `KEYPOINTS`; left and right are the viewer's.
    visible: bool (N, 6), whether nothing else covers the point.
    recipes: what was drawn.  companion: the truth of the second critter, in scenes that have two.
    """

    labels: Tensor
    parts: Tensor
    boxes: Tensor
    head_boxes: Tensor
    keypoints: Tensor
    visible: Tensor
    recipes: tuple[Recipe, ...]
    companion: "Scenes | None" = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The nine class names; the last is the sleeper."""
        return CLASSES

    @property
    def agreeing(self) -> Tensor:
        """bool (N, 9): which classes agree with the parts that are drawn, whatever stands before them.

        Of a whole critter its own class alone; where two or more parts are lacking there may be several.
        """
        return torch.tensor([agreeing(r) for r in self.recipes])

    @property
    def places(self) -> Tensor:
        """int64 (N,): each landscape's kind of place, index into `PLACES`. ValueError where it has none."""
        names = [r.place for r in self.recipes]
        if None in names:
            raise ValueError(
                f"scene {names.index(None)} is of no kind of place; draw critters(…, places=True)"
            )
        return torch.tensor([list(PLACES).index(name) for name in names if name])

    @property
    def masks(self) -> Tensor:
        """bool (N, H, W): the critter's pixels in sight."""
        return self.parts > 0

    @property
    def stamps(self) -> Tensor:
        """bool (N, H, W): the photographer's stamp, in the scenes that carry it."""
        one = torch.from_numpy(paint.stamp_mask(self.pixels.shape[-1]))
        return one & torch.tensor([r.stamp for r in self.recipes])[:, None, None]

    def part(self, name: str) -> Tensor:
        """bool (N, H, W): the pixels of one part in sight, a name from `PARTS`."""
        if not isinstance(name, str) or name not in PARTS[1:]:
            raise ValueError(f"no part {told(name)}; a critter has {', '.join(PARTS[1:])}")
        return self.parts == PARTS.index(name)


def critters(
    n: int,
    *,
    seed: int = 0,
    size: int = 128,
    pair: bool = False,
    stamp: str | None = None,
    without: Iterable[str] = (),
    lacking: float = 0.0,
    places: bool = False,
    night: float = 0.0,
) -> Scenes:
    """Draw n scenes of nine classes, equally likely, on all cores.

    size: side of the picture in pixels.
    pair: two critters of different classes, side by side; the second is in `.companion`.
    stamp: a class whose pictures all carry the photographer's stamp, and no others do; "all": every picture.
    without: what is left undrawn: eyes, ears, nose, tail, horns, back, legs, and coat, whose lack is a grey
    one; all else stays as it was, but for the shading of head and body, which follows their outline.
    lacking: the share of scenes, in [0, 1], that lack one or two of these, drawn at random (FunnyBirds, Hesse
    et al. 2023): `recipes[i].without` names them, `agreeing` has the classes that are still possible.
    places: the landscapes are of six kinds, equally likely (`Scenes.places`), and the critters, the same as
    without it, about half as large.
    night: the share of scenes, in [0, 1], at night, drawn at random: a moon, no sun, and all else
    where it is by day (`recipes[i].night`).
    Raises ValueError for a count below 1, a size below 32, an unknown class or part, another share, and for a
    pair in a place.
    """
    some = recipes(
        n, seed=seed, pair=pair, stamp=stamp, without=without, lacking=lacking, places=places, night=night
    )
    return draw(some, size=size)


def recipes(
    n: int,
    *,
    seed: int = 0,
    pair: bool = False,
    stamp: str | None = None,
    without: Iterable[str] = (),
    lacking: float = 0.0,
    places: bool = False,
    night: float = 0.0,
) -> list[Recipe]:
    """What `critters` draws, before it is drawn."""
    n, seed = whole(n, "n", 1), seeded(seed)
    if pair and places:
        raise ValueError("a pair is drawn before an ordinary landscape; leave out pair or places")
    if isinstance(without, str) or not isinstance(without, Iterable):
        raise ValueError(f"without is {told(without)}; give the names as a list: without=['eyes']")
    if stamp not in (None, "all", *CLASSES):
        raise ValueError(f"no class {told(stamp)} to stamp; there are {', '.join(CLASSES)}, or 'all'")
    left_out = tuple(without)
    share, dark = _share(lacking, "lacking", "that lack parts"), _share(night, "night", "at night")
    found = [
        replace(sample(seed, i, pair), without=(*left_out, *_lacks(seed, i, share, left_out)))
        for i in range(n)
    ]
    if places:
        found = [replace(r, place=_place(seed, i), scale=_SMALLER * r.scale) for i, r in enumerate(found)]
    if dark:
        found = [replace(r, night=_dark(seed, i, dark)) for i, r in enumerate(found)]
    if stamp is not None:
        found = [replace(r, stamp=stamp in ("all", CLASSES[r.label])) for r in found]
    return found


def _share(given: float, name: str, which: str) -> float:
    wanted = f"the share of scenes {which}, from 0 to 1"
    if not 0 <= (share := number(given, name, wanted)) <= 1:
        raise ValueError(f"{name} is {told(given)}; give {wanted}")
    return share


def _lacks(seed: int, index: int, share: float, gone: tuple[str, ...]) -> tuple[str, ...]:
    """What scene number `index` lacks besides what is gone: with probability `share` one part or two."""
    rng = np.random.default_rng([seed, index, 2])  # 0 and 1 drew the recipes
    lacks, count = rng.uniform() < share, int(rng.integers(1, 3))
    left = rng.permutation([name for name in REMOVABLE if name not in gone])[:count]
    return tuple(left.tolist()) if lacks else ()


def _place(seed: int, index: int) -> str:
    """The place of scene number `index`."""
    return list(PLACES)[int(np.random.default_rng([seed, index, 3]).integers(len(PLACES)))]


def _dark(seed: int, index: int, share: float) -> bool:
    """Whether it is night in scene number `index`: with probability `share`."""
    return bool(np.random.default_rng([seed, index, 4]).uniform() < share)


def draw(recipes: Sequence[Recipe], *, size: int = 128) -> Scenes:
    """Draw the given recipes on all cores; a progress bar shows when it takes longer than a second.

    Raises ValueError for no recipes, a size below 32, an unknown name in `Recipe.without`, `cleared` or
    `place`, what is no number where a recipe has one, and recipes of which only some have two critters.
    """
    if isinstance(recipes, Recipe) or not isinstance(recipes, Iterable):
        raise ValueError(f"recipes are a list, as scenes.recipes; given a {type(recipes).__name__}")
    recipes = list(recipes)
    for one in recipes:
        if not isinstance(one, Recipe):
            raise ValueError(f"recipes are those of scenes.recipes; given {told(one)}")
        check_recipe(one)
    if not recipes:
        raise ValueError("no recipes to draw")
    size = whole(size, "size", 32)
    with_second = [one.companion is not None for one in recipes]
    if any(with_second) and not all(with_second):
        raise ValueError("some recipes have two critters and some have one; draw them apart")
    for name in {name for r in recipes for name in r.without}:
        if name not in REMOVABLE:
            raise ValueError(f"cannot leave out {told(name)}; it can do without {', '.join(REMOVABLE)}")
    for kind in {kind for r in recipes for kind in r.cleared} - set(CLEARABLE):
        raise ValueError(f"cannot clear away {told(kind)}; there are {', '.join(CLEARABLE)}")
    for place in {r.place for r in recipes if r.place is not None} - set(PLACES):
        raise ValueError(f"no place {told(place)}; there are {', '.join(PLACES)}")
    for markings in {r.markings for r in recipes} - set(MARKINGS):
        raise ValueError(f"no markings {told(markings)}; there are {', '.join(MARKINGS)}")
    chunks = [recipes[i : i + _CHUNK] for i in range(0, len(recipes), _CHUNK)]
    work = joblib.Parallel(n_jobs=jobs(len(chunks), 3), return_as="generator")(
        joblib.delayed(painted)(c, size) for c in chunks
    )
    pixels, truths = np.empty((len(recipes), 3, size, size), np.uint8), []
    with tqdm(total=len(recipes), desc="drawing", unit="scene", delay=1, leave=False) as bar:
        for i, (pictures, found) in enumerate(work):
            pixels[i * _CHUNK : i * _CHUNK + len(pictures)] = pictures
            truths += found
            bar.update(len(pictures))
    both = torch.from_numpy(pixels)
    companion = None
    if all(r.companion for r in recipes):
        second = tuple(r.companion for r in recipes if r.companion)
        companion = _stack(both, [t[1] for t in truths], second)
    return _stack(both, [t[0] for t in truths], tuple(recipes), companion)


def _stack(
    pixels: Tensor, truths: list[paint.Truth], recipes: tuple[Recipe, ...], companion: Scenes | None = None
) -> Scenes:
    parts, keypoints, visible, boxes, heads = (
        torch.from_numpy(np.stack(column)) for column in zip(*truths, strict=True)
    )
    labels = torch.tensor([r.label for r in recipes])
    return Scenes(pixels, labels, parts, boxes, heads, keypoints, visible, recipes, companion)
