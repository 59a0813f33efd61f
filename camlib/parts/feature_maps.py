"""What layers see of many pictures, computed once and kept, to train something small on it many times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..geometry.field import ReceptiveField, receptive_field
from ..given import told
from ..networks.net import Net
from ..pictures.batches import Batch, batches, measured
from ..pictures.pixels import several
from ..running.extractor import FeatureExtractor
from ..wording import in_short, listing

__all__ = ["FeatureMaps", "feature_maps", "joined", "shared_field"]


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """What some layers of a network give out for N pictures, kept in half precision: track on it, or locate.

    maps: float16 (N, C, h, w), the layers' units one after the other; NaN for a picture whose file cannot be
    read.  field: where the cells look.
    """

    net: Net
    layers: tuple[str, ...]
    maps: Tensor
    field: ReceptiveField

    __repr__ = in_short

    def __len__(self) -> int:
        return len(self.maps)

    def __getitem__(self, pictures: Any) -> "FeatureMaps":
        """Those of some of the pictures, by a slice, a mask or a list of numbers, not by one number."""
        chosen = several(len(self), pictures)
        return FeatureMaps(self.net, self.layers, self.maps[chosen], self.field)


def feature_maps(net: Net, layers: Sequence[str], images: Any, *, batch_size: int = 64) -> FeatureMaps:
    """What the layers give out for pictures, computed once. Memory: two bytes for each number.

    layers: names of layers whose cells lie in the same places, as critternet's conv3, conv4, conv5.
    images: anything `batches` takes, of one size.
    Raises ValueError for an unknown layer, one without a map, layers whose cells lie in other places, and
    activations beyond half precision.
    """
    (first,) = next(batches(images, batch_size=1)).images
    field = shared_field(net, layers, (first.shape[1], first.shape[2]))
    units = joined(net, layers)

    def halved(batch: Batch) -> Tensor:
        found = units(batch.images).half()
        if not (good := found.isfinite().flatten(1).all(1)).all():
            bad = int(batch.indices[(~good).cpu()][0])
            raise ValueError(
                f"activations for picture {bad} are no numbers, or beyond half precision, which ends at 65504"
            )
        return found

    maps = measured(halved, images, batch_size=batch_size, progress="features")
    return FeatureMaps(net, tuple(layers), maps, field)


def joined(net: Net, layers: Sequence[str]) -> Callable[[Tensor], Tensor]:
    """What gives out the layers' units, one after the other, for a batch of pictures: (B, C, h, w)."""
    outputs = FeatureExtractor(net, *layers)
    return lambda images: torch.cat(list(outputs(images).values()), 1)


def shared_field(net: Net, layers: Sequence[str], size: tuple[int, int]) -> ReceptiveField:
    """Where the cells of all the layers look."""
    if not isinstance(layers, list | tuple) or not layers:
        raise ValueError(f"layers is a list of names; given {told(layers)}")
    fields = [receptive_field(net, layer, size=size) for layer in layers]
    if (
        tokens := next((name for name, one in zip(layers, fields, strict=True) if one.tokens), None)
    ) is not None:
        raise ValueError(f"{tokens!r} gives tokens, and no map (units, H, W)")
    places = {(field.start, field.stride, field.shape) for field in fields}
    if fields[0].shape == (1, 1):
        raise ValueError(f"{layers[0]!r} has no map; choose convolutions")
    if len(places) > 1:
        raise ValueError(
            f"the cells of {listing(layers)} lie in different places; choose layers of one stride"
        )
    return fields[-1]
