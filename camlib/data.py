"""Pictures to look at: digits, photographs, and one way to stream any data set in batches.

MNIST: LeCun, Bottou, Bengio, Haffner (1998), "Gradient-based learning applied to document recognition".
The stand-in: Alpaydin, Kaynak (1998), "Optical recognition of handwritten digits", as scikit-learn ships it.
"""

import os
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

import numpy as np
import platformdirs
import skimage.data
import torch
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image
from torch import Tensor
from torch.nn.functional import interpolate, pad
from torch.utils.data import DataLoader, Dataset
from torchvision.datasets import MNIST
from torchvision.transforms.v2 import functional as transform

from .pictures import Folder, Unreadable, rgb, square

__all__ = ["Batch", "Digits", "Photos", "batches", "digits", "photos"]


@dataclass(frozen=True)
class _Pictures:
    """Pixels held as bytes, and what goes with each picture."""

    pixels: Tensor

    @property
    def images(self) -> Tensor:
        """float32 (N, C, H, W) in [0, 1], made anew from `pixels` at each call."""
        return self.pixels.float() / 255

    def __len__(self) -> int:
        return len(self.pixels)

    def _chosen(self, index: Any) -> Self:
        chosen = torch.arange(len(self))[torch.as_tensor(index) if isinstance(index, list | tuple) else index]
        kept = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in kept.items():
            if isinstance(value, Tensor):
                kept[name] = value[chosen]
            elif isinstance(value, tuple):
                kept[name] = tuple(value[i] for i in chosen.tolist())
        return replace(self, **kept)


@dataclass(frozen=True)
class Digits(_Pictures):
    """Handwritten digits, white on black.

    pixels: uint8 (N, 1, 28, 28).  labels: int64 (N,), 0 to 9.  source: "mnist" or "sklearn".
    """

    labels: Tensor
    source: str

    def __getitem__(self, index: Any) -> Any:
        """A whole number gives (image, label); a slice, mask or list gives `Digits`."""
        if isinstance(index, int | np.integer):
            return self.pixels[index].float() / 255, int(self.labels[index])
        return self._chosen(index)


@dataclass(frozen=True)
class Photos(_Pictures):
    """Photographs with names. pixels: uint8 (N, 3, size, size), RGB.  names: one for each."""

    names: tuple[str, ...]

    def __getitem__(self, index: Any) -> Any:
        """A whole number gives (image, name); a name, slice, mask or list of numbers gives `Photos`."""
        if isinstance(index, int | np.integer):
            return self.pixels[index].float() / 255, self.names[index]
        if isinstance(index, str):
            if index not in self.names:
                raise ValueError(f"no photograph {index!r}; there are {', '.join(self.names)}")
            index = [self.names.index(index)]
        return self._chosen(index)


class Batch(NamedTuple):
    """Some of a data set's pictures.

    images: float32 (B, C, H, W) in [0, 1].  labels: (B,) or None.  indices: int64 (B,), counted in the data.
    """

    images: Tensor
    labels: Tensor | None
    indices: Tensor


def digits(split: str = "test", source: str = "auto") -> Digits:
    """Handwritten digits: MNIST (60 000 to train, 10 000 to test) or scikit-learn's (1297 and 500).

    source: "mnist": from $CAMLIB_DATA (where not set, the user's cache folder) or $CAMLIB_SHARED/mnist, else
    downloaded into the former.  "sklearn": 8×8 digits resized to 20×20 inside a border of 4, as MNIST's are;
    the last 500 for testing.  "auto": MNIST, or, with a warning, scikit-learn's where MNIST cannot be had.
    Raises ValueError for another split or source, OSError where MNIST is asked for and cannot be had.
    """
    if split not in ("train", "test"):
        raise ValueError(f"no split {split!r}; there are 'train' and 'test'")
    if source not in ("auto", "mnist", "sklearn"):
        raise ValueError(f"no source {source!r}; there are 'auto', 'mnist' and 'sklearn'")
    if source == "sklearn":
        return _sklearn(split)
    try:
        return _mnist(split)
    except OSError as error:
        if source == "mnist":
            raise
        warnings.warn(f"{error}. These are scikit-learn's digits instead.", stacklevel=2)
        return _sklearn(split)


