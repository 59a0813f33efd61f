"""Odd calls that once were answered wrongly without a word, or refused though they were right."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

import camlib
from tests.odd_calls.case import Case, right, told

cl: Any = camlib  # so that what is wrong on purpose needs no excuse for mypy
NAN, INF = float("nan"), float("inf")
torch.manual_seed(0)
NET = cl.wrap(
    nn.Sequential(
        *(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Linear(5, 2),
    ),
    mean=[0.0] * 3,
    std=[1.0] * 3,
    size=12,
)
X = torch.rand(6, 3, 12, 12)
FIELD = cl.receptive_field(NET, "conv1", size=(12, 12))
SCENES = cl.critters(4, size=32)
WIDE = torch.rand(300, 4)
UNITS = cl.class_units(NET, [(x, i % 2) for i, x in enumerate(X)])
WALK = torch.stack([torch.arange(60.0), 50 + 9 * torch.sin(torch.arange(60.0) / 9)], 1)

ROOM = tempfile.TemporaryDirectory()
for n in range(4):
    Image.fromarray(np.random.default_rng(n).integers(0, 255, (12, 12, 3), np.uint8)).save(
        Path(ROOM.name) / f"{n}.png"
    )
(Path(ROOM.name) / "1.png").write_bytes(b"no picture")
FILES = cl.folder(ROOM.name, size=12, resize=12)
READ = [0, 2, 3]
GOOD = torch.stack([FILES[i][0] for i in READ])


def bytes_of(*numbers: int) -> Tensor:
    return torch.tensor(numbers, dtype=torch.uint8)


def placed(found: Tensor, wanted: Tensor) -> bool:
    """Whether the rows of the three files that can be read are at their places, and row 1 is NaN."""
    fits = torch.allclose(found[READ], wanted, equal_nan=True, atol=1e-3)
    return len(found) == 4 and fits and bool(found[1].isnan().all())


def of_files() -> dict[str, tuple[Tensor, Tensor]]:
    """For each verb what it says of the four files, and what of the three pictures that can be read."""
    points = torch.rand(4, 2) * 12
    tracker = cl.track(cl.feature_maps(NET, ["conv1"], GOOD), points[READ, None], steps=3)
    verbs = {
        "locate": lambda x, _: cl.locate(NET, ("conv1", 1), x).points,
        "find_units": lambda x, p: cl.find_units(NET, x, p).errors,
        "feature_maps": lambda x, _: cl.feature_maps(NET, ["conv1"], x).maps,
        "brightest": lambda x, _: cl.baselines(x)["brightest"],
        "a tracker": lambda x, _: tracker.locate(x).points,
        "a tracker on features": lambda x, _: tracker.locate(cl.feature_maps(NET, ["conv1"], x)).points,
        "a tracker's mean": lambda x, _: tracker.locate(x, mean=True).points,
    }
    found = {name: (verb(FILES, points), verb(GOOD, points[READ])) for name, verb in verbs.items()}
    moves = len(cl.equivariance(NET, GOOD).errors) // 3
    both = (cl.equivariance(NET, some).errors.unflatten(0, (-1, moves)) for some in (FILES, GOOD))
    found["equivariance"] = next(both), next(both)
    return found


OF_FILES = of_files()


class Own:
    """A data set of one's own that keeps bytes and gives something else."""

    def __init__(self) -> None:
        self.pixels = (X * 255).to(torch.uint8)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, n: int) -> tuple[Tensor, int]:
        return self.pixels[n].flip(2).float() / 255, 0


