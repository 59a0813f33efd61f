"""Explore a network with the mouse: pick a picture, a layer, a unit, and see what it does there.

The idea is the deep visualization toolbox's (Yosinski et al. 2015). Readers without a kernel see a still.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import torch
from ipywidgets import Dropdown, FileUpload, HBox, Label, SelectionSlider
from torch import Tensor

from .geometry import upsample
from .layers import listing
from .nets import Net
from .patches import TopPatches
from .pictures import Unreadable, picture
from .record import record, silence
from .show import Figure, unit
from .widgets import Explorer

__all__ = ["UnitExplorer"]


class UnitExplorer(Explorer):
    """A unit's map over a picture, its best patches, the answer with it and without; a button for one's own.

    pictures: name → (C, H, W) in [0, 1].  best: layer → what `top_patches(net, layer, dataset)` found; its
    layers and units can be chosen.  start: picture, layer and unit to begin with, which are also the still.
    upload: the button; a picture that cannot be read is told beside it.
    Raises ValueError for pictures of another size than the data set's, and for a start that is not there.
    """

    def __init__(
        self,
        net: Net,
        pictures: Mapping[str, Tensor],
        best: Mapping[str, TopPatches],
        dataset: Any,
        start: tuple[str, str, int],
    ) -> None:
        self.net, self.pictures, self.best, self.dataset = net, dict(pictures), dict(best), dataset
        name, layer, number = start
        if name not in pictures or layer not in best:
            raise ValueError(f"start at one of {listing(pictures)} and one of {listing(best)}; given {start}")
        best[layer].pick(number)
        self.side = best[layer].field.picture
        for key, image in pictures.items():
            if tuple(image.shape[1:]) != self.side:
                raise ValueError(f"{key!r} is {tuple(image.shape[1:])}; the data set has {self.side}")
        style = {"description_width": "initial"}
        units = best[layer].units.tolist()
        self.picked = Dropdown(options=list(pictures), value=name, description="picture", style=style)
        layers = Dropdown(options=list(best), value=layer, description="layer", style=style)
        slider = SelectionSlider(
            options=units, value=number, description="unit", style=style, continuous_update=False
        )

        def other_units(change: Any) -> None:  # observed first, so that the new layer has the unit drawn
            slider.options = best[change.new].units.tolist()

        layers.observe(other_units, names="value")
        super().__init__(self._page, {"picture": self.picked, "layer": layers, "unit": slider})
        self.upload, self.said = FileUpload(accept="image/*", description="your picture"), Label()
        self.upload.observe(self._uploaded, names="value")
        row, frame = self.children  # type: ignore[has-type]
        self.children = (row, HBox([self.upload, self.said]), frame)

    def _page(self, picture: str, layer: str, unit: int) -> Figure:
        return _page(self.net, self.pictures[picture], self.best[layer].pick(unit), self.dataset)

    def _uploaded(self, change: Any) -> None:
        for file in change.new:
            try:
                image = picture(BytesIO(file["content"]), self.side[0])
            except Unreadable as why:
                self.said.value = f"{file['name']}: {why}"
                continue
            name = f"{len(self.pictures) + 1}: {file['name']}"  # the same name twice is two pictures
            self.pictures[name] = image
            self.picked.options = list(self.pictures)
            self.picked.value, self.said.value = name, ""


def _page(net: Net, image: Tensor, best: TopPatches, dataset: Any) -> Figure:
    """What `best`, of one unit, does on this picture."""
    number = int(best.units)
    with torch.inference_mode():
        with record(net, best.layer) as acts:
            answer = net(image[None]).softmax(1)[0]
        with silence(net, best.layer, number):
            silenced = net(image[None]).softmax(1)[0]
    heatmap, top = upsample(acts[best.layer][0, number], best.field), int(answer.argmax())
    change = f"{answer[top]:.0%} to {silenced[top]:.0%}"
    title = f"{best.layer}, unit {number}: without it {net.classes[top]} goes from {change}"
    return unit(image, heatmap, best.crops(dataset)[0], answer, silenced, net.classes, title=title)
