"""Drag a square over a picture and watch the probabilities move: occlusion by hand.

The front end is `square.js`, beside this file: a canvas and bars, no library, no network. Each move asks the
network once; moves that come while it answers are skipped. Readers without a kernel see a still.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import traitlets
from torch import Tensor

from ..heatmaps.occlusion_fills import filled
from ..networks.eval_mode import evaluating
from ..networks.images import check_images
from ..networks.net import Net, check_net
from ..show import Figure, images
from ..wording import listing
from .base import Canvas, image_of, png

__all__ = ["SquareExplorer"]

_FILLS: dict[str, float | str] = {"grey": 0.5, "black": 0.0, "white": 1.0}
_FILLS |= {name: name for name in ("mean", "blur", "noise")}
_ALL, _FIRST = 10, 5  # classes: so many are all shown; of more, the first, and who else leads


class SquareExplorer(Canvas):
    """A picture with a square to drag, and the network's probabilities with it and without.

    pictures: name → (C, H, W) in [0, 1], all of one size; they can be chosen, the first to begin with.
    picture, x, y, side, fill: the picture's name, the square's upper left pixel and its side, and "grey",
    "black", "white", "mean", "blur" or "noise" (`camlib.occlusion`). All can be set from Python, too.
    rows: what is shown: for each class its name and its probability before and after.
    still: the figure for readers.
    Raises ValueError for no pictures, pictures of unequal size or not in [0, 1], and for a picture or fill
    that is not there.
    """

    files = "square"
    _pictures = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _fills = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _size = traitlets.List(traitlets.Int()).tag(sync=True)
    _shown = traitlets.Bytes().tag(sync=True)  # PNG: the picture, and what is seen through the square
    _behind = traitlets.Bytes().tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)
    x, y = traitlets.Int().tag(sync=True), traitlets.Int().tag(sync=True)
    side = traitlets.Int().tag(sync=True)
    fill = traitlets.Unicode("grey").tag(sync=True)
    rows: Any = traitlets.List().tag(sync=True)

    def __init__(self, net: Net, pictures: Mapping[str, Tensor], side: int | None = None) -> None:
        check_net(net)
        sizes = {tuple(image.shape) for image in pictures.values()}
        if len(sizes) != 1:
            given = "no pictures" if not sizes else f"pictures of {listing(map(str, sorted(sizes)))}"
            raise ValueError(f"{given}; give one or more, (C, H, W), of one size")
        ((_, height, width),) = sizes
        for image in pictures.values():
            check_images(net, image[None])
        self.net, self._images, self._asked = net, dict(pictures), ("", "", 0, 0, 0)
        first, side = next(iter(pictures)), side or max(2, min(height, width) // 5)
        super().__init__(
            _pictures=list(pictures),
            _fills=list(_FILLS),
            _size=[height, width],
            picture=first,
            side=side,
            x=(width - side) // 2,
            y=(height - side) // 2,
        )
        self.observe(self._changed, names=["picture", "x", "y", "side", "fill"])
        self._changed()
        self.still: Figure = self._still()

    @property
    def covered(self) -> Tensor:
        """The picture with the square, (C, H, W)."""
        (top, under), (left, right) = ((max(at, 0), at + self.side) for at in (self.y, self.x))
        covered = self._images[self.picture].clone()
        covered[:, top:under, left:right] = self._seen()[:, top:under, left:right]
        return covered

    def _answer(self, image: Tensor) -> Tensor:
        with evaluating(self.net), torch.inference_mode():
            answer: Tensor = self.net(image[None].to(self.net.mean)).float().softmax(1)[0].cpu()
        return answer

    def _seen(self) -> Tensor:
        return filled(self._images[self.picture][None], _FILLS[self.fill], self.side)[0]

    def _changed(self, _: object = None) -> None:
        asked = self.picture, self.fill, self.side, self.x, self.y
        before, self._asked = self._asked, asked
        if asked == before:  # x and y come together, and tell twice
            return
        if asked[0] != before[0]:
            self._shown = png(image_of(self._images[self.picture]))
            self._was = self._answer(self._images[self.picture])
        if asked[:2] != before[:2] or (self.fill == "blur" and self.side != before[2]):
            self._behind = png(image_of(self._seen()))
        was, now = self._was, self._answer(self.covered)
        every = range(len(was))
        shown = list(every) if len(was) <= _ALL else was.argsort(descending=True)[:_FIRST].tolist()
        if len(shown) < len(was):
            shown.append(next(c for c in now.argsort(descending=True).tolist() if c not in shown))
        self.rows = [[self.net.classes[c], float(was[c]), float(now[c])] for c in shown]

    def _still(self) -> Figure:
        """The picture, and the same with the square in its middle."""
        answers = self._was, self._answer(self.covered)
        said = [f"{self.net.classes[int(p.argmax())]} {p.max():.0%}" for p in answers]
        title = f"With the square: {said[1]}; without: {said[0]}"
        return images([self._images[self.picture], self.covered], said, title=title)

    @traitlets.validate("picture", "fill")
    def _known(self, proposal: Any) -> str:
        there: Any = self._images if proposal.trait.name == "picture" else _FILLS
        if proposal.value not in there:
            raise ValueError(f"no {proposal.trait.name} {proposal.value!r}; there are {listing(there)}")
        return str(proposal.value)

    @traitlets.validate("x", "y", "side")
    def _inside(self, proposal: Any) -> int:
        height, width = self._size
        name, value = proposal.trait.name, proposal.value
        if name == "side":
            return int(min(max(value, 1), height, width))
        return int(min(max(value, 1 - self.side), (width if name == "x" else height) - 1))
