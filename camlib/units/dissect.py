"""Which part of a critter does each unit detect? Network Dissection's rule, on exact part masks.

Bau, Zhou, Khosla, Oliva, Torralba (2017), "Network Dissection", section 2. For a unit k and a concept c,

    T_k: P(a_k > T_k) = .005 over all cells of the maps of all pictures
    M_k = (a_k, laid over the picture at the receptive fields' centres) > T_k
    IoU_k,c = Σ |M_k ∩ L_c| / Σ |M_k ∪ L_c|, the sums over all pictures, L_c the concept's mask

A unit detects the concept of its highest IoU where that is above .04. The rule lets every unit light up about
.005 of the pixels, so a concept of another size cannot be covered well: see `Dissection.ceiling`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..geometry.field import receptive_field, upsample
from ..given import number, seeded, tensor, whole
from ..networks.net import Net
from ..pictures.batches import batches
from ..running.extractor import FeatureExtractor
from ..scenes.scenes import PARTS, Scenes
from ..wording import in_short

__all__ = ["CONCEPTS", "DETECTOR", "Dissection", "dissect", "random_rotation"]

DETECTOR = 0.04  # the IoU above which a unit is called a detector
_WHOLE: dict[str, tuple[str, ...]] = {
    "whole head": ("head", "eye", "ear", "nose", "horn"),
    "critter": PARTS[1:],
}
CONCEPTS = (*PARTS[1:], *_WHOLE)
_AT_ONCE = 256  # maps enlarged at once


@dataclass(frozen=True, eq=False)
class Dissection:
    """How well each of U units covers each of the concepts, over all scenes.

    iou: float32 (U, C), C in the order of `concepts`; 0 where neither is ever there.
    thresholds: float32 (U,), T_k.  quantile: the share of cells above T_k that was asked for.
    areas: float32 (C,), the concept's share of all pixels.
    """

    iou: Tensor
    thresholds: Tensor
    areas: Tensor
    quantile: float

    __repr__ = in_short

    @property
    def concepts(self) -> tuple[str, ...]:
        """The names of the concepts: the critter's parts, the whole head and the whole critter."""
        return CONCEPTS

    @property
    def best(self) -> Tensor:
        """int64 (U,): the concept of each unit's highest IoU, index into `concepts`."""
        return self.iou.argmax(1)

    @property
    def names(self) -> list[str]:
        """The same by name; "" for a unit that is no detector."""
        pairs = zip(self.best.tolist(), self.detectors.tolist(), strict=True)
        return [CONCEPTS[best] if detector else "" for best, detector in pairs]

    @property
    def detectors(self) -> Tensor:
        """bool (U,): whether the highest IoU is above `DETECTOR`."""
        return self.iou.amax(1) > DETECTOR

    @property
    def unique(self) -> int:
        """How many different concepts have a detector: the paper's measure of a layer."""
        return len(set(self.names) - {""})

    @property
    def ceiling(self) -> Tensor:
        """float32 (C,): the IoU of a unit that lights up `quantile` of the pixels in the best place."""
        low, high = self.areas.clamp(max=self.quantile), self.areas.clamp(min=self.quantile)
        return low / high