def offset(verb: Any) -> tuple[Any, Any]:
    """What a verb says of codes, and of the same codes far from 0."""
    near = torch.randn(60, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 1e-2
    return verb(near), verb(near + 1e6)


def masked() -> Tensor:
    maps = torch.rand(1, *FIELD.shape)
    maps[0, :, 0] = -INF
    return maps


CASES: list[Case] = [
    *(
        right(f"{name}: a file that cannot be read", lambda two=two: placed(*two), bool)
        for name, two in OF_FILES.items()
    ),
    right(
        "locate: a file's strength",
        lambda: cl.locate(NET, ("conv1", 1), FILES).strengths[1],
        lambda s: s == 0,
    ),
    right(
        "track: features with a file that cannot be read",
        lambda: (
            cl.track(cl.feature_maps(NET, ["conv1"], FILES), torch.rand(4, 1, 2), steps=3).locate(X).points
        ),
        lambda points: bool(points.isfinite().any()),
    ),
    right(
        "batches: a data set of one's own with pixels",
        lambda: next(cl.batches(Own())).images,
        lambda images: torch.allclose(images, X.flip(3), atol=0.01),
    ),
    told(
        "peaks: a map masked with -inf",
        lambda: cl.peaks(masked(), FIELD),
        "infinite value.*mask cells with 0",
    ),
    told("peaks: an infinite cell", lambda: cl.peaks(masked().abs(), FIELD), "infinite value"),
    told(
        "peaks: float64 beyond single precision",
        lambda: cl.peaks(torch.rand(1, *FIELD.shape).double() * 1e300, FIELD),
        "beyond single precision",
    ),
    right(
        "peaks: float64 maps that single precision holds alike",
        lambda: cl.peaks(1 + torch.eye(6, dtype=torch.float64).flip(0)[None] * 1e-12, FIELD).points[0, 0],
        lambda point: point.tolist() != cl.peaks(torch.ones(1, 6, 6), FIELD).points[0, 0].tolist(),
    ),
    right(
        "nearest: rows as bytes",
        lambda: cl.nearest(WIDE, bytes_of(50, 200))[1],
        lambda found: found.equal(cl.nearest(WIDE, torch.tensor([50, 200]))[1]),
    ),
    right(
        "scenes: numbers as bytes",
        lambda: SCENES[bytes_of(1, 0)].labels,
        lambda found: found.equal(SCENES.labels[[1, 0]]),
    ),
    right(
        "photographs and others of more than 255: numbers as bytes",
        lambda: cl.pictures.pixels.picked(300, bytes_of(7, 255)).tolist(),
        lambda found: found == [7, 255],
    ),
    right(
        "margin_loss: 300 classes, labels as bytes",
        lambda: cl.capsules.margin_loss(WIDE.T, bytes_of(9, 200, 50, 0)),
        lambda loss: loss == cl.capsules.margin_loss(WIDE.T, torch.tensor([9, 200, 50, 0])),
    ),
    right(
        "only: units as bytes",
        lambda: UNITS.only(bytes_of(1, 2)[:, None]),
        lambda found: found.shape == (6, 2),
    ),
    right(
        "without: units as bytes",
        lambda: UNITS.without(bytes_of(0, 1)),
        lambda logits: logits.equal(UNITS.without(torch.tensor([0, 1]))),
    ),
    told(
        "class_units: labels by name",
        lambda: cl.class_units(NET, [(x, "cat") for x in X]),
        "no class indices: the first one read is 'cat'",
    ),
    right(
        "nearest: codes far from 0",
        lambda: offset(lambda codes: cl.nearest(codes, torch.arange(60))[1]),
        lambda two: two[0].equal(two[1]),
    ),
    right(
        "nearest: queries far from 0",
        lambda: offset(lambda codes: cl.nearest(codes[:40], codes[40:])[1]),
        lambda two: two[0].equal(two[1]),
    ),
    right(
        "neighbours_kept: codes far from 0",
        lambda: offset(lambda codes: cl.neighbours_kept(codes, codes[:, :2], k=5)),
        lambda two: two[0] == two[1],
    ),
    right(
        "embed: codes far from 0",
        lambda: offset(lambda codes: cl.embed(codes, method="pca")),
        lambda two: torch.allclose(*two, atol=1e-5),
    ),
    right(
        "probe: codes far from 0",
        lambda: offset(lambda codes: cl.probe(codes, {"x": codes[:, 0]})["x"]),
        lambda two: abs(two[0] - two[1]) < 0.01,
    ),
    right(
        "smooth: a span beyond the track is a straight line",
        lambda: cl.smooth(WALK, span=3000).diff(dim=0).diff(dim=0).abs().max(),
        lambda bend: bend < 1e-4,
    ),
    right(
        "smooth: and so is nearly one of twice its length",
        lambda: (cl.smooth(WALK, span=117.9) - cl.smooth(WALK, span=118)).abs().max(),
        lambda gap: gap < 0.01,
    ),
    told(
        "smooth: a span that cannot be solved for",
        lambda: cl.smooth(torch.rand(2000, 2), span=3000),
        "span is 3000; give at most 1000 frames, or for a straight line 3998",
    ),
    *(
        right(
            f"squash: half precision, lengths of {length:g}",
            lambda length=length: cl.capsules.squash(torch.tensor([[length, 0.0]]).half()).float(),
            lambda found, length=length: torch.allclose(
                found, cl.capsules.squash(torch.tensor([[length, 0.0]])), atol=1e-3
            ),
        )
        for length in (0.0, 1e-4, 300.0)
    ),
]
