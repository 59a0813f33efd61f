"""Pictures to look at: handwritten digits and photographs.

MNIST: LeCun, Bottou, Bengio, Haffner (1998), "Gradient-based learning applied to document recognition".
The stand-in: Alpaydin, Kaynak (1998), "Optical recognition of handwritten digits", as scikit-learn ships it.
"""

import os
import socket
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import platformdirs
import skimage.data
import torch
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image
from torch import Tensor
from torch.nn.functional import interpolate, pad
from torchvision.datasets import MNIST
from torchvision.transforms.v2 import functional as transform

from .pictures import square

__all__ = ["Digits", "Photos", "digits", "photos"]


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
