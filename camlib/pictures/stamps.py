"""What tells that a picture is still the same: a number for each picture of a data set.

A file's is made of its name, its size and when it was changed last, so no file is read; that of a picture in
memory of its bytes.
"""

from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Subset
from torchvision.datasets import DatasetFolder

from .files import Folder
from .pixels import pixels_of
from .tars import Tars

__all__ = ["Stamps", "stamps"]

Stamps = NDArray[np.uint64]


def stamps(dataset: Any) -> Stamps | None:
    """A number above 1 for each of N pictures: uint64 (N,); another picture, another number.

    Known of a `Folder`, `Tars`, torchvision's `ImageFolder`, images in memory (a tensor, `Scenes`, …),
    and a torch `Subset` of these. None for any other data set: only reading it would tell.
    Not noticed: a file that keeps its name, size and time of change, and what a `transform` does.
    """
    if isinstance(dataset, Subset):
        whole = stamps(dataset.dataset)
        return None if whole is None else whole[np.asarray(dataset.indices, np.int64)]
    if isinstance(dataset, Tars):
        files = {a: _of_file(dataset.archives[a]) for a in set(dataset.places[:, 0].tolist())}
        return np.array(
            [_number(repr((files[a], b, n)).encode()) for a, b, n in dataset.places.tolist()], np.uint64
        )
    if isinstance(dataset, Folder):
        return np.array([_of_file(path) for path in dataset.paths], np.uint64)
    if isinstance(dataset, DatasetFolder):
        return np.array([_of_file(Path(path)) for path, _ in dataset.samples], np.uint64)
    if (pixels := pixels_of(dataset)) is not None:
        return np.array([_of_bytes(one) for one in pixels], np.uint64)
    return None


def _of_file(path: Path) -> int:
    try:
        told = path.stat()
    except OSError as error:  # it cannot be read either, and has no code
        return _number(repr((path.name, error.errno)).encode())
    return _number(repr((path.name, told.st_size, told.st_mtime_ns)).encode())


def _of_bytes(picture: Tensor) -> int:
    kind = str((picture.dtype, tuple(picture.shape))).encode()
    flat = picture.detach().cpu().contiguous().flatten().view(torch.uint8)
    return _number(kind, flat.numpy().data)


def _number(*parts: "bytes | memoryview") -> int:
    digest = blake2b(digest_size=8)
    for part in parts:
        digest.update(part)
    return max(2, int.from_bytes(digest.digest(), "little"))
