"""A shard's pictures as a data set of their own, and what tells that a result is still theirs."""

import hashlib
from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset, TensorDataset
from torchvision.datasets import DatasetFolder

from ..networks.net import Net
from ..pictures.files import Folder
from ..pictures.pixels import Pixels, pixels_of
from ..pictures.stamps import stamps
from .digest import digest
from .shard import Shard
from .worker import Job

__all__ = ["known_by", "made_by", "part_of"]

_SOME = 16  # items of a shard that are read to tell it, as `codes` tries so many rows of a file
_IN_MEMORY = (list, tuple, TensorDataset)


def part_of(dataset: Any, shard: Shard) -> Any:
    """The data set of these pictures alone; of files it carries only their own paths."""
    some = slice(*shard)
    if isinstance(dataset, DatasetFolder):
        part: Any = copy(dataset)
        part.samples, part.targets = dataset.samples[some], dataset.targets[some]
        if hasattr(part, "imgs"):
            part.imgs = part.samples
        return part
    if isinstance(dataset, Folder | Sequence):
        return dataset[some]
    if isinstance(dataset, np.ndarray):
        return torch.from_numpy(dataset[some])
    if pixels_of(dataset) is not None:
        return dataset[torch.arange(*shard)]  # a copy: a slice would carry all that it is a view of
    return Subset(dataset, range(*shard))


def made_by(job: Job, part: Any) -> str:
    """What a shard's result depends on, as a number in hexadecimal: another number, another result.

    Of the pictures what `stamps` tells, and what lies in memory for each of them: labels, masks, boxes. Lists
    and tensors are looked at whole. Of what has to be read (files, a data set of one's own) up to 16 items,
    spread evenly, are, as they come out, with their labels: another size or transform is noticed.
    """
    told = hashlib.blake2b(repr((job.key, job.verb, job.layer, len(part))).encode(), digest_size=12)
    told.update(repr(sorted((key, _whole(value)) for key, value in job.options.items())).encode())
    base, chosen = _base(part)
    for name, truth in _truths(base, chosen):
        told.update(name.encode() + digest(truth))
    if (known := stamps(part)) is not None:
        told.update(known.tobytes())
    if pixels_of(base) is None:
        for item in _looked_at(part, len(part) if isinstance(base, _IN_MEMORY) else _SOME):
            told.update(item)
    return told.hexdigest()


def _base(part: Any) -> tuple[Any, Any]:
    """What a subset is taken from, perhaps by way of others, and which of its pictures."""
    chosen: Any = slice(None)
    while isinstance(part, Subset):
        chosen = np.asarray(part.indices)[chosen]
        part = part.dataset
    return part, chosen


def _truths(base: Any, chosen: Any) -> Iterator[tuple[str, Any]]:
    """What a verb may hold against the pictures: other labels, other sums."""
    names = {"labels", "targets"}
    if not isinstance(base, (Folder, DatasetFolder, Tensor, *_IN_MEMORY)):
        names |= vars(base).keys() if hasattr(base, "__dict__") else set()
    if isinstance(base, Pixels):
        names -= {"pixels"}  # which have their stamps
    numbers = range(len(base))[chosen] if isinstance(chosen, slice) else chosen.tolist()
    for name in sorted(names):
        truth = getattr(base, name, None)
        if isinstance(truth, Tensor | np.ndarray) and truth.ndim and len(truth) == len(base):
            yield name, truth[chosen]
        elif isinstance(truth, list | tuple) and len(truth) == len(base):
            yield name, [truth[i] for i in numbers]


def _looked_at(part: Any, count: int) -> Iterator[bytes]:
    """So many of the items, spread evenly; what cannot be read, the worker will tell."""
    for i in np.unique(np.linspace(0, len(part) - 1, min(count, len(part))).round().astype(int)).tolist():
        try:
            yield digest(part[i])
        except Exception as error:
            yield type(error).__name__.encode()


def _whole(value: Any) -> Any:
    """A number for a tensor's numbers, all of them: its repr leaves some out."""
    return digest(value).hex() if isinstance(value, Tensor | np.ndarray) else value


def known_by(net: Net) -> str:
    """A number for a network, of its modules and all their numbers."""
    told = hashlib.blake2b(repr((net.module, net.classes)).encode(), digest_size=12)
    for name, numbers in (*net.state_dict().items(), ("mean", net.mean), ("std", net.std)):
        told.update(name.encode())
        told.update(numbers.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return told.hexdigest()
