"""Odd calls in the rooms of data: pictures, scenes, embeddings, scores, units, parts."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import camlib
from camlib.pictures.digits import Digits
from tests.odd_calls.case import Case, right, told

cl: Any = camlib  # so that what is wrong on purpose needs no excuse for mypy
scores: Any = camlib.scores

ROOM = tempfile.TemporaryDirectory()
HERE = Path(ROOM.name)
torch.manual_seed(0)
MODULE = nn.Sequential(
    *(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    nn.Linear(5, 2),
)
NET = cl.wrap(MODULE, mean=[0.0] * 3, std=[1.0] * 3, size=12)
X = torch.rand(6, 3, 12, 12)
SCENES = cl.critters(4, size=32)
PHOTOS = cl.photos(size=32)
TEXTS = cl.texts(2, kind="page", size=(120, 120))
CODES, XY = torch.rand(12, 3), torch.rand(12, 2)
HEAT, MASKS = torch.rand(2, 8, 8), torch.rand(2, 8, 8) > 0.5
BOX = torch.tensor([[0.0, 0, 3, 3], [1, 1, 5, 5]])
EYES = SCENES.keypoints[:, :2]
FIELD = cl.receptive_field(NET, "conv1", size=(12, 12))
FEATURES = cl.feature_maps(NET, ["conv1"], X)
TABLE = cl.equivariance(NET, X)
TOP = cl.top_patches(NET, "conv1", X, k=2)
NAN, INF = float("nan"), float("inf")


class Listed:
    """A data set of one's own."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


class Endless(IterableDataset[Tensor]):
    """Pictures without numbers."""

    def __iter__(self) -> Any:
        return iter(X)


def loader(*arguments: Any, **options: Any) -> Any:
    return DataLoader(*arguments, **options)


def streamed(dataset: Any, **options: Any) -> list[Any]:
    return list(cl.batches(dataset, **options))


def damaged(name: str, how: Callable[[bytes], bytes]) -> Any:
    path = HERE / name
    cl.codes(NET, "fc2", X, file=path)
    path.write_bytes(how(path.read_bytes()))
    return cl.codes(NET, "fc2", X, file=path)


def unequal(**options: Any) -> Any:
    sizes = [12, 12, 12, 12, 16, 16]
    return cl.codes(NET, "conv1", Listed(*(torch.rand(3, s, s) for s in sizes)), batch_size=2, **options)


def unequal_file() -> Any:
    try:
        unequal(file=HERE / "unequal.npy")
    finally:
        assert not (HERE / "unequal.npy").exists(), "a wrong table got its final name"


def edited_in_memory() -> Any:
    cl.codes(NET, "fc2", torch.stack([*X] * 7), file=HERE / "edited.npy")
    other = torch.stack([*X] * 7)
    other[18, 0, 0, 0] = 1 - other[18, 0, 0, 0]
    return cl.codes(NET, "fc2", other, file=HERE / "edited.npy")


def edited_on_disk() -> Any:
    inside = HERE / "pictures"
    inside.mkdir()
    for n in range(40):
        Image.new("RGB", (12, 12), (5 * n, 60, 90)).save(inside / f"{n:02}.png")
    cl.codes(NET, "fc2", cl.folder(inside, size=12), file=HERE / "folder.npy")
    Image.new("RGB", (13, 12), (255, 0, 0)).save(inside / "17.png")
    again = cl.codes(NET, "fc2", cl.folder(inside, size=12), file=HERE / "folder.npy")
    return again, cl.codes(NET, "fc2", cl.folder(inside, size=12))


def tiff(values: Any, kind: Any) -> Any:
    path = HERE / "grey.tif"
    Image.fromarray(np.array(values, kind).reshape(2, 2)).save(path)
    return cl.load_picture(path, size=2, resize=2)[0].flatten()


def same_neighbours(metric: str, found: tuple[Tensor, Tensor]) -> bool:
    return found[1].equal(cl.nearest(CODES, torch.arange(12), metric=metric)[1])


def near(wanted: Any, within: float = 1e-3) -> Callable[[Any], bool]:
    return lambda found: bool((torch.as_tensor(found) - torch.as_tensor(wanted)).abs().max() < within)


