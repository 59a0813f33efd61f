"""The site's page of what was measured against the truth: the tables that lessons 12, 13 and 15 draw from.

The files in `data` hold one row for each network, training and question; here each cell is the mean of the
trainings, and from where to where they reach.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from tools import lesson

DATA = lesson.ROOT / "data"
Row = dict[str, str]


class Table(NamedTuple):
    """What is shown of a file. title, words: over the table.  rows, columns, value: the file's columns.

    where: what its rows must hold; a set allows several.  lesson: whose.
    """

    title: str
    words: str
    file: str
    rows: str
    columns: str
    value: str
    where: dict[str, set[str]]
    lesson: str


TESTS = {"on the critter", "deletion", "insertion", "single deletion", "completeness", "target sensitivity"}
TESTS |= {"change with random weights", "ROAD", "ROAD, hottest first"}
DIRECTIONS = {"units", "rotation", "pca", "nmf", "kmeans", "sae", "random cells"}
FOUND = {"detectors", "again", "another network", "reads cells"}
FOUND |= {"either sign, again", "either sign, another network"}

NETWORKS = ("critternet_gap", "critternet_gmp", "critternet")
HEATMAPS = [
    Table(
        f"Heatmaps of {network}",
        "Each method in nine tests, on scenes whose truth is known; the last three ask no network.",
        "trust/graded",
        "method",
        "test",
        "score",
        {"network": {network}, "test": TESTS},
        "12",
    )
    for network in NETWORKS
]
TABLES = (
    *HEATMAPS,
    Table(
        "A network with a stamp to lean on",
        "Shares of pictures or of heat, beside a control that was trained without the stamp.",
        "trust/trapped",
        "test",
        "network",
        "score",
        {"method": {"answers", "CAM"}},
        "12",
    ),
    Table(
        "Capsules on digits",
        "Right answers to MNIST's test digits, and to the same moved, turned, smaller, or overlapping.",
        "capsules/mnist",
        "variant",
        "digits",
        "accuracy",
        {},
        "13",
    ),
    Table(
        "Capsules on scenes",
        "Shares of right answers unless the row says another measure, beside a plain network.",
        "capsules/scenes",
        "question",
        "network",
        "score",
        {},
        "13",
    ),
    Table(
        "What a digit's code draws",
        "The share of the pixels' variance that a linear decoder explains; below zero, the mean does better.",
        "capsules/drawn",
        "code",
        "digits",
        "explained",
        {},
        "13",
    ),
    Table(
        "Directions in the units' place",
        "How many of a layer's directions detect a part; how like them those of another fit are, and "
        "those of another network (of axes also whatever their signs). Random cells stand for centres.",
        "dreams/graded",
        "what",
        "measure",
        "value",
        {"trained": {"1"}, "what": DIRECTIONS, "measure": FOUND},
        "15",
    ),
)


def page(tables: tuple[Table, ...] = TABLES, folder: Path = DATA) -> str:
    """The page, in Markdown.

    Raises ValueError for a table of which nothing is left.
    """
    lines = [
        "# Measured against the truth",
        "",
        "Each number is the mean of all trainings of a network, with the lowest and the highest behind it "
        "where there are several. The lessons say what each question means, with intervals over pictures; "
        "the files have all rows.",
    ]
    for table in tables:
        rows = read(table, folder)
        across = list(dict.fromkeys(row[table.columns] for row in rows))
        file = f"{lesson.repository()}/blob/main/data/{table.file}.csv"
        name = next(path.stem for path in lesson.lessons() if path.stem.startswith(table.lesson))
        lines += [
            "",
            f"## {table.title}",
            "",
            f"{table.words} [Lesson {table.lesson}](lessons/{name}.ipynb), ",
        ]
        lines[-1] += f"[the file]({file})."
        lines += ["", f"| {table.rows} | {' | '.join(across)} |", "|---" * (1 + len(across)) + "|"]
        cells: dict[tuple[str, str], list[float]] = defaultdict(list)
        for row in rows:
            cells[row[table.rows], row[table.columns]].append(float(row[table.value]))
        for what in dict.fromkeys(row[table.rows] for row in rows):
            lines.append(f"| {what} | {' | '.join(said(cells[what, column]) for column in across)} |")
    return "\n".join(lines) + "\n"


def read(table: Table, folder: Path) -> list[Row]:
    """The rows of its file that it shows."""
    with (folder / f"{table.file}.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(row[k] in v for k, v in table.where.items())]
    if not rows:
        raise ValueError(f"{table.file}.csv has no row for {table.title!r}")
    return rows


def said(values: list[float]) -> str:
    """A cell: the mean, and from where to where the values reach."""
    if not values:
        return ""
    low, mean, high = (
        f"{value:.2f}".replace("-", "−") for value in (min(values), fmean(values), max(values))
    )
    return mean if low == high else f"{mean}<br><small>{low} to {high}</small>"
