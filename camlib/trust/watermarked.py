"""A watermark that an ImageNet network answers to, measured on photographs and shipped as a small table.

`make watermark` makes it again (`tools/watermark.py`): data/trust/watermark.csv, a row for each kind of mark.
Li, Evtimov, Gordo and others (2023), "A whac-a-mole dilemma": ImageNet-W.
"""

from pathlib import Path
from typing import NamedTuple

from ..shipped import rows_of
from .graded import graded_file

__all__ = ["Watermarked", "watermarked", "watermarked_file"]


class Watermarked(NamedTuple):
    """What a mark does to the answers of efficientnet_lite0, and what the carton's CAM shows of it.

    mark: in words.  photographs: how many.  right: the share whose top-1 answer is right.  changed: the share
    whose answer is not that without a mark.  carton: how many are called carton; probability: the mean one of
    carton.  area: the share of the picture that the mark's band covers; mass: the share of the carton's
    positive heat in it; peak: the share of maps whose highest point is in it.
    edges, blob, noise: the mass again, of the maps that never look (`trust.edges`, …) of the same pictures.
    """

    mark: str
    photographs: int
    right: float
    changed: float
    carton: int
    probability: float
    area: float
    mass: float
    peak: float
    edges: float
    blob: float
    noise: float


def watermarked_file() -> Path:
    """Where the table lies, beside that of `graded`."""
    return graded_file().with_name("watermark.csv")


def watermarked(*, file: Path | None = None) -> list[Watermarked]:
    """The rows of the table, in its order."""
    return rows_of(file or watermarked_file(), Watermarked)
