"""A map of pictures to walk about in: hover a point for its picture, draw round some to see them all.

The front end is `pointmap.js`, beside this file: a canvas, no library, no network. Thumbnails travel once, as
one JPEG. Readers without a kernel see a still.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import traitlets
from PIL import Image
from torch import Tensor

from ..embeddings.grid import EMPTY, mosaic
from ..show import Figure, scatter
from ..show.colouring import Fact, colouring
from ..wording import listing, near
from .base import SHEET, Canvas, jpeg

__all__ = ["PointMap"]

_SIDES = 24, 96  # pixels, a thumbnail's


class PointMap(Canvas):
    """Points in the plane, each with its picture and what is known of it.

    points: floats (N, 2), x to the right and y up.  pictures: item i is picture i, (C, H, W) in [0, 1] or
    (picture, …).  facts: name → N words, whole numbers or bools (classes, ten at most) or floats; the first
    colours the map until another is chosen.  title, alt: of the still, as for a figure.
    `selected` holds the numbers of the points that were drawn round, in order; to set it selects them.
    `by` is the name of the fact that colours the map.  `still` is the figure for readers; another can be set.
    Raises ValueError for points that are not finite (N, 2), other numbers of pictures or of a fact's values,
    no facts, more than 29 000 pictures, and for a selection that is not there.
    """

    files = "pointmap"
    _points = traitlets.Bytes().tag(sync=True)  # float32, x and y in turn
    _facts: Any = traitlets.List().tag(sync=True)
    _sheet = traitlets.Bytes().tag(sync=True)
    _side = traitlets.Int().tag(sync=True)
    _title = traitlets.Unicode().tag(sync=True)
    by = traitlets.Unicode().tag(sync=True)
    selected = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(
        self, points: Tensor, pictures: Any, facts: Mapping[str, Fact], *, title: str, alt: str | None = None
    ) -> None:
        if not facts:
            raise ValueError("a map wants a fact to be coloured by, such as {'class': names}")
        by = next(iter(facts))
        self.still: Figure = scatter(points, facts[by], title=title, alt=alt)
        if len(pictures) != len(points):
            raise ValueError(f"{len(pictures)} pictures for {len(points)} points")
        self._count, self._names = len(points), tuple(facts)
        sheet, side = _sheet(pictures)
        super().__init__(
            _points=points.detach().cpu().float().contiguous().numpy().tobytes(),
            _facts=[_sent(name, fact, len(points)) for name, fact in facts.items()],
            _sheet=sheet,
            _side=side,
            _title=title,
            by=by,
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


def _sent(name: str, fact: Fact, count: int) -> dict[str, Any]:
    """What the browser is told of a fact."""
    told = colouring(fact, count, name)
    values = [int(value) for value in told.values] if told.names else [float(f"{v:.5g}") for v in told.values]
    return {"name": name, "values": values, "names": told.names, "colours": told.colours, "marks": told.marks}


def _sheet(pictures: Any) -> tuple[bytes, int]:
    """All pictures small, row by row on a square sheet, as JPEG; and the side of one."""
    columns = math.ceil(math.sqrt(len(pictures)))
    side = min(_SIDES[1], SHEET // columns)
    if side < _SIDES[0]:
        raise ValueError(f"{len(pictures)} pictures; a map shows at most {(SHEET // _SIDES[0]) ** 2}")
    cells = torch.full((math.ceil(len(pictures) / columns) * columns,), EMPTY)
    cells[: len(pictures)] = torch.arange(len(pictures))
    sheet = mosaic(pictures, cells.view(-1, columns), side=side).permute(1, 2, 0).numpy()
    return jpeg(Image.fromarray(sheet)), side
