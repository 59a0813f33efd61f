"""From a heatmap to parts: how much heat lies on each, and which of them it calls important.

    I_p = Σ of the map over the part's mask, dilated by 5 × 5,    p is important where I_p > t · Σ of the map

as in FunnyBirds' code (Hesse et al. 2023), which sums signed values. The sum of a signed map may be near zero
or negative, and then nothing or everything is important; `yardstick="positive"` takes what is above zero
alone.
"""

from dataclasses import replace
from itertools import combinations
from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ..given import number, tensor
from ..scenes.drawing.critter import UNDRAWN
from ..scenes.drawing.recipe import agreeing
from ..scenes.scenes import Recipe, Scenes
from ..scores.maps import finite
from .redraw import PLACES

__all__ = ["THRESHOLDS", "Yardstick", "dilated", "important", "on_masks", "part_masks", "sufficient"]

THRESHOLDS = torch.linspace(0.01, 0.5, 80, dtype=torch.float32, device="cpu")  # FunnyBirds' grid
Yardstick: TypeAlias = Literal["signed", "positive"]
_DILATED = 5


def part_masks(scenes: Scenes) -> Tensor:
    """bool (N, P, H, W): where each part of `PLACES` is in sight, and two pixels around it."""
    masks = torch.stack([scenes.parts == UNDRAWN[name] for name in PLACES], 1)
    return dilated(masks)


def dilated(masks: Tensor) -> Tensor:
    """bool (N, K, H, W), each mask grown by two pixels, its corners too: FunnyBirds' 5 × 5 maximum."""
    return max_pool2d(masks.float(), _DILATED, stride=1, padding=_DILATED // 2) > 0


def on_masks(heatmaps: Tensor, masks: Tensor) -> Tensor:
    """The sum of each map (N, H, W) over each of its picture's masks (N, K, H, W): double (N, K).

    Raises ValueError for maps and masks that do not fit each other, and for maps that are not finite.
    """
    maps, where = tensor(heatmaps, "heatmaps"), tensor(masks, "masks")
    if maps.ndim != 3 or where.ndim != 4 or (*where.shape[:1], *where.shape[2:]) != tuple(maps.shape):
        raise ValueError(f"masks of shape {tuple(where.shape)} for heatmaps {tuple(maps.shape)}")
    pairs = zip(torch.from_numpy(finite(maps)), where.cpu(), strict=True)
    return torch.stack([(one * there).sum((1, 2)) for one, there in pairs])


def important(
    importances: Tensor,
    heatmaps: Tensor,
    thresholds: Tensor | float,
    *,
    yardstick: Yardstick = "signed",
) -> Tensor:
    """Which parts a map calls important: bool (N, K), or (T, N, K) for T thresholds.

    importances: (N, K), of `on_masks`.  yardstick: what the threshold is a share of, the map's whole sum
    (FunnyBirds) or the sum of its positive values.
    Raises ValueError for another yardstick, and for maps that are not finite.
    """
    if yardstick not in ("signed", "positive"):
        raise ValueError(f"no yardstick {yardstick!r}; there are 'signed' and 'positive'")
    maps = torch.from_numpy(finite(heatmaps))
    total = (maps.clamp(min=0) if yardstick == "positive" else maps).sum((1, 2))
    if isinstance(thresholds, Tensor):
        return importances > thresholds.double()[:, None, None] * total[:, None]
    return importances > number(thresholds, "threshold", "a share, such as .1") * total[:, None]


def sufficient(recipe: Recipe) -> list[tuple[str, ...]]:
    """The smallest sets of parts of `PLACES` that leave one class only, with the coat in sight.

    None of them holds another. FunnyBirds' minimal sufficient part sets, here by trying all 2^7.
    """
    found: list[tuple[str, ...]] = []
    for size in range(len(PLACES) + 1):
        for kept in combinations(PLACES, size):
            if any(set(smaller) <= set(kept) for smaller in found):
                continue
            gone = tuple(name for name in PLACES if name not in kept)
            if sum(agreeing(_without(recipe, gone))) == 1:
                found.append(kept)
    return found


def _without(recipe: Recipe, gone: tuple[str, ...]) -> Recipe:
    return replace(recipe, without=tuple({*recipe.without, *gone}))
