"""A run of pictures that one worker goes through by itself."""

from typing import NamedTuple

__all__ = ["Shard", "cut"]


class Shard(NamedTuple):
    """Pictures first, first + 1, … stop - 1 of a data set."""

    first: int
    stop: int


def cut(pictures: int, size: int, batch_size: int) -> list[Shard]:
    """Shards of `size` pictures, rounded up to whole batches; the last may be shorter.

    Whole batches, so that every worker computes just the batches that one pass would: a convolution of 64
    pictures and one of 63 may differ in the last digit.
    """
    size = -(-size // batch_size) * batch_size
    return [Shard(first, min(first + size, pictures)) for first in range(0, pictures, size)]