def dissect(
    net: Net,
    layer: str,
    scenes: Scenes,
    *,
    rotation: Tensor | None = None,
    quantile: float = 0.005,
    batch_size: int = 64,
) -> Dissection:
    """The concept that each unit of a layer detects, and how well. The network runs twice over the scenes.

    rotation: (U, U), orthogonal: dissect the directions Σ_j rotation[k, j] · unit j in the units' place. What
    the layer can say is the same; if units mean no more than any direction does, so is the result.
    quantile: the share of cells that count as lit. T_k is exact: the least value that at most this share of
    cells exceeds. So a unit that is always 0 is never lit.
    Memory depends on the picture, and on quantile × cells × units.
    Raises ValueError for an unknown layer, one without a map, a rotation that is none, a quantile outside
    (0, 1).
    """
    extract = FeatureExtractor(net, layer)
    units = extract.map_units(layer)
    if not isinstance(scenes, Scenes):
        raise ValueError(f"only scenes know where parts are; given a {type(scenes).__name__}")
    if not 0 < number(quantile, "quantile", "a share between 0 and 1") < 1:
        raise ValueError(f"quantile is {quantile}; it lies between 0 and 1")
    if scenes.companion is not None:
        raise ValueError("these scenes have two critters each, and parts knows only one's; draw single ones")
    _check(rotation, units)
    rotation = None if rotation is None else rotation.detach().cpu().float()
    size = (scenes.parts.shape[1], scenes.parts.shape[2])
    field = receptive_field(net, layer, size=size)
    thresholds = _thresholds(
        _maps(extract, scenes, rotation, "thresholds", batch_size), quantile, len(scenes)
    )
    lit = torch.zeros(len(thresholds) * len(PARTS), dtype=torch.int64)  # pixels, for each unit and part
    for maps, indices in _maps(extract, scenes, rotation, "masks", batch_size):
        # Enlarging adds no values above a map's peak, so only units whose peak is above T_k light up at all.
        for pairs in torch.split((maps.amax((2, 3)) > thresholds).nonzero(), _AT_ONCE):
            picture, unit = pairs.T
            large = upsample(maps[picture, unit], field, size=size)
            pair, *pixel = (large > thresholds[unit, None, None]).nonzero().T
            part = scenes.parts[indices[picture[pair]], *pixel]
            lit += torch.bincount(unit[pair] * len(PARTS) + part, minlength=len(lit))
    everywhere = torch.bincount(scenes.parts.flatten(), minlength=len(PARTS)).double()
    member = torch.tensor(
        [[part in _WHOLE.get(name, (name,)) for part in PARTS] for name in CONCEPTS]
    ).double()
    each = lit.view(-1, len(PARTS)).double()
    both, areas = each @ member.T, member @ everywhere
    iou = both / (each.sum(1, keepdim=True) + areas - both).clamp_min(1)
    return Dissection(iou.float(), thresholds, (areas / everywhere.sum()).float(), quantile)


def random_rotation(units: int, *, seed: int = 0) -> Tensor:
    """A random orthogonal matrix, float32 (units, units), every one equally likely (Mezzadri 2007)."""
    units, seed = whole(units, "units", 1), seeded(seed)
    noise = torch.randn(units, units, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    q, r = torch.linalg.qr(noise)
    even: Tensor = q * r.diagonal().sign()  # qr alone favours some
    return even.float()


def _maps(
    extract: FeatureExtractor, scenes: Scenes, rotation: Tensor | None, what: str, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Maps (B, U, h, w) and the scenes' numbers (B,)."""
    (layer,) = extract.layers
    for images, _, indices in batches(scenes, batch_size=batch_size, progress=f"{layer}, {what}"):
        maps = extract(images)[layer].float().cpu()
        yield maps if rotation is None else torch.einsum("kj,bjhw->bkhw", rotation, maps), indices


def _thresholds(stream: Iterator[tuple[Tensor, Tensor]], quantile: float, scenes: int) -> Tensor:
    """For each unit the least value that at most this share of its cells exceeds: (U,)."""
    kept = torch.empty(0)
    for maps, _ in stream:
        cells = maps.transpose(0, 1).flatten(1)
        above = int(quantile * scenes * maps[0, 0].numel() + 1e-9)  # so many cells may be above
        kept = torch.cat([kept.view(len(cells), -1), cells], 1)
        kept = kept.topk(min(above + 1, kept.shape[1]), dim=1).values
    return kept[:, -1]


def _check(rotation: Tensor | None, units: int) -> None:
    if rotation is None:
        return
    if tensor(rotation, "rotation").shape != (units, units):
        raise ValueError(f"a rotation of shape {tuple(rotation.shape)} for {units} units")
    if not rotation.is_floating_point():
        raise ValueError(f"a rotation is floats; given {str(rotation.dtype).removeprefix('torch.')}")
    turned = rotation.detach().cpu().float()
    if not torch.allclose(turned @ turned.T, torch.eye(units), atol=1e-4):
        raise ValueError("this rotation is none: rotation @ rotation.T is not the identity")
