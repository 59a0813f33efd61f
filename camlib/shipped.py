"""Where the files lie that come with camlib: weights, and the tables of runs too long for a lesson."""

from pathlib import Path

__all__ = ["shipped"]


def shipped(name: str) -> Path:
    """The folder of that name: in an installed package camlib/data/<name>, in the repository data/<name>."""
    package = Path(__file__).resolve().parent
    installed = package / "data"
    return (installed if installed.is_dir() else package.parent / "data") / name
