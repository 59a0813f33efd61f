"""A clip with tracks over it, to play: each frame's points, and beneath it how far off they are.

The front end is `player.js`, beside this file: two canvases, no library, no network. The frames travel once,
as one JPEG. Readers without a kernel see a strip of film.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import traitlets
from PIL import Image
from torch import Tensor

from ..scores.tracks import track_errors
from ..show import Figure, strip
from ..show.strip import MARKS, known
from .base import SHEET, Canvas, image_of, jpeg

__all__ = ["Player"]


class Player(Canvas):
    """A clip that plays, with up to three tracks as marks, the truth as rings, and curves of the errors.

    images: (N, C, H, W) in [0, 1], N ≥ 2.  tracks: name → (N, 2), (x, y) in pixels, NaN where there is none.
    truth: (N, 2), or (N, K, 2) for several points, NaN where hidden; errors are to the nearest.
    title, alt: of the still, as for a figure.  rate: frames in a second.
    `frame` is the frame that is shown; it can be set, and told from 0.  `still`: the strip for readers.
    Raises ValueError as `show.strip` does, for fewer than two frames, more than fit on 4096 × 4096 pixels,
    a rate of 0 or less, and a frame that is not there.
    """

    files = "player"
    _sheet = traitlets.Bytes().tag(sync=True)
    _size = traitlets.List(traitlets.Int()).tag(sync=True)  # height, width, frames, frames in a row
    _tracks: Any = traitlets.List().tag(sync=True)
    _truth: Any = traitlets.List().tag(sync=True)  # for each frame the points that are to be seen
    _rate = traitlets.Float().tag(sync=True)
    frame = traitlets.Int().tag(sync=True)

    def __init__(
        self,
        images: Tensor,
        tracks: Mapping[str, Tensor],
        truth: Tensor | None = None,
        *,
        title: str,
        alt: str | None = None,
        rate: float = 12.0,
    ) -> None:
        count = len(images)
        if images.ndim != 4 or count < 2:
            raise ValueError(f"images are {tuple(images.shape)}; give (N, C, H, W), two frames or more")
        if not rate > 0:
            raise ValueError(f"rate is {rate}; give frames in a second, more than 0")
        true = known(tracks, truth, count)
        self._count = count
        self.still: Figure = strip(images, tracks, truth, title=title, alt=alt)
        sheet, columns = _sheet(images)
        super().__init__(
            _sheet=sheet,
            _size=[*images.shape[2:], count, columns],
            _tracks=[
                {
                    "name": name,
                    "colour": colour,
                    "mark": mark,
                    "side": side,
                    "points": [_plain(point) for point in track],
                    "errors": [] if true is None else _plain(track_errors(track, true)),
                }
                for (name, track), (colour, mark, side) in zip(tracks.items(), MARKS, strict=False)
            ],
            _truth=[]
            if true is None
            else [[_plain(p) for p in points if not p.isnan().any()] for points in true],
            _rate=rate,
        )

    @traitlets.validate("frame")
    def _there(self, proposal: Any) -> int:
        if not 0 <= proposal.value < self._count:
            raise ValueError(f"no frame {proposal.value}; they are 0 to {self._count - 1}")
        return int(proposal.value)


def _plain(numbers: Tensor) -> list[float | None]:
    """Numbers as JSON has them, to a hundredth; what is not finite is null."""
    return [round(n, 2) if math.isfinite(n) else None for n in numbers.detach().cpu().tolist()]


def _sheet(images: Tensor | Sequence[Tensor]) -> tuple[bytes, int]:
    """The frames row by row on one JPEG, and how many are in a row."""
    _, high, wide = images[0].shape
    columns = min(len(images), SHEET // wide)
    rows = math.ceil(len(images) / max(columns, 1))
    if not columns or rows * high > SHEET:
        raise ValueError(
            f"{len(images)} frames of {high} × {wide} pixels; they must fit on {SHEET} × {SHEET}"
        )
    sheet = Image.new("RGB", (columns * wide, rows * high))
    for number, image in enumerate(images):
        picture = image_of(image.expand(3, -1, -1))
        sheet.paste(picture, (number % columns * wide, number // columns * high))
    return jpeg(sheet), columns
