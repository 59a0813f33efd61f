"""Odd calls in the room of dreams."""

from typing import Any

import torch
from torch import nn

import camlib
from tests.odd_calls.case import Case, right, told

cl: Any = camlib
torch.manual_seed(0)
MODULE = nn.Sequential(
    *(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    nn.Linear(5, 2),
)
NET = cl.wrap(MODULE, mean=[0.0] * 3, std=[1.0] * 3, size=12)
X, ROWS = torch.rand(2, 3, 12, 12), torch.rand(40, 5)
LIKE = cl.spectrum(X)
SMALL = cl.spectrum(X[:, :, :8, :8])
GREY = torch.full((2, 3, 8, 8), 0.5)
FIVE = torch.rand(2, 2, 3, 12, 12)

CASES: list[Case] = [
    told("dream: a module", lambda: cl.dream(MODULE, "conv1", 0), "no Net yet"),
    told("dream: no such layer", lambda: cl.dream(NET, "conv9", 0), "conv9"),
    told("dream: no such unit", lambda: cl.dream(NET, "conv1", 5), "0 to 4"),
    told("dream: a half unit", lambda: cl.dream(NET, "conv1", 1.5), "unit 1.5"),
    told("dream: no units", lambda: cl.dream(NET, "conv1", []), "no units; 'conv1' has 0 to 4"),
    told("dream: nothing to raise", lambda: cl.dream(NET, "conv1"), "start=images"),
    told(
        "dream: a direction that is too short", lambda: cl.dream(NET, "conv1", torch.rand(1, 4)), r"\(N, 5\)"
    ),
    told(
        "dream: a direction of NaN",
        lambda: cl.dream(NET, "conv1", torch.full((1, 5), torch.nan)),
        "not finite",
    ),
    told("dream: a basis", lambda: cl.dream(NET, "conv1", 0, basis="wavelets"), "no basis 'wavelets'"),
    told("dream: phases of nothing", lambda: cl.dream(NET, "conv1", 0, basis="phase"), "like=spectrum"),
    told("dream: like pictures", lambda: cl.dream(NET, "conv1", 0, like=X), r"like is what spectrum\(data\)"),
    told(
        "dream: phases of another size",
        lambda: cl.dream(NET, "conv1", 0, basis="phase", like=SMALL),
        r"\(8, 8\) for pictures of \(12, 12\)",
    ),
    told("dream: a middle cell of logits", lambda: cl.dream(NET, "fc2", 0, cell=True), "no middle cell|fc2"),
    told("dream: no steps", lambda: cl.dream(NET, "conv1", 0, steps=0), "steps is 0"),
    told("dream: shaken backwards", lambda: cl.dream(NET, "conv1", 0, shake=-1), "shake is -1"),
    told("dream: no rate", lambda: cl.dream(NET, "conv1", 0, rate=0), "above 0"),
    told("dream: a seed by name", lambda: cl.dream(NET, "conv1", 0, seed="a"), "seed is 'a'"),
    told(
        "dream: three starts for two",
        lambda: cl.dream(NET, "conv1", [0, 1], start=FIVE[0].repeat(2, 1, 1, 1)),
        "4 pictures",
    ),
    told("dream: a start beyond white", lambda: cl.dream(NET, "conv1", 0, start=X * 3), r"\[0, 1\]"),
    right(
        "dream: one start for two",
        lambda: cl.dream(NET, "conv1", [0, 1], start=X[:1], steps=1).values,
        lambda v: len(v) == 2,
    ),
    right(
        "dream: a rectangle",
        lambda: cl.dream(NET, "conv1", 0, start=X[:1, :, :9], steps=1).pictures.shape,
        lambda s: s == (1, 3, 9, 12),
    ),
    told("invert: no layer", lambda: cl.invert(NET, "conv2", X), "conv2"),
    told("invert: one picture", lambda: cl.invert(NET, "conv1", X[0]), "batch of one"),
    told("invert: no rate", lambda: cl.invert(NET, "conv1", X, rate=-1), "rate is -1"),
    told("spectrum: nothing", lambda: cl.spectrum(X[:0]), "empty"),
    told("spectrum: all grey", lambda: cl.spectrum(GREY), "the same everywhere"),
    told(
        "spectrum: grey in three channels",
        lambda: cl.spectrum(X[:, :1].repeat(1, 3, 1, 1)),
        "copies of one another",
    ),
    told("directions: a kind", lambda: cl.directions("ica", ROWS), "no kind 'ica'"),
    told("directions: a map", lambda: cl.directions("pca", ROWS[None]), r"\(N, U\)"),
    told("directions: too many", lambda: cl.directions("pca", ROWS, count=6), "at most 5"),
    told("directions: too few cells", lambda: cl.directions("kmeans", ROWS[:3]), "3 cells for 5"),
    told("directions: nmf of signed cells", lambda: cl.directions("nmf", ROWS - 1), "non-negative"),
    told(
        "directions: more active than there are", lambda: cl.directions("sae", ROWS, active=9), "active is 9"
    ),
    told("directions: of other cells", lambda: cl.directions("units", ROWS)(ROWS[:, :4]), r"take \(N, 5\)"),
    told("cells: more than a map has", lambda: cl.cells(NET, "conv1", X, per_picture=37), "36 cells"),
    told("cells: of logits", lambda: cl.cells(NET, "fc2", X), "no map"),
    told("matched: other cells", lambda: cl.matched(ROWS, ROWS[:9]), "same cells"),
    told("matched: one row", lambda: cl.matched(ROWS[0], ROWS), "one is a tensor"),
    told("disguised: the first layer", lambda: cl.disguised(NET, "conv1", X, X[0]), "follows other ReLUs"),
    told("disguised: a batch of wishes", lambda: cl.disguised(NET, "conv1", X, X), r"\(3, 12, 12\)"),
    told("paths: no units", lambda: cl.path_similarity(NET, "conv1", X, FIVE), "dreams: give pictures"),
    told("paths: one natural", lambda: cl.path_similarity(NET, "conv1", FIVE, FIVE[:, :1]), "natural: give"),
    told("paths: one unit", lambda: cl.path_similarity(NET, "conv1", FIVE[:1], FIVE[:1]), "2 or more"),
    told(
        "dissect: through nothing",
        lambda: cl.dissect(NET, "conv1", cl.critters(2, size=32), through=3),
        "through is 3",
    ),
    told(
        "dissect: through rows",
        lambda: cl.dissect(NET, "conv1", cl.critters(2, size=32), through=lambda maps: maps.flatten(1)),
        "it gives",
    ),
    told(
        "dissect: rotated and through",
        lambda: cl.dissect(
            NET, "conv1", cl.critters(2, size=32), through=lambda maps: maps, rotation=torch.eye(5)
        ),
        "both rotation and through",
    ),
]
