"""Figures with controls: move a slider, and a pure drawing function draws again.

JupyterLab (4.4 and later) calls widgets on another thread, where pyplot breaks; so nothing here knows pyplot.
`draw(value, …) -> Figure` makes a figure of its own, and its PNG goes into a `widgets.Image`.

What a cell puts out is one bundle: the live widget, and a still with its alt text. A front end that runs the
kernel shows the widget; GitHub, slides and the site, which cannot, show the still. `make notebooks` keeps
only the still.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from anywidget import AnyWidget
from ipywidgets import Dropdown, HBox, Image, Layout, SelectionSlider, VBox
from torch import Tensor
from traitlets import Unicode

from ..show import Figure, filter_grid, png
from ..units.filters import autocorrelation, orientation
from .base import with_still

__all__ = ["Explorer", "explorer", "filters_over_epochs"]

Draw = Callable[..., Figure]


class Picture(Image):  # type: ignore[misc]
    """An `Image` whose tooltip, its alt text, shows: ipywidgets 8.1 also asks for a description."""

    description = Unicode("").tag(sync=True)


class Names(AnyWidget):
    """Nothing to see: its script tells screen readers what each control and the picture are called."""

    _esm = Path(__file__).with_name("names.js")


class Explorer(VBox):  # type: ignore[misc]
    """Controls above a picture.

    controls: name → widget.  picture: its tooltip is the figure's alt text.
    still: the figure for readers.
    """

    def __init__(self, draw: Draw, controls: Mapping[str, Any], still: Figure | None = None) -> None:
        self.draw, self.controls = draw, dict(controls)
        self.still = still or draw(**self._values())
        self._frame = functools.cache(self._render)  # going back is at once
        self.picture = Picture(format="png", layout=Layout(max_width="100%"))
        for control in self.controls.values():
            control.observe(self._update, names="value")
        self._update()
        row = HBox(list(self.controls.values()), layout=Layout(flex_flow="row wrap"))
        super().__init__([row, self.picture, Names()])
        self.add_class("camlib-explorer")

    def _values(self) -> dict[str, Any]:
        return {name: control.value for name, control in self.controls.items()}

    def _render(self, **values: Any) -> tuple[bytes, str, str]:
        figure = self.draw(**values)
        return png(figure), figure.alt, f"{figure.get_figwidth() * 100:.0f}px"

    def _update(self, _: object = None) -> None:
        self.picture.value, self.picture.tooltip, self.picture.layout.width = self._frame(**self._values())

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return with_still(super()._repr_mimebundle_(**kwargs), self.still)


def explorer(draw: Draw, *, still: Figure | None = None, **controls: Sequence[Any]) -> Explorer:
    """A figure with a control for each of `draw`'s arguments, drawn again when one moves.

    draw: a pure function of the controls' values that returns a `show.Figure`.
    controls: the values to choose from, a slider for numbers, a menu for words; the first is set.
    still: what people see who only read; where none is given, the figure as it first stands.
    Raises ValueError for a control with fewer than two values.
    """
    made = {}
    for name, choices in controls.items():
        options = list(choices)
        if len(options) < 2:
            raise ValueError(f"{name} has {len(options)} values to choose from; give two or more")
        kind = Dropdown if isinstance(options[0], str) else SelectionSlider
        style = {"description_width": "initial"}
        made[name] = kind(options=options, description=name.replace("_", " "), style=style)
    return Explorer(draw, made, still)


def filters_over_epochs(snapshots: Mapping[int, Tensor]) -> Explorer:
    """A slider through training: the first layer's filters after each epoch, (N, C, k, k) by its number.

    The still shows the five filters whose direction ends up clearest, a row each, time from left to right.
    """
    epochs = sorted(snapshots)
    best = orientation(snapshots[epochs[-1]]).strength.argsort(descending=True)[:5]

    def draw(epoch: int) -> Figure:
        smooth = autocorrelation(snapshots[epoch]).mean().item()
        when = "Before training" if epoch == 0 else f"After {epoch} epoch{'s' * (epoch > 1)}"
        return filter_grid(snapshots[epoch], title=f"{when}: neighbouring weights correlate {smooth:.2f}")

    rows = torch.stack([snapshots[epoch][best] for epoch in epochs], 1).flatten(0, 1)
    title = f"Filters as they form, left to right after {', '.join(map(str, epochs))} epochs"
    return explorer(draw, still=filter_grid(rows, title=title, columns=len(epochs)), epoch=epochs)
