"""What features tell that they were never trained for: the long run of lesson 11, shipped as a small table.

`make transfer` makes it again (`tools/transfer.py`): data/transfer/asked.csv, a row for each question, kind
of features and training. Zhou, Khosla, Lapedriza, Oliva, Torralba (2016), section 4, on drawn pictures.
"""

import csv
from pathlib import Path
from typing import NamedTuple

from ..given import told
from ..scores.spread import Spread
from ..shipped import shipped

__all__ = ["Transfer", "transfer_file", "transfer_rows", "transfers"]


class Transfer(NamedTuple):
    """One score, with its 95 % bootstrap interval over pictures.

    question: in words.  features: whose; "constant" always gives the commonest answer, "a random
    pixel" points anywhere.  seed: which training, or which draw of untrained weights.
    measure: "right", the share of right answers; "on it", the share of the pictures that show the thing in
    which the map of the true answer is highest on it or less than 4 pixels beside it ("day or night? moon"
    is the map of "night" on the moon).
    pictures: how many were asked.
    """

    question: str
    features: str
    seed: int
    measure: str
    pictures: int
    score: float
    low: float
    high: float


def transfer_file() -> Path:
    """Where the table lies."""
    return shipped("transfer") / "asked.csv"


def transfer_rows(file: Path) -> list[Transfer]:
    """The rows of a table, in its order."""
    with file.open(encoding="utf-8", newline="") as opened:
        return [
            Transfer(
                *(r["question"], r["features"], int(r["seed"]), r["measure"], int(r["pictures"])),
                *map(float, (r["score"], r["low"], r["high"])),
            )
            for r in csv.DictReader(opened)
        ]


def transfers(measure: str = "right") -> dict[str, dict[str, Spread]]:
    """For each question the score of each kind of features: of one training its interval, else all of them.

    Raises ValueError for a measure that the table does not have.
    """
    rows = transfer_rows(transfer_file())
    if measure not in (measures := list(dict.fromkeys(row.measure for row in rows))):
        raise ValueError(f"no measure {told(measure)}; the table has {', '.join(map(repr, measures))}")
    found: dict[str, dict[str, list[Transfer]]] = {}
    for row in rows:
        if row.measure == measure:
            found.setdefault(row.question, {}).setdefault(row.features, []).append(row)
    return {
        question: {name: _spread(some) for name, some in each.items()} for question, each in found.items()
    }


def _spread(rows: list[Transfer]) -> Spread:
    scores = tuple(row.score for row in rows)
    if len(rows) == 1:
        return Spread(rows[0].score, rows[0].low, rows[0].high, f"{rows[0].pictures} pictures")
    return Spread(sum(scores) / len(scores), min(scores), max(scores), f"{len(rows)} runs", scores)
