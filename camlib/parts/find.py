"""Which unit sees a part, and where it sees it: from filters to part labels.

A unit is (layer, number). Its map is highest where the picture looks most like what it detects; the point
that the highest cell looks at (`peaks`) is the unit's answer to "where?". Whether that is right only
pictures tell in which someone says where the part is: a few, for one unit out of hundreds is soon chosen.

Channels were matched to annotated parts by Simon, Rodner, Denzler (2014), "Part detector discovery in deep
convolutional neural networks".
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..geometry.field import receptive_field
from ..given import seeded, tensor, told, whole
from ..networks.net import Net
from ..pictures.batches import Batch, batches, data_set, measured
from ..pictures.photos import Photos
from ..running.extractor import FeatureExtractor
from ..running.unit_numbers import unit_numbers
from ..scenes.scenes import Scenes
from ..scores.keypoints import Truth, check_sizes, head_sizes, nearest_errors, part_truth, positive
from .peaks import Located, peaks
from .unit_peaks import AllPeaks
from .unit_table import Unit, UnitTable

__all__ = ["find_units", "locate", "truth_of"]


def locate(net: Net, unit: Unit, images: Any, *, count: int = 1, batch_size: int = 64) -> Located:
    """Where a unit is strongest in each picture, as points, and how strong it is there.

    unit: (layer, number), a layer that has a map.  images: anything `batches` takes, of one size.
    count: how many points in each picture: 2 for both eyes. `peaks` has the rule.
    Returns points (N, count, 2), NaN where there is no such peak or the picture's file cannot be read, and
    strengths (N, count), activations, there 0.
    Raises ValueError for an unknown layer or unit, a layer without a map, and a count below 1.
    """
    count = whole(count, "count", 1)
    if not isinstance(unit, tuple | list) or len(unit) != 2:
        raise ValueError(f"a unit is (layer, number), as ('conv3', 5); given {told(unit)}")
    layer, number = unit
    extract = FeatureExtractor(net, layer)
    (number,) = unit_numbers(number, layer, extract.map_units(layer))

    def both(batch: Batch) -> Tensor:
        field = receptive_field(net, layer, size=(batch.images.shape[2], batch.images.shape[3]))
        points, strengths = peaks(extract(batch.images)[layer][:, number], field, count=count)
        return torch.cat([points, strengths[..., None]], 2)

    every = measured(both, images, batch_size=batch_size, progress=layer)
    return Located(every[..., :2].contiguous(), every[..., 2].nan_to_num(0))


def find_units(
    net: Net,
    images: Any,
    part: str | Iterable[str] | Tensor,
    *,
    layers: Iterable[str] | None = None,
    sizes: Tensor | None = None,
    alpha: float = 0.2,
    rotate: int | None = None,
    batch_size: int = 32,
) -> UnitTable:
    """Every unit of every layer as a detector of a part, best first, in one pass over labelled pictures.

    images: anything `batches` takes: N pictures of one size.
    part: where the part is, (N, 2), or (N, K, 2) of which the nearest is held against the unit's answer, NaN
    where it is not; or, for `Scenes` and `Photos`, its name: "eye", "nose", … (`part_truth`).
    layers: names; None: all that have a map.
    sizes: (N,), the unit of length, in pixels; None: the heads of `Scenes`, else the picture's longer side,
    for which an alpha of 0.2 is lax.  alpha: a right answer is no further than alpha sizes away. Eyes are .39
    heads apart: at 0.2 even a unit that answers with the middle between them is right, at 0.1 it is not.
    rotate: a seed: as many random directions of each layer in the units' place (as `dissect` rotates).
    batch_size: pictures at once; the maps of all layers are in memory together. What stays depends on N ×
    units. In a file that cannot be read there is nothing to find.
    Raises ValueError for an unknown part or layer, a layer without a map, an alpha that is not above
    0, and points or sizes that do not fit the pictures or are infinite.
    """
    alpha, images = positive(alpha, "alpha"), data_set(images)
    if rotate is not None:
        rotate = seeded(rotate, "rotate")
    points, lengths = truth_of(images, part, sizes)
    (first,) = next(batches(images, batch_size=1)).images
    units = AllPeaks(net, layers, (first.shape[1], first.shape[2]), rotate)

    def errors(batch: Batch) -> Tensor:
        return nearest_errors(units(batch.images).points, points[batch.indices], lengths[batch.indices])

    every = measured(errors, images, batch_size=batch_size, progress="units")
    return UnitTable.ranked(units.keys, every, alpha)


def truth_of(images: Any, part: str | Iterable[str] | Tensor, sizes: Tensor | None = None) -> Truth:
    """The true points of a part, and the unit of length, for `Scenes` and for pictures of one's own.

    Raises ValueError as `find_units` does.
    """
    images = data_set(images)
    if isinstance(part, np.ndarray):
        tensor(part, "points")
    if sizes is not None:
        tensor(sizes, "sizes")
    if isinstance(part, Tensor):
        (first,) = next(batches(images, batch_size=1)).images
        side = torch.full((len(images),), float(max(first.shape[1:])))
        points = part[:, None] if part.ndim == 2 else part
        lengths = head_sizes(images) if isinstance(images, Scenes | Photos) else side
    elif isinstance(images, Scenes | Photos):
        points, lengths = part_truth(images, part)
    else:
        raise ValueError(
            f"only scenes know where {told(part)} is, and photos(); give points (N, K, 2), a torch tensor"
        )
    lengths = lengths if sizes is None else sizes
    if points.ndim != 3 or points.shape[2] != 2 or lengths.ndim != 1:
        raise ValueError(
            f"points and sizes are {tuple(points.shape)} and {tuple(lengths.shape)}; give (N, K, 2) and (N,)"
        )
    if not len(points) == len(lengths) == len(images):
        raise ValueError(f"{len(points)} points and {len(lengths)} sizes for {len(images)} pictures")
    if points.is_complex() or points.isinf().any():
        raise ValueError("a point is infinite; NaN stands for none")
    if points.isnan().any(2).all():
        raise ValueError("no picture has the part: there is nothing to find")
    check_sizes(lengths)
    return Truth(points.cpu().float(), lengths.cpu().float())
