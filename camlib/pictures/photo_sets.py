"""Three public sets of photographs, read from their files when they are asked for.

imagenette: ten easy classes of ImageNet, shorter side 320 (Howard 2019).
pets: 37 breeds, each animal outlined, and for half of them the head's box (Parkhi, Vedaldi, Zisserman,
Jawahar 2012, "Cats and dogs").  imagenet-sample: one photograph of each of ImageNet's classes.
Where they are downloaded from: `photo_downloads`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms.v2 import functional as transform

from ..given import told
from ..wording import listing, near
from .files import Folder, Unreadable, folder, reading, sides, square
from .imagenet_names import imagenet_classes, wordnet_numbers
from .pet_breeds import BREEDS
from .photo_downloads import SOURCES, get, where
from .photo_truth import spans

__all__ = ["Pets", "PhotoSet", "photo_set", "right_classes"]

_ORIENTATION = 0x0112  # EXIF's number of how a photograph is to be turned


class PhotoSet(Folder):
    """A `Folder` that is a public set: `batches` streams it, and a slice of it is a `PhotoSet`, too.

    name: the set's.  labels: int64 (N,), index into `classes`; of imagenet-sample these are ImageNet's 1000,
    so that `net(images).argmax(1) == labels` is the answer's truth; of imagenette its ten, by ImageNet's
    names; of pets the breeds.
    """

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        labels: Sequence[int] | Tensor,
        names: dict[str, tuple[str, ...]],
        size: int,
        resize: int | None,
    ) -> None:
        """names: each class → ImageNet's names for it."""
        super().__init__(paths, size, torch.as_tensor(labels), tuple(names), resize)
        self.name, self._names = name, tuple(names.values())

    def __repr__(self) -> str:
        return f"{self.name}: {len(self)} photographs of {len(self.classes)} classes"

    @property
    def accepted(self) -> tuple[tuple[str, ...], ...]:
        """For each picture ImageNet's names for its class, each a right answer; () where there is none."""
        return tuple(self._names[label] for label in ([] if self.labels is None else self.labels.tolist()))

    def right(self, classes: Iterable[str]) -> Tensor:
        """bool (N, C): which of a network's classes are right answers: `some.right(net.classes)`."""
        return right_classes(self.accepted, classes)


class Pets(PhotoSet):
    """The pets, with their truth, which is read from its files at each call: ask for a part, `pets[:64]`.

    In the squares' pixels, as in `Photos`: all that lies outside the square is cut off.
    """

    @property
    def masks(self) -> Tensor:
        """bool (N, H, W): the pixels that surely are the animal."""
        return self._trimaps() == 1

    @property
    def unsure(self) -> Tensor:
        """bool (N, H, W): the rim, in which the annotators did not decide; for `pxap(…, ignore=…)`."""
        return self._trimaps() == 3

    @property
    def boxes(self) -> Tensor:
        """float32 (N, 4): the box of the animal with its rim, (x0, y0, x1, y1), half open; NaN for none."""
        trimaps = self._trimaps()
        return spans((trimaps == 1) | (trimaps == 3))

    @property
    def head_boxes(self) -> Tensor:
        """float32 (N, 4): the box of each head; NaN where nobody drew one, as in all of split "test"."""
        return spans(self._stacked(_head) > 0)

    def _trimaps(self) -> Tensor:
        return self._stacked(_trimap)

    def _stacked(self, drawn: Callable[[Path, tuple[int, int]], Image.Image]) -> Tensor:
        """uint8 (N, H, W): what is drawn of each photograph, in the square that is cut out of that."""
        size, side = sides(self.size, self.resize)
        every = torch.zeros(len(self), size, size, dtype=torch.uint8)
        for i, path in enumerate(self.paths):
            with reading(path) as photograph:
                image = drawn(path, photograph.size)
                turn = photograph.getexif().get(_ORIENTATION, 1)
            image.getexif()[_ORIENTATION] = turn
            image = ImageOps.exif_transpose(image)
            every[i] = transform.pil_to_tensor(square(image, side, size, labels=True))[0]
        return every


def _trimap(path: Path, size: tuple[int, int]) -> Image.Image:
    """1 the animal, 2 the ground, 3 the rim."""
    with reading(path.parents[1] / "annotations" / "trimaps" / f"{path.stem}.png") as file:
        if file.size != size:
            raise Unreadable(f"the outline of {path.name} is of {file.size} pixels, the photograph of {size}")
        return file.convert("L")


