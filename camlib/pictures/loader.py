"""A DataLoader as a data set: picture i is the i-th that it gives."""

from typing import Any

from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, SequentialSampler, default_collate

__all__ = ["unloaded"]

_LEFT_OUT = "this DataLoader's collate_fn leaves picture {} out; leave it out of the data set, and give that"


def unloaded(loader: "DataLoader[Any]") -> Any:
    """A data set of what the loader gives, one by one: with `len(…)` items, any of which can be asked for.

    The loader's own collate_fn, where it has one, is asked for a batch of one picture at a time.
    Raises ValueError for a loader that does not go through its data set in order and to the end: the answers
    about picture i would be about another one.
    """
    if isinstance(loader.dataset, IterableDataset) or not hasattr(loader.dataset, "__getitem__"):
        raise ValueError(
            "this DataLoader's data set has no picture i, only a next one; give one with __getitem__"
        )
    if loader.batch_size is None and loader.batch_sampler is None:
        raise ValueError("this DataLoader has batch_size=None, and makes no batches; give its .dataset")
    if type(loader.batch_sampler) is not BatchSampler or type(loader.sampler) is not SequentialSampler:
        raise ValueError(
            "this DataLoader shuffles or chooses, so picture i is none in particular; "
            "give one with shuffle=False and no sampler, or its .dataset"
        )
    dataset: Any = loader.dataset
    if loader.drop_last and loader.batch_size and len(dataset) % loader.batch_size:
        raise ValueError("this DataLoader leaves the last pictures out; give one with drop_last=False")
    return dataset if loader.collate_fn is default_collate else _Collated(loader)


class _Collated:
    """The items as a loader's collate_fn makes them: (image, label, …), or an image."""

    def __init__(self, loader: "DataLoader[Any]") -> None:
        self.dataset: Any = loader.dataset
        self.collate = loader.collate_fn

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        batch = self.collate([self.dataset[index]])
        if batch is None or (isinstance(batch, tuple | list) and not len(batch)):
            raise ValueError(_LEFT_OUT.format(index))
        if not isinstance(batch, tuple | list):
            return _first(batch, index)
        return tuple(_first(part, index) for part in batch)


def _first(part: Any, index: int) -> Any:
    """The one picture, or label, of a batch of one."""
    if isinstance(part, Tensor) and part.ndim and not len(part):
        raise ValueError(_LEFT_OUT.format(index))
    return part[0] if isinstance(part, Tensor | list | tuple) and len(part) == 1 else part
