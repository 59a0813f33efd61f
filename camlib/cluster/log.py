"""Who did which shard, and when: a line for each in log.csv of the run's folder, as they come back."""

import csv
from pathlib import Path
from typing import NamedTuple

from ..given import path_of
from .shard import Shard
from .worker import Done

__all__ = ["Line", "shard_log", "write"]

_FILE = "log.csv"


class Line(NamedTuple):
    """A shard, pictures first … stop - 1, that a worker did.

    worker: its machine and process.  began, ended: seconds since 1970, by that machine's clock.
    """

    first: int
    stop: int
    worker: str
    began: float
    ended: float


def shard_log(folder: str | Path) -> list[Line]:
    """What lies in the log of a run's folder, in the order in which the shards came back.

    Raises ValueError where there is none.
    """
    file = path_of(folder, "folder") / _FILE
    if not file.is_file():
        raise ValueError(f"no {_FILE} in {file.parent}; map_shards(…, folder=…) writes it")
    with file.open(newline="", encoding="utf-8") as stream:
        return [
            Line(int(row["first"]), int(row["stop"]), row["worker"], float(row["began"]), float(row["ended"]))
            for row in csv.DictReader(stream)
        ]


def write(folder: Path, shard: Shard, done: Done) -> None:
    """Add a line."""
    file = folder / _FILE
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        if new:
            rows.writerow(Line._fields)
        rows.writerow(Line(*shard, done.worker, done.began, done.ended))
