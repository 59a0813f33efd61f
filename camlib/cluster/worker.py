"""What runs on a worker: one shard, by one thread or one GPU, with a network that is unpacked once."""

import os
import pickle
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from ..networks.net import Net
from ..pictures.files import Folder, Unreadable
from .joins import VERBS

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

__all__ = ["Done", "Job", "here", "number", "run"]


class Job(NamedTuple):
    """What is the same for all shards of a run.

    key: a number that tells its network from others.  driver: the process that asks (`here`).
    device: what kind of device its network is on, "cpu", "cuda", …
    """

    key: str
    driver: tuple[str, int]
    device: str
    verb: str
    layer: str | None
    options: dict[str, Any]


class Done(NamedTuple):
    """A shard's result, None where no picture could be read; and what could not be, path → reason.

    As it travels, the result is its pickle: torch sends tensors between processes as handles, and whoever
    dies before they are fetched takes a finished shard along.

    worker: the machine and process that did it, from `began` to `ended`, in seconds since 1970 by its clock.
    """

    result: Any
    skipped: dict[Path, str]
    worker: str
    began: float
    ended: float


_NETS: dict[str, Net] = {}  # the last one; unpacking AlexNet takes as long as sixty pictures
_NUMBER: list[int] = []  # of this worker, where the pool numbers them


def number(counter: "Synchronized[int]") -> None:
    """A pool calls it once in each of its workers: the first is 0, the next 1."""
    with counter.get_lock():
        _NUMBER[:] = [counter.value]
        counter.value += 1


def device_of(job: Job) -> torch.device:
    """Where this worker runs the job's network: of several GPUs on the one whose turn it is.

    Where nobody numbers the workers, their starter says which GPU each may see (CUDA_VISIBLE_DEVICES, as
    dask-cuda does), and it takes the first.
    """
    if job.device != "cuda" or not _NUMBER:
        return torch.device(job.device)
    return torch.device("cuda", _NUMBER[0] % max(1, torch.cuda.device_count()))


def here() -> tuple[str, int]:
    """This process, among all machines."""
    return platform.node(), os.getpid()


def run(job: Job, network: "bytes | Path", pictures: bytes, first: int) -> Done:
    """The verb on one shard.  network: its pickle, or the file that holds it.  pictures: theirs.

    In another process than the driver's torch gets one thread: a worker is one.
    """
    began = time.time()
    if here() != job.driver and torch.get_num_threads() > 1:
        torch.set_num_threads(1)
    net = _NETS.get(job.key)
    if net is None:
        net = pickle.loads(network.read_bytes() if isinstance(network, Path) else network).to(device_of(job))
        _NETS.clear()
        _NETS[job.key] = net
    part = pickle.loads(pictures)
    try:
        result = VERBS[job.verb].run(net, job.layer, part, first, job.options)
    except Unreadable:  # of all its files, which one pass would leave out
        if not isinstance(part, Folder):
            raise
        result = None
    skipped = dict(part.skipped) if isinstance(part, Folder) else {}
    return Done(pickle.dumps(result, protocol=5), skipped, ":".join(map(str, here())), began, time.time())
