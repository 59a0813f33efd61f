"""Picture files of any size, mode and rotation, as the square RGB pictures that networks expect.

The shorter side is resized, antialiased, and the middle square is cut out: torchvision's own evaluation
transform, so that the accuracies published for ImageNet networks hold. A `Net` knows both sizes:
`folder(path, net.size, net.resize)`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import IO, Any, Self, overload

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transform

from ..given import path_of, whole
from ..wording import one_line
from .pixels import picked, single

__all__ = ["Folder", "Unreadable", "folder", "load_picture"]

# A phone's .heic is listed so that it is counted as unreadable, not overlooked.
SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg"),
    *(".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"),
)


class Unreadable(ValueError):  # noqa: N818
    """A file that should be a picture and cannot be read as one."""


class Folder(Dataset[tuple[Tensor, int | None]]):
    """The pictures in a folder, read when they are asked for: `paths[i]` is picture i, for good.

    `folder[i]` is (image, label): float32 (3, size, size), RGB in [0, 1], and its class, or None where the
    pictures do not lie in sub-folders. It raises `Unreadable`, a ValueError, for a file that is no picture;
    `camlib.batches` leaves such files out and notes them in `skipped`, path → reason. A slice or list of
    numbers gives a Folder of the same kind.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        size: int = 224,
        labels: Tensor | None = None,
        classes: Sequence[str] = (),
        resize: int | None = None,
    ) -> None:
        self.paths, self.size, self.resize = tuple(paths), size, resize
        self.labels, self.classes = labels, tuple(classes)
        self.skipped: dict[Path, str] = {}

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> tuple[Tensor, int | None]: ...
    @overload
    def __getitem__(self, index: "slice | Tensor | Sequence[int]") -> Self: ...
    def __getitem__(self, index: Any) -> "tuple[Tensor, int | None] | Self":
        if (one := single(index)) is not None:
            label = None if self.labels is None else int(self.labels[one])
            return load_picture(self.paths[one], size=self.size, resize=self.resize), label
        chosen = picked(len(self), index)
        part = copy(self)  # of its own class, with all else that it knows
        part.paths = tuple(self.paths[i] for i in chosen.tolist())
        part.labels = None if self.labels is None else self.labels[chosen]
        part.skipped = {}
        return part


def folder(path: str | Path, *, size: int = 224, resize: int | None = None) -> Folder:
    """The pictures in a folder and its sub-folders, in the order of their names.

    size, resize: as for `load_picture`.
    Where all pictures lie in sub-folders, these are the classes: `.classes` has their names, `.labels` an
    index into it for each picture. Otherwise `.labels` is None. Hidden files, and those whose suffix is no
    picture's, are left out.
    Raises ValueError for a missing folder, and for one without pictures.
    """
    root = path_of(path, "the folder")
    size, side = sides(size, resize)
    resize = None if resize is None else side
    if not root.is_dir():
        raise ValueError(f"{root} is {'a file' if root.exists() else 'not there'}; give a folder of pictures")
    inside = sorted(
        file.relative_to(root)
        for file in root.rglob("*")
        if file.suffix.lower() in SUFFIXES and file.is_file()
    )
    inside = [file for file in inside if not any(part.startswith(".") for part in file.parts)]
    if not inside:
        raise ValueError(f"no pictures in {root}; they are known by their suffix: {' '.join(SUFFIXES)}")
    paths = [root / file for file in inside]
    if any(len(file.parts) == 1 for file in inside):
        return Folder(paths, size, resize=resize)
    classes = sorted({file.parts[0] for file in inside})
    labels = torch.tensor([classes.index(file.parts[0]) for file in inside])
    return Folder(paths, size, labels, classes, resize)


def load_picture(path: str | Path | IO[bytes], *, size: int = 224, resize: int | None = None) -> Tensor:
    """Read a picture file: float32 (3, size, size), RGB in [0, 1], turned as its EXIF says, on white.

    path: the file's, or the file itself, opened or in memory.
    resize: what the shorter side is resized to before the middle is cut out; None: size · 256 / 224.
    Raises `Unreadable`, a ValueError, with the reason.
    """
    size, side = sides(size, resize)
    image = square(opened(path), side, size)
    return transform.pil_to_tensor(image).float() / 255  # type: ignore[no-any-return]


def opened(path: str | Path | IO[bytes]) -> Image.Image:
    """The whole picture, RGB, turned as its EXIF says, on white. Raises `Unreadable`, with the reason."""
    with reading(path) as file:
        return rgb(ImageOps.exif_transpose(file))


@contextmanager
def reading(path: str | Path | IO[bytes]) -> Iterator[Image.Image]:
    """A picture file of which only the head is read; what goes wrong in the block is `Unreadable`, too."""
    file_like = hasattr(path, "read")
    if not file_like:
        path = path_of(path, "the picture")
    try:
        with Image.open(path) as file:
            yield file
    except Exception as error:  # on a damaged file Pillow's readers raise nearly anything
        name = "the picture" if file_like else path
        reason = f"{type(error).__name__}: {one_line(error)}"
        if isinstance(error, UnidentifiedImageError):
            reason = "it is no picture of a kind that Pillow knows"
            if str(name).lower().endswith((".heic", ".heif")):
                reason = "HEIC is not read; save it as JPEG"
        raise Unreadable(f"cannot read {name}: {reason}") from error


def rgb(image: Image.Image) -> Image.Image:
    """An image of any mode as RGB. Grey of 16 bits keeps its range; transparent pixels become white.

    Files of 32 bits do not say what white is: 1 (of floats), 255 or 65535, the least that no value exceeds.
    Raises ValueError for values beyond, and whole numbers below 0.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.nan_to_num(np.asarray(image, dtype=np.float32))
        low, high = float(values.min()), float(values.max())
        if image.mode == "F":  # a hundredth above 1 is rounding
            tops = [top for top, most in ((1, 1.01), (255, 255), (65535, 65535)) if high <= most]
        else:
            tops = [top for top in (255, 65535) if high <= top and low >= 0]
        if image.mode.startswith("I;"):
            tops = [65535]
        if not tops:
            raise ValueError(f"values from {low:g} to {high:g}; a picture's are in [0, 1], 0…255 or 0…65535")
        top = tops[0]
        return Image.fromarray((values / top * 255).round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def square(image: Image.Image, side: int, size: int, *, labels: bool = False) -> Image.Image:
    """The shorter side resized to `side`, antialiased, and the middle size × size pixels of that.

    labels: of each pixel the nearest one's value, and none between two, as masks want it.
    """
    width, height = image.size
    most = 8 * min(width, height)  # a panorama's ends would only be resized (at what a cost!) to be cut off
    image = transform.center_crop(image, [min(height, most), min(width, most)])
    how = InterpolationMode.NEAREST if labels else InterpolationMode.BILINEAR
    image = transform.resize(image, [side], how, antialias=True)
    return transform.center_crop(image, [size, size])  # type: ignore[no-any-return]


def sides(size: int, resize: int | None) -> tuple[int, int]:
    """The size and what the shorter side is resized to, as whole numbers that fit."""
    inside = whole(size, "size", 1)
    side = round(inside * 256 / 224) if resize is None else whole(resize, "resize", 1)
    if inside > side:
        raise ValueError(f"size {inside} and resize {side} do not fit; 0 < size ≤ resize")
    return inside, side
