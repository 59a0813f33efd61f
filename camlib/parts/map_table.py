"""Any maps as detectors of a part: how good an answer is each map's highest place?"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..geometry.field import ReceptiveField
from ..given import tensor, told
from ..scores.keypoints import nearest_errors, positive
from .find import truth_of
from .peaks import peaks
from .unit_table import UnitTable

__all__ = ["find_maps"]


def find_maps(
    maps: Mapping[str, Tensor],
    field: ReceptiveField,
    images: Any,
    part: str | Iterable[str] | Tensor,
    *,
    alpha: float = 0.2,
) -> UnitTable:
    """As `find_units`, but of maps that are there already: name → (N, K, h, w), laid by `field`.

    images, part, alpha: as for `find_units`. So capsules' lengths and couplings are held against the same
    truth, by the same rule, as a network's units are. Only what is above 0 is a peak.
    Raises ValueError for maps that do not fit, and as `find_units` does.
    """
    if not isinstance(maps, Mapping):
        raise ValueError(f"maps are {told(maps)}; give a dict, name → (N, K, h, w)")
    alpha = positive(alpha, "alpha")
    points, sizes = truth_of(images, part)
    keys, errors = [], []
    for name, some in maps.items():
        if tensor(some, f"the maps {name!r}").ndim != 4 or len(some) != len(sizes):
            raise ValueError(f"maps {name!r} are {tuple(some.shape)}; give ({len(sizes)}, K, h, w)")
        errors.append(nearest_errors(peaks(some, field).points[:, :, 0], points, sizes))
        keys += [(name, k) for k in range(some.shape[1])]
    if not keys:
        raise ValueError("there are no maps; give a dict, name → (N, K, h, w)")
    return UnitTable.ranked(tuple(keys), torch.cat(errors, 1), alpha)
