"""What one of the processes that draw is given to do. It is sent by name, so they never import torch."""

from collections.abc import Sequence

import numpy as np

from . import paint
from .develop import Array, Truth, develop, truth
from .handwriting import handwriting
from .lettering import Letter, Sheet
from .pages import page
from .recipe import Recipe
from .streets import street

KINDS = ("page", "street", "handwritten")  # of pictures with text
Drawn = tuple[Array, Truth, list[Letter]]  # the picture (3, H, W), where its ink is, its characters
Written = tuple[Array, Array] | None  # handwritten digits (N, h, w), and which they are


def painted(recipes: Sequence[Recipe], size: int) -> tuple[Array, list[list[paint.Truth]]]:
    """The pictures, uint8 (N, 3, size, size), and each one's truths, as `paint.paint` gives them."""
    pictures, truths = zip(*(paint.paint(recipe, size) for recipe in recipes), strict=True)
    return np.stack(pictures), list(truths)


def looked(recipes: Sequence[Recipe], size: int) -> paint.Seen:
    """What there is in each scene, as `paint.things` gives it, stacked: (N, …) each."""
    return paint.Seen(*map(np.stack, zip(*(paint.things(recipe, size) for recipe in recipes), strict=True)))


def lettered(
    kind: str, size: tuple[int, int], seed: int, numbers: range, written: Written, blank: bool
) -> list[Drawn]:
    """These pictures of (height, width), one of `KINDS`; blank: the same ones, their characters left out."""
    drawn: list[Drawn] = []
    for number in numbers:
        rng = np.random.default_rng([seed, number, KINDS.index(kind)])
        sheet, shadows = _scene(rng, kind, size, written, blank)
        while not sheet.letters:  # in a small picture there may be room for none
            sheet, shadows = _scene(rng, kind, size, written, blank)
        true, own = truth(sheet), sheet.letters
        if blank:
            true, own = Truth(np.zeros_like(true.ids), true.clutter), []
        drawn.append((develop(sheet, rng, shadows), true, own))
    return drawn


def _scene(
    rng: np.random.Generator, kind: str, size: tuple[int, int], written: Written, blank: bool
) -> tuple[Sheet, Array | None]:
    height, width = size
    if written is not None:
        return handwriting(rng, width, height, *written), None
    return (page(rng, width, height), None) if kind == "page" else street(rng, width, height, blank)
