"""Which part of a critter does each unit detect? Network Dissection's rule, on exact part masks.

Bau, Zhou, Khosla, Oliva, Torralba (2017), "Network Dissection", section 2. For a unit k and a concept c,

    T_k: P(a_k > T_k) = .005 over all cells of the maps of all pictures
    M_k = (a_k, laid over the picture at the receptive fields' centres) > T_k
    IoU_k,c = Σ |M_k ∩ L_c| / Σ |M_k ∪ L_c|, the sums over all pictures, L_c the concept's mask

A unit detects the concept of its highest IoU where that is above .04. The rule lets every unit light up about
.005 of the pixels, so a concept of another size cannot be covered well: see `Dissection.ceiling`.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ..geometry.field import receptive_field, upsample
from ..given import number, seeded, tensor, told, whole
from ..networks.net import Net
from ..pictures.batches import batches
from ..running.extractor import FeatureExtractor
from ..scenes.scenes import PARTS, Scenes
from ..unrounded import unrounded
from .dissection import Dissection, Highest, highest

__all__ = ["dissect", "highest_cells", "random_rotation"]

_AT_ONCE = 256  # maps enlarged at once


def dissect(
    net: Net,
    layer: str,
    scenes: Scenes,
    *,
    rotation: Tensor | None = None,
    through: Callable[[Tensor], Tensor] | None = None,
    quantile: float = 0.005,
    thresholds: Tensor | None = None,
    batch_size: int = 64,
) -> Dissection:
    """The concept that each unit of a layer detects, and how well. The network runs twice over the scenes.

    rotation: (U, U), orthogonal: dissect the directions Σ_j rotation[k, j] · unit j in the units' place. What
    the layer can say is the same; if units mean no more than any direction does, so is the result.
    through: dissect in the units' place what this makes of them, maps (N, U, h, w) to maps (N, D, h, w), such
    as `directions`.
    quantile: the share of cells that count as lit. T_k is exact: the least value that at most this share of
    cells exceeds. So a unit that is always 0 is never lit.
    thresholds: float (U,), T_k where they are known, of more scenes than these: then the network runs once.
    Memory depends on the picture, and on quantile × cells × units.
    Raises ValueError for an unknown layer, one without a map, a rotation that is none, both `rotation` and
    `through`, one that does not give maps, a quantile outside (0, 1), thresholds of another
    number of units or with NaN.
    """
    extract, turn, units = _given(net, layer, scenes, rotation, through, quantile)
    if thresholds is None:
        thresholds = highest_cells(
            net, layer, scenes, rotation=rotation, through=through, quantile=quantile, batch_size=batch_size
        ).thresholds
    if tensor(thresholds, "thresholds").shape != (units,) or not thresholds.is_floating_point():
        raise ValueError(f"thresholds of shape {tuple(thresholds.shape)} for {units} units; give floats")
    if thresholds.isnan().any():
        raise ValueError(f"the threshold of unit {int(thresholds.isnan().nonzero()[0])} is NaN")
    thresholds = thresholds.detach().cpu().float()
    size = (scenes.parts.shape[1], scenes.parts.shape[2])
    field = receptive_field(net, layer, size=size)
    lit = torch.zeros(units * len(PARTS), dtype=torch.int64)  # pixels, for each unit and part
    for maps, indices in _maps(extract, scenes, turn, "masks", batch_size):
        # Enlarging adds no values above a map's peak, so only units whose peak is above T_k light up at all.
        for pairs in torch.split((maps.amax((2, 3)) > thresholds).nonzero(), _AT_ONCE):
            picture, unit = pairs.T
            large = upsample(maps[picture, unit], field, size=size)
            pair, *pixel = (large > thresholds[unit, None, None]).nonzero().T
            part = scenes.parts[indices[picture[pair]], *pixel]
            lit += torch.bincount(unit[pair] * len(PARTS) + part, minlength=len(lit))
    pixels = torch.bincount(scenes.parts.flatten(), minlength=len(PARTS))
    return Dissection(lit.view(units, -1), pixels, thresholds, quantile)


def highest_cells(
    net: Net,
    layer: str,
    scenes: Scenes,
    *,
    of: int | None = None,
    rotation: Tensor | None = None,
    through: Callable[[Tensor], Tensor] | None = None,
    quantile: float = 0.005,
    batch_size: int = 64,
) -> Highest:
    """Those cells of each unit that settle `dissect`'s thresholds; of shards they are joined by `a | b`.

    of: how many scenes there are in all shards; None: these.  The rest, and what it raises, as for `dissect`.
    """
    extract, turn, _ = _given(net, layer, scenes, rotation, through, quantile)
    total = len(scenes) if of is None else whole(of, "of", len(scenes))
    kept = count = None
    for maps, _ in _maps(extract, scenes, turn, "thresholds", batch_size):
        cells = maps.transpose(0, 1).flatten(1)
        count = int(quantile * total * maps[0, 0].numel() + 1e-9) + 1  # all but one may be above
        kept = highest(cells if kept is None else torch.cat([kept, cells], 1), count)
    assert kept is not None  # `batches` gives at least one
    assert count is not None
    return Highest(kept, count)


def _given(
    net: Net,
    layer: str,
    scenes: Scenes,
    rotation: Tensor | None,
    through: Callable[[Tensor], Tensor] | None,
    quantile: float,
) -> tuple[FeatureExtractor, Callable[[Tensor], Tensor] | None, int]:
    """All that is given, checked: what is done to maps, and how many there are then."""
    extract = FeatureExtractor(net, layer)
    units = extract.map_units(layer)
    if not isinstance(scenes, Scenes):
        raise ValueError(f"only scenes know where parts are; given a {type(scenes).__name__}")
    if not 0 < number(quantile, "quantile", "a share between 0 and 1") < 1:
        raise ValueError(f"quantile is {quantile}; it lies between 0 and 1")
    if scenes.companion is not None:
        raise ValueError("these scenes have two critters each, and parts knows only one's; draw single ones")
    _check(rotation, units)
    if through is None:
        if rotation is None:
            return extract, None, units
        turned = rotation.detach().cpu().float()
        return extract, unrounded()(lambda maps: torch.einsum("kj,bjhw->bkhw", turned, maps)), units
    if rotation is not None:
        raise ValueError("both rotation and through are given; one of them takes the units' place")
    if not callable(through):
        raise ValueError(f"through is {told(through)}; give what turns maps (N, {units}, h, w) into others")
    tried = through(torch.zeros(1, units, 3, 2))
    if not isinstance(tried, Tensor) or tried.ndim != 4 or (*tried.shape[:1], *tried.shape[2:]) != (1, 3, 2):
        raise ValueError(f"through made {told(tried)} of maps (1, {units}, 3, 2); it gives (1, D, 3, 2)")
    return extract, through, tried.shape[1]


def random_rotation(units: int, *, seed: int = 0) -> Tensor:
    """A random orthogonal matrix, float32 (units, units), every one equally likely (Mezzadri 2007)."""
    units, seed = whole(units, "units", 1), seeded(seed)
    noise = torch.randn(units, units, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    q, r = torch.linalg.qr(noise)
    even: Tensor = q * r.diagonal().sign()  # qr alone favours some
    return even.float()


def _maps(
    extract: FeatureExtractor,
    scenes: Scenes,
    turn: Callable[[Tensor], Tensor] | None,
    what: str,
    batch_size: int,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Maps (B, U, h, w) and the scenes' numbers (B,)."""
    (layer,) = extract.layers
    for images, _, indices in batches(scenes, batch_size=batch_size, progress=f"{layer}, {what}"):
        maps = extract(images)[layer].float().cpu()
        yield maps if turn is None else turn(maps), indices


@unrounded()
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
