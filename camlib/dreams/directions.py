"""Directions in the space of a layer's cells, in the place of its units: do they mean more?

A layer's cells are points x with as many coordinates as it has units, and its units are only one set of axes.
Others found on the same cells, D atoms each:

    units      x_d                             the axes
    rotation   q_d · x                         other axes, at random (`random_rotation`)
    pca        v_d · (x - mean)                those of the largest variance, each turned to its longer tail
    nmf        h_d, x ≈ Σ h_d w_d, all ≥ 0     parts that only add up (Lee, Seung 1999; CRAFT, Fel 2023)
    kmeans     -|x - c_d|                      nearness to a cluster's centre
    sae        z_d, x ≈ b + Σ z_d w_d          at most `active` of the z above 0: a sparse autoencoder (TopK,
                                               Gao et al. 2024)

scikit-learn finds PCA, NMF and k-means. The sparse autoencoder is written out in `autoencoder`, as it is what
the lesson is about.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import NMF, PCA
from torch import Tensor

from ..given import seeded, tensor, told, whole
from ..networks.net import Net
from ..pictures.batches import batches
from ..running.extractor import FeatureExtractor
from ..units.dissect import random_rotation
from ..unrounded import unrounded
from ..wording import in_short
from .autoencoder import autoencoder

__all__ = ["KINDS", "Directions", "cells", "directions"]

_SCIKIT = 2**32 - 1  # the largest seed that scikit-learn takes


@dataclass(frozen=True, eq=False)
class Directions:
    """kind: one of `KINDS`.  atoms: float32 (D, U), the directions, as rows; of units the identity.

    Called with cells (N, U) it gives how strongly each has each direction, (N, D); with maps (N, U, h, w),
    maps (N, D, h, w). So `dissect(net, layer, scenes, through=found)` dissects directions.
    """

    kind: str
    atoms: Tensor
    code: Callable[[Tensor], Tensor]

    __repr__ = in_short

    @unrounded()
    def __call__(self, given: Tensor) -> Tensor:
        """(N, U) to (N, D), or (N, U, h, w) to (N, D, h, w)."""
        if tensor(given, "cells").ndim not in (2, 4) or given.shape[1] != self.atoms.shape[1]:
            units = self.atoms.shape[1]
            raise ValueError(f"given {told(given)}; these directions take (N, {units}) or (N, {units}, h, w)")
        if given.ndim == 2:
            return self.code(given.float())
        n, _, high, wide = given.shape
        rows = given.float().permute(0, 2, 3, 1).flatten(0, 2)
        return self.code(rows).view(n, high, wide, -1).permute(0, 3, 1, 2)


def cells(
    net: Net,
    layer: str,
    dataset: Any,
    *,
    per_picture: int | None = None,
    seed: int = 0,
    batch_size: int = 64,
) -> Tensor:
    """The cells of a layer's map over anything `batches` takes: float32 (N, U), on the CPU.

    per_picture: how many of each picture, at random without repetition; None: all.
    Raises ValueError for a layer without a map, and for more cells than it has.
    """
    extract, seed = FeatureExtractor(net, layer), seeded(seed)
    extract.map_units(layer)
    if per_picture is not None:
        per_picture = whole(per_picture, "per_picture", 1)
    random, found = torch.Generator().manual_seed(seed), []
    for images, _, _ in batches(dataset, batch_size=batch_size, progress=f"{layer}, cells"):
        rows = extract(images)[layer].float().cpu().flatten(2).transpose(1, 2)
        if per_picture is not None:
            if per_picture > rows.shape[1]:
                raise ValueError(f"per_picture is {per_picture}; a map has {rows.shape[1]} cells")
            some = torch.rand(rows.shape[:2], generator=random).argsort(1)[:, :per_picture]
            rows = rows.gather(1, some[:, :, None].expand(-1, -1, rows.shape[2]))
        found.append(rows.flatten(0, 1))
    return torch.cat(found).clone()


@unrounded()
def directions(
    kind: str, cells: Tensor, *, count: int | None = None, active: int = 8, seed: int = 0
) -> Directions:
    """Directions of one kind, found on cells (N, U).

    count: how many, D; None: as many as there are units. Only "nmf", "kmeans" and "sae" can find more.
    active: of "sae", how many may be above 0 in a cell.
    Raises ValueError for an unknown kind, cells that are none or fewer than there shall be directions, cells
    below 0 for "nmf", and for a count that the kind cannot have.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"no kind {told(kind)}; there are {', '.join(KINDS)}")
    x = tensor(cells, "cells").detach().cpu()
    if x.ndim != 2 or not x.is_floating_point() or not x.isfinite().all():
        raise ValueError(f"cells are finite floats (N, U); given {told(cells)}")
    x, units = x.float(), x.shape[1]
    count, seed = units if count is None else whole(count, "count", 1), seeded(seed, most=_SCIKIT)
    if kind in ("units", "rotation", "pca") and count > units:
        raise ValueError(f"{kind} has at most {units} directions here; asked for {count}")
    if len(x) < max(count, 2):
        raise ValueError(f"{len(x)} cells for {count} directions; give more")
    if kind == "nmf" and x.min() < 0:
        raise ValueError("cells below 0 have no non-negative factors; take a layer behind a ReLU")
    active = whole(active, "active", 1, count) if kind == "sae" else active
    return KINDS[kind](x, count, active, seed)


