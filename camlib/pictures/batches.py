"""One way to stream any data set: batches of images in [0, 1], their labels, and where they came from."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.v2 import functional as transform
from tqdm.auto import tqdm

from ..given import tensor, told, whole
from ..unrounded import unrounded
from .files import Folder, Unreadable, rgb
from .loader import unloaded
from .pixels import pixels_of

__all__ = ["Batch", "Labels", "batches", "data_set", "in_unit", "measured", "placed"]

Labels = Tensor | list[Any] | None


class Batch(NamedTuple):
    """Some of a data set's pictures.

    images: float32 (B, C, H, W) in [0, 1].  indices: int64 (B,), counted in the data.
    labels: a tensor (B, …) where they are numbers, or tensors of one shape; None where there are none; a list
    of B where they are anything else.
    """

    images: Tensor
    labels: Labels
    indices: Tensor


def batches(
    dataset: Any, *, batch_size: int = 64, workers: int = 0, skip: int = 0, progress: str | None = None
) -> Iterator[Batch]:
    """Stream a data set in order: images, labels or None, indices. One batch is in memory at a time.

    dataset: images (N, C, H, W) in [0, 1] or uint8; `Scenes`, `Digits`, `Photos` or a `Folder`; any torch
    Dataset or sequence that gives an image (tensor or PIL) or (image, label, …); a DataLoader that goes
    through one in order, whose own batch size and workers then do not matter.
    workers: processes that read ahead; worth it for big folders on many cores.
    skip: so many pictures at the beginning are not read; `indices` count them all the same.
    progress: what a progress bar is called, which shows when it takes longer than a second; None: no bar.
    A Folder's unreadable files are left out and noted in its `skipped`; `indices` still count every file.
    Labels may be anything: only a verb that needs them says so.
    Raises ValueError for an empty data set or a skip of all of it, pictures of unequal size, a Folder without
    a readable file, a DataLoader that shuffles or leaves pictures out, and values that are not numbers in
    [0, 1]: a `Net` normalises by itself.
    """
    size, ahead = whole(batch_size, "batch_size", 1), whole(workers, "workers")
    dataset = data_set(dataset)
    if whole(skip, "skip") >= len(dataset):
        raise ValueError(f"cannot skip {skip} of {len(dataset)} pictures")
    size = min(size, len(dataset))
    pixels = pixels_of(dataset)
    if pixels is None:
        stream = _read(dataset, size, ahead, int(skip))
    else:
        stream = _cut(pixels, getattr(dataset, "labels", None), size, int(skip))
    return stream if progress is None else _shown(stream, len(dataset), int(skip), progress)


def data_set(given: Any) -> Any:
    """What `batches` goes through, with `len(…)` pictures: a DataLoader's data set, or what is given.

    Raises ValueError for what is none, and for one that is empty.
    """
    dataset = unloaded(given) if isinstance(given, DataLoader) else given
    if isinstance(dataset, np.ndarray):
        tensor(dataset, "pictures")
    if isinstance(dataset, str | Path):
        raise ValueError(f"{told(dataset)} is no data set; the pictures in a folder are folder(…)")
    lacks = not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__"))
    if pixels_of(dataset) is None and (lacks or isinstance(dataset, type | bytes | Mapping)):
        kind = dataset.__name__ if isinstance(dataset, type) else f"a {type(dataset).__name__}"
        raise ValueError(f"cannot stream {kind}; give images, or a data set with a length")
    if (pixels := pixels_of(dataset)) is not None and pixels.ndim != 4:
        raise ValueError(f"images have shape {tuple(pixels.shape)}; give (N, C, H, W)")
    if len(dataset) == 0:
        raise ValueError("the data set is empty")
    return dataset


def measured(
    find: Callable[[Batch], Tensor], dataset: Any, *, batch_size: int = 64, progress: str | None = None
) -> Tensor:
    """What `find` says of each of N pictures, a row for each of a batch's: (N, …), floats on the CPU.

    The rest is as for `batches`. NaN for a picture whose file cannot be read.
    """
    dataset = data_set(dataset)
    found = [
        (find(batch).cpu(), batch.indices)
        for batch in batches(dataset, batch_size=batch_size, progress=progress)
    ]
    with unrounded():  # else torch refuses to join what is float16
        rows, indices = (torch.cat(column) for column in zip(*found, strict=True))
    return placed(rows, indices, len(dataset))


def placed(rows: Tensor, indices: Tensor, count: int, other: float = torch.nan) -> Tensor:
    """What was found of some pictures, (M, …), at their places among all, (count, …); `other` in the rest.

    indices: (M,), as `batches` gives them: a picture that could not be read is not among them.
    """
    if len(rows) == count:
        return rows
    every = rows.new_full((count, *rows.shape[1:]), other)
    every[indices] = rows
    return every


def _shown(stream: Iterator[Batch], total: int, skip: int, progress: str) -> Iterator[Batch]:
    with tqdm(total=total, initial=skip, desc=progress, unit="picture", delay=1, leave=False) as bar:
        for batch in stream:
            yield batch
            bar.update(int(batch.indices[-1]) + 1 - bar.n)


def _cut(pixels: Tensor, labels: Any, batch_size: int, skip: int) -> Iterator[Batch]:
    for start in range(skip, len(pixels), batch_size):
        part = slice(start, start + batch_size)
        numbers = range(start, min(start + batch_size, len(pixels)))
        images = in_unit(pixels[part], numbers)
        yield Batch(images, None if labels is None else labels[part], torch.tensor(numbers))


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


def _read(dataset: Any, batch_size: int, workers: int, skip: int) -> Iterator[Batch]:
    skipped: dict[Path, str] = dataset.skipped if isinstance(dataset, Folder) else {}
    loader = DataLoader(
        _Numbered(dataset),
        batch_size,
        sampler=range(skip, len(dataset)),
        num_workers=workers,
        collate_fn=_collate,
        generator=torch.Generator(),  # else each pass would draw from the global one
    )
    read = 0
    for batch, failed, wrong in loader:
        if wrong:
            raise ValueError(wrong)  # here, and not in a worker, whose errors are pages long
        skipped.update({dataset.paths[i]: reason for i, reason in failed})
        if batch is not None:
            read += len(batch.images)
            yield batch
    if not read and not skip:
        raise Unreadable(f"none of the {len(dataset)} files can be read; {next(iter(skipped.values()))}")


Items = list[tuple[int, Any, str]]


def _collate(items: Items) -> tuple[Batch | None, list[tuple[int, str]], str]:
    """A batch of what could be read, the numbers and reasons of what could not, and what is wrong with it."""
    failed = [(i, reason) for i, _, reason in items if reason]
    good = [(i, item) for i, item, reason in items if not reason]
    try:
        return _stacked(good) if good else None, failed, ""
    except ValueError as error:
        return None, failed, str(error)


def _stacked(good: list[tuple[int, Any]]) -> Batch:
    pairs = [item if isinstance(item, tuple | list) and item else (item,) for _, item in good]
    images = [_tensor(pair[0], i) for pair, (i, _) in zip(pairs, good, strict=True)]
    shapes = sorted({tuple(image.shape) for image in images})
    if len({shape[0] for shape in shapes}) > 1:
        raise ValueError(f"pictures of {shapes[0][0]} and of {shapes[-1][0]} channels; make them all alike")
    if len(shapes) > 1:
        raise ValueError(f"pictures of unequal size, {shapes}; resize them to one")
    labels = _labels([pair[1] if len(pair) > 1 else None for pair in pairs])
    return Batch(torch.stack(images), labels, torch.tensor([i for i, _ in good]))


def _labels(each: list[Any]) -> Labels:
    """As a tensor where they are numbers; None where there is none at all; else as they are."""
    if all(label is None for label in each):
        return None
    try:
        if all(isinstance(label, Tensor) for label in each):
            return torch.stack(each)
        return torch.as_tensor(each)
    except (TypeError, ValueError, RuntimeError):  # names, dicts, boxes: only who needs labels minds
        return each


def _tensor(image: Any, number: int) -> Tensor:
    if isinstance(image, Image.Image):
        image = transform.pil_to_tensor(image if image.mode == "L" else rgb(image))
    if not isinstance(image, Tensor) or image.ndim != 3:
        given = f"shape {tuple(image.shape)}" if isinstance(image, Tensor) else type(image).__name__
        how = "; torch.from_numpy makes a tensor" if isinstance(image, np.ndarray) else ""
        how = "; load_picture reads a file" if isinstance(image, str | Path) else how
        raise ValueError(
            f"the data set gives {given} for a picture; give a tensor (C, H, W) or a PIL image{how}"
        )
    return in_unit(image[None], range(number, number + 1))[0]


def in_unit(images: Tensor, numbers: range) -> Tensor:
    """Floats in [0, 1] of bytes; floats are only checked.  numbers: the pictures', for a message."""
    if images.dtype == torch.uint8:
        return images.float() / 255
    if not images.is_floating_point() and images.dtype != torch.bool:
        kind = str(images.dtype).removeprefix("torch.")
        raise ValueError(f"pictures are {kind}; give floats in [0, 1], or bytes: .to(torch.uint8)")
    if not images.numel():
        raise ValueError(f"picture {numbers[0]} has shape {tuple(images.shape[1:])}: no pixels")
    images = images.float()
    low, high = (value.item() for value in images.aminmax())
    if not (low >= -0.01 and high <= 1.01):  # NaN is neither
        bad = numbers[int((~((images >= -0.01) & (images <= 1.01))).flatten(1).any(1).nonzero()[0, 0])]
        if not images[bad - numbers[0]].isfinite().all():
            raise ValueError(f"picture {bad} holds values that are NaN or infinite")
        divide = 1 < high <= 255 and low >= 0 and bool((images == images.round()).all())
        advice = "divide them by 255" if divide else "a Net normalises by itself"
        raise ValueError(
            f"values from {low:.3g} to {high:.3g}, first in picture {bad}; pictures are in [0, 1], {advice}"
        )
    return images
