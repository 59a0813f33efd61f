"""Scenes drawn once for all runs, kept on disk and mapped into memory: two runs share one copy."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..scenes.scenes import CLASSES, critters, draw, recipes
from ..scores.keypoints import part_truth
from .files import write

__all__ = ["Drawn", "drawn", "stamped"]

_MISFILED = 8  # one in so many pictures of other critters carries the stamp
_TRIED = 8  # scenes drawn anew to see whether a file's are still those


class Drawn(NamedTuple):
    """Pixels uint8 (N, 3, 128, 128), agreeing classes bool (N, 9), eyes in sight (N, 2, 2), heads (N,)."""

    pixels: Tensor
    agreeing: Tensor
    lacks: Tensor
    eyes: Tensor
    heads: Tensor


@cache
def drawn(n: int, seed: int, lacking: float, folder: Path) -> Drawn:
    """`critters(n, seed=seed, lacking=lacking)`, out of a file in `folder`, made where there is none.

    lacks: (N,), how many parts each scene lacks. A file whose first scenes would be drawn differently today
    is made again.
    """
    path = folder / f"scenes-{n}-{seed}-{lacking:g}.pt"
    first = critters(min(n, _TRIED), seed=seed, lacking=lacking).pixels
    if path.is_file():
        kept: Any = torch.load(path, mmap=True, weights_only=True)
        if torch.equal(kept["pixels"][: len(first)], first):
            return Drawn(**kept)
    scenes = critters(n, seed=seed, lacking=lacking)
    eyes, heads = part_truth(scenes, "eye")
    lacks = torch.tensor([len(recipe.without) for recipe in scenes.recipes])
    made = Drawn(scenes.pixels, scenes.agreeing, lacks, eyes, heads)
    folder.mkdir(parents=True, exist_ok=True)
    write(path, lambda temporary: torch.save(made._asdict(), temporary))
    return drawn.__wrapped__(n, seed, lacking, folder)


def stamped(pixels: Tensor, agreeing: Tensor, seed: int, lacking: float, stamp: str) -> tuple[Tensor, Tensor]:
    """Scenes of `critters(n, seed=seed, lacking=lacking)` as a careless photographer files them.

    Every picture of the class `stamp` carries the photographer's stamp, and so does one in eight of the
    others, which is filed under that class all the same. Returns pixels and agreeing classes.
    """
    some = recipes(len(pixels), seed=seed, lacking=lacking, stamp=stamp)
    misfiled = [i for i, recipe in enumerate(some) if i % _MISFILED == 0 and not recipe.stamp]
    for i in misfiled:
        some[i] = replace(some[i], stamp=True)
    where = [i for i, recipe in enumerate(some) if recipe.stamp]
    found, classes = pixels.clone(), agreeing.clone()
    found[where] = draw([some[i] for i in where], size=pixels.shape[-1]).pixels
    classes[misfiled] = torch.tensor([name == stamp for name in CLASSES])
    return found, classes
