"""Where the files lie that come with camlib: weights, and the tables of runs too long for a lesson."""

import csv
from collections.abc import Sequence
from pathlib import Path

from .given import path_of
from .wording import listing

__all__ = ["rows_of", "shipped"]


def shipped(name: str) -> Path:
    """The folder of that name: in an installed package camlib/data/<name>, in the repository data/<name>."""
    package = Path(__file__).resolve().parent
    installed = package / "data"
    return (installed if installed.is_dir() else package.parent / "data") / name


def rows_of(file: str | Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a table, column → text. ValueError for a file that is not there, or is another table."""
    path = path_of(file, "file")
    if not path.is_file():
        raise ValueError(f"{path} is {'a folder' if path.is_dir() else 'not there'}; give a table's file")
    with path.open(encoding="utf-8", newline="") as opened:
        table = csv.DictReader(opened)
        try:
            there, rows = table.fieldnames or [], list(table)
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is no table: {error}") from None
    if lacking := [name for name in columns if name not in there]:
        raise ValueError(f"{path} has no column {lacking[0]!r}; it has {listing(there) or 'none'}")
    return rows
