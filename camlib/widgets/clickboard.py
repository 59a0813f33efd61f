"""Pictures to click in, one point in each: "where is the nose?" A few labels, made by hand in a minute.

The front end is `clickboard.js`, beside this file: a canvas for each picture, no library, no network. Readers
without a kernel see a still.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import traitlets
from PIL import Image
from torch import Tensor

from ..pictures.batches import in_unit
from ..show import Figure, images
from .base import Canvas, image_of, jpeg

__all__ = ["ClickBoard"]

_LARGEST = 640  # pixels: larger pictures travel smaller; their points stay in their own pixels


class ClickBoard(Canvas):
    """Pictures side by side; a click in one, or arrow keys and Enter, tells its point.

    pictures: (N, C, H, W) in [0, 1], or a list of (C, H, W) of any sizes.  question: what is asked for.
    points: what is already known, as in `.points`.  on_points: called with the points after each change.
    `.points`: float32 (N, 2), (x, y) in the picture's own pixels, a pixel's centre a whole number; NaN where
    there is none yet. It can be set. `.still` is the figure for readers, with the points as they are.
    Raises ValueError for no pictures, another number of points, a point outside its picture, and values
    that are not in [0, 1].
    """

    files = "clickboard"
    _pictures: Any = traitlets.List().tag(sync=True)  # JPEGs
    _sizes: Any = traitlets.List().tag(sync=True)  # height and width of each picture
    _question = traitlets.Unicode().tag(sync=True)
    _points: Any = traitlets.List().tag(sync=True)  # [x, y], or [] where there is none

    def __init__(
        self,
        pictures: Tensor | Sequence[Tensor],
        question: str,
        points: Tensor | None = None,
        on_points: Callable[[Tensor], object] | None = None,
    ) -> None:
        given = [picture.detach().cpu() for picture in pictures]
        wrong = [tuple(image.shape) for image in given if image.ndim != 3 or len(image) not in (1, 3)]
        if wrong or not given:
            told = f"a picture of shape {wrong[0]}" if wrong else "no pictures"
            raise ValueError(f"{told}; give (N, 1 or 3, H, W), or a list of (1 or 3, H, W)")
        self._images = [in_unit(one[None], range(i, i + 1))[0].clamp(0, 1) for i, one in enumerate(given)]
        super().__init__(
            _pictures=[_jpeg(image) for image in self._images],
            _sizes=[list(image.shape[1:]) for image in self._images],
            _question=question,
            _points=[[]] * len(self._images),
        )
        if points is not None:
            self.points = points
        if on_points is not None:
            self.observe(lambda _: on_points(self.points), "_points")

    @property
    def points(self) -> Tensor:
        """float32 (N, 2), (x, y) in each picture's own pixels; NaN where there is none yet."""
        return torch.tensor([point or [math.nan, math.nan] for point in self._points])

    @points.setter
    def points(self, points: Tensor) -> None:
        if tuple(points.shape) != (len(self._images), 2):
            wanted = f"({len(self._images)}, 2), a point or NaN for each picture"
            raise ValueError(f"points are {tuple(points.shape)}; give {wanted}")
        self._points = [[] if math.isnan(x + y) else [x, y] for x, y in points.tolist()]

    @property
    def still(self) -> Figure:  # type: ignore[override]
        """The pictures with the points as they are now."""
        told = int(self.points.isfinite().all(1).sum())
        captions = [str(number) for number in range(len(self._images))]
        alt = f"{self._question} {len(self._images)} pictures, with a point in {told}."
        return images(self._images, captions, title=self._question, alt=alt, points=self.points[:, None])

    @traitlets.validate("_points")
    def _inside(self, proposal: Any) -> list[list[float]]:
        for number, (point, (height, width)) in enumerate(zip(proposal.value, self._sizes, strict=True)):
            if point and not (-0.5 <= point[0] <= width - 0.5 and -0.5 <= point[1] <= height - 0.5):
                x, y = point
                raise ValueError(f"({x:g}, {y:g}) is outside picture {number}, {width} × {height} pixels")
        return [list(map(float, point)) for point in proposal.value]


def _jpeg(image: Tensor) -> bytes:
    picture = image_of(image.expand(3, -1, -1))
    picture.thumbnail((_LARGEST, _LARGEST), Image.Resampling.LANCZOS)
    return jpeg(picture)
