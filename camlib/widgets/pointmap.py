"""A map of pictures to walk about in: move it, zoom, draw round some to see them, ask what is nearest to one.

The front end is `pointmap.js`, beside this file: a canvas, no library, no network. Thumbnails travel once, as
one JPEG. Readers without a kernel see a still; `save` writes the map as a page that needs neither.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import traitlets
from PIL import Image
from torch import Tensor

from ..embeddings.codes import finite
from ..embeddings.grid import EMPTY, displacement, mosaic
from ..embeddings.neighbours import nearest
from ..embeddings.regions import regions
from ..show import Figure, scatter
from ..show.colouring import Fact, colouring
from ..wording import listing, near
from .base import SHEET, Canvas, jpeg
from .page import write_page

__all__ = ["PointMap"]

_SIDES = 24, 128  # pixels, a thumbnail's
_QUALITY = 80  # of their JPEG: a thousand weigh 4 MB
_AROUND = 12  # the nearest pictures that light up


class PointMap(Canvas):
    """Points in the plane, each with its picture and what is known of it.

    points: floats (N, 2), x to the right and y up.  pictures: item i is picture i, (C, H, W) in [0, 1] or
    (picture, …).  facts: name → N words, whole numbers or bools (classes, ten at most) or floats; the first
    colours the map until another is chosen.  title, alt: of the still, as for a figure.
    cells: int64 (rows, columns), what `grid` made of the points: the map is laid out as a poster, too.
    codes: floats (N, D): a click on a picture lights up the twelve whose codes are nearest to its own (L2).
    `selected` holds the numbers of the points that were drawn round, in order; to set it selects them.
    `by` is the name of the fact that colours the map.  `still` is the figure for readers; another can be set.
    Raises ValueError for points that are not finite (N, 2), other numbers of pictures, codes or of a fact's
    values, cells that show other pictures, no facts, more than 29 000 pictures, and for a selection that is
    not there.
    """

    files = "pointmap"
    _points = traitlets.Bytes().tag(sync=True)  # float32, x and y in turn
    _cells = traitlets.Bytes().tag(
        sync=True
    )  # float32, column and minus row in turn, NaN where there is none
    _nearest = traitlets.Bytes().tag(
        sync=True
    )  # int32, for each point so many of the others, the nearest first
    _facts: Any = traitlets.List().tag(sync=True)
    _sheet = traitlets.Bytes().tag(sync=True)
    _side = traitlets.Int().tag(sync=True)
    _title = traitlets.Unicode().tag(sync=True)
    by = traitlets.Unicode().tag(sync=True)
    selected = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(
        self,
        points: Tensor,
        pictures: Any,
        facts: Mapping[str, Fact],
        *,
        title: str,
        alt: str | None = None,
        cells: Tensor | None = None,
        codes: Tensor | None = None,
    ) -> None:
        if not facts:
            raise ValueError("a map wants a fact to be coloured by, such as {'class': names}")
        by = next(iter(facts))
        self.still: Figure = scatter(points, facts[by], title=title, alt=alt)
        if len(pictures) != len(points):
            raise ValueError(f"{len(pictures)} pictures for {len(points)} points")
        self._count, self._names = len(points), tuple(facts)
        laid, others = _laid(points, cells), _others(codes, len(points))
        sheet, side = _sheet(pictures)
        super().__init__(
            _points=points.detach().cpu().float().contiguous().numpy().tobytes(),
            _cells=laid.numpy().tobytes(),
            _nearest=others.numpy().tobytes(),
            _facts=[_sent(name, fact, len(points), cells) for name, fact in facts.items()],
            _sheet=sheet,
            _side=side,
            _title=title,
            by=by,
        )

    def save(self, path: str | Path) -> None:
        """Write the map as one HTML file, pictures and all: a browser opens it without Python or a network.

        The page shows what is selected here.  Raises ValueError for what is no path, OSError as files do.
        """
        names = "_points", "_cells", "_nearest", "_facts", "_sheet", "_side", "_title", "by", "selected"
        write_page(
            path, self._title, f"{self._esm}", f"{self._css}", {name: getattr(self, name) for name in names}
        )

    @traitlets.validate("selected")
    def _there(self, proposal: Any) -> list[int]:
        wrong = [number for number in proposal.value if not 0 <= number < self._count]
        if wrong:
            raise ValueError(f"no point {wrong[0]}; they are 0 to {self._count - 1}")
        return sorted(set(proposal.value))

    @traitlets.validate("by")
    def _known(self, proposal: Any) -> str:
        if proposal.value not in self._names:
            close = near(proposal.value, self._names)
            raise ValueError(f"no fact {proposal.value!r}{close}; there are {listing(self._names)}")
        return str(proposal.value)


def _laid(points: Tensor, cells: Tensor | None) -> Tensor:
    """Each point's cell as (column, -row), float32 (N, 2), NaN for one without; of no cells nothing."""
    if cells is None:
        return torch.empty(0)
    displacement(points, cells)  # refuses cells that are none, and pictures that are not there
    laid = torch.full((len(points), 2), torch.nan)
    rows, columns = (cells != EMPTY).nonzero().cpu().T
    laid[cells.cpu()[rows, columns].long()] = torch.stack([columns, -rows], 1).float()
    return laid


def _others(codes: Tensor | None, count: int) -> Tensor:
    """The numbers of each point's nearest others by their codes, int32 (N, k); without codes nothing."""
    if codes is None:
        return torch.empty(0, dtype=torch.int32)
    finite(codes)
    if len(codes) != count:
        raise ValueError(f"{len(codes)} codes for {count} points")
    return nearest(codes, torch.arange(count), k=min(_AROUND, count - 1))[1].int()


def _sent(name: str, fact: Fact, count: int, cells: Tensor | None) -> dict[str, Any]:
    """What the browser is told of a fact; on a poster the names of its regions, too."""
    told = colouring(fact, count, name)
    values = [int(value) for value in told.values] if told.names else [float(f"{v:.5g}") for v in told.values]
    words = [told.names[int(value)] for value in values] if told.names else []
    spots = [] if cells is None or not words else [list(spot) for spot in regions(cells, words)]
    sent = {"name": name, "values": values, "names": told.names, "colours": told.colours, "marks": told.marks}
    return {**sent, "spots": spots}


def _sheet(pictures: Any) -> tuple[bytes, int]:
    """All pictures small, row by row on a square sheet, as JPEG; and the side of one."""
    columns = math.ceil(math.sqrt(len(pictures)))
    side = min(_SIDES[1], SHEET // columns)
    if side < _SIDES[0]:
        raise ValueError(f"{len(pictures)} pictures; a map shows at most {(SHEET // _SIDES[0]) ** 2}")
    cells = torch.full((math.ceil(len(pictures) / columns) * columns,), EMPTY)
    cells[: len(pictures)] = torch.arange(len(pictures))
    sheet = mosaic(pictures, cells.view(-1, columns), side=side).permute(1, 2, 0).numpy()
    return jpeg(Image.fromarray(sheet), _QUALITY), side
