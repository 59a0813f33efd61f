"""The lessons' widgets as their cells leave them, and what a page without a kernel is told of each.

What the notebooks do not carry is computed here, from the lessons' own seeds; tests compare with their cells.
Bytes stay bytes, which `tools.alive` packs.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from camlib import (
    Net,
    Player,
    PointMap,
    SquareExplorer,
    TopPatches,
    UnitExplorer,
    codes,
    critters,
    embed,
    feature_maps,
    grid,
    load,
    locate,
    photos,
    scenes,
    smooth,
    top_patches,
    track,
    walk,
)
from camlib.scores import part_truth
from camlib.widgets.base import Canvas, image_of
from tools import live

THUMB, QUALITY = 80, 75  # a thumbnail's side on the page's map, and of sheets: WebPs
ACROSS = 16  # scenes in a row of the explorer's sheet
CONVS = ("conv1", "conv2", "conv3", "conv4", "conv5")


def units(count: int = 200) -> UnitExplorer:
    """Lesson 02's explorer; count: scenes that the best patches are found in."""
    net, crowd = load("critternet"), critters(count, seed=2026)
    best = {layer: top_patches(net, layer, crowd, k=6, one_per_image=True) for layer in CONVS}
    choice = {f"scene {i}: {net.classes[crowd.labels[i]]}": crowd.images[i] for i in range(6)}
    samples = photos(size=128)
    choice |= {f"photograph: {name}": samples[i][0] for i, name in enumerate(samples.names[:5])}
    return UnitExplorer(net, choice, best, crowd, start=(next(iter(choice)), "conv5", 12))


def told_units(it: UnitExplorer) -> dict[str, Any]:
    """Its pictures, and the scenes from which the page cuts each unit's best patches."""
    glow, dim = live.glow()
    shown = sorted({n for best in it.best.values() for n in best.images.flatten().tolist()})
    at = {number: place for place, number in enumerate(shown)}
    return {
        "pictures": lossless(it.pictures),
        "start": [control.value for control in it.controls.values()],
        "best": {
            layer: {"side": best.field.size, "units": corners(best, at)} for layer, best in it.best.items()
        },
        "sheet": live.sheet(it.dataset.pixels[shown], ACROSS, QUALITY),
        "across": ACROSS,
        "glow": glow,
        "dim": dim,
    }


def corners(best: TopPatches, at: Mapping[int, int]) -> list[list[list[int]]]:
    """Of each unit's patches, the picture's place on the sheet, and x and y of the patch's corner in it."""
    found: list[list[list[int]]] = []
    for numbers, cells in zip(best.images.tolist(), best.cells.tolist(), strict=True):
        found.append([])
        for number, cell in zip(numbers, cells, strict=True):
            (x, y, _, _), (left, top, _, _) = best.field.box(*cell), best.field.clipped(*cell)
            found[-1].append([at[number], x - left, y - top])
    return found


def pointmap(rows: int = 25) -> PointMap:
    """Lesson 05's map; rows: of forty scenes each."""
    net, crowd = load("critternet"), critters(40 * rows, seed=4)
    fc7 = codes(net, "fc7", crowd)
    island = embed(fc7)
    laid = grid(island, (rows, 40), how="optimal")
    ground = [image[:, ~mask].mean(1) for image, mask in zip(crowd.images, crowd.masks, strict=True)]
    facts: dict[str, Any] = {
        "class": [crowd.classes[label] for label in crowd.labels],
        "eyes": ["shut" if one.asleep else "open" for one in crowd.recipes],
        "ears": [scenes.features(one.species)["ears"] for one in crowd.recipes],
        "light": crowd.images.mean((1, 2, 3)),
        "size": crowd.masks.float().mean((1, 2)),
        "species": [scenes.SPECIES[one.species] for one in crowd.recipes],
        "background": [("red", "green", "blue")[int(colour.argmax())] for colour in ground],
        "covered by": torch.tensor([one.occluders for one in crowd.recipes]),
    }
    return PointMap(island, crowd, facts, title="A thousand scenes by their fc7 codes", cells=laid, codes=fc7)


def told_pointmap(it: PointMap) -> dict[str, Any]:
    """Its state, the thumbnails smaller: a phone loads them, too."""
    with Image.open(io.BytesIO(it._sheet)) as sheet:
        size = sheet.width // it._side * THUMB, sheet.height // it._side * THUMB
        small = sheet.resize(size, Image.Resampling.BOX)  # whose window never reaches into a neighbour
    return synced(it) | {"_sheet": webp(small, quality=QUALITY), "_side": THUMB}


def choice(net: Net) -> dict[str, Tensor]:
    """The pictures that lesson 06's widget offers, by name, each (3, 128, 128)."""
    crowd = critters(60, seed=606)
    return {f"scene {n}: {net.classes[crowd.labels[n]]}": crowd.images[n] for n in range(16)}


def square() -> SquareExplorer:
    """Lesson 06's square."""
    net = load("critternet_gap")
    made = SquareExplorer(net, choice(net), side=32)
    made.x, made.y = 34, 48
    return made


def told_square(it: SquareExplorer) -> dict[str, Any]:
    """Its pictures, and where the square is."""
    return {"pictures": lossless(it._images), **{name: getattr(it, name) for name in ("x", "y", "side")}}


def player(count: int = 500) -> Player:
    """Lesson 10's clip; count: scenes that the student learns from."""
    net, plenty, clip = load("critternet_gmp"), critters(count, seed=1010), walk(seed=2)
    answers = locate(net, ("conv4", 48), plenty).points
    path = track(feature_maps(net, ["conv3"], plenty), answers, steps=80, seed=0).locate(clip)
    steady = smooth(path.points[:, 0], strengths=path.strengths[:, 0].clamp_min(0))
    tracks = {"student": path.points[:, 0], "smoothed": steady}
    truth = part_truth(clip, "eye").points
    return Player(clip.images, tracks, truth, title="The student's point and its smoothed track")


def synced(it: Canvas) -> dict[str, Any]:
    """All that its front end asks a kernel for."""
    anywidgets = {"_esm", "_css", "_anywidget_id", *Canvas.class_traits()}
    return {name: getattr(it, name) for name in sorted(set(it.class_traits(sync=True)) - anywidgets)}


def lossless(pictures: Mapping[str, Tensor]) -> dict[str, bytes]:
    """Pictures as files without loss: a network in the page sees the same numbers."""
    return {name: webp(image_of(image), lossless=True, method=6) for name, image in pictures.items()}


def webp(image: Image.Image, **options: Any) -> bytes:
    """As a file."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", **options)
    return buffer.getvalue()
