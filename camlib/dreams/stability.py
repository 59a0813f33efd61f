"""Would the same directions be found again? Two sets, each matched to its best partner in the other.

With S the correlation, over the same cells, of every direction of one set with every direction of the other,
the assignment that makes Σ S as large as possible (Kuhn 1955, "The Hungarian method"; scipy's) gives each
direction one partner, and no partner twice. Fel et al. (2025), "Archetypal SAE", measure dictionaries so.
"""

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ..given import tensor, told

__all__ = ["matched"]


def matched(one: Tensor, other: Tensor, *, signed: bool = True) -> Tensor:
    """How alike each direction is to its partner: float32 (min(D, E),), correlations, in the order of `one`.

    one, other: (N, D) and (N, E), the directions' codes of the same N cells. A direction that is the same on
    all cells, such as a dead one, correlates 0 with all.
    signed: False for directions that have no sign of their own, such as PCA's: a direction and its opposite
    are then as alike as the same one twice, and the correlations are taken without their signs.
    Raises ValueError for anything else than two tables of as many rows, at least 2.
    """
    for name, given in (("one", one), ("other", other)):
        if tensor(given, name).ndim != 2 or not given.is_floating_point() or not given.isfinite().all():
            raise ValueError(f"{name} is {told(given)}; give finite floats (N, D)")
    if len(one) != len(other) or len(one) < 2 or not one.shape[1] or not other.shape[1]:
        raise ValueError(f"{tuple(one.shape)} and {tuple(other.shape)}: give codes of the same cells")
    alike = _standard(one).T @ _standard(other) / len(one)
    alike = alike if signed else alike.abs()
    rows, columns = linear_sum_assignment(alike.numpy(), maximize=True)
    return alike[torch.from_numpy(rows), torch.from_numpy(columns)].float()


def _standard(codes: Tensor) -> Tensor:
    centred = codes.detach().cpu().double() - codes.detach().cpu().double().mean(0)
    size = centred.square().mean(0).sqrt()
    return torch.where(size > 1e-12, centred / size.clamp_min(1e-12), 0.0)
