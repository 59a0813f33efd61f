"""Explore a network with the mouse: pick a picture, a layer, a unit, or search for pictures like one's own.

The unit explorer's idea is the deep visualization toolbox's (Yosinski et al. 2015). Readers without a kernel
see a still.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import torch
from ipywidgets import Dropdown, FileUpload, HBox, Label, SelectionSlider
from torch import Tensor

from ..embeddings.codes import Pool
from ..embeddings.codes import codes as encode
from ..embeddings.neighbours import nearest
from ..geometry.field import upsample
from ..networks.eval_mode import evaluating
from ..networks.net import Net
from ..pictures.files import Unreadable, load_picture
from ..running.record import record, silence
from ..show import Figure, images, unit
from ..units.patches import TopPatches
from ..wording import listing
from .controls import Explorer

__all__ = ["PictureExplorer", "SearchBox", "UnitExplorer"]

_STYLE = {"description_width": "initial"}


class PictureExplorer(Explorer):
    """Controls above a picture, of which the first picks a picture; and a button for one's own.

    draw: a pure function of the controls' values, the first called `picture`, a name among `pictures`.
    pictures: name → (C, H, W) in [0, 1]; an uploaded one, read at `side`, joins them. One that cannot be read
    is told beside the button.
    """

    def __init__(
        self,
        draw: Callable[..., Figure],
        pictures: Mapping[str, Tensor],
        start: str,
        controls: Mapping[str, Any],
        side: int,
    ) -> None:
        self.pictures, self.side = dict(pictures), side
        self.picked = Dropdown(options=list(pictures), value=start, description="picture", style=_STYLE)
        super().__init__(draw, {"picture": self.picked, **controls})
        self.upload, self.said = FileUpload(accept="image/*", description="your picture"), Label()
        self.upload.observe(self._uploaded, names="value")
        row, *rest = self.children  # type: ignore[has-type]
        self.children = (row, HBox([self.upload, self.said]), *rest)

    def _uploaded(self, change: Any) -> None:
        files = change.new
        if isinstance(files, dict):  # ipywidgets 7, which Colab keeps
            files = [{"name": name, "content": file["content"]} for name, file in files.items()]
        for file in files:
            try:
                image = load_picture(BytesIO(file["content"]), size=self.side)
            except Unreadable as why:
                self.said.value = f"{file['name']}: {why}"
                continue
            name = f"{len(self.pictures) + 1}: {file['name']}"  # the same name twice is two pictures
            self.pictures[name] = image
            self.picked.options = list(self.pictures)
            self.picked.value, self.said.value = name, ""


class SearchBox(PictureExplorer):
    """Pick or upload a picture: the pictures whose codes are nearest to its own, nearest first.

    codes: layer → (N, D), the codes of the data set that is searched, `codes(net, layer, dataset, pool)`; the
    name "pixels" stands for the pixels themselves.  dataset: item i is picture i, or (picture, label).
    pictures: name → (C, H, W) in [0, 1], the queries to choose from.  start: the first one, and the layer.
    A picture of the data set finds itself: give queries that are not in it.
    Raises ValueError where codes and data set differ in number, or the start is not there.
    """

    def __init__(
        self,
        net: Net,
        codes: Mapping[str, Tensor],
        dataset: Any,
        pictures: Mapping[str, Tensor],
        start: tuple[str, str],
        pool: Pool = None,
        k: int = 5,
    ) -> None:
        name, layer = start
        if name not in pictures or layer not in codes:
            raise ValueError(
                f"start at one of {listing(pictures)} and one of {listing(codes)}; given {start}"
            )
        for key, rows in codes.items():
            if len(rows) != len(dataset):
                raise ValueError(f"{len(rows)} codes of {key} for {len(dataset)} pictures")
        self.net, self.codes, self.dataset, self.pool, self.k = net, dict(codes), dataset, pool, k
        self.classes = getattr(dataset, "classes", net.classes)
        layers = Dropdown(options=list(codes), value=layer, description="layer", style=_STYLE)
        metrics = Dropdown(options=["l2", "cosine"], description="metric", style=_STYLE)
        self.pictures = dict(pictures)  # drawn from already while the base class is made
        super().__init__(self._found, pictures, name, {"layer": layers, "metric": metrics}, net.size)

    def _found(self, picture: str, layer: str, metric: Any) -> Figure:
        image = self.pictures[picture]
        pixels = layer == "pixels"
        code = image[None].flatten(1) if pixels else encode(self.net, layer, image[None], pool=self.pool)
        distances, indices = nearest(self.codes[layer], code, k=self.k, metric=metric)
        near = [self.dataset[i] for i in indices[0].tolist()]
        names = [self._name(i, item) for i, item in zip(indices[0].tolist(), near, strict=True)]
        captions = [f"{name} {distance:.2g}" for name, distance in zip(names, distances[0], strict=True)]
        shown = [image, *(item[0] if isinstance(item, tuple | list) else item for item in near)]
        title = f"Nearest in {layer} to {picture}, with their distances"
        return images(shown, ["query", *captions], columns=len(shown), title=title)

    def _name(self, i: int, item: Any) -> str:
        if names := getattr(self.dataset, "names", ()):
            return str(names[i])
        label = item[1] if isinstance(item, tuple | list) else None
        return self.classes[label] if isinstance(label, int) else str(label or "")


class UnitExplorer(PictureExplorer):
    """A unit's map over a picture, its best patches, the answer with it and without; a button for one's own.

    pictures: name → (C, H, W) in [0, 1].  best: layer → what `top_patches(net, layer, dataset)` found; its
    layers and units can be chosen.  start: picture, layer and unit to begin with, which are also the still.
    upload: the button; a picture that cannot be read is told beside it.
    Raises ValueError for pictures of another size than the data set's, for a start that is not there, and for
    patches of another layer.
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
        for key, found in best.items():
            if found.layer != key and net.layer(found.layer) is not net.layer(key):
                raise ValueError(f"best[{key!r}] holds patches of {found.layer!r}")
        best[layer].pick(number)
        side = best[layer].field.picture
        for key, image in pictures.items():
            if tuple(image.shape[1:]) != side:
                raise ValueError(f"{key!r} is {tuple(image.shape[1:])}; the data set has {side}")
        units = best[layer].units.tolist()
        layers = Dropdown(options=list(best), value=layer, description="layer", style=_STYLE)
        slider = SelectionSlider(
            options=units, value=number, description="unit", style=_STYLE, continuous_update=False
        )

        def other_units(change: Any) -> None:  # observed first, so that the new layer has the unit drawn
            slider.options = best[change.new].units.tolist()

        layers.observe(other_units, names="value")
        super().__init__(self._page, pictures, name, {"layer": layers, "unit": slider}, side[0])

    def _page(self, picture: str, layer: str, unit: int) -> Figure:
        return _page(self.net, self.pictures[picture], self.best[layer].pick(unit), self.dataset)


def _page(net: Net, image: Tensor, best: TopPatches, dataset: Any) -> Figure:
    """What `best`, of one unit, does on this picture."""
    number = int(best.units)
    shown = image[None].to(net.mean.device)
    with evaluating(net), torch.inference_mode():
        with record(net, best.layer) as acts:
            answer = net(shown).softmax(1)[0].cpu()
        with silence(net, best.layer, number):
            silenced = net(shown).softmax(1)[0].cpu()
    heatmap, top = upsample(acts[best.layer][0, number].cpu(), best.field), int(answer.argmax())
    change = f"{answer[top]:.0%} to {silenced[top]:.0%}"
    title = f"{best.layer}, unit {number}: without it {net.classes[top]} goes from {change}"
    return unit(image, heatmap, best.crops(dataset)[0], answer, silenced, net.classes, title=title)
