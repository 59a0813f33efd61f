"""Photographs that come with the packages the course needs, each with what is true of it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as transform

from ..given import told
from ..wording import listing, near
from .files import opened, sides, square
from .photo_downloads import SOURCES
from .photo_sets import Pets, PhotoSet, photo_set, right_classes
from .photo_truth import lay, spans, truths
from .pixels import Pixels

__all__ = ["Photos", "photos"]


@dataclass(frozen=True, repr=False)
class Photos(Pixels):
    """N photographs of H × W pixels, and what is true of each, read off by hand.

    pixels: uint8 (N, 3, H, W), RGB.  names: one for each.  shows: what is outlined, in words.
    accepted: ImageNet's names for that, each a right answer; () where ImageNet has none.
    ids: int16 (N, H, W), k + 1 where thing k of the photograph is, else 0.
    head_boxes: float32 (N, 4), (x0, y0, x1, y1) in pixels, half open, cut off at the picture's edge; NaN
    where there is no head. It holds the hair, but no ears and no hat.
    keypoints: float32 (N, K, 2), (x, y) in the order of `photo_truth.POINTS`; NaN where the photograph has no
    such point, or it is out of sight. Left and right are the viewer's.
    """

    names: tuple[str, ...]
    shows: tuple[str, ...]
    accepted: tuple[tuple[str, ...], ...]
    ids: Tensor
    head_boxes: Tensor
    keypoints: Tensor

    @property
    def masks(self) -> Tensor:
        """bool (N, H, W): the pixels of all that is outlined."""
        return self.ids > 0

    @property
    def boxes(self) -> Tensor:
        """float32 (N, B, 4): each thing's box; rows of NaN where a photograph has fewer than B in sight."""
        most = int(self.ids.max()) if self.ids.numel() else 0
        return (
            spans(torch.stack([self.ids == k + 1 for k in range(most)], 1)) if most else torch.empty(0, 0, 4)
        )

    @property
    def visible(self) -> Tensor:
        """bool (N, K): whether the photograph shows the point."""
        return ~self.keypoints.isnan().any(2)

    def right(self, classes: Any) -> Tensor:
        """bool (N, C): which of a network's classes are right answers: `some.right(net.classes)`."""
        return right_classes(self.accepted, classes)

    def __getitem__(self, index: Any) -> Any:
        """As in `Pixels`, with no label; a name gives the `Photos` of that one."""
        if isinstance(index, str):
            if index not in self.names:
                close = near(index, self.names)
                raise ValueError(f"no photograph {index!r}{close}; there are {listing(self.names)}")
            index = [self.names.index(index)]
        return super().__getitem__(index)


def _sources() -> dict[str, Callable[[], Any]]:
    """Name → its pixels. New ones come last: lessons count."""
    import skimage.data  # here: whoever only asks whether something is `Photos` does without
    from sklearn.datasets import load_sample_image

    return {
        "astronaut": skimage.data.astronaut,
        "cat": skimage.data.cat,
        "coffee": skimage.data.coffee,
        "rocket": skimage.data.rocket,
        "motorcycle": lambda: skimage.data.stereo_motorcycle()[0],  # type: ignore[no-untyped-call]
        "temple": lambda: load_sample_image("china.jpg"),
        "flower": lambda: load_sample_image("flower.jpg"),
        "hopper": lambda: opened(_within("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")),
        "cameraman": skimage.data.camera,
        "clock": skimage.data.clock,
        "coins": skimage.data.coins,
        "brick": skimage.data.brick,
        "grass": skimage.data.grass,
        "gravel": skimage.data.gravel,
    }


@overload
def photos(name: None = None, *, size: int = 224, resize: int | None = None) -> Photos: ...
@overload
def photos(
    name: Literal["pets"], *, size: int = 224, resize: int | None = None, split: str | None = None
) -> Pets: ...
@overload
def photos(
    name: Literal["imagenette", "imagenet-sample"],
    *,
    size: int = 224,
    resize: int | None = None,
    split: str | None = None,
) -> PhotoSet: ...
def photos(
    name: str | None = None, *, size: int = 224, resize: int | None = None, split: str | None = None
) -> Photos | PhotoSet:
    """Photographs in squares cut from their middle: those that are always here, or a set on this machine.

    name: None: the 14 that come with scikit-image, scikit-learn and matplotlib, with their truth: astronaut
        (Eileen Collins), cat (Chelsea), coffee, rocket, motorcycle, temple (the Summer Palace in Beijing),
        flower, hopper (Grace Hopper); and in grey cameraman, clock (blurred), coins, brick, grass, gravel.
        Left out is what no eye sees so (through a microscope or telescope, inside a body), text, drawings,
        the motorcycle seen by the other eye, and faces of 25 pixels.
        "imagenette", "pets", "imagenet-sample": a `PhotoSet`, which reads its files when they are asked for;
        from the folder CAMLIB_DATA, or downloaded into it, once.
    size, resize: as for `load_picture`; but of the 14 the whole shorter side is kept where resize is None.
    split: "train" or "val" (None) of imagenette; "test" or "trainval" (None), which has the heads, of pets.
    Raises ValueError for another name or split, OSError where a set is not here and cannot be had.
    """
    if name is not None:
        return photo_set(name, size=size, resize=resize, split=split)
    if split is not None:
        raise ValueError(f"split={told(split)}; only sets have one: {listing(SOURCES)}")
    size, side = sides(size, resize if resize is not None else size)
    read = {one: _image(source()) for one, source in _sources().items()}
    every = truths()
    for one, image in read.items():
        if image.size != every[one].size:
            raise ValueError(f"the package's {one} is another photograph than was annotated: {image.size}")
    laid = [lay(every[one], side, size) for one in read]
    return Photos(
        torch.stack([transform.pil_to_tensor(square(image, side, size)) for image in read.values()]),
        tuple(read),
        tuple(every[one].shows for one in read),
        tuple(every[one].accepted for one in read),
        torch.stack([one.ids for one in laid]),
        torch.stack([one.head for one in laid]),
        torch.stack([one.points for one in laid]),
    )


def _within(package: str, file: str) -> Path:
    """A file of an installed package, of which no line is run."""
    spec = find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or [package]
    return Path(folders[0]) / file


def _image(given: Any) -> Image.Image:
    return given if isinstance(given, Image.Image) else Image.fromarray(np.asarray(given)).convert("RGB")