def _head(path: Path, size: tuple[int, int]) -> Image.Image:
    """1 in the head's box, which is Pascal VOC's: counted from 1, with its last pixel."""
    image = Image.new("L", size)
    file = path.parents[1] / "annotations" / "xmls" / f"{path.stem}.xml"
    if file.is_file():
        box = ElementTree.parse(file).find("object/bndbox")
        corners = (
            [int(float(box.findtext(side, "nan"))) for side in ("xmin", "ymin", "xmax", "ymax")]
            if box is not None
            else []
        )
        if corners:
            image.paste(1, (corners[0] - 1, corners[1] - 1, corners[2], corners[3]))
    return image


def photo_set(name: str, *, size: int, resize: int | None, split: str | None) -> PhotoSet:
    """One of the sets, downloaded where it is not here. Errors as `photos`."""
    if not isinstance(name, str) or name not in SOURCES:
        close = near(name, SOURCES) if isinstance(name, str) else ""
        raise ValueError(f"no set of photographs is called {told(name)}{close}; there are {listing(SOURCES)}")
    splits = {"imagenette": ("val", "train"), "pets": ("trainval", "test")}.get(name, ())
    if split is not None and split not in splits:
        there = f"there are {listing(splits)}" if splits else "it is not split"
        raise ValueError(f"no split {told(split)} of {name}; {there}")
    side = sides(size, resize)[1]
    root = where(name) or get(name)
    part = split or (splits[0] if splits else "")
    found = {"imagenette": _imagenette, "pets": _pets}.get(name, _sample)(root, part)
    kind = Pets if name == "pets" else PhotoSet
    return kind(name, *found, size, None if resize is None else side)


Found = tuple[Sequence[Path], Sequence[int] | Tensor, dict[str, tuple[str, ...]]]


def _imagenette(root: Path, split: str) -> Found:
    found, every, numbers = folder(root / split), imagenet_classes(), wordnet_numbers()
    if found.labels is None or not set(found.classes) <= set(numbers):
        raise ValueError(f"{root / split} is not imagenette: its folders are called by WordNet numbers")
    return found.paths, found.labels, {every[numbers[one]]: (every[numbers[one]],) for one in found.classes}


def _pets(root: Path, split: str) -> Found:
    table = root / "annotations" / f"{split}.txt"
    if not table.is_file():
        raise ValueError(f"{table} is not there; move {root} away to download pets again")
    stems = [line.split()[0] for line in table.read_text().splitlines() if line.strip() and line[0] != "#"]
    breeds = list(BREEDS)
    called = [" ".join(part.title() for part in stem.split("_")[:-1]) for stem in stems]
    if unknown := set(called) - set(breeds):
        raise ValueError(f"{table} names {unknown.pop()!r}, which is none of the 37 breeds")
    paths = [root / "images" / f"{stem}.jpg" for stem in stems]
    return paths, [breeds.index(one) for one in called], BREEDS


def _sample(root: Path, _: str) -> Found:
    numbers, every = wordnet_numbers(), imagenet_classes()
    found = [(re.match(r"(n\d{8})_", path.name), path) for path in sorted(root.glob("*.JPEG"))]
    labels = [numbers.get(match[1]) if match else None for match, _ in found]
    if not found or None in labels:
        odd = f"; {found[labels.index(None)][1].name} is none" if found else ""
        raise ValueError(f"no imagenet-sample in {root}: its files are called n01440764_tench.JPEG, …{odd}")
    return (
        [path for _, path in found],
        [one for one in labels if one is not None],
        {one: (one,) for one in every},
    )


def right_classes(accepted: Sequence[Iterable[str]], classes: Iterable[str]) -> Tensor:
    """bool (N, C): whether class c is among the accepted names of picture n.

    Raises ValueError where a picture's names are none of the classes: no answer could be right.
    """
    if isinstance(classes, str) or not isinstance(classes, Iterable):
        raise ValueError(f"classes are a network's names, net.classes; given {told(classes)}")
    order = {name: c for c, name in enumerate(classes)}
    right = torch.zeros(len(accepted), len(order), dtype=torch.bool)
    for n, names in enumerate(accepted):
        known = [order[name] for name in names if name in order]
        if names and not known:
            raise ValueError(
                f"none of the {len(order)} classes is {listing(names)}: the network knows other ones"
            )
        right[n, known] = True
    return right