CASES: list[Case] = [
    # ------------------------------------------------------------------------------------- files of codes
    told("codes: pictures of unequal size", unequal, "picture 4, .* 320 numbers, and the first one of 180"),
    told("codes: pictures of unequal size, in a file", unequal_file, "pictures of unequal size; resize"),
    told("codes: file is a folder", lambda: cl.codes(NET, "fc2", X, file=HERE), "is a folder; give the file"),
    told("codes: a file cut short", lambda: damaged("a.npy", lambda b: b[:-5]), "was cut short"),
    told("codes: a file cut to its head", lambda: damaged("b.npy", lambda b: b[:128]), "was cut short"),
    told(
        "codes: a file with an end too much", lambda: damaged("c.npy", lambda b: b + b"x"), "was added to it"
    ),
    told("codes: an empty file", lambda: damaged("d.npy", lambda _: b""), "is no table of numbers"),
    told("codes: file ''", lambda: cl.codes(NET, "fc2", X, file=""), "file is ''; give a path"),
    told("codes: file 3", lambda: cl.codes(NET, "fc2", X, file=3), "file is 3; give a path"),
    told("codes: edited in memory", edited_in_memory, r"another picture 18 \(1 differ\); delete it"),
    right("codes: edited on disk", edited_on_disk, lambda two: torch.allclose(two[0], two[1], atol=1e-5)),
    # ------------------------------------------------------------------------------------- magnitudes
    told("embed: one column, PCA", lambda: cl.embed(torch.rand(9, 1), method="pca"), "lie on a line"),
    told("embed: one column, t-SNE", lambda: cl.embed(torch.rand(9, 1), perplexity=3), "lie on a line"),
    *(
        right(
            f"nearest: codes of {size:g}, {metric}",
            partial(cl.nearest, CODES * size, torch.arange(12), metric=metric),
            partial(same_neighbours, metric),
        )
        for size in (1e30, 1e-30)
        for metric in ("l2", "cosine")
    ),
    right(
        "nearest: distances of 1e30",
        lambda: cl.nearest(torch.eye(3) * 1e30, torch.arange(3), k=1)[0] / 1e30,
        near(2**0.5),
    ),
    told(
        "nearest: beyond single precision",
        lambda: cl.nearest(CODES.double() * 1e60, torch.arange(3)),
        "distances beyond single precision",
    ),
    *(
        right(
            f"embed: codes of {size:g}, t-SNE",
            partial(cl.embed, CODES * size, perplexity=3),
            lambda xy: bool(0.1 < xy.std() < 1e4),
        )
        for size in (1e30, 1e-30)
    ),
    right(
        "embed: codes of 1e30, PCA",
        lambda: cl.embed(CODES * 1e30, method="pca") / 1e30 - cl.embed(CODES, method="pca"),
        near(0),
    ),
    *(
        right(
            f"probe: codes of {size:g}",
            partial(cl.probe, CODES * size, {"x": CODES[:, 0]}),
            lambda shares: shares["x"] > 0.99,
        )
        for size in (1e30, 1e-30)
    ),
    right(
        "centred_cosine: 1e30",
        lambda: cl.centred_cosine(CODES * 1e30, CODES * 1e30),
        near(1),
    ),
    told(
        "centred_cosine: NaN", lambda: cl.centred_cosine(CODES / 0, CODES), "row 0 of `before` is not finite"
    ),
    right(
        "grid: points of 1e38",
        lambda: cl.grid((XY - 0.5) * 3e38, (3, 4)).sort().values,
        lambda c: c.max() == 11,
    ),
    right(
        "iou: halves whose area is above 65504",
        lambda: cl.iou(*[torch.tensor([0, 0, 300, 300.0]).half()] * 2),
        near(1),
    ),
    told("iou: an infinite box", lambda: cl.iou(BOX, BOX / 0), "is infinite; NaN stands for none"),
    told("iou: shapes", lambda: cl.iou(torch.zeros(3, 4), torch.zeros(2, 4)), "do not go together"),
    told(
        "pointing_game: a box the wrong way",
        lambda: cl.pointing_game(HEAT, BOX.flip(1), 0),
        "ends before it begins",
    ),
    # ------------------------------------------------------------------------------------- pictures
    right("a 32-bit file of bytes", lambda: tiff([0, 51, 102, 255], np.int32), near([0, 0.2, 0.4, 1])),
    right(
        "a 32-bit file of 16 bits", lambda: tiff([0, 13107, 26214, 65535], np.int32), near([0, 0.2, 0.4, 1])
    ),
    right(
        "floats a little above 1",
        lambda: tiff([0, 0.2, 0.4, 1.004], np.float32),
        near([0, 0.2, 0.4, 1], 5e-3),
    ),
    right("floats to 65535", lambda: tiff([0, 13107, 26214, 65535], np.float32), near([0, 0.2, 0.4, 1])),
    told("a 32-bit file of 32 bits", lambda: tiff([0, 1, 2, 10**9], np.int32), "values from 0 to 1e"),
    told("a 32-bit file below 0", lambda: tiff([0, 1, 2, -9], np.int32), "values from -9"),
    *(
        told(f"{name}({path!r})", partial(verb, path), "give a path")
        for name, verb in {"folder": cl.folder, "load_picture": cl.load_picture}.items()
        for path in ("", None, 3, b"x")
    ),
    # ------------------------------------------------------------------------------------- data sets
    told("batches: an array", lambda: streamed(X.numpy()), "torch.from_numpy"),
    told("batches: a list of arrays", lambda: streamed([X[0].numpy()]), "gives ndarray .* torch.from_numpy"),
    told("batches: a path", lambda: streamed("pictures"), "is no data set; the pictures in a folder are"),
    told("batches: a list of paths", lambda: streamed(["a.png"]), "gives str .* load_picture reads"),
    told("batches: a dict", lambda: streamed({"a": X}), "cannot stream a dict"),
    told("batches: bytes", lambda: streamed(b"12"), "cannot stream a bytes"),
    told("batches: a class", lambda: streamed(Digits), "cannot stream Digits"),
    told(
        "batches: NaN in a tensor", lambda: streamed(torch.full((2, 3, 4, 4), NAN)), "picture 0 holds .* NaN"
    ),
    told("batches: NaN in a list", lambda: streamed([X[0], X[0] * NAN]), "picture 1 holds .* NaN"),
    told("batches: 64-bit bytes", lambda: streamed((X * 255).long()), r"int64; .* \.to\(torch.uint8\)"),
    told("batches: 0…255 as floats", lambda: streamed((X * 255).round()), "divide them by 255"),
    told("batches: normalised", lambda: streamed(X * 4 - 2), "a Net normalises by itself"),
    told("batches: no pixels", lambda: streamed(torch.zeros(2, 3, 0, 4)), "no pixels"),
    told("batches: grey beside colour", lambda: streamed([X[0], X[0, :1]]), "of 1 and of 3 channels"),
    told(
        "batches: unequal, by workers",
        lambda: streamed([X[0], X[0, :, 1:]], workers=1),
        "^pictures of unequal",
    ),
    right(
        "batches: a DataLoader",
        lambda: streamed(DataLoader(TensorDataset(X, torch.arange(6)), 5), batch_size=4),
        lambda found: [b.labels.tolist() for b in found] == [[0, 1, 2, 3], [4, 5]],
    ),
    right(
        "batches: a DataLoader of images alone",
        lambda: streamed(loader(X, 4))[0],
        lambda batch: batch.images.equal(X) and batch.labels is None,
    ),
    right(
        "batches: a DataLoader that collates",
        lambda: streamed(loader(X, 4, collate_fn=lambda xs: (1 - torch.stack(xs), [3] * len(xs))))[0],
        lambda batch: batch.images.equal(1 - X) and batch.labels.tolist() == [3] * 6,
    ),
    right(
        "codes: a DataLoader",
        lambda: cl.codes(NET, "fc2", DataLoader(TensorDataset(X), 4)) - cl.codes(NET, "fc2", X),
        near(0),
    ),
    right(
        "top_patches: a DataLoader",
        lambda: cl.top_patches(NET, "conv1", DataLoader(TensorDataset(X), 4), k=2),
        lambda top: top.images.equal(TOP.images) and top.total == 6,
    ),
    told(
        "batches: a DataLoader beyond [0, 1]",
        lambda: streamed(DataLoader(TensorDataset(X * 3))),
        r"pictures are in \[0, 1\]",
    ),
    told(
        "batches: a DataLoader that shuffles",
        lambda: streamed(DataLoader(TensorDataset(X), shuffle=True)),
        "shuffles",
    ),
    told(
        "batches: a DataLoader that drops",
        lambda: streamed(DataLoader(TensorDataset(X), 4, drop_last=True)),
        "leaves the last",
    ),
    told(
        "batches: a DataLoader without batches",
        lambda: streamed(DataLoader(TensorDataset(X), None)),
        "batch_size=None",
    ),
    told("batches: an endless DataLoader", lambda: streamed(DataLoader(Endless())), "no picture i"),
    *(
        right(
            f"{verb.__name__}: labels {labels!r}",
            partial(verb, NET, "conv1", Listed(*zip(X, labels, strict=False))),
            lambda found: found is not None,
        )
        for verb in (cl.codes, cl.top_patches)
        for labels in (["cat", "dog"], [{"a": 1}, {}], [None, 2], [2, None], [[1], [1, 2]], [2**70, 1])
    ),
    told(
        "ablate: labels by name",
        lambda: cl.ablate(NET, "conv1", Listed((X[0], "cat"))),
        "labels are class indices.* 'cat'",
    ),
    told("ablate: no labels", lambda: cl.ablate(NET, "conv1", X), "the data set has no labels"),
    # ------------------------------------------------------------------------------------- parts of data sets
    right("scenes[[]]", lambda: SCENES[[]], lambda none: len(none) == 0 and len(none.recipes) == 0),
    right(
        "scenes[tensor(1)]", lambda: SCENES[torch.tensor(1)][0], lambda image: image.equal(SCENES.images[1])
    ),
    right(
        "scenes[np.int64(1)]", lambda: SCENES[np.int64(1)][1], lambda label: label == int(SCENES.labels[1])
    ),
    right("scenes[::-1]", lambda: SCENES[::-1].labels, lambda labels: labels.equal(SCENES.labels.flip(0))),
    right("texts[:0].boxes", lambda: TEXTS[:0].boxes, lambda boxes: boxes.shape == (0, 0, 4)),
    *(
        told(f"scenes[{index!r}]", partial(SCENES.__getitem__, index), line)
        for index, line in {
            "a": "no pictures 'a'",
            1.5: "no pictures 1.5",
            None: "no pictures None",
            True: "no pictures True",
            (9,): "no picture 9; there are 4",
            (True, False): "a mask of 2 for 4",
            (1.5,): "no pictures",
        }.items()
    ),
    told("features[0]", lambda: FEATURES[0], "give several pictures"),
    told("table.using(0)", lambda: TABLE.using(0), "give several pictures"),
    told("patches.pick('1')", lambda: TOP.pick("1"), "unit '1'"),
    right("patches.pick(np.int64(1))", lambda: TOP.pick(np.int64(1)), lambda top: top.units.tolist() == [1]),
    # ------------------------------------------------------------------------------------- points
    *(
        told(f"{name}: an infinite point", call, "infinite")
        for name, call in {
            "find_units": lambda: cl.find_units(NET, SCENES, EYES * INF),
            "track": lambda: cl.track(FEATURES, torch.full((6, 1, 2), INF)),
            "smooth": lambda: cl.smooth(torch.full((9, 2), INF)),
            "track_errors": lambda: scores.track_errors(XY * INF, XY),
            "keypoint_errors": lambda: scores.keypoint_errors(EYES * INF, EYES, torch.ones(4)),
            "head_frame": lambda: cl.head_frame(SCENES, EYES * INF),
        }.items()
    ),
    told(
        "baselines: an infinite point",
        lambda: cl.baselines(X, known=torch.full((3, 1, 2), INF)),
        "finite, NaN for none",
    ),
    *(
        told(
            f"find_units: alpha {alpha}",
            partial(cl.find_units, NET, SCENES, "eye", alpha=alpha),
            "alpha is .* above 0",
        )
        for alpha in (-1, 0, NAN, INF, "2", None, True)
    ),
    *(
        told(
            f"find_units: sizes of {size}",
            partial(cl.find_units, NET, SCENES, "eye", sizes=torch.full((4,), size)),
            "a size is",
        )
        for size in (INF, NAN, 0.0, -2.0)
    ),
    told("pck(-1)", lambda: scores.keypoint_errors(EYES, EYES, torch.ones(4)).pck(-1), "alpha is -1"),
    told(
        "peaks: radius -5", lambda: cl.peaks(torch.rand(1, 6, 6), FIELD, count=2, radius=-5), "radius is -5"
    ),
    told("peaks: field None", lambda: cl.peaks(torch.rand(1, 6, 6), None), "field is None"),
    told("locate: unit 3", lambda: cl.locate(NET, 3, X), r"a unit is \(layer, number\)"),
    told(
        "smooth: a strength of NaN",
        lambda: cl.smooth(torch.rand(9, 2), strengths=torch.full((9,), NAN)),
        "a strength is nan",
    ),
    told(
        "track: a strength of NaN",
        lambda: cl.track(FEATURES, torch.rand(6, 1, 2), strengths=torch.full((6, 1), NAN), keep=0.5),
        "a strength is NaN",
    ),
    told(
        "displacement: picture -5", lambda: cl.displacement(XY, torch.tensor([[-5, 0]])), "shows picture -5"
    ),
    told(
        "mosaic: picture 99", lambda: cl.mosaic(X, torch.tensor([[99, 0]])), "shows picture 99; there are 6"
    ),
    told("mosaic: float cells", lambda: cl.mosaic(X, torch.rand(2, 2)), "give whole numbers"),
    told(
        "character_recall: id -1",
        lambda: scores.character_recall(HEAT, -torch.ones(2, 8, 8).long()),
        "an id is -1",
    ),
    told(
        "localization_error: iou_threshold 0",
        lambda: cl.localization_error(
            BOX[:, None], torch.zeros(2, 1).long(), BOX, torch.zeros(2).long(), iou_threshold=0
        ),
        "above 0",
    ),
    # ------------------------------------------------------------------------------------- lines that misled
    told("critters: without='eyes'", lambda: cl.critters(1, without="eyes"), r"without=\['eyes'\]"),
    told("critters: without=3", lambda: cl.critters(1, without=3), "without is 3"),
    told("critters: lacking=2", lambda: cl.critters(1, lacking=2), "lacking is 2; give the share of scenes"),
    told("critters: lacking=None", lambda: cl.critters(1, lacking=None), "lacking is None; give the share"),
    told("draw: one recipe", lambda: cl.draw(SCENES.recipes[0]), "recipes are a list"),
    told("draw: None", lambda: cl.draw([None]), "recipes are those of"),
    told(
        "draw: one pair among single ones",
        lambda: cl.draw([*cl.critters(1, pair=True, size=32).recipes, *SCENES.recipes]),
        "draw them apart",
    ),
    told("neighbours_kept: NaN in the map", lambda: cl.neighbours_kept(CODES, XY * NAN), "of the points"),
    told(
        "find_units: points as an array", lambda: cl.find_units(NET, X, np.zeros((6, 2))), "torch.from_numpy"
    ),
    told(
        "find_units: a part of tensors",
        lambda: cl.find_units(NET, X, "eye"),
        "only scenes know where 'eye' is",
    ),
    told("dissect: a tensor", lambda: cl.dissect(NET, "conv1", X), "only scenes know where parts are"),
    told("photos: a size in the name's place", lambda: cl.photos(64), "no set of photographs is called 64"),
    told("photos: a near name", lambda: cl.photos("imagenete"), r"did you mean 'imagenette'"),
    told(
        "photos: a list of names", lambda: cl.photos(["pets"]), r"no set of photographs is called \['pets'\]"
    ),
    told("photos: a split of those that have none", lambda: cl.photos(split="val"), "only sets have one"),
    told("photos: another split", lambda: cl.photos("pets", split="val"), "there are trainval, test"),
    told("photos: resized below the size", lambda: cl.photos(size=64, resize=32), "do not fit"),
    told("photos: a photograph that is none", lambda: PHOTOS["dog"], "no photograph 'dog'"),
    told("photos: classes as one name", lambda: PHOTOS.right("tabby"), "net.classes"),
    told(
        "photos: classes of another world", lambda: PHOTOS.right(["fennel"]), "the network knows other ones"
    ),
    told(
        "part_truth: a part of none", lambda: scores.part_truth(PHOTOS, "wing"), "a photograph has eye, ear"
    ),
    told(
        "part_truth: a set",
        lambda: scores.part_truth(X, "eye"),
        "only scenes know where a part is, and photos",
    ),
    right("photos: none of them", lambda: PHOTOS[:0].boxes, lambda found: found.shape == (0, 0, 4)),
    right(
        "photos: by name, then by number", lambda: PHOTOS["cat"][0][0], lambda one: one.shape == (3, 32, 32)
    ),
    right(
        "part_truth: photographs without heads",
        lambda: scores.part_truth(PHOTOS[2:6], "eye"),
        lambda found: bool(found.points.isnan().all() and (found.sizes > 0).all()),
    ),
    told(
        "probe: all codes alike",
        lambda: cl.probe(torch.ones(12, 3), {"x": CODES[:, 0]}),
        "all codes are alike",
    ),
    told("probe: no facts", lambda: cl.probe(CODES, {}), "give a dict"),
    told("filters: None", lambda: cl.filters(None), "filters are those of a network"),
    told("colour: NaN", lambda: cl.colour(torch.full((1, 3, 3, 3), NAN)), "filter 0 holds"),
]

