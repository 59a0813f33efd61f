"""Whatever runs the shards: a pool of processes on this machine, Dask's client, anything with `submit`."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import joblib
import torch

from ..given import whole
from .worker import Done, Job, number, run

__all__ = ["Engine", "engine_of"]


class Engine:
    """Takes shards.  given: what the user gave; a number, or None for all cores: a pool of our own."""

    def __init__(self, given: Any, job: Job, network: bytes, folder: Path) -> None:
        self.given, self.job, self._bytes, self._folder = given, job, network, folder
        self._pool: Executor | None = None
        self._network: Any = None

    @property
    def ours(self) -> bool:
        """Whether a broken pool may be replaced by a new one."""
        return self.given is None or isinstance(self.given, int)

    @property
    def workers(self) -> int:
        """How many shards it can do at a time, as far as it tells; a Dask cluster may grow meanwhile."""
        if self.ours:
            return self.given or _processes(self.job.device)
        if hasattr(self.given, "nthreads"):  # Dask's client: threads of each of its workers
            return sum(self.given.nthreads().values())
        return int(getattr(self.given, "_max_workers", 0))  # the standard library's pools

    def submit(self, pictures: bytes, first: int) -> "Future[Done]":
        """A shard, to be done."""
        if self._pool is None:
            self._begin()
        assert self._pool is not None
        return self._pool.submit(run, self.job, self._network, pictures, first)

    def _begin(self) -> None:
        """The network travels once to each worker of a pool, in a file, and once to a Dask cluster."""
        self._network = self._bytes
        if self.ours:
            # forked processes would inherit torch's threads without the threads, and a GPU in use
            context = get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self.workers, context, initializer=number, initargs=(context.Value("i", 0),)
            )
        elif hasattr(self.given, "get_executor"):  # Dask's client, as the standard library's executor
            self._pool = self.given.get_executor(pure=False)
            # as a task's result: that is made again where its holders died, and scattered data would be lost
            self._network = self.given.submit(_itself, self._bytes, pure=False)
        else:
            self._pool = self.given
        if isinstance(self._pool, ProcessPoolExecutor):
            self._network = self._folder / f"{self.job.key}.network"
            self._network.write_bytes(self._bytes)

    def send_again(self) -> None:
        """After a failure the network may be lost with a Dask worker: the next shard sends it again."""
        if not isinstance(self._pool, ProcessPoolExecutor):
            self._pool = None

    def renew(self) -> None:
        """A new pool for the next shard, in place of ours, which broke."""
        if self._pool is not None and self.ours:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None

    def close(self) -> None:
        """End what was begun here."""
        if self._pool is not None and self.ours:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _processes(device: str) -> int:
    """How many of them this machine is good for: one for each GPU, or for each core that it may use."""
    if device == "cpu":
        return int(joblib.cpu_count())  # of a container or a job only its share
    return torch.cuda.device_count() if device == "cuda" else 1


def _itself(network: bytes) -> bytes:
    return network


@contextmanager
def engine_of(given: Any, job: Job, network: bytes) -> Iterator[Engine]:
    """The engine, which is closed behind the block if it is ours.

    Raises ValueError for what is no number of processes and has no `submit`.
    """
    if isinstance(given, int):
        whole(given, "engine", 1)
    elif given is not None and not callable(getattr(given, "submit", None)):
        raise ValueError(
            f"an engine is a number of processes, or has submit(function, …), like Dask's Client or "
            f"ProcessPoolExecutor; given a {type(given).__name__}; None takes this machine's cores"
        )
    with tempfile.TemporaryDirectory(prefix="camlib-") as folder:
        engine = Engine(given, job, network, Path(folder))
        try:
            yield engine
        finally:
            engine.close()
