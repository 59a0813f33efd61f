"""Pictures to look at: handwritten digits and photographs.

MNIST: LeCun, Bottou, Bengio, Haffner (1998), "Gradient-based learning applied to document recognition".
The stand-in: Alpaydin, Kaynak (1998), "Optical recognition of handwritten digits", as scikit-learn ships it.
"""

import os
import socket
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import cast

import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn.functional import interpolate, pad
from torchvision.datasets import MNIST

from ..given import told
from ..wording import one_line
from .fetched import data_folder, shared_folder
from .pixels import Pixels

__all__ = ["Digits", "digits"]


@dataclass(frozen=True, repr=False)
class Digits(Pixels):
    """Handwritten digits, white on black.

    pixels: uint8 (N, 1, 28, 28).  labels: int64 (N,), 0 to 9.  source: "mnist" or "sklearn".
    """

    labels: Tensor
    source: str


def digits(*, split: str = "test", source: str = "auto") -> Digits:
    """Handwritten digits: MNIST (60 000 to train, 10 000 to test) or scikit-learn's (1297 and 500).

    source: "mnist": from $CAMLIB_DATA (where not set, the user's cache folder) or $CAMLIB_SHARED/mnist, else
    downloaded into the former.  "sklearn": 8×8 digits resized to 20×20 inside a border of 4, as MNIST's are;
    the last 500 for testing.  "auto": MNIST, or, with a warning, scikit-learn's where MNIST cannot be had.
    Raises ValueError for another split or source, OSError where MNIST is asked for and cannot be had.
    """
    if split not in ("train", "test"):
        raise ValueError(f"no split {told(split)}; there are 'train' and 'test'")
    if source not in ("auto", "mnist", "sklearn"):
        raise ValueError(f"no source {told(source)}; there are 'auto', 'mnist' and 'sklearn'")
    if source == "sklearn":
        return _sklearn(split)
    try:
        return _mnist(split)
    except OSError as error:
        if source == "mnist":
            raise
        warnings.warn(f"{error}. These are scikit-learn's digits instead.", stacklevel=2)
        return _sklearn(split)


def _sklearn(split: str) -> Digits:
    raw = load_digits()
    part = slice(0, -500) if split == "train" else slice(-500, None)
    small = torch.from_numpy(raw.images[part]).float()[:, None] / 16
    large = interpolate(small, size=(20, 20), mode="bicubic", antialias=True).clamp(0, 1)
    pixels = (pad(large, (4, 4, 4, 4)) * 255).round().to(torch.uint8)
    return Digits(pixels, torch.from_numpy(raw.target[part]).long(), "sklearn")


def _mnist(split: str) -> Digits:
    home, shared = data_folder(), shared_folder("mnist")
    roots = [home, *([shared] if shared else [])]
    names = [Path(name).stem for name, _ in MNIST.resources]
    there = [root for root in roots if all((root / "MNIST" / "raw" / name).is_file() for name in names)]
    if not there:
        _download(home)
    root = there[0] if there else home
    try:
        found = MNIST(root, train=split == "train")
    except (ValueError, AssertionError, RuntimeError, IndexError) as error:
        # Only what was downloaded here may be deleted: $CAMLIB_SHARED is others' too.
        cure = "delete that folder to download it again" if root == home else "tell whoever keeps it"
        raise OSError(f"MNIST in {root / 'MNIST'} is damaged; {cure}") from error
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
        reason = one_line(error)
        raise OSError(
            f"MNIST could not be downloaded into {home} ({reason}); "
            f"connect to the internet, or put its four files into {raw}"
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)