# A whole number that is none, wherever one is asked for.
WHOLE: dict[str, Callable[[Any], Any]] = {
    "codes: batch_size": lambda v: cl.codes(NET, "fc2", X, batch_size=v),
    "batches: batch_size": lambda v: streamed(X, batch_size=v),
    "batches: workers": lambda v: streamed(list(X), workers=v),
    "batches: skip": lambda v: streamed(X, skip=v),
    "nearest: k": lambda v: cl.nearest(CODES, CODES, k=v),
    "neighbours_kept: k": lambda v: cl.neighbours_kept(CODES, XY, k=v),
    "top_patches: k": lambda v: cl.top_patches(NET, "conv1", X, k=v),
    "top_patches: start": lambda v: cl.top_patches(NET, "conv1", X, start=v),
    "top_patches: batch_size": lambda v: cl.top_patches(NET, "conv1", X, batch_size=v),
    "embed: seed": lambda v: cl.embed(CODES, method="pca", seed=v),
    "grid: rows": lambda v: cl.grid(XY, (v, 4)),
    "mosaic: side": lambda v: cl.mosaic(X, torch.tensor([[0]]), side=v),
    "load_picture: size": lambda v: cl.load_picture(HERE / "grey.tif", size=v),
    "photos: size": lambda v: cl.photos(size=v),
    "critters: n": lambda v: cl.critters(v),
    "critters: seed": lambda v: cl.critters(1, seed=v),
    "load: seed": lambda v: cl.load("lenet", seed=v),
    "critters: size": lambda v: cl.critters(1, size=v),
    "walk: frames": lambda v: cl.walk(frames=v),
    "walk: seed": lambda v: cl.walk(seed=v),
    "texts: n": lambda v: cl.texts(v),
    "texts: seed": lambda v: cl.texts(1, seed=v),
    "texts: the height": lambda v: cl.texts(1, size=(v, 200)),
    "locate: count": lambda v: cl.locate(NET, ("conv1", 1), X, count=v),
    "peaks: count": lambda v: cl.peaks(torch.rand(1, 6, 6), FIELD, count=v),
    "random_rotation: units": lambda v: cl.random_rotation(v),
    "random_rotation: seed": lambda v: cl.random_rotation(3, seed=v),
    "track: steps": lambda v: cl.track(FEATURES, torch.rand(6, 1, 2), steps=v),
    "track: seed": lambda v: cl.track(FEATURES, torch.rand(6, 1, 2), seed=v),
    "max_box_acc: steps": lambda v: cl.max_box_acc(HEAT, BOX, steps=v),
    "pxap: steps": lambda v: cl.pxap(HEAT, MASKS, steps=v),
    "autocorrelation: lag": lambda v: cl.autocorrelation(torch.rand(1, 3, 5, 5), lag=v),
    "zhou_boxes: a threshold": lambda v: cl.zhou_boxes(HEAT, thresholds=[v]),
    "resampled: times": lambda v: cl.pointing_game(HEAT, MASKS, 0).resampled(times=v),
}
CASES += [
    told(
        f"{name} {value!r}",
        partial(call, value),
        r"it is a whole number, (at least|from)",
    )
    for name, call in WHOLE.items()
    for value in (2.5, None, True, "3", -1)
]
CASES += [
    right(
        "nearest: k of NumPy's",
        lambda: cl.nearest(CODES, CODES, k=np.int64(2))[1].shape,
        lambda s: s == (12, 2),
    ),
    right(
        "codes: batch_size of 10²⁰",
        lambda: cl.codes(NET, "fc2", list(X), batch_size=10**20).shape,
        lambda s: s == (6, 2),
    ),
]

