"""Where the files lie that come with camlib: weights, and the tables of runs too long for a lesson."""

import csv
from pathlib import Path
from typing import NamedTuple, TypeVar, get_type_hints

from .given import path_of
from .wording import listing

__all__ = ["rows_of", "shipped"]

Row = TypeVar("Row", bound=NamedTuple)


def shipped(name: str) -> Path:
    """The folder of that name: in an installed package camlib/data/<name>, in the repository data/<name>."""
    package = Path(__file__).resolve().parent
    installed = package / "data"
    return (installed if installed.is_dir() else package.parent / "data") / name


def rows_of(file: str | Path, kind: type[Row]) -> list[Row]:
    """The rows of a table, each a tuple of that kind, whose fields are columns of the table.

    kind: of text, whole numbers, numbers, and yes and no, which are 1 and 0 in the table.
    Raises ValueError for a file that is not there, or is another table.
    """
    path, kinds = path_of(file, "file"), get_type_hints(kind)
    if not path.is_file():
        raise ValueError(f"{path} is {'a folder' if path.is_dir() else 'not there'}; give a table's file")
    try:
        with path.open(encoding="utf-8", newline="") as opened:
            table = csv.DictReader(opened)
            there, rows = table.fieldnames or [], list(table)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no table: {error}") from None
    if lacking := [name for name in kinds if name not in there]:
        raise ValueError(f"{path} has no column {lacking[0]!r}; it has {listing(there) or 'none'}")
    read = {name: one if one is not bool else "1".__eq__ for name, one in kinds.items()}
    try:
        return [kind._make(of(row[name]) for name, of in read.items()) for row in rows]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} has a row that is no {kind.__name__}: {error}") from None
