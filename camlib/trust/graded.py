"""The long runs of lesson 12, shipped as small tables, a row for each network, method and test.

`make trust` makes data/trust/graded.csv again (`tools/trust.py`): every method in every test, on several
networks. `make trapped` makes data/trust/trapped.csv (`tools/trapped.py`): several trainings of the network
with the stamp and of its control, and of the network with shuffled labels.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from ..given import told
from ..shipped import rows_of, shipped

__all__ = ["Grade", "Verdict", "graded", "graded_file", "verdicts"]

_TABLES = ("graded", "trapped")


class Grade(NamedTuple):
    """One score, with its 95 % bootstrap interval over pictures.

    network, seed: as for `load`; in the table "trapped" the kind of training and its seed.
    method, test: in words.  score, low, high: NaN where the test does not apply.
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


def graded_file(table: str = "graded") -> Path:
    """Where a table lies."""
    return shipped("trust") / f"{table}.csv"


def graded(
    *,
    network: str | None = None,
    tests: Iterable[str] | None = None,
    table: Literal["graded", "trapped"] = "graded",
    file: Path | None = None,
) -> list[Grade]:
    """The rows of a table, in its order; of one network, or of some tests, if they are named.

    file: where it lies, if not where it ships.
    Raises ValueError for a table that does not ship, and a network or test that it does not have, and a
    file that is no such table.
    """
    if table not in _TABLES:
        raise ValueError(f"no table {told(table)}; there are {' and '.join(map(repr, _TABLES))}")
    rows = rows_of(file or graded_file(table), Grade)
    if isinstance(tests, str):
        raise ValueError(f"tests is {told(tests)}; give a list of them: tests=[{told(tests)}]")
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
    Raises ValueError where a baseline was not graded in a test and run in which a method was.
    """
    found = list(rows)
    runs = list(dict.fromkeys((row.network, row.seed) for row in found))
    at = {(row.network, row.seed, row.method, row.test): row for row in found}
    for row in found:
        for name in baselines if row.test in better else ():
            if (row.network, row.seed, name, row.test) not in at:
                raise ValueError(f"{name!r} was not graded in {row.test!r} on {row.network}, seed {row.seed}")
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
