"""What features tell that they were never trained for: two long runs, shipped as small tables.

data/transfer/asked.csv, of lesson 11: a row for each question, kind of features and training; `make transfer`
makes it again. data/transfer/relations.csv, of lesson 16: for each phrase, classifier and training; `make
relations`. Zhou, Khosla, Lapedriza, Oliva, Torralba (2016), section 4, on drawn pictures.
"""

from pathlib import Path
from typing import NamedTuple

from ..given import told
from ..scores.spread import Spread
from ..shipped import rows_of, shipped

TABLES = ("asked", "relations")

__all__ = ["Transfer", "transfer_file", "transfer_rows", "transfers"]


class Transfer(NamedTuple):
    """One score, with its 95 % bootstrap interval over pictures.

    question: in words.  features: whose; "constant" always gives the commonest answer, "a random
    pixel" points anywhere.  seed: which training, or which draw of untrained weights.
    measure: "right", the share of right answers; "on it", the share of the pictures that show the thing in
    which the map of the true answer is highest on it or less than 4 pixels beside it ("day or night? moon"
    is the map of "night" on the moon); "on another's", the same with each other picture's thing.
    pictures: how many were asked.

    In the table of relations: question: the phrase, or its kind.  features: which classifier: fitted with
    "hard" negatives, "easy" ones, or on the "words" alone.  measure: "AUC", how often a picture of which the
    phrase is true scores above one of which its words are true and it is not; "AUC, easy", above one of which
    not even its words are; "on it", whether the map is highest on what the phrase names; "alike", the
    correlation of two classifiers' maps; each followed by ", by kind" for the mean over a kind's phrases.
    pictures: of a kind, those of its phrases added up, though they may be the same.
    """

    question: str
    features: str
    seed: int
    measure: str
    pictures: int
    score: float
    low: float
    high: float


def transfer_file(table: str = "asked") -> Path:
    """Where the table lies, one of `TABLES`."""
    return shipped("transfer") / f"{table}.csv"


def transfer_rows(file: Path) -> list[Transfer]:
    """The rows of a table, in its order."""
    return rows_of(file, Transfer)


def transfers(measure: str = "right", table: str = "asked") -> dict[str, dict[str, Spread]]:
    """For each question the score of each kind of features: of one training its interval, else all of them.

    table: "asked", of lesson 11, or "relations", of lesson 16.
    Raises ValueError for another table, and for a measure that the table does not have.
    """
    if table not in TABLES:
        raise ValueError(f"no table {told(table)}; there are {', '.join(map(repr, TABLES))}")
    rows = transfer_rows(transfer_file(table))
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
