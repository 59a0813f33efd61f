"""The pointing game: does a heatmap's maximum lie on the object?

Zhang, Lin, Brandt, Shen, Sclaroff (2016), "Top-down neural attention by excitation backprop"; the tolerance
and the mean over classes are as in TorchRay (Fong, Patrick, Vedaldi 2019).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ..given import number, tensor
from ..unrounded import unrounded
from .bootstrap import counts
from .maps import finite, true_boxes
from .score import Score

__all__ = ["Pointing", "pointing_game"]


@dataclass(frozen=True, eq=False, repr=False)
class Pointing(Score):
    """Which of N maxima lie on the object. `float(…)` is `class_mean` where classes are known, else `share`.

    hits: bool (N,).  labels: int64 (N,), each picture's class, or None.
    """

    hits: Tensor
    labels: Tensor | None = None

    @property
    def share(self) -> float:
        """The share of hits among all pictures."""
        return self.hits.float().mean().item()

    @property
    def by_class(self) -> dict[int, float]:
        """For each class that occurs, its share of hits. Raises ValueError where no classes are known."""
        if self.labels is None:
            raise ValueError("the classes are not known; give labels to `pointing_game`")
        return {c: self.hits[self.labels == c].float().mean().item() for c in set(self.labels.tolist())}

    @property
    def class_mean(self) -> float:
        """The mean of the classes' shares, as published numbers are: a rare class weighs as much."""
        shares = self.by_class.values()
        return sum(shares) / len(shares)

    @unrounded()
    def resampled(self, *, times: int = 1000, seed: int = 0) -> Tensor:
        """The score of random sets of these pictures: (times,). A class that a set lacks is left out."""
        sets, hits = counts(len(self), times, seed), self.hits.float()
        if self.labels is None:
            return sets @ hits / len(self)
        of = one_hot(torch.unique(self.labels, return_inverse=True)[1]).float()
        return ((sets @ (of * hits[:, None])) / (sets @ of)).nanmean(1)

    def __float__(self) -> float:
        return self.share if self.labels is None else self.class_mean

    def __len__(self) -> int:
        return len(self.hits)


def pointing_game(
    heatmaps: Tensor, truth: Tensor, tolerance: float, *, labels: Tensor | None = None
) -> Pointing:
    """Does each map's maximum lie on the object, or less than `tolerance` pixels beside it?

    heatmaps: (N, H, W). Of equally high pixels the first counts, row by row. A map of one value everywhere
    points nowhere: a miss.
    truth: bool masks (N, H, W), of which an empty one cannot be hit; or boxes, (N, 4) or (N, B, 4), missing
    ones NaN. A box stands for the pixels that lie in it whole; one that holds none, such as one without
    area, cannot be hit.
    tolerance: in pixels; 0: on the object itself. TorchRay's 15 is for photographs of about 500 pixels; on
    scenes of 128 it lets a random pixel score .42, in place of .15.
    labels: int64 (N,): then the score is the mean of the classes' shares.
    Raises ValueError for values that are not finite, no map, and shapes that do not match.
    """
    maps = finite(heatmaps)
    n, _, width = maps.shape
    if not n:
        raise ValueError("there are no heatmaps to score")
    near = number(tolerance, "tolerance", "pixels, 0 or more")
    if near < 0:
        raise ValueError(f"tolerance is {tolerance}; it is 0 pixels or more")
    if labels is not None and tuple(tensor(labels, "labels").shape) != (n,):
        raise ValueError(f"labels of shape {tuple(labels.shape)} for {n} heatmaps")
    if labels is not None and (labels.is_floating_point() or labels.is_complex()):
        raise ValueError(f"labels are {str(labels.dtype).removeprefix('torch.')}; give whole numbers")
    if tensor(truth, "truth").dtype == torch.bool and truth.shape != heatmaps.shape:
        raise ValueError(f"masks of shape {tuple(truth.shape)} for heatmaps {tuple(heatmaps.shape)}")
    objects = truth.cpu() if truth.dtype == torch.bool else true_boxes(truth, n)
    hits = []
    for one, there in zip(maps, objects, strict=True):
        row, column = divmod(int(one.argmax()), width)
        away = _distance(there, row, column)
        hits.append(bool(np.ptp(one) > 0) and (away < near or away == 0))
    return Pointing(torch.tensor(hits), None if labels is None else labels.cpu())


def _distance(there: Tensor, row: int, column: int) -> float:
    """From a pixel to the nearest one of an object, a mask (H, W) or boxes (B, 4); 0 on it."""
    if there.dtype == torch.bool:
        away = (there.nonzero() - torch.tensor([row, column])).double().norm(dim=1)
        return float(away.min()) if len(away) else float("inf")
    point = torch.tensor([column, row])
    first, last = there[:, :2].double().ceil(), there[:, 2:].double().floor() - 1  # of the pixels inside
    away = torch.maximum(first - point, point - last).clamp_min(0).norm(dim=1)
    held = (last >= first).all(1)  # false for NaN, too
    return float(away[held].min()) if held.any() else float("inf")
