"""A shard's pictures as a data set of their own, and what tells that a result is still theirs."""

import hashlib
from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset
from torchvision.datasets import DatasetFolder

from ..networks.net import Net
from ..pictures.batches import batches
from ..pictures.files import Folder
from ..pictures.pixels import pixels_of
from ..pictures.stamps import stamps
from .shard import Shard
from .worker import Job

__all__ = ["known_by", "made_by", "part_of"]


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

    Of the pictures what `stamps` tells, and the truth about them that lies in memory: labels, masks of parts
    or of ink. Of a data set of which `stamps` tells nothing only the length and the first picture that can
    be read: a change further on is not noticed.
    """
    told = hashlib.blake2b(repr((job.key, job.verb, job.layer, len(part))).encode(), digest_size=12)
    told.update(repr(sorted((key, _whole(value)) for key, value in job.options.items())).encode())
    for name, truth in _truths(part):
        told.update(name.encode() + truth.contiguous().numpy().tobytes())
    known = stamps(part)
    if known is None:
        known = stamps(next(batches(part, batch_size=1)).images)
    assert known is not None
    told.update(known.tobytes())
    return told.hexdigest()


def _truths(part: Any) -> Iterator[tuple[str, Tensor]]:
    """What a verb may hold against the pictures: other labels, other sums."""
    chosen: Any = slice(None)
    while isinstance(part, Subset):  # of a subset, perhaps
        chosen = np.asarray(part.indices)[chosen]
        part = part.dataset
    for name in ("labels", "targets", "parts", "ids"):
        truth = getattr(part, name, None)
        if isinstance(truth, Tensor | np.ndarray | list):
            yield name, torch.as_tensor(truth)[chosen].cpu()


def _whole(value: Any) -> Any:
    """A number for a tensor's numbers, all of them: its repr leaves some out."""
    if not isinstance(value, Tensor | np.ndarray):
        return value
    return hashlib.blake2b(torch.as_tensor(value).cpu().contiguous().numpy().tobytes()).hexdigest()


def known_by(net: Net) -> str:
    """A number for a network, of its modules and all their numbers."""
    told = hashlib.blake2b(repr((net.module, net.classes)).encode(), digest_size=12)
    for name, numbers in (*net.state_dict().items(), ("mean", net.mean), ("std", net.std)):
        told.update(name.encode())
        told.update(numbers.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return told.hexdigest()
