"""Scores for weakly supervised object localization: MaxBoxAcc, its second version, and PxAP.

Choe, Oh, Lee, Chun, Akata, Shim (2020), "Evaluating weakly supervised object localization methods right".
Methods differ in their units, so each map is stretched to [0, 1]; and each method is scored at the threshold
that is best for it over the whole set, for otherwise one would compare thresholds.

A score at the threshold that was best on these very pictures is a little too high. Its interval is that of
the score at this threshold. If each random set chose its own, each would be too high once more, and where
boxes change much from one threshold to the next the whole interval could lie above the score. A test counts
how often either interval holds the truth.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from ..given import tensor, whole
from ..unrounded import unrounded
from .bootstrap import counts
from .boxes import iou
from .maps import components, finite, share, true_boxes
from .score import Score

__all__ = ["BoxAccuracy", "max_box_acc", "max_box_acc_v2", "pxap"]


@dataclass(frozen=True, eq=False, repr=False)
class BoxAccuracy(Score):
    """How well boxes cut out of N heatmaps at T thresholds find the objects. `float(…)` is its `value`.

    ious: float32 (N, T), of each picture's box with the true one nearest to it (V2: of its best box).
    thresholds: float32 (T,), of the map stretched to [0, 1].
    iou_thresholds: the IoU from which a box is right; where there are several, their scores are averaged.
    """

    ious: Tensor
    thresholds: Tensor
    iou_thresholds: tuple[float, ...]

    @property
    def curves(self) -> Tensor:
        """float32 (W, T): for each IoU, the share of right boxes at each threshold."""
        return torch.stack([(self.ious >= least).float().mean(0) for least in self.iou_thresholds])

    @property
    def value(self) -> float:
        """The share of right boxes at the best threshold, averaged over the IoUs."""
        return self.curves.amax(1).mean().item()

    @property
    def best(self) -> Tensor:
        """float32 (W,): the best threshold for each IoU; of equally good ones the lowest."""
        return self.thresholds[self.curves.argmax(1)]

    @unrounded()
    def resampled(self, *, times: int = 1000, seed: int = 0) -> Tensor:
        """The score of random sets of these pictures, at the thresholds `best` for all of them: (times,)."""
        sets, best = counts(len(self), times, seed), self.curves.argmax(1).tolist()
        right = [self.ious[:, t] >= least for t, least in zip(best, self.iou_thresholds, strict=True)]
        return torch.stack([sets @ one.float() / len(self) for one in right]).mean(0)

    def __float__(self) -> float:
        return self.value

    def __len__(self) -> int:
        return len(self.ious)

    def _told(self) -> str:
        return f"at threshold {', '.join(f'{threshold:g}' for threshold in self.best.tolist())}, "


def max_box_acc(
    heatmaps: Tensor, boxes: Tensor, *, steps: int = 100, iou_threshold: float = 0.5
) -> BoxAccuracy:
    """MaxBoxAcc: the share of pictures whose box is right, at the threshold that is best for all together.

    heatmaps: (N, H, W), in any units: each is stretched to [0, 1] from its lowest to its highest value.
    boxes: the true ones, (N, 4), or (N, B, 4) for several in a picture, missing ones NaN; one is enough.
    steps: thresholds 0, 1 / steps, … below 1. At each, the box goes round the largest component of the pixels
    that reach it (as in `boxes`), and is right from an IoU of `iou_threshold`. A map of one value everywhere
    gives the whole picture at threshold 0, and no box above.
    Raises ValueError for values that are not finite, a picture without a true box, shapes that do not match,
    no picture, steps below 1, and an IoU outside (0, 1].
    """
    return _accuracy(heatmaps, boxes, steps, (iou_threshold,), every=False)


def max_box_acc_v2(heatmaps: Tensor, boxes: Tensor, *, steps: int = 100) -> BoxAccuracy:
    """MaxBoxAccV2: every component has a box, and one right box is enough; the mean over IoUs of
    .3, .5 and .7.

    The best threshold is chosen for each IoU. All else is as in `max_box_acc`.
    """
    return _accuracy(heatmaps, boxes, steps, (0.3, 0.5, 0.7), every=True)


def pxap(heatmaps: Tensor, masks: Tensor, *, ignore: Tensor | None = None, steps: int = 1000) -> float:
    """PxAP: the average precision of pixels, pooled over all pictures, Σ_l P(τ_l) (R(τ_l) - R(τ_{l+1})).

    heatmaps: (N, H, W), stretched as in `max_box_acc`; a pixel is taken for the object where it reaches τ_l =
    l / steps.  masks: bool (N, H, W).  ignore: bool (N, H, W): pixels that count neither way.
    Raises ValueError where no pixel of the masks is set, for shapes that do not match, and as `max_box_acc`.
    """
    maps = finite(heatmaps)
    steps = whole(steps, "steps", 1)
    ignore = torch.zeros_like(tensor(masks, "masks")) if ignore is None else tensor(ignore, "ignore")
    for what, given in {"masks": masks, "ignore": ignore}.items():
        if given.dtype != torch.bool or given.shape != heatmaps.shape:
            kind = str(given.dtype).removeprefix("torch.")
            raise ValueError(f"{what}: {kind} {tuple(given.shape)}; give bool {tuple(heatmaps.shape)}")
    counts = np.zeros((2, steps), np.int64)  # pixels off and on an object, by level
    for one, mask, left_out in zip(maps, masks.cpu().numpy(), ignore.cpu().numpy(), strict=True):
        levels = _levels(one, steps)
        counts[0] += np.bincount(levels[~mask & ~left_out], minlength=steps)
        counts[1] += np.bincount(levels[mask & ~left_out], minlength=steps)
    if not counts[1].any():
        raise ValueError("no pixel of the masks is set: there is nothing to find")
    reached = counts[:, ::-1].cumsum(1)
    precision, recall = reached[1] / reached.sum(0).clip(1), reached[1] / reached[1, -1]
    return float((precision * np.diff(recall, prepend=0)).sum())


def _accuracy(
    heatmaps: Tensor, boxes: Tensor, steps: int, iou_thresholds: tuple[float, ...], every: bool
) -> BoxAccuracy:
    maps = finite(heatmaps)
    if not len(maps):
        raise ValueError("there are no heatmaps to score")
    steps = whole(steps, "steps", 1)
    iou_thresholds = tuple(share(least, "iou_threshold") for least in iou_thresholds)
    true = true_boxes(boxes, len(maps))
    found = torch.zeros(len(maps), steps)
    with tqdm(total=len(maps), desc="boxes", unit="map", delay=1, leave=False) as bar:
        for n, one in enumerate(maps):
            spans, level = _by_level(_levels(one, steps), every)
            found[n].scatter_reduce_(0, level, iou(spans[:, None], true[n]).amax(1), "amax")
            bar.update()
    return BoxAccuracy(found, torch.arange(steps) / steps, iou_thresholds)


def _levels(one: NDArray[np.float64], steps: int) -> NDArray[np.int32]:
    """The highest threshold that each pixel of the stretched map reaches, counted from 0."""
    low, high = one.min(), one.max()
    unit = (one - low) / (high - low) if high > low else np.zeros_like(one)
    reached = np.searchsorted(np.arange(steps) / steps, unit, side="right")
    return reached.astype(np.int32) - 1


def _by_level(levels: NDArray[np.int32], every: bool) -> tuple[Tensor, Tensor]:
    """Boxes (C, 4) of the components of {levels ≥ l}, all or only the largest, and for each its l (C,)."""
    found, counts = [], []
    for level in range(int(levels.max()) + 1):
        spans, areas = components(levels >= level)
        found.append(spans if every else spans[[areas.argmax()]])
        counts.append(len(found[-1]))
    of = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return torch.from_numpy(np.concatenate(found)), of
