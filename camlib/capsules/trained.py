"""The long runs of lesson 13, in small tables: capsules on MNIST, right and wrong, and what they draw.

`make capsules` makes them again (`tools/capsules.py`, `capsules_decoder.py`, `capsules_scenes.py`):
data/capsules/mnist.csv, drawn.csv and scenes.csv.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ..given import told
from ..shipped import rows_of, shipped

__all__ = [
    "Asked",
    "Drawing",
    "Trained",
    "asked",
    "drawings",
    "drawings_file",
    "scenes_file",
    "trained_file",
    "trained_on_mnist",
    "write_table",
]


class Trained(NamedTuple):
    """One network's share of right answers to digits that were changed in one way.

    variant: how it was built.  seed: of its start and the order of digits.  digits: how they were changed.
    parameters: how many it learned, without a decoder's.  seconds: of one core.
    """

    variant: str
    seed: int
    digits: str
    accuracy: float
    parameters: int
    seconds: int


class Drawing(NamedTuple):
    """Which share of MNIST's variance a decoder draws again from one kind of code, told the class.

    code: of what it draws.  seed: of the network.  digits: "as they are" or "overlapping", each of the two.
    explained: 1 − Σ (drawing − digit)² / Σ (mean digit − digit)², over pixels and digits.
    """

    code: str
    seed: int
    digits: str
    explained: float


class Asked(NamedTuple):
    """One network's score in one question about scenes: a share from 0 to 1, but for R² and minutes."""

    network: str
    seed: int
    question: str
    score: float


_Row = TypeVar("_Row", Trained, Drawing)


def trained_file() -> Path:
    """Where the table of runs on MNIST lies."""
    return shipped("capsules") / "mnist.csv"


def drawings_file() -> Path:
    """Where the table of drawings lies."""
    return shipped("capsules") / "drawn.csv"


def scenes_file() -> Path:
    """Where the table of questions about scenes lies."""
    return shipped("capsules") / "scenes.csv"


def trained_on_mnist(digits: str = "as they are", *, file: Path | None = None) -> dict[str, list[Trained]]:
    """Variant → its rows, a row for each seed, of digits "as they are", "moved", "turned", "smaller" …

    Moved by 4 pixels each way, turned by 30 degrees, or at .6 of their size; "overlapping" are two digits of
    different classes, each shifted by up to 2 pixels, their light added up, and right is who has both among
    the first two answers. "As they are" on all 10 000 of MNIST's test digits, else on the first 4000.
    Raises ValueError for other digits.
    """
    rows = rows_of(file or trained_file(), Trained)
    return _of_kind(rows, digits, [row.variant for row in rows])


def drawings(digits: str = "as they are", *, file: Path | None = None) -> dict[str, list[Drawing]]:
    """Code → its rows, a row for each seed, of digits "as they are" or "overlapping" (each of the two).

    On MNIST's first 4000 test digits. Raises ValueError for other digits.
    """
    rows = rows_of(file or drawings_file(), Drawing)
    return _of_kind(rows, digits, [row.code for row in rows])


def asked(question: str, *, file: Path | None = None) -> dict[str, list[float]]:
    """Network → its scores in one question, one for each seed, as `tools/capsules_scenes.py` asks it.

    Raises ValueError for another question, and names those there are.
    """
    rows = rows_of(file or scenes_file(), Asked)
    there = list(dict.fromkeys(row.question for row in rows))
    if question not in there:
        raise ValueError(f"no question {told(question)} in the table; there are {'; '.join(there)}")
    found: dict[str, list[float]] = {}
    for row in rows:
        if row.question == question:
            found.setdefault(row.network, []).append(row.score)
    return found


def write_table(file: Path, rows: Sequence[Any]) -> None:
    """Named tuples of one kind, as such a table; whole or not there."""
    temporary = file.with_suffix(".part")
    with temporary.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(rows[0]._fields)
        writer.writerows(rows)
    temporary.replace(file)


def _of_kind(rows: Sequence[_Row], digits: str, names: Sequence[str]) -> dict[str, list[_Row]]:
    """The rows of one kind of digits, by name, in the table's order."""
    there = list(dict.fromkeys(row.digits for row in rows))
    if digits not in there:
        raise ValueError(f"no digits {told(digits)} in the table; there are {', '.join(map(repr, there))}")
    found: dict[str, list[_Row]] = {}
    for row, name in zip(rows, names, strict=True):
        if row.digits == digits:
            found.setdefault(name, []).append(row)
    return found
