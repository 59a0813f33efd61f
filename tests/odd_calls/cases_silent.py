"""Odd calls that once were answered wrongly without a word, or refused though they were right."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader

import camlib
from camlib.pictures.digits import Digits
from camlib.widgets.clickboard import ClickBoard
from camlib.widgets.picture_explorer import UnitExplorer
from camlib.widgets.square import SquareExplorer
from tests.odd_calls.case import Case, right, told

show: Any = camlib.show
loader: Any = DataLoader
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


def squashed(length: float) -> float:
    """How far half precision is from single."""
    vector = torch.tensor([[length, 0.0]])
    return float((cl.capsules.squash(vector.half()).float() - cl.capsules.squash(vector)).abs().max())


def masked() -> Tensor:
    maps = torch.rand(1, *FIELD.shape)
    maps[0, :, 0] = -INF
    return maps


# Two pictures of two parts, all 2² sets left out in turn, three classes.
ANSWERS, FOUND = torch.rand(2, 4, 3), torch.ones(1, 2, 2, dtype=torch.bool)
SETS = [[("eyes",)], [("ears",)]]
BOXES = torch.tensor([[1.0, 1, 9, 9]]).expand(6, 4)


def checked(**change: Any) -> Any:
    given = {"found": FOUND, "logits": ANSWERS, "labels": torch.tensor([0, 2]), "sets": SETS}
    return cl.trust.checks(**(given | change))


DRAWN: dict[str, Any] = {
    "show.images": lambda x: show.images(x, title="t"),
    "show.overlays": lambda x: show.overlays(x, X[:, 0], title="t"),
    "ClickBoard": lambda x: ClickBoard(x, "where?"),
    "SquareExplorer": lambda x: SquareExplorer(NET, {"a": x[0]}),
}

OTHER = Path(ROOM.name) / "other.csv"
OTHER.write_text("one,two\n1,2\n", encoding="utf-8")
TABLES: dict[str, Any] = {
    "graded": cl.trust.graded,
    "watermarked": cl.trust.watermarked,
    "asked": partial(cl.capsules.asked, "are the eyes found?"),
    "graded_dreams": partial(cl.graded_dreams, "iou "),
}

CASES: list[Case] = [
    *(
        right(f"{name}: a file that cannot be read", partial(placed, *two), bool)
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
        "labels are class indices, 0 to 1 .*'cat'",
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
        lambda two: torch.allclose(two[0], two[1], atol=1e-5),
    ),
    right(
        "probe: codes far from 0",
        lambda: offset(lambda codes: cl.probe(codes, {"x": codes[:, 0]})["x"]),
        lambda two: abs(two[0] - two[1]) < 0.01,
    ),
    right(
        "smooth: a span beyond the track is a straight line",
        lambda: (cl.smooth(WALK, span=5000) - cl.smooth(WALK, span=150)).abs().max(),
        lambda gap: gap < 0.01,
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
            f"squash: half precision, a length of {length:g}",
            partial(squashed, length),
            lambda gap: gap < 1e-3,
        )
        for length in (0.0, 1e-4, 300.0)
    ),
    told(
        "cut_out: pictures from 0 to 255", lambda: cl.cut_out((X * 255).round(), BOXES), "divide them by 255"
    ),
    told(
        "cut_out: a picture of NaN", lambda: cl.cut_out(X * NAN, BOXES), "picture 0 holds values that are NaN"
    ),
    told("cut_out: normalised pictures", lambda: cl.cut_out(X * 4 - 2, BOXES), r"pictures are in \[0, 1\]"),
    told(
        "cut_out: corners in the other order",
        lambda: cl.cut_out(X, BOXES[:, [2, 3, 0, 1]]),
        "ends before it begins",
    ),
    told("cut_out: an infinite box", lambda: cl.cut_out(X, BOXES * INF), "box 0, .* is infinite"),
    right(
        "cut_out: no box",
        lambda: cl.cut_out(X, BOXES * NAN),
        lambda found: torch.allclose(found, X, atol=1e-5),
    ),
    *(
        told(
            f"features: {species}",
            partial(cl.scenes.features, species),
            "whole number, from 0 to 7",
        )
        for species in (8, 99, -1)
    ),
    told(
        "localization_error: classes as floats",
        lambda: cl.localization_error(BOXES[:, None], torch.zeros(6, 1), BOXES, torch.zeros(6).long()),
        "classes are float32; give whole numbers",
    ),
    told(
        "localization_error: labels as floats",
        lambda: cl.localization_error(BOXES[:, None], torch.zeros(6, 1).long(), BOXES, torch.zeros(6)),
        "labels are float32; give whole numbers",
    ),
    told(
        "pointing_game: labels of NaN",
        lambda: cl.pointing_game(X[:, 0], BOXES, 0, labels=torch.full((6,), NAN)),
        "labels are float32; give whole numbers",
    ),
    told(
        "dissect: thresholds of NaN",
        lambda: cl.dissect(NET, "conv1", SCENES, thresholds=torch.tensor([0, 0, NAN, 0, 0])),
        "the threshold of unit 2 is NaN",
    ),
    right("checks: all that fits", lambda: checked().deleted.shape, lambda shape: shape == (1, 2)),
    right(
        "checks: labels as bytes",
        lambda: checked(labels=bytes_of(1, 0)).undistracted,
        lambda found: torch.allclose(
            found, checked(labels=torch.tensor([1, 0])).undistracted, equal_nan=True
        ),
    ),
    told(
        "checks: label -1",
        lambda: checked(labels=torch.tensor([0, -1])),
        "a label is -1; there are 3 classes",
    ),
    told(
        "checks: labels of another number",
        lambda: checked(labels=torch.tensor([0])),
        r"give whole numbers \(2,\)",
    ),
    told(
        "checks: an unknown part",
        lambda: checked(sets=[[("wing",)], []]),
        "no part 'wing'; found is about eyes, ears",
    ),
    told("checks: sets for one picture", lambda: checked(sets=SETS[:1]), "1 lists of sets for 2 pictures"),
    told("checks: NaN logits", lambda: checked(logits=ANSWERS * NAN), "logits hold values that are NaN"),
    told("checks: found as numbers", lambda: checked(found=FOUND.float()), r"give bool \(T, N, P\)"),
    told(
        "checks: things alone",
        lambda: checked(things=torch.rand(2, 3)),
        "go together; one of them is missing",
    ),
    told(
        "checks: things that do not fit",
        lambda: checked(things=torch.rand(2, 3), found_things=FOUND),
        r"\(2, 3\) and \(1, 2, 2\); give \(2, K\) and \(1, 2, K\)",
    ),
    told("ranking: NaN", lambda: cl.trust.ranking(X[0, 0] * NAN), "without NaN"),
    told("ranking: several maps", lambda: cl.trust.ranking(X[:, 0]), r"give one map \(H, W\)"),
    *(
        told(
            f"upsample: size {size}",
            partial(cl.upsample, torch.rand(1, *FIELD.shape), FIELD, size=size),
            r"(size|height) is .*(whole number, at least 1|give the picture's side, or \(height, width\))",
        )
        for size in (X.shape, True, 0, (0, 3), 2.5, "12")
    ),
    right(
        "upsample: sizes of NumPy's",
        lambda: cl.upsample(torch.rand(1, *FIELD.shape), FIELD, size=(np.int64(5), 7)).shape,
        lambda shape: shape == (1, 5, 7),
    ),
    told(
        "UnitExplorer: patches of another layer",
        lambda: UnitExplorer(
            NET, {"a": X[0]}, {"conv1": cl.top_patches(NET, "gap", X, k=2)}, X, ("a", "conv1", 0)
        ),
        "holds patches of",
    ),
    told(
        "Digits: fewer labels than pictures",
        lambda: Digits((torch.rand(5, 1, 28, 28) * 255).to(torch.uint8), torch.zeros(3).long(), "mnist"),
        "3 labels for 5 pictures",
    ),
    *(
        told(f"{name}: {kind}", partial(call, pictures), line)
        for name, call in DRAWN.items()
        for kind, pictures, line in (
            ("pictures from 0 to 255", (X * 255).round(), "divide them by 255|pictures are in"),
            ("normalised pictures", X * 4 - 2, r"pictures are in \[0, 1\]"),
            ("pictures of NaN", X * NAN, "NaN"),
        )
    ),
    right(
        "show.images: what rounding left",
        lambda: show.images(X * 1.02 - 0.01, title="t").alt,
        lambda alt: alt == "t. 6 pictures.",
    ),
    told(
        "show.overlays: a heatmap of NaN",
        lambda: show.overlays(X, X[:, 0] * NAN, title="t"),
        "heatmap 0 holds",
    ),
    told("show.maps: a map of NaN", lambda: show.maps(X[:, 0] * NAN, title="t"), "map 0 holds"),
    told(
        "show.overlays: masks of another size",
        lambda: show.overlays(X, X[:, 0], masks=torch.ones(6, 5, 5) > 0, title="t"),
        r"mask 0 is \(5, 5\), its picture \(12, 12\)",
    ),
    told(
        "show.images: masks of another size",
        lambda: show.images(X, masks=torch.ones(6, 5, 5) > 0, title="t"),
        r"mask 0 is \(5, 5\)",
    ),
    told(
        "show.unit: logits",
        lambda: show.unit(X[0], X[0, 0], X, torch.tensor([-12.0, 3]), torch.rand(2), ["a", "b"], title="t"),
        r"answer holds -12 to 3; give probabilities: logits.softmax\(1\)",
    ),
    right(
        "ClickBoard: bytes",
        lambda: ClickBoard((X * 255).to(torch.uint8), "where?")._images[0],
        lambda image: torch.allclose(image, X[0], atol=0.01),
    ),
    *(
        told(
            f"{name}: a torch module and a target",
            partial(one, NET.module, X, 1),
            r"net = wrap\(your_network\)",
        )
        for name, one in {"edges": cl.trust.edges, "blob": cl.trust.blob, "noise": cl.trust.noise}.items()
    ),
    right("look: fewer classes than five", lambda: cl.look(NET, X[0]).classes, lambda names: len(names) == 2),
    told("look: a module that is no Net", lambda: cl.look(nn.Linear(2, 2), X[0]), "no Net yet"),
    *(
        told(
            f"{name}: labels {kind}",
            partial(verb, NET, [(x, label) for x in X]),
            f"labels are class indices.*{given}",
        )
        for name, verb in {"cam_sums": cl.cam_sums, "class_units": cl.class_units}.items()
        for kind, label, given in (
            ("by name", "cat", "'cat'"),
            ("as floats", 1.0, "float32"),
            ("99", 99, "99"),
        )
    ),
    told(
        "batches: a collate_fn that leaves pictures out",
        lambda: list(
            cl.batches(loader(list(X), collate_fn=lambda some: [one for one in some if one[0, 0, 0] > 2]))
        ),
        "collate_fn leaves picture 0 out",
    ),
    told(
        "batches: a collate_fn that leaves pairs out",
        lambda: list(
            cl.batches(
                loader(
                    [(x, 0) for x in X], collate_fn=lambda some: (torch.zeros(0, 3, 12, 12), torch.zeros(0))
                )
            )
        ),
        "collate_fn leaves picture 0 out",
    ),
    told("things: no scene", lambda: cl.scenes.things(SCENES[:0]), "no scene to look at"),
    told("questions: no scene", lambda: cl.scenes.questions(SCENES[:0]), "no scene to ask about"),
    *(
        told(f"{name}: {kind}", partial(table, file=file), line)
        for name, table in TABLES.items()
        for kind, file, line in (
            ("a file that is not there", Path(ROOM.name) / "none.csv", "is not there; give a table's file"),
            ("a path as text", ROOM.name + "/none.csv", "is not there; give a table's file"),
            ("a folder", Path(ROOM.name), "is a folder; give a table's file"),
            ("a picture", Path(ROOM.name) / "2.png", "is no table|has no column"),
            ("another table", OTHER, "other.csv has no column .*; it has one, two"),
        )
    ),
]
