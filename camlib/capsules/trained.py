"""The long run of lesson 13, shipped as a small table: capsules on MNIST, right and wrong, three seeds each.

`make capsules` makes it again (`tools/capsules.py`): data/capsules/mnist.csv.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

__all__ = ["Trained", "read_table", "trained_file", "trained_on_mnist"]


class Trained(NamedTuple):
    """One network's share of right answers to digits that were changed in one way.

    variant: how it was built.  seed: of its start and the order of digits.  digits: how they were changed.
    parameters: how many it learned.  seconds: of one core.
    """

    variant: str
    seed: int
    digits: str
    accuracy: float
    parameters: int
    seconds: int

    @classmethod
    def of(cls, row: Mapping[str, str]) -> Self:
        """A row of the file."""
        numbers = int(row["parameters"]), int(row["seconds"])
        return cls(row["variant"], int(row["seed"]), row["digits"], float(row["accuracy"]), *numbers)


def trained_file() -> Path:
    """Where the table lies: in an installed package camlib/capsules/data, else data/capsules."""
    room = Path(__file__).resolve().parent
    installed = room / "data"
    folder = installed if installed.is_dir() else room.parents[1] / "data" / "capsules"
    return folder / "mnist.csv"


def read_table(file: Path) -> list[Trained]:
    """The rows of such a table."""
    with file.open(encoding="utf-8", newline="") as opened:
        return [Trained.of(row) for row in csv.DictReader(opened)]


def trained_on_mnist(digits: str = "as they are", *, file: Path | None = None) -> dict[str, list[Trained]]:
    """Variant → its rows, a row for each seed, of digits "as they are", "moved", "turned" or "smaller".

    Moved by 4 pixels each way, turned by 30 degrees, or at .6 of their size. "As they are" on all 10 000 of
    MNIST's test digits, else on the first 4000. Raises ValueError for other digits.
    """
    rows = read_table(file or trained_file())
    if digits not in (there := list(dict.fromkeys(row.digits for row in rows))):
        raise ValueError(f"no digits {digits!r} in the table; there are {', '.join(map(repr, there))}")
    kinds = dict.fromkeys(row.variant for row in rows)
    return {kind: [row for row in rows if (row.variant, row.digits) == (kind, digits)] for kind in kinds}
