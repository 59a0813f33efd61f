"""Lesson 08's investigation: a rule for boxes that beats a fifth of the maximum."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from ..heatmaps.cam import cam
from ..networks.zoo import load
from ..scenes.scenes import critters
from ..scores.boxes import boxes, iou
from ..scores.spread import Mean, difference
from .compare import kind
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask


@functools.cache  # a learner tries many rules
def _fresh() -> tuple[Tensor, Tensor]:
    """The maps of 150 scenes' true classes, and their true boxes."""
    scenes = critters(150, seed=818)
    return cam(load("critternet_gap"), scenes.images, scenes.labels).cpu(), scenes.boxes


def _better_box(f: Learners) -> Truth:
    """f(heatmap): a map (H, W) to (x0, y0, x1, y1), half open; it has to beat a fifth of the maximum."""
    heatmaps, truth = _fresh()
    found = torch.full_like(truth, torch.nan)
    for n, heatmap in enumerate(heatmaps):
        got = ask(f, heatmap.clone(), call="my_box(heatmap)")
        try:
            corners = [float(edge) for edge in got]
        except (TypeError, ValueError, RuntimeError):
            first = ": take its first row" if getattr(got, "shape", None) == (1, 4) else ""
            raise Wrong(f"my_box(heatmap) should be four numbers, but is {kind(got)}{first}") from None
        if len(corners) != 4 or not all(math.isfinite(edge) for edge in corners):
            raise Wrong(f"my_box(heatmap) should be four finite numbers, [x0, y0, x1, y1]; it is {corners}")
        x0, y0, x1, y1 = corners
        if x1 <= x0 or y1 <= y0:
            raise Wrong(f"the box {corners} has no area: x0 < x1 and y0 < y1 are wanted, in this order")
        found[n] = torch.tensor(corners)
    mine, fifth = (Mean((iou(guess, truth) >= 0.5).float()) for guess in (found, boxes(heatmaps)))
    gain = difference(mine, fifth)
    told = f"a fifth of the maximum {float(fifth):.0%}; the difference, with its 95% interval: {gain:+.0%}."
    yours = f"your boxes are right in {float(mine):.0%} of 150 fresh scenes"
    turned = float((iou(found[:, [1, 0, 3, 2]], truth) >= 0.5).float().mean())
    if gain.high < 0 and turned > float(mine) + 0.1:
        raise Wrong(f"{yours}, and in {turned:.0%} with x and y exchanged: x counts columns")
    if gain.high < 0:
        raise Wrong(f"{yours}, {told} That is worse")
    if gain.low <= 0:
        raise Wrong(f"{yours}, {told} No gain is shown")
    return float(mine), f"With {told}"


better_box = investigation(_better_box)
