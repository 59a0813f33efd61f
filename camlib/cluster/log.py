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

    verb: what was done with it (`dissect` goes round twice, as "highest_cells" and "dissect").
    worker: its machine and process.  began, ended: seconds since 1970, by that machine's clock.
    """

    verb: str
    first: int
    stop: int
    worker: str
    began: float
    ended: float


def shard_log(folder: str | Path, verb: str | None = None) -> list[Line]:
    """What lies in the log of a run's folder, in the order in which the shards came back.

    verb: only of this one, by its name; none, where it was not run.  A line that a killed run cut short is
    left out.
    Raises ValueError for a folder without a log.
    """
    file = path_of(folder, "folder") / _FILE
    if not file.is_file():
        raise ValueError(f"no {_FILE} in {file.parent}; map_shards(…, folder=…) writes it")
    with file.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if None not in row.values()]
    lines = [
        Line(
            row["verb"],
            int(row["first"]),
            int(row["stop"]),
            row["worker"],
            float(row["began"]),
            float(row["ended"]),
        )
        for row in rows
    ]
    return [line for line in lines if verb in (None, line.verb)]


def write(folder: Path, verb: str, shard: Shard, done: Done) -> None:
    """Add a line."""
    file = folder / _FILE
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        if new:
            rows.writerow(Line._fields)
        rows.writerow(Line(verb, *shard, done.worker, done.began, done.ended))
