"""One way to stream any data set: batches of images in [0, 1], their labels, and where they came from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.v2 import functional as transform
from tqdm.auto import tqdm

from .files import Folder, Unreadable, rgb

__all__ = ["Batch", "batches"]


class Batch(NamedTuple):
    """Some of a data set's pictures.

    images: float32 (B, C, H, W) in [0, 1].  labels: (B,) or None.  indices: int64 (B,), counted in the data.
    """

    images: Tensor
    labels: Tensor | None
    indices: Tensor


def batches(
    dataset: Any, *, batch_size: int = 64, workers: int = 0, skip: int = 0, progress: str | None = None
) -> Iterator[Batch]:
    """Stream a data set in order: images, labels or None, indices. One batch is in memory at a time.

    dataset: images (N, C, H, W) in [0, 1] or uint8; `Scenes`, `Digits`, `Photos` or a `Folder`; any torch
    Dataset or sequence that gives an image (tensor or PIL) or (image, label, …).
    workers: processes that read ahead; worth it for big folders on many cores.
    skip: so many pictures at the beginning are not read; `indices` count them all the same.
    progress: what a progress bar is called, which shows when it takes longer than a second; None: no bar.
    A Folder's unreadable files are left out and noted in its `skipped`; `indices` still count every file.
    Raises ValueError for an empty data set or a skip of all of it, pictures of unequal size, a Folder without
    a readable file, and values outside [0, 1]: a `Net` normalises by itself.
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
    if not 0 <= skip < len(dataset):
        raise ValueError(f"cannot skip {skip} of {len(dataset)} pictures")
    if not isinstance(pixels, Tensor):
        stream = _read(dataset, batch_size, workers, skip)
    elif pixels.ndim != 4:
        raise ValueError(f"images have shape {tuple(pixels.shape)}; give (N, C, H, W)")
    else:
        stream = _cut(pixels, getattr(dataset, "labels", None), batch_size, skip)
    return stream if progress is None else _told(stream, len(dataset), skip, progress)


def _told(stream: Iterator[Batch], total: int, skip: int, progress: str) -> Iterator[Batch]:
    with tqdm(total=total, initial=skip, desc=progress, unit="picture", delay=1, leave=False) as bar:
        for batch in stream:
            yield batch
            bar.update(int(batch.indices[-1]) + 1 - bar.n)


def _cut(pixels: Tensor, labels: Tensor | None, batch_size: int, skip: int) -> Iterator[Batch]:
    for start in range(skip, len(pixels), batch_size):
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
    for batch, failed in loader:
        skipped.update({dataset.paths[i]: reason for i, reason in failed})
        if batch is not None:
            read += len(batch.images)
            yield batch
    if not read and not skip:
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
