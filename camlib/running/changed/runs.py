"""Look at a picture and at its versions with a square covered: incrementally, or in full if need be.

A network's graph holds as long as whatever its code read while it was written down: flags, numbers, contexts.
So of each picture the graph's answer is compared with the network's before the graph is believed.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import torch
from torch import Size, Tensor, fx

from ...networks.attributes import numbers_kept
from ...networks.called import check_rows
from ...networks.net import Net, traced
from ...networks.remembered import forget, remembered
from ...networks.unit_axis import unit_axis, units_second
from ..compared import close, noise
from ..record import record
from .graph import Graph
from .kept import Kept, Versions
from .worth import first_run, worth

__all__ = ["Looks", "Plain", "runs"]

_LARGEST, _MOST = 16_000_000, 32  # of a batch: numbers in the largest tensor, and pictures
_NEAR, _NEAR_TF32 = 1e-4, 5e-3  # of the largest logit: two orders of one sum, in float32 and on a GPU


def runs(
    net: Net, layer: str | None, y: Tensor, x: Tensor, size: tuple[int, int]
) -> Callable[[Tensor, Tensor], "Looks"]:
    """A function that looks at a picture (C, H, W), and at another one, of which squares are laid on it.

    looks = runs(net, None, y, x, (H, W))(image, other)
    looks.logits
    for some in looks.versions(y, x): some.logits

    layer: its maps are recorded.  y, x: the squares' rows (n, 2) and columns (m, 2), as in `Kept`.
    size: the pictures' (H, W).  The network is in eval mode, under `torch.inference_mode()`.
    """
    calls, _ = traced(net)
    largest = max(call.output.numel() for call in calls if isinstance(call.output, Tensor))
    per_pixel = largest / math.prod(net.sides)
    plain = partial(Plain, net, layer, _LARGEST / per_pixel)
    if any(inner._forward_hooks or inner._forward_pre_hooks for inner in net.modules()):
        return plain  # a hook expects whole maps, and a container's would not run
    if layer is not None:
        module = net.layer(layer)
        axis_of = unit_axis(net, module)
        if any(call.module is module and axis_of(call.output) != 1 for call in calls):  # type: ignore[arg-type]
            return plain
    question = ("graph", layer, size)
    found = remembered(net, question, lambda: _graph(net, layer, size))
    if found is None or not worth(*found, y, x, size):
        return plain
    graph, _ = found

    def look(image: Tensor, other: Tensor) -> Looks:
        try:
            kept = Kept(graph, *((one.to(net.mean) - net.mean) / net.std for one in (image, other)))
        except Exception:  # the network does not take such a picture, and says why; or not as a graph
            return plain(image, other)
        if _same(kept.logits, net(image[None].to(net.mean))):
            return kept
        forget(net, question)
        return plain(image, other)

    return look


def _graph(net: Net, layer: str | None, size: tuple[int, int]) -> tuple[Graph, dict[fx.Node, Size]] | None:
    """The network as a graph that answers as it does, and what its nodes' outputs' shapes are; or None."""
    try:
        graph = Graph(net.module, None if layer is None else net.layer(layer))
        picture = noise(net, size).to(net.mean)
        with numbers_kept(net.module):
            logits, shapes = first_run(graph, picture)
            return (graph, shapes) if _same(logits, net.module(picture)) else None
    except Exception:  # control flow on values, or pictures that it does not take: it will say so itself
        return None


def _same(logits: Tensor, wanted: Tensor) -> bool:
    """On a GPU convolutions round their numbers to TF32, and those with a batch norm folded in others."""
    return close(logits, wanted, _NEAR if wanted.device.type == "cpu" else _NEAR_TF32)


class Plain:
    """The network in full on each version; the same interface as `Kept`.

    pixels: how many there may be in a batch.
    """

    def __init__(self, net: Net, layer: str | None, pixels: float, image: Tensor, other: Tensor) -> None:
        self.net, self.layer = net, layer
        self.image, self.other = image.to(net.mean), other.to(net.mean)
        self.batch = max(1, min(_MOST, int(pixels / image[0].numel())))
        self.order = torch.channels_last  # in which convolutions are faster
        try:
            self.logits, self.maps = self._run(self.image[None].contiguous(memory_format=self.order))
        except Exception:  # not every network takes numbers in this order: view does not
            self.order = torch.contiguous_format
            self.logits, self.maps = self._run(self.image[None].contiguous())

    def versions(self, y: Tensor, x: Tensor) -> Iterator[Versions]:
        """Run the picture with each square laid on it, a batch at a time; y and x are as in `Kept`."""
        for row, (top, under) in enumerate(y.tolist()):
            for columns in torch.split(torch.arange(len(x)), self.batch):
                pictures = self.image.expand(len(columns), -1, -1, -1)
                pictures = pictures.clone(memory_format=self.order)
                for picture, (left, right) in zip(pictures, x[columns].tolist(), strict=True):
                    picture[:, top:under, left:right] = self.other[:, top:under, left:right]
                yield Versions(torch.tensor([row]), columns, *self._run(pictures))

    def _run(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        if self.layer is None:
            return self.net(images), None
        with record(self.net, self.layer) as acts:
            logits, maps = self.net(images), acts[self.layer]
        check_rows(self.layer, maps, len(images))
        return logits, units_second(maps, unit_axis(self.net, self.net.layer(self.layer))(maps))


Looks: TypeAlias = Kept | Plain
