"""The long run of lesson 15, shipped as a small table: dreams and directions on three networks, graded.

`make dreams` makes it again (`tools/dreams.py`): data/dreams/graded.csv.
"""

from pathlib import Path
from typing import NamedTuple

from ..shipped import rows_of, shipped

__all__ = ["Row", "graded_dreams", "graded_file"]


class Row(NamedTuple):
    """One number.

    seed: of the network.  trained: or drawn anew.  what: a unit, or a kind of directions.  measure: in words.
    value: NaN where the measure does not apply.
    """

    seed: int
    trained: bool
    what: str
    measure: str
    value: float


def graded_file() -> Path:
    """Where the table lies."""
    return shipped("dreams") / "graded.csv"


def graded_dreams(
    measure: str, *, what: str = "", trained: bool = True, file: Path | None = None
) -> list[Row]:
    """The table's rows of one measure, in its order; NaN where it does not apply.

    measure: its name, or how the names of several begin, such as "iou ".  what: the same of what is measured.
    Raises ValueError where there is none, and for a file that is no such table.
    """
    every = rows_of(file or graded_file(), Row)
    found = [
        row
        for row in every
        if row.trained == trained and row.measure.startswith(measure) and row.what.startswith(what)
    ]
    if not found:
        measures = sorted({row.measure for row in every})
        raise ValueError(f"the table has no {measure!r} of {what!r}; it has {', '.join(measures)}")
    return found