def photos(size: int = 224) -> Photos:
    """The colour photographs that come with scikit-image and scikit-learn, in squares cut from their middle.

    In order: astronaut (Eileen Collins), cat (Chelsea), coffee, rocket, motorcycle, temple (the Summer Palace
    in Beijing), flower.
    """
    if size < 1:
        raise ValueError(f"size is {size}; a picture needs at least 1 pixel")
    sources: dict[str, Callable[[], Any]] = {
        "astronaut": skimage.data.astronaut,
        "cat": skimage.data.cat,
        "coffee": skimage.data.coffee,
        "rocket": skimage.data.rocket,
        "motorcycle": lambda: skimage.data.stereo_motorcycle()[0],  # type: ignore[no-untyped-call]
        "temple": lambda: load_sample_image("china.jpg"),
        "flower": lambda: load_sample_image("flower.jpg"),
    }
    squares = [square(Image.fromarray(read()), size, size) for read in sources.values()]
    return Photos(torch.stack([transform.pil_to_tensor(one) for one in squares]), tuple(sources))


def batches(dataset: Any, batch_size: int = 64, workers: int = 0) -> Iterator[Batch]:
    """Stream a data set in order: images, labels or None, indices. One batch is in memory at a time.

    dataset: images (N, C, H, W) in [0, 1] or uint8; `Scenes`, `Digits`, `Photos` or a `Folder`; any torch
    Dataset or sequence that gives an image (tensor or PIL) or (image, label, …).
    workers: processes that read ahead; worth it for big folders on many cores.
    A Folder's unreadable files are left out and noted in its `skipped`; `indices` still count every file.
    Raises ValueError for an empty data set, pictures of unequal size, a Folder without a readable file,
    and values outside [0, 1]: a `Net` normalises by itself.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it is at least 1")
    pixels = dataset if isinstance(dataset, Tensor) else getattr(dataset, "pixels", None)
    if not isinstance(pixels, Tensor) and not (
        hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")
    ):
        raise ValueError(
            f"cannot stream a {type(dataset).__name__}; give images, or a data set with a length"
        )
    if len(dataset) == 0:
        raise ValueError("the data set is empty")
    if not isinstance(pixels, Tensor):
        return _read(dataset, batch_size, workers)
    if pixels.ndim != 4:
        raise ValueError(f"images have shape {tuple(pixels.shape)}; give (N, C, H, W)")
    return _cut(pixels, getattr(dataset, "labels", None), batch_size)


def _cut(pixels: Tensor, labels: Tensor | None, batch_size: int) -> Iterator[Batch]:
    for start in range(0, len(pixels), batch_size):
        part = slice(start, start + batch_size)
        images = _unit(pixels[part])
        yield Batch(
            images, None if labels is None else labels[part], torch.arange(start, start + len(images))
        )


class _Numbered(Dataset[tuple[int, Any, str]]):
    """Item i with its number, and the reason where a Folder's file cannot be read."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[int, Any, str]:
        try:
            return index, self.dataset[index], ""
        except Unreadable as error:
            if not isinstance(self.dataset, Folder):
                raise
            return index, None, str(error)


def _read(dataset: Any, batch_size: int, workers: int) -> Iterator[Batch]:
    skipped: dict[Path, str] = dataset.skipped if isinstance(dataset, Folder) else {}
    loader = DataLoader(
        _Numbered(dataset),
        batch_size,
        num_workers=workers,
        collate_fn=_collate,
        generator=torch.Generator(),  # else each pass would draw from the global one
    )
    read = 0
    for batch, failed in loader:
        skipped.update({dataset.paths[i]: reason for i, reason in failed})
        if batch is not None:
            read += len(batch.images)
            yield batch
    if not read:
        raise ValueError(f"none of the {len(dataset)} files can be read; {next(iter(skipped.values()))}")


