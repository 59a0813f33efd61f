"""What a layer makes of each picture of a data set: its code, a row of numbers.

The last hidden layer of a classifier, fc7 in AlexNet with its 4096 numbers, is the code in which Krizhevsky,
Sutskever, Hinton (2012), "ImageNet classification with deep convolutional neural networks", section 6.1, look
for a picture's neighbours.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..geometry.field import on_map, receptive_field
from ..given import path_of, tensor, told, whole
from ..networks.net import Net
from ..pictures.batches import batches, data_set
from ..pictures.pixels import pixels_of
from ..pictures.stamps import stamps
from ..running.extractor import FeatureExtractor
from .rowfile import grown

__all__ = ["codes", "finite"]

Pool = Literal["mean", "max"] | None

_ROWS = 4096  # looked at in one go


def codes(
    net: Net,
    layer: str,
    dataset: Any,
    *,
    pool: Pool = None,
    file: str | Path | None = None,
    batch_size: int = 64,
) -> Tensor:
    """The codes of all pictures of anything `batches` takes: float32 (N, D), on the CPU; row i is picture i.

    pool: of a layer with a map (U, h, w), its mean or maximum over places, D = U; None: all its numbers,
        D = U · h · w, unit by unit, row by row. A layer without a map is taken as it is. Of T tokens all are
        D = U · T numbers; to the mean and the maximum those add that stand for a place, and no class token.
    file: where the codes are kept as they come, a NumPy file (.npy). The tensor is then mapped from the file,
        not in memory; writing to it does not change the file. After an interruption the same call goes on
        where it stopped, and once all is there it only reads. One process writes it at a time.
    The network runs no further than the layer. A Folder's unreadable files, noted in its `skipped`, have NaN.

    Does the file still hold these codes? 16 rows, spread evenly, are computed again at each call, which tells
    another network, layer or data set, but not one picture among many. Of a `Folder` (or `ImageFolder`) a
    picture is also known by its file's name, size and time of change: where these are new its row is computed
    again. A change that keeps all three is not noticed. Of images in memory any change is noticed, and
    refused. In a data set of another kind a changed picture is noticed only if it is one of the 16.
    Raises ValueError for an unknown layer or pool, a file that holds something else, is cut short, or is
    being written by another process, an empty data set, pictures of unequal size, and a code that is not
    finite.
    """
    if pool not in (None, "mean", "max"):
        raise ValueError(f"no pool {told(pool)}; there are 'mean', 'max', and None, which keeps all places")
    path = None if file is None else path_of(file, "file")
    extract, dataset = FeatureExtractor(net, layer), data_set(dataset)
    first = next(batches(dataset, batch_size=1))  # a map is as large as the picture asks
    shape = len(dataset), _code(extract, first.images, pool).shape[1]
    rows = partial(_rows, extract, dataset, pool, whole(batch_size, "batch_size", 1), shape[1])
    if path is not None:
        on_disk = pixels_of(dataset) is None
        return torch.from_numpy(grown(path, shape, rows, stamps(dataset), renew=on_disk))
    found, done = torch.empty(shape), 0
    for block in rows(0, len(dataset)):
        found[done : done + len(block)] = torch.from_numpy(block)
        done += len(block)
    return found


def finite(rows: Tensor, what: str = "codes") -> None:
    """Raise ValueError, naming the row, unless rows are a tensor of finite floats (N, D), N and D at least 1.

    what: what the rows are called.
    """
    tensor(rows, what)
    if rows.ndim != 2 or not rows.numel() or not rows.is_floating_point():
        kind = str(rows.dtype).removeprefix("torch.")
        raise ValueError(f"{what} want floats (N, D), N and D at least 1; given {kind} {tuple(rows.shape)}")
    if rows.sum().isfinite():  # nearly always
        return
    for start in range(0, len(rows), _ROWS):
        bad = ~rows[start : start + _ROWS].isfinite().all(1)
        if bad.any():
            row = start + int(bad.nonzero()[0, 0])
            why = ", as of a file that could not be read," if rows[row].isnan().all() else ""
            raise ValueError(f"row {row} of the {what}{why} is not finite; leave it out")


def _code(extract: FeatureExtractor, images: Tensor, pool: Pool) -> Tensor:
    (layer,) = extract.layers
    given = extract(images)[layer]
    if given.ndim == 3 and pool:
        given = on_map(given, receptive_field(extract.net, layer, size=(images.shape[2], images.shape[3])))
    if given.ndim == 4 and pool:
        given = given.mean((2, 3)) if pool == "mean" else given.amax((2, 3))
    return given.flatten(1).float().cpu()


def _rows(
    extract: FeatureExtractor,
    dataset: Any,
    pool: Pool,
    batch_size: int,
    width: int,
    start: int,
    wanted: int,
) -> Iterator[NDArray[np.float32]]:
    """The codes from picture `start` on, in blocks (B, width) without gaps: what cannot be read is NaN."""
    total, done = len(dataset), start
    stream = batches(dataset, batch_size=min(batch_size, wanted), skip=start, progress=extract.layers[0])
    for images, _, indices in stream:
        found = _code(extract, images, pool)
        if found.shape[1] != width:
            raise ValueError(
                f"picture {int(indices[0])}, {tuple(images.shape[1:])}, has a code of {found.shape[1]} "
                f"numbers, and the first one of {width}: pictures of unequal size; resize them to one"
            )
        good = found.isfinite().all(1)
        if not good.all():
            raise ValueError(f"the code of picture {int(indices[~good][0])} is not finite")
        last = int(indices[-1]) + 1
        block = np.full((last - done, width), np.nan, np.float32)
        block[(indices - done).numpy()] = found.numpy()
        done = last
        yield block
    if done < total:
        yield np.full((total - done, width), np.nan, np.float32)
