"""Deletion and insertion: take the hottest pixels away first, or bring them in first, and watch the answer.

    AUC = (Σ_i p_i - p_0 / 2 - p_n / 2) / n

over the class's probabilities p_0 … p_n after 0, s, 2s, … pixels. A good map makes the first fall fast and
the second rise fast. Petsiuk, Das, Saenko (2018), "RISE", section 4.2, and its published `evaluation.py`:
deletion fills with the grey that the network's normalisation calls zero, insertion starts from a blurred
picture (a Gaussian of 11 pixels, σ 5). Only the ranking of the pixels counts. RISE ranks by an unstable sort,
turned round, so that ties fall as they may; here ties are either in reading order from the end, as that sort
mostly leaves them ("scan"), or drawn by chance ("random").
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from ..given import number, seeded, told, whole
from ..networks.eval_mode import evaluating
from ..networks.images import check_images
from ..networks.net import Net
from ..networks.targets import Targets, check_several, class_indices
from ..scores.spread import Mean
from ..wording import in_short

__all__ = ["Curves", "deletion", "insertion", "ranking"]

_AT_ONCE = 256  # pictures in one run
Ties = Literal["scan", "random"]


@dataclass(frozen=True, eq=False)
class Curves:
    """probabilities: float32 (N, n + 1), after 0, step, … and all pixels.  pixels: int64 (n + 1,), how many.

    ties: (N,), the share of each map's pixels that are as hot as another one.
    """

    probabilities: Tensor
    pixels: Tensor
    ties: Tensor

    __repr__ = in_short

    @property
    def areas(self) -> Tensor:
        """(N,): the area under each curve, by the trapezoid rule, as RISE computes it."""
        p = self.probabilities
        return (p.sum(1) - p[:, 0] / 2 - p[:, -1] / 2) / (p.shape[1] - 1)

    @property
    def score(self) -> Mean:
        """The mean area, with its interval over pictures."""
        return Mean(self.areas)


def deletion(
    net: Net,
    images: Tensor,
    heatmaps: Tensor,
    targets: Targets = None,
    *,
    step: int | None = None,
    fill: float | Literal["mean", "blur"] = "mean",
    ties: Ties = "scan",
    seed: int = 0,
) -> Curves:
    """The class's probability while the hottest pixels are replaced first.

    images: (N, C, H, W) in [0, 1].  heatmaps: (N, H, W).  targets: None: each whole picture's top-1 class.
    step: pixels at a time; None: eight rows, as in RISE's runs over data sets.
    fill: "mean": the colour that normalisation makes zero (RISE); a grey in [0, 1]; "blur": the blurred
    picture.
    ties: "scan" or "random"; seed: of the latter.
    Raises ValueError for maps that do not fit, are not finite, and for a network of one output.
    """
    whole_ones, other = _pair(net, images, fill)
    return _run(net, whole_ones, other, heatmaps, targets, step, ties, seed, net_sees=whole_ones)


def insertion(
    net: Net,
    images: Tensor,
    heatmaps: Tensor,
    targets: Targets = None,
    *,
    step: int | None = None,
    fill: float | Literal["mean", "blur"] = "blur",
    ties: Ties = "scan",
    seed: int = 0,
) -> Curves:
    """The class's probability while the hottest pixels are put back first, from the blurred picture (RISE).

    All else as `deletion`.
    """
    whole_ones, other = _pair(net, images, fill)
    return _run(net, other, whole_ones, heatmaps, targets, step, ties, seed, net_sees=whole_ones)


def ranking(heatmap: Tensor, *, ties: Ties = "scan", seed: int = 0) -> Tensor:
    """The pixels of a map (H, W), hottest first: int64 (H·W,), counted row by row.

    ties: "scan": of equally hot ones the last comes first, what a stable sort turned round gives; "random".
    """
    flat = heatmap.detach().cpu().flatten()
    if ties == "scan":
        return flat.argsort(stable=True).flip(0)
    if ties != "random":
        raise ValueError(f"no ties {told(ties)}; there are 'scan' and 'random'")
    mixed = torch.randperm(len(flat), generator=torch.Generator().manual_seed(seeded(seed)))
    return mixed[flat[mixed].argsort(descending=True, stable=True)]


def _pair(net: Net, images: Tensor, fill: object) -> tuple[Tensor, Tensor]:
    """The pictures, and what is put in their place."""
    check_images(net, images)
    check_several(net)
    given = images.detach().to(net.mean.device).float()
    if fill == "mean":
        return given, net.mean.float().expand_as(given)
    if fill == "blur":
        return given, gaussian_blur(given, [11, 11], [5.0, 5.0])
    if isinstance(fill, str) or not 0 <= (grey := number(fill, "fill", "a grey in [0, 1]")) <= 1:
        raise ValueError(f"fill is {told(fill)}; there are 'mean', 'blur' and greys in [0, 1]")
    return given, torch.full_like(given, grey)


def _run(
    net: Net,
    start: Tensor,
    end: Tensor,
    heatmaps: Tensor,
    targets: Targets,
    step: int | None,
    ties: Ties,
    seed: int,
    net_sees: Tensor,
) -> Curves:
    n, _, high, wide = start.shape
    if tuple(heatmaps.shape) != (n, high, wide):
        raise ValueError(f"heatmaps {tuple(heatmaps.shape)} for {n} pictures of {high} × {wide}")
    if not heatmaps.isfinite().all():
        raise ValueError("heatmaps hold values that are NaN or infinite")
    pixels = high * wide
    size = 8 * wide if step is None else whole(step, "step", 1, pixels)
    counts = torch.arange(0, pixels + size, size).clamp(max=pixels)
    with evaluating(net), torch.inference_mode():
        wanted = class_indices(net, targets, n)
        if wanted is None:
            wanted = torch.cat([net(part).argmax(1) for part in torch.split(net_sees, _AT_ONCE)])
        curves = []
        for k in range(n):
            place = torch.empty(pixels, dtype=torch.int64)
            place[ranking(heatmaps[k], ties=ties, seed=seed + k)] = torch.arange(pixels)
            place = place.reshape(high, wide).to(start.device)
            done = place < counts.to(start.device)[:, None, None]  # (n + 1, H, W)
            some = torch.where(done[:, None], end[k], start[k])
            shares = torch.cat(
                [net(part).float().softmax(1)[:, wanted[k]] for part in torch.split(some, _AT_ONCE)]
            )
            curves.append(shares.cpu())
    tied = [_tied(one) for one in heatmaps.detach().cpu()]
    return Curves(torch.stack(curves).clone(), counts, torch.tensor(tied))


def _tied(heatmap: Tensor) -> float:
    """The share of the pixels whose value another one has too."""
    times = torch.unique(heatmap, return_counts=True)[1]
    return float(times[times > 1].sum()) / heatmap.numel()
