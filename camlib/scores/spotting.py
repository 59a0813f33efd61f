"""How well heatmaps spot characters: by pixels, by boxes, and character by character, at matched area.

Methods differ in their units and in how much they light up. So each map lights as many pixels as the picture
has of text (times `area`): its highest values, wherever they are. At area 1 precision and recall are the same
number.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ..given import number, tensor
from ..unrounded import unrounded
from .bootstrap import counts
from .boxes import iou
from .maps import components, finite, share, true_boxes
from .score import Score

__all__ = ["Spotted", "box_scores", "character_recall", "lit_at_area", "pixel_scores"]


@dataclass(frozen=True, eq=False, repr=False)
class Spotted(Score):
    """Of N pictures: how many things a map gave, how many there are, and how many of the given are right.

    `float(…)` is the precision; at area 1 of pixels the recall is the same.

    right, given, true: int64 (N,), of pixels or of boxes.
    """

    right: Tensor
    given: Tensor
    true: Tensor

    @property
    def precisions(self) -> Tensor:
        """float64 (N,), each picture's right / given; NaN where nothing was given."""
        return self.right.double() / self.given

    @property
    def recalls(self) -> Tensor:
        """float64 (N,), each picture's right / true."""
        return self.right.double() / self.true

    @property
    def precision(self) -> float:
        """Right / given, of all pictures together."""
        return (self.right.sum().double() / self.given.sum()).item()

    @property
    def recall(self) -> float:
        """Right / true, of all pictures together."""
        return (self.right.sum().double() / self.true.sum()).item()

    @unrounded()
    def resampled(
        self, *, times: int = 1000, seed: int = 0, of: Literal["precision", "recall"] = "precision"
    ) -> Tensor:
        """Precision, or recall, of random sets of these pictures: float32 (times,)."""
        sets = counts(len(self), times, seed)
        if of not in ("precision", "recall"):
            raise ValueError(f"no score {of!r}; there are 'precision' and 'recall'")
        whole = {"precision": self.given, "recall": self.true}[of]
        return (sets @ self.right.float()) / (sets @ whole.float())

    def __float__(self) -> float:
        return self.precision

    def __len__(self) -> int:
        return len(self.right)

    def _told(self) -> str:
        return f"recall {self.recall:.3f}, "


def lit_at_area(heatmaps: Tensor, masks: Tensor, *, area: float = 1.0) -> Tensor:
    """The highest pixels of each map, `area` times as many as its mask has: bool (N, H, W), on the CPU.

    heatmaps: (N, H, W), in any units.  masks: bool (N, H, W).
    The number is rounded, and at most H · W. Among pixels of one value those that light are drawn by lot, the
    same lots each time: a constant map lights pixels at random.
    Raises ValueError for an area that is not above 0, values that are not finite, shapes that do not match,
    and a picture without text.
    """
    area = number(area, "area", "how many times the true area is lit, above 0")
    if not area > 0:
        raise ValueError(f"area is {area}; it is above 0: how many times the true area is lit")
    maps, true = finite(heatmaps), _masks(heatmaps, masks)
    lots = np.random.default_rng(0).permutation(maps[:1].size)
    lit = np.zeros(maps.shape, bool)
    for one, mask, into in zip(maps, true, lit, strict=True):
        if count := round(min(area * np.count_nonzero(mask), one.size)):
            values, flat = one.ravel(), into.reshape(-1)
            lowest = np.partition(values, -count)[-count]
            flat[:] = values > lowest
            tied = np.flatnonzero(values == lowest)
            flat[tied[lots[tied].argsort()[: count - np.count_nonzero(flat)]]] = True
    return torch.from_numpy(lit)


def pixel_scores(heatmaps: Tensor, masks: Tensor, *, area: float = 1.0) -> Spotted:
    """Which of the lit pixels are text, and which of the text is lit, at matched area.

    heatmaps, masks, area, errors: as for `lit_at_area`. At area 1 precision and recall are equal; for a
    map that knows nothing they are the share of text in the picture.
    """
    lit = lit_at_area(heatmaps, masks, area=area)
    true = masks.cpu()
    return Spotted((lit & true).sum((1, 2)), lit.sum((1, 2)), true.sum((1, 2)))


def box_scores(
    heatmaps: Tensor, masks: Tensor, boxes: Tensor, *, area: float = 1.0, iou_threshold: float = 0.5
) -> Spotted:
    """Boxes round the lit pixels, at matched area, against those of the characters.

    heatmaps, masks, area: as for `lit_at_area`.  boxes: the true ones, (N, B, 4), missing ones NaN.
    iou_threshold: the IoU from which two boxes may be a pair; as many pairs as possible are made,
    each box in one at most.
    Raises ValueError as `lit_at_area`, for an IoU outside (0, 1], boxes of another shape, and a picture
    without any.
    """
    least = share(iou_threshold, "iou_threshold")
    finite(heatmaps)
    true = true_boxes(boxes, len(heatmaps))
    lit = lit_at_area(heatmaps, masks, area=area).numpy()
    right, given = [], []
    for one, own in zip(lit, true, strict=True):
        found = torch.from_numpy(components(one)[0])
        pairs = (iou(found[:, None], own[~own.isnan().any(1)]) >= least).numpy()
        right.append(int(pairs[linear_sum_assignment(pairs, maximize=True)].sum()))
        given.append(len(found))
    return Spotted(torch.tensor(right), torch.tensor(given), (~true.isnan().any(2)).sum(1))


def character_recall(heatmaps: Tensor, ids: Tensor, *, area: float = 1.0) -> Tensor:
    """The share of each character's ink that is lit, at matched area: float64 (N, B), NaN for missing ones.

    heatmaps, area: as for `lit_at_area`.  ids: int (N, H, W), k + 1 where character k has its ink, else 0.
    A gentler question than `box_scores`: where a map flows over a whole word, each of its letters counts as
    found, say from a half on: `found = character_recall(heatmaps, texts.ids) >= 0.5`.
    Raises ValueError as `lit_at_area`.
    """
    if tensor(ids, "ids").is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
        raise ValueError(f"ids are {str(ids.dtype).removeprefix('torch.')}; give whole numbers, k + 1 or 0")
    if ids.numel() and int(ids.min()) < 0:
        raise ValueError(f"an id is {int(ids.min())}; character k has k + 1, what is none 0")
    lit = lit_at_area(heatmaps, ids > 0, area=area)
    if not len(ids):
        return torch.zeros(0, 0, dtype=torch.float64)
    flat = ids.cpu().long().flatten(1)
    ink, hits = (
        torch.zeros(len(flat), int(flat.max()) + 1, dtype=torch.float64).scatter_add_(
            1, flat, weight.double()
        )
        for weight in (torch.ones_like(flat), lit.flatten(1))
    )
    return (hits / ink)[:, 1:]


def _masks(heatmaps: Tensor, masks: Tensor) -> NDArray[np.bool_]:
    if tensor(masks, "masks").dtype != torch.bool or masks.shape != heatmaps.shape:
        kind = str(masks.dtype).removeprefix("torch.")
        raise ValueError(f"masks are {kind} {tuple(masks.shape)}; give bool {tuple(heatmaps.shape)}")
    if (without := ~masks.flatten(1).any(1)).any():
        raise ValueError(f"picture {int(without.nonzero()[0])} has no text: there is nothing to spot")
    true: NDArray[np.bool_] = masks.cpu().numpy()
    return true
