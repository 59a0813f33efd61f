"""What is true of the photographs that come with the course's packages, read off by hand: photo_truth.toml.

It is in pixels of the original; here it is laid on the square that is cut out of it.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .imagenet_names import imagenet_classes

__all__ = ["POINTS", "Laid", "PhotoTruth", "checked", "lay", "spans", "truths"]

POINTS = (
    *("left_eye", "right_eye", "left_ear", "right_ear", "nose", "mouth"),
    *("left_wheel", "right_wheel", "tip"),
)
_FILE = Path(__file__).with_suffix(".toml")
_ENTRIES = {"size", "shows", "accepted", "outlines", "ellipses", "head", "points"}
_ROUND = np.linspace(0, 2 * np.pi, 72, endpoint=False)

Polygon = NDArray[np.float64]  # (P, 2): x, y


@dataclass(frozen=True)
class PhotoTruth:
    """Of one photograph, in its own pixels, counted from its upper left corner; pixel 0 reaches from 0 to 1.

    size: (width, height).  shows: in words.  accepted: ImageNet's names for it, none or some.
    things: each is a list of polygons.  head: (x0, y0, x1, y1), or None.  points: by names out of `POINTS`.
    """

    size: tuple[int, int]
    shows: str
    accepted: tuple[str, ...]
    things: list[list[Polygon]]
    head: tuple[float, float, float, float] | None
    points: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Laid:
    """The same on a square, in its pixels.

    ids: int16 (size, size), k + 1 where thing k is.  head: float32 (4,), cut off at the square's edge; NaN
    where there is none.  points: float32 (K, 2), in the order of `POINTS`; NaN where it is not in the square.
    """

    ids: Tensor
    head: Tensor
    points: Tensor


@cache
def truths() -> dict[str, PhotoTruth]:
    """Name → what is true of it, of every photograph."""
    return {
        name: checked(name, one) for name, one in tomllib.loads(_FILE.read_text(encoding="utf-8")).items()
    }


def checked(name: str, given: dict[str, Any]) -> PhotoTruth:
    """One entry of the file. Raises ValueError, naming it, for what is missing, unknown or out of place."""
    if wrong := given.keys() ^ (_ENTRIES & (given.keys() | {"size", "shows", "accepted"})):
        raise ValueError(f"{name}: {', '.join(sorted(wrong))}: missing, or no entry of a photograph")
    if unknown := [one for one in given["accepted"] if one not in imagenet_classes()]:
        raise ValueError(f"{name}: ImageNet has no class {unknown[0]!r}")
    if unknown := [one for one in given.get("points", {}) if one not in POINTS]:
        raise ValueError(f"{name}: no point {unknown[0]!r}; there are {', '.join(POINTS)}")
    if odd := [one for thing in given.get("outlines", []) for one in thing if len(one) % 2]:
        raise ValueError(f"{name}: a polygon is x, y, x, y, …; this has {len(odd[0])} numbers: {odd[0]}")
    width, height = given["size"]
    outlined = [
        [np.reshape(one, (-1, 2)).astype(float) for one in thing] for thing in given.get("outlines", [])
    ]
    things = outlined + [[_ellipse(*box)] for box in given.get("ellipses", [])]
    if not things or not all(thing and all(len(one) > 2 for one in thing) for thing in things):
        raise ValueError(f"{name}: nothing is outlined, or a polygon has fewer than three corners")
    head = given.get("head")
    heads = [np.reshape(head, (2, 2))] if head else []
    if heads and not (heads[0][0] < heads[0][1]).all():
        raise ValueError(f"{name}: the head {head} ends before it begins; give x0, y0, x1, y1")
    dots = [np.reshape(one, (1, 2)) for one in given.get("points", {}).values()]
    every = np.concatenate([one for thing in things for one in thing] + heads + dots)
    if (every < 0).any() or (every > (width, height)).any():
        bad = every[((every < 0) | (every > (width, height))).any(1)][0]
        raise ValueError(f"{name}: ({bad[0]:g}, {bad[1]:g}) lies outside its {width} × {height} pixels")
    points = {one: (float(x), float(y)) for one, (x, y) in given.get("points", {}).items()}
    return PhotoTruth(
        (width, height),
        given["shows"],
        tuple(given["accepted"]),
        things,
        tuple(head) if head else None,
        points,
    )


def lay(true: PhotoTruth, side: int, size: int) -> Laid:
    """On the square that `files.square(image, side, size)` cuts out of the photograph."""
    from skimage.draw import polygon as drawn

    ids = np.zeros((size, size), np.int16)
    for k, thing in enumerate(true.things):
        for polygon in thing:
            corners = _moved(polygon, true.size, side, size) - 0.5  # the middle of pixel 0 is 0 to skimage
            down, across = corners[:, 1], corners[:, 0]
            inside = drawn(down, across, ids.shape)  # type: ignore[no-untyped-call]
            ids[inside] = k + 1
    head = torch.full((4,), torch.nan)
    if true.head:
        corners = _moved(np.reshape(true.head, (2, 2)), true.size, side, size).clip(0, size)
        if (corners[0] < corners[1]).all():
            head = torch.from_numpy(corners.reshape(4)).float()
    points = torch.full((len(POINTS), 2), torch.nan)
    for name, point in true.points.items():
        x, y = _moved(np.array([point]), true.size, side, size)[0].tolist()
        if 0 <= x <= size and 0 <= y <= size:
            points[POINTS.index(name)] = torch.tensor([x - 0.5, y - 0.5])
    return Laid(torch.from_numpy(ids), head, points)


def spans(masks: Tensor) -> Tensor:
    """The box round each mask's pixels: bool (…, H, W) → float32 (…, 4); NaN where it is empty."""
    found = masks.new_full((*masks.shape[:-2], 4), torch.nan, dtype=torch.float32)
    for first, across in ((0, masks.any(-2)), (1, masks.any(-1))):
        along = torch.arange(across.shape[-1])
        found[..., first] = along.where(across, across.shape[-1]).amin(-1).float()
        found[..., first + 2] = along.where(across, -1).amax(-1).float() + 1
    return found.masked_fill(~masks.flatten(-2).any(-1)[..., None], torch.nan)


def _ellipse(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    middle, radii = np.array([x0 + x1, y0 + y1]) / 2, np.array([x1 - x0, y1 - y0]) / 2
    corners: Polygon = middle + radii * np.stack([np.cos(_ROUND), np.sin(_ROUND)], 1)
    return corners


def _moved(points: Polygon, given: tuple[int, int], side: int, size: int) -> Polygon:
    """Where points (P, 2) of a picture (width, height) lie in the square: as torchvision resizes and cuts."""
    short = min(given)
    resized = [side if whole == short else int(side * whole / short) for whole in given]
    cut = [round((whole - size) / 2) for whole in resized]
    moved: Polygon = points * np.array(resized) / np.array(given) - np.array(cut)
    return moved
