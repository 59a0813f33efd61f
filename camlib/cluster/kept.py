"""Finished shards, each in a file of a folder, so that a run goes on where it stopped."""

import os
import pickle
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .joins import Found
from .log import write
from .shard import Shard
from .worker import Done

__all__ = ["Kept"]


class Kept:
    """The shards of one run.  folder: where they lie; None: in memory.  skipped: where `of` notes files.
    verb: its name, for the log.

    A file has its name only once it is whole, and its name says what made it (`shards.made_by`). It begins
    with a hash of the rest, so that one which a disk has damaged is not taken: its shard is done again. The
    rest is a pickle, which runs what is in it: open no folder that somebody else could have written.
    """

    def __init__(self, folder: Path | None, skipped: dict[Path, str], verb: str) -> None:
        self.folder, self._skipped, self._verb = folder, skipped, verb
        self._held: dict[Shard, Done] = {}
        self._names: dict[Shard, str] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def has(self, shard: Shard, made_by: str) -> bool:
        """Whether this shard was finished before, and is still as it was written."""
        self._names[shard] = f"{shard.first:012d}-{shard.stop:012d}-{made_by}.shard"
        return self.folder is not None and _read(self.folder / self._names[shard]) is not None

    def keep(self, shard: Shard, done: Done) -> None:
        """Keep what a worker gave."""
        done = done._replace(result=pickle.loads(done.result))
        if self.folder is None:
            self._held[shard] = done
            return
        file = self.folder / self._names[shard]
        part = file.with_suffix(".part")
        told = pickle.dumps(done, protocol=5)
        with part.open("wb") as stream:
            stream.write(blake2b(told).digest() + told)
            stream.flush()
            os.fsync(stream.fileno())  # else a power cut may leave the name and not what is in the file
        os.replace(part, file)
        write(self.folder, self._verb, shard, done)

    def of(self, shard: Shard) -> Any:
        """The result that was kept; what could not be read is noted in `skipped`."""
        if self.folder is None:
            done = self._held[shard]
        else:
            file = self.folder / self._names[shard]
            if (told := _read(file)) is None:
                raise OSError(f"{file} is not as it was written; the same call does its pictures again")
            done = pickle.loads(told)
        self._skipped.update(done.skipped)
        return done.result

    def rows(self, shards: Sequence[Shard]) -> Tensor:
        """Codes of all shards, one below the other, mapped from codes.npy in the folder, not in memory."""
        assert self.folder is not None
        file, part = self.folder / "codes.npy", self.folder / "codes.npy.part"
        every: Any = None
        for shard in shards:  # one at a time
            result = self.of(shard)
            if every is None and result is not None:
                shape = shards[-1].stop, result.shape[1]
                every = np.lib.format.open_memmap(part, "w+", np.float32, shape)
                every[: shard.first] = np.nan
            if every is not None:
                every[slice(*shard)] = np.nan if result is None else result.numpy()
        if every is None:
            raise ValueError(f"none of the {shards[-1].stop} pictures can be read")
        every.flush()
        del every
        os.replace(part, file)
        return torch.from_numpy(np.load(file, mmap_mode="c"))

    def found(self, shards: Sequence[Shard]) -> Iterator[Found]:
        """All results, in order; of those in a folder one at a time is in memory."""
        return ((shard, self.of(shard)) for shard in shards)


def _read(file: Path) -> memoryview | None:
    """A kept shard's pickle; None where there is no such file, or it is not as it was written."""
    if not file.is_file():
        return None
    whole, size = memoryview(file.read_bytes()), blake2b().digest_size
    return whole[size:] if blake2b(whole[size:]).digest() == whole[:size] else None
