"""The long run of lesson 12, shipped as a small table: every method in every test, on several networks.

`make trust` makes it again (`tools/trust.py`): data/trust/graded.csv, a row for each network, method and
test.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Grade", "Verdict", "graded", "graded_file", "verdicts"]


class Grade(NamedTuple):
    """One score, with its 95 % bootstrap interval over pictures.

    network, seed: as for `load`.  method, test: in words.  score, low, high: NaN where the test does not
    apply.
    """

    network: str
    seed: int
    method: str
    test: str
    score: float
    low: float
    high: float


class Verdict(NamedTuple):
    """One cell of the graded figure: the mean score, and in how many of the runs it beats every baseline."""

    score: float
    wins: int
    runs: int


def graded_file() -> Path:
    """Where the table lies: in an installed package camlib/trust/data, else data/trust."""
    room = Path(__file__).resolve().parent
    installed = room / "data"
    folder = installed if installed.is_dir() else room.parents[1] / "data" / "trust"
    return folder / "graded.csv"


def graded(
    *, network: str | None = None, tests: Iterable[str] | None = None, file: Path | None = None
) -> list[Grade]:
    """The rows of the table, in its order; of one network, or of some tests, if they are named.

    Raises ValueError for a network or test that the table does not have.
    """
    with (file or graded_file()).open(encoding="utf-8", newline="") as opened:
        rows = [
            Grade(
                r["network"],
                int(r["seed"]),
                r["method"],
                r["test"],
                *map(float, (r["score"], r["low"], r["high"])),
            )
            for r in csv.DictReader(opened)
        ]
    wanted = list(dict.fromkeys(row.test for row in rows)) if tests is None else list(tests)
    for what, name, there in (
        *(("test", test, {row.test for row in rows}) for test in wanted),
        *([] if network is None else [("network", network, {row.network for row in rows})]),
    ):
        if name not in there:
            raise ValueError(f"the table has no {what} {name!r}; it has {', '.join(sorted(there))}")
    return [row for row in rows if row.test in wanted and network in (None, row.network)]


def verdicts(
    rows: Iterable[Grade], better: Mapping[str, int], baselines: Sequence[str]
) -> dict[str, list[Verdict]]:
    """For each method and test: the mean over runs, and in how many runs it beats every map that never looks.

    better: test → 1 where more is better, -1 where less is.  baselines: their names among the methods.
    It beats them in a run where the pessimistic end of its interval lies beyond the best baseline's score.
    """
    found = list(rows)
    runs = list(dict.fromkeys((row.network, row.seed) for row in found))
    at = {(row.network, row.seed, row.method, row.test): row for row in found}
    table: dict[str, list[Verdict]] = {}
    for method in dict.fromkeys(row.method for row in found):
        table[method] = []
        for test, way in better.items():
            here = [(run, at[*run, method, test]) for run in runs if (*run, method, test) in at]
            wins = 0
            for run, row in here:
                best = max(way * at[*run, name, test].score for name in baselines)
                wins += min(way * row.low, way * row.high) > best
            mean = sum(row.score for _, row in here) / len(here) if here else float("nan")
            table[method].append(Verdict(mean, wins, len(here)))
    return table