def _collate(items: list[tuple[int, Any, str]]) -> tuple[Batch | None, list[tuple[int, str]]]:
    failed = [(i, reason) for i, _, reason in items if reason]
    good = [(i, item) for i, item, reason in items if not reason]
    if not good:
        return None, failed
    pairs = [item if isinstance(item, tuple | list) else (item, None) for _, item in good]
    images = [_tensor(pair[0]) for pair in pairs]
    shapes = {tuple(image.shape) for image in images}
    if len(shapes) > 1:
        raise ValueError(
            f"pictures of unequal size, {sorted(shapes)}; resize them in the data set's transform"
        )
    labels = [pair[1] for pair in pairs]
    try:
        numbers = None if labels[0] is None else torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"labels are whole numbers, not {labels[0]!r}") from error
    return Batch(torch.stack(images), numbers, torch.tensor([i for i, _ in good])), failed


def _tensor(image: Any) -> Tensor:
    if isinstance(image, Image.Image):
        image = transform.pil_to_tensor(image if image.mode == "L" else rgb(image))
    if not isinstance(image, Tensor) or image.ndim != 3:
        given = f"shape {tuple(image.shape)}" if isinstance(image, Tensor) else type(image).__name__
        raise ValueError(f"the data set gives {given} for a picture; give a tensor (C, H, W) or a PIL image")
    return _unit(image)


def _unit(images: Tensor) -> Tensor:
    """Floats in [0, 1] of bytes; floats are only checked."""
    if images.dtype == torch.uint8:
        return images.float() / 255
    low, high = (value.item() for value in images.aminmax())
    if low < -0.01 or high > 1.01:
        raise ValueError(
            f"values from {low:.3g} to {high:.3g}; pictures are in [0, 1], a Net normalises by itself"
        )
    return images.float()


def _sklearn(split: str) -> Digits:
    raw = load_digits()
    part = slice(0, -500) if split == "train" else slice(-500, None)
    small = torch.from_numpy(raw.images[part]).float()[:, None] / 16
    large = interpolate(small, size=(20, 20), mode="bicubic", antialias=True).clamp(0, 1)
    pixels = (pad(large, (4, 4, 4, 4)) * 255).round().to(torch.uint8)
    return Digits(pixels, torch.from_numpy(raw.target[part]).long(), "sklearn")


def _mnist(split: str) -> Digits:
    home = Path(os.environ.get("CAMLIB_DATA") or platformdirs.user_cache_path("camlib"))
    shared = os.environ.get("CAMLIB_SHARED")
    roots = [home, *([Path(shared) / "mnist"] if shared else [])]
    names = [Path(name).stem for name, _ in MNIST.resources]
    there = [root for root in roots if all((root / "MNIST" / "raw" / name).is_file() for name in names)]
    if not there:
        _download(home)
    root = there[0] if there else home
    try:
        found = MNIST(root, train=split == "train")
    except (ValueError, AssertionError, RuntimeError, IndexError) as error:
        raise OSError(
            f"MNIST in {root / 'MNIST'} is damaged; delete that folder to download it again"
        ) from error
    return Digits(found.data[:, None], found.targets, "mnist")


def _download(home: Path) -> None:
    """Put MNIST into home/MNIST/raw by way of a temporary folder: no half-written file has a final name."""
    raw, timeout = home / "MNIST" / "raw", socket.getdefaulttimeout()
    try:
        raw.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=home) as temporary:
            socket.setdefaulttimeout(15)  # torchvision waits for ever
            MNIST(temporary, download=True)
            for name, _ in cast(Sequence[tuple[str, str]], MNIST.resources):
                os.replace(Path(temporary) / "MNIST" / "raw" / Path(name).stem, raw / Path(name).stem)
    except (OSError, RuntimeError, HTTPException, EOFError) as error:
        reason = " ".join(str(error).split())
        raise OSError(
            f"MNIST could not be downloaded into {home} ({reason}); "
            f"connect to the internet, or put its four files into {raw}"
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)