# An array, a list, and None, where a tensor is asked for.
TENSORS: dict[str, Callable[[Any], Any]] = {
    "nearest: codes": lambda v: cl.nearest(v, CODES),
    "nearest: queries": lambda v: cl.nearest(CODES, v),
    "embed": lambda v: cl.embed(v),
    "neighbours_kept": lambda v: cl.neighbours_kept(CODES, v),
    "probe: codes": lambda v: cl.probe(v, {"x": CODES[:, 0]}),
    "probe: a fact": lambda v: cl.probe(CODES, {"x": v}),
    "centred_cosine": lambda v: cl.centred_cosine(CODES, v),
    "grid": lambda v: cl.grid(v, (3, 4)),
    "displacement": lambda v: cl.displacement(XY, v),
    "mosaic: cells": lambda v: cl.mosaic(X, v),
    "iou": lambda v: cl.iou(BOX, v),
    "boxes": lambda v: cl.boxes(v),
    "zhou_boxes": lambda v: cl.zhou_boxes(v),
    "max_box_acc: heatmaps": lambda v: cl.max_box_acc(v, BOX),
    "max_box_acc: boxes": lambda v: cl.max_box_acc(HEAT, v),
    "pxap: masks": lambda v: cl.pxap(HEAT, v),
    "pointing_game: truth": lambda v: cl.pointing_game(HEAT, v, 0),
    "localization_error": lambda v: cl.localization_error(v, v, v, v),
    "keypoint_errors": lambda v: scores.keypoint_errors(EYES, v, torch.ones(4)),
    "track_errors": lambda v: scores.track_errors(XY, v),
    "lit_at_area": lambda v: scores.lit_at_area(HEAT, v),
    "pixel_scores": lambda v: scores.pixel_scores(v, MASKS),
    "box_scores": lambda v: scores.box_scores(HEAT, MASKS, v),
    "character_recall": lambda v: scores.character_recall(HEAT, v),
    "hotspots": lambda v: scores.hotspots(HEAT, v),
    "cut_digits: images": lambda v: scores.cut_digits(v, [BOX]),
    "cut_digits: boxes": lambda v: scores.cut_digits(HEAT[:1, None], [v]),
    "find_units: sizes": lambda v: (
        cl.find_units(NET, SCENES, "eye", sizes=v) if v is not None else cl.iou(v, v)
    ),
    "head_frame": lambda v: cl.head_frame(SCENES, v),
    "peaks": lambda v: cl.peaks(v, FIELD),
    "smooth": lambda v: cl.smooth(v),
    "track": lambda v: cl.track(FEATURES, v),
    "dissect: rotation": lambda v: (
        cl.dissect(NET, "conv1", SCENES, rotation=v) if v is not None else cl.iou(v, v)
    ),
    "colourfulness": lambda v: cl.colourfulness(v),
    "baselines: boxes": lambda v: cl.baselines(X, boxes=v) if v is not None else cl.iou(v, v),
}
CASES += [
    told(f"{name}, {kind}", partial(call, value), line)
    for name, call in TENSORS.items()
    for kind, value, line in (
        ("an array", np.zeros((2, 4), np.float32), r"give a torch tensor: torch\.from_numpy\(x\)"),
        ("a list", [[0.0, 1.0]], r"give a torch tensor: torch\.tensor\(x\)"),
        ("None", None, "given None; give a torch tensor"),
    )
]
CASES += [
    told("characters_in: a tensor", lambda: scores.characters_in([BOX], X), "only texts know"),
    told("head_frame: a tensor", lambda: cl.head_frame(X, EYES), "only scenes have heads"),
    told("texts: hand of pictures", lambda: cl.texts(1, kind="handwritten", hand=X), "give digits"),
    told("texts: a blank page", lambda: cl.texts(1, kind="page", blank=True), "only a street can be blank"),
    told("questions: a tensor", lambda: cl.scenes.questions(X), "questions are about `Scenes`"),
    told("phrase: a tensor", lambda: cl.scenes.phrase(X, "beak", "wing"), "a phrase is about `Scenes`"),
    told("relation: a tensor", lambda: cl.scenes.relation(X, "beak", "beside", "tree"), "is about `Scenes`"),
    told("texts: size 240", lambda: cl.texts(1, size=240), r"size is 240; give \(height, width\)"),
    told("boxes: threshold '1'", lambda: cl.boxes(HEAT, threshold="1"), "threshold is '1'"),
    told("boxes: threshold NaN", lambda: cl.boxes(HEAT, threshold=NAN), "threshold is nan"),
    told("pointing_game: tolerance None", lambda: cl.pointing_game(HEAT, MASKS, None), "tolerance is None"),
    told("smooth: span NaN", lambda: cl.smooth(torch.rand(9, 2), span=NAN), "span is nan"),
    told(
        "interval: level '1'",
        lambda: cl.pointing_game(HEAT, MASKS, 0).interval(level="1"),
        "level is '1'",
    ),
    told("lit_at_area: area None", lambda: scores.lit_at_area(HEAT, MASKS, area=None), "area is None"),
    told("dissect: quantile '1'", lambda: cl.dissect(NET, "conv1", SCENES, quantile="1"), "quantile is '1'"),
    told("equivariance: tolerance NaN", lambda: cl.equivariance(NET, X, tolerance=NAN), "tolerance is nan"),
    told("zhou_boxes: thresholds 20", lambda: cl.zhou_boxes(HEAT, thresholds=20), "thresholds are 20"),
    told("feature_maps: layers None", lambda: cl.feature_maps(NET, None, X), "layers is a list"),
    told("embed: perplexity '3'", lambda: cl.embed(CODES, perplexity="3"), "perplexity is '3'"),
    told(
        "nearest: a tensor without numbers", lambda: cl.nearest(CODES, CODES.to("meta")), "give a dense one"
    ),
    told("embed: a sparse tensor", lambda: cl.embed(CODES.to_sparse()), "give a dense one"),
    told("grid: how of tensors", lambda: cl.grid(XY, (3, 4), how=X), "no way a tensor"),
    told("find_units: part 3", lambda: cl.find_units(NET, SCENES, 3), "a part is a name"),
    told("find_units: part of pictures", lambda: cl.find_units(NET, SCENES, SCENES), "a part is a name"),
    told("cut_digits: boxes None", lambda: scores.cut_digits(HEAT[:, None], None), "boxes are None"),
    told("characters_in: boxes 3", lambda: scores.characters_in(3, TEXTS), "boxes are 3; give a list"),
    right("patches.pick([])", lambda: TOP.pick([]), lambda none: none.values.shape == (0, 2)),
    right(
        "lit_at_area: area 10³⁰⁸",
        lambda: scores.lit_at_area(HEAT, MASKS, area=1e308),
        lambda lit: lit.all(),
    ),
    right(
        "pixel_scores: no pictures, told",
        lambda: repr(scores.pixel_scores(HEAT[:0], MASKS[:0])),
        lambda line: line == "Spotted(nan, recall nan, 0 pictures)",
    ),
    told("interval: no pictures", lambda: scores.pixel_scores(HEAT[:0], MASKS[:0]).interval(), "0 pictures"),
    right(
        "character_recall: no pictures",
        lambda: scores.character_recall(HEAT[:0], MASKS[:0].long()).shape,
        lambda shape: shape == (0, 0),
    ),
    right(
        "track_errors: no true points",
        lambda: scores.track_errors(torch.zeros(2, 2), torch.zeros(2, 0, 2)),
        lambda found: found.shape == (2,) and bool(found.isnan().all()),
    ),
    told("Mean: None", lambda: scores.Mean(None), "values are None; give one number for each picture"),
    told("Mean: words", lambda: scores.Mean(["a"]), r"values are \['a'\]; give one number"),
    told("Mean: complex", lambda: scores.Mean([1 + 2j]), r"complex64 \(1,\); give real numbers"),
    told(
        "interval: a list", lambda: scores.interval([1.0, 2.0]), r"scores: given \[1.0, 2.0\]; give a torch"
    ),
    told("interval: whole numbers", lambda: scores.interval(torch.arange(3)), "give the resampled ones"),
    right(
        "lit_at_area: area 10¹⁹", lambda: scores.lit_at_area(HEAT, MASKS, area=10**19), lambda lit: lit.all()
    ),
    told("peaks: count 10¹⁹", lambda: cl.peaks(torch.rand(1, 6, 6), FIELD, count=10**19), "from 1 to 36"),
    told("locate: count 10¹⁹", lambda: cl.locate(NET, ("conv1", 1), X, count=10**19), "from 1 to 36"),
]
