"""Where every unit of several layers is strongest, in one run of the network."""

from collections.abc import Iterable

import torch
from torch import Tensor

from ..geometry.field import receptive_field
from ..given import told
from ..networks.net import Net, traced
from ..running.extractor import FeatureExtractor
from ..units.dissect import random_rotation
from ..unrounded import unrounded
from ..wording import listing
from .peaks import Located, peaks

__all__ = ["AllPeaks"]


class AllPeaks:
    """`AllPeaks(net, ["conv4", "conv5"], (128, 128))(images)`: the peak of each unit, U of them per picture.

    layers: names; None: every layer that has a map and cells of which one knows where they look.
    size: the pictures' (H, W).  rotate: a seed; in the units' place as many random directions of each layer,
    Σ_j R[k, j] · unit j with R = `random_rotation(units, rotate)`.
    keys: each unit as (layer, number), in the order of the answers.
    The network runs no further than the last of the layers.
    Raises ValueError for an unknown layer, one without a map, and where no layer has one.
    """

    def __init__(
        self, net: Net, layers: Iterable[str] | None, size: tuple[int, int], rotate: int | None = None
    ) -> None:
        if isinstance(layers, str):
            raise ValueError(f"layers are several names; give [{layers!r}]")
        if layers is not None and (not isinstance(layers, Iterable) or not (layers := list(layers))):
            raise ValueError(f"layers are {told(layers)}; give a list of names, or None for all")
        self.fields, counts = {}, {}
        calls = traced(net)[0]
        outputs = {call.module: call.output for call in calls}  # of a module that is called twice, the last
        for name in net.layers if layers is None else layers:
            output = outputs.get(net.layer(name))
            try:
                if not isinstance(output, Tensor) or output.ndim != 4 or max(output.shape[2:]) == 1:
                    raise ValueError(f"{name!r} has no map; choose a convolution")
                self.fields[name] = receptive_field(net, name, size=size)
                counts[name] = FeatureExtractor(net, name).map_units(name)
            except ValueError:
                if layers is not None:
                    raise
        if not self.fields:
            there = listing(net.layers) or "none that runs just once"
            raise ValueError(f"no layer with a map; {net.name} has {there}")
        self.keys = tuple((name, k) for name, count in counts.items() for k in range(count))
        self.rotations = {
            name: random_rotation(count, seed=rotate).to(net.mean.device)
            for name, count in counts.items()
            if rotate is not None
        }
        self._outputs = FeatureExtractor(net, *self.fields)

    def __call__(self, images: Tensor) -> Located:
        """Points (B, U, 2) and strengths (B, U), on the CPU."""
        acts = self._outputs(images)
        points, strengths = [], []
        for name, field in self.fields.items():
            maps = acts[name].float()
            if self.rotations:
                with unrounded():
                    maps = torch.einsum("kj,bjhw->bkhw", self.rotations[name], maps)
            found = peaks(maps, field)
            points.append(found.points[:, :, 0].cpu())
            strengths.append(found.strengths[:, :, 0].cpu())
        return Located(torch.cat(points, 1), torch.cat(strengths, 1))