def _units(x: Tensor, count: int, _active: int, _seed: int) -> Directions:
    return Directions("units", torch.eye(x.shape[1])[:count], lambda rows: rows[:, :count])


def _rotation(x: Tensor, count: int, _active: int, seed: int) -> Directions:
    turned = random_rotation(x.shape[1], seed=seed)[:count]
    return Directions("rotation", turned, lambda rows: rows @ turned.T)


def _pca(x: Tensor, count: int, _active: int, seed: int) -> Directions:
    found = PCA(count, svd_solver="full" if len(x) < 1000 else "covariance_eigh", random_state=seed)
    scores = torch.from_numpy(found.fit_transform(x.double().numpy()))
    sign = torch.where(scores.pow(3).sum(0) < 0, -1.0, 1.0)[:, None]  # a component has no sign of its own
    atoms, mean = (torch.from_numpy(found.components_) * sign).float(), x.mean(0)
    return Directions("pca", atoms, lambda rows: (rows - mean) @ atoms.T)


def _nmf(x: Tensor, count: int, _active: int, seed: int) -> Directions:
    found = NMF(count, init="random", random_state=seed, max_iter=100, tol=1e-3).fit(x.numpy())
    atoms = torch.from_numpy(found.components_).float()
    return Directions("nmf", atoms, lambda rows: non_negative(rows, atoms))


def non_negative(rows: Tensor, atoms: Tensor, *, steps: int = 50) -> Tensor:
    """The codes h ≥ 0, (N, D), of the least |x - h W|² for rows x (N, U) and atoms W (D, U).

    By Nesterov's projected gradient (Guan, Tao, Luo, Yuan 2012, NeNMF). scikit-learn's `transform` looks for
    the same minimum, and takes several times as long.
    """
    inner, aim = atoms @ atoms.T, rows @ atoms.T
    rate = 1 / torch.linalg.eigvalsh(inner)[-1].clamp_min(1e-12)
    now = ahead = torch.zeros_like(aim)
    pace = 1.0
    for _ in range(steps):
        after = (ahead - rate * (ahead @ inner - aim)).clamp(min=0)
        faster = (1 + (1 + 4 * pace**2) ** 0.5) / 2
        ahead, now, pace = after + (pace - 1) / faster * (after - now), after, faster
    return now


def _kmeans(x: Tensor, count: int, _active: int, seed: int) -> Directions:
    found = MiniBatchKMeans(count, batch_size=4096, n_init=3, random_state=seed).fit(x.numpy())
    centres = torch.from_numpy(found.cluster_centers_).float()
    return Directions("kmeans", centres, lambda rows: -torch.cdist(rows, centres))


def _sae(x: Tensor, count: int, active: int, seed: int) -> Directions:
    found = autoencoder(x, count, active=active, seed=seed)
    return Directions("sae", found.atoms, found.code)


KINDS: dict[str, Callable[[Tensor, int, int, int], Directions]] = {
    "units": _units,
    "rotation": _rotation,
    "pca": _pca,
    "nmf": _nmf,
    "kmeans": _kmeans,
    "sae": _sae,
}
