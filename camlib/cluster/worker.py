"""What runs on a worker: one shard, by one thread, with a network that is unpacked once."""

import os
import pickle
import platform
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..networks.net import Net
from ..pictures.files import Folder, Unreadable
from .joins import VERBS

__all__ = ["Done", "Job", "here", "run"]


class Job(NamedTuple):
    """What is the same for all shards of a run.

    key: a number that tells its network from others.  driver: the process that asks (`here`).
    """

    key: str
    driver: tuple[str, int]
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
    if job.key not in _NETS:
        net = pickle.loads(network.read_bytes() if isinstance(network, Path) else network)
        _NETS.clear()
        _NETS[job.key] = net
    part = pickle.loads(pictures)
    try:
        result = VERBS[job.verb].run(_NETS[job.key], job.layer, part, first, job.options)
    except Unreadable:  # of all its files, which one pass would leave out
        if not isinstance(part, Folder):
            raise
        result = None
    skipped = dict(part.skipped) if isinstance(part, Folder) else {}
    return Done(pickle.dumps(result, protocol=5), skipped, ":".join(map(str, here())), began, time.time())
