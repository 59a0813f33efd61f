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

from ..given import number, seeded, tensor, told, whole
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

    With K targets for each picture they are (N, n + 1, K).
    ties: (N,), the share of each map's pixels that are as hot as another one.
    """

    probabilities: Tensor
    pixels: Tensor
    ties: Tensor

    __repr__ = in_short

    @property
    def areas(self) -> Tensor:
        """(N,), or (N, K): the area under each curve, by the trapezoid rule, as RISE computes it."""
        p = self.probabilities
        return (p.sum(1) - p[:, 0] / 2 - p[:, -1] / 2) / (p.shape[1] - 1)

    @property
    def score(self) -> Mean:
        """The mean area, with its interval over pictures. ValueError where a picture has several targets."""
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
    pictures, maps = checked(net, images, heatmaps)
    other = _other(net, pictures, fill)
    return _run(net, pictures, other, maps, targets, step, ties, seed, whole_ones=pictures)


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
    pictures, maps = checked(net, images, heatmaps)
    other = _other(net, pictures, fill)
    return _run(net, other, pictures, maps, targets, step, ties, seed, whole_ones=pictures)


def ranking(heatmap: Tensor, *, ties: Ties = "scan", seed: int = 0) -> Tensor:
    """The pixels of a map (H, W), hottest first: int64 (H·W,), counted row by row.

    ties: "scan": of equally hot ones the last comes first, what a stable sort turned round gives; "random".
    Raises ValueError for more than a map, and one with NaN, which have no rank.
    """
    if tensor(heatmap, "the heatmap").ndim != 2 or heatmap.isnan().any():
        raise ValueError(f"given {told(heatmap)}; give one map (H, W), without NaN")
    flat = heatmap.detach().cpu().flatten()
    if ties == "scan":
        return flat.argsort(stable=True).flip(0)
    if ties != "random":
        raise ValueError(f"no ties {told(ties)}; there are 'scan' and 'random'")
    mixed = torch.randperm(len(flat), generator=torch.Generator().manual_seed(seeded(seed)))
    return mixed[flat[mixed].argsort(descending=True, stable=True)]


def checked(net: Net, images: Tensor, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """The pictures, float32 on the network's device, and their heatmaps (N, H, W) on the CPU.

    Raises ValueError for what are no pictures, a network of one output, and maps that do not fit the pictures
    or are not finite.
    """
    high, wide = check_images(net, images)
    check_several(net)
    maps = tensor(heatmaps, "heatmaps").detach().cpu()
    if tuple(maps.shape) != (len(images), high, wide):
        raise ValueError(f"heatmaps {tuple(maps.shape)} for {len(images)} pictures of {high} × {wide}")
    if not maps.isfinite().all():
        raise ValueError("heatmaps hold values that are NaN or infinite")
    return images.detach().to(net.mean.device).float(), maps


def wanted(net: Net, pictures: Tensor, targets: Targets) -> Tensor:
    """The targets' class indices, (N,) or (N, K); of None each picture's top-1 class, (N,).

    The caller puts the network in eval mode.
    """
    found = class_indices(net, targets, len(pictures))
    if found is None:
        found = torch.cat([net(part).argmax(1) for part in torch.split(pictures, _AT_ONCE)])
    return found


def probabilities(net: Net, pictures: Tensor, classes: Tensor) -> Tensor:
    """One class's probability for each picture (B, C, H, W), or K classes': float32 (B,), or (B, K).

    classes: an index, or (K,).  The numbers are on the CPU. The caller puts the network in eval mode.
    """
    answers: list[Tensor] = [net(part.to(net.mean.device)) for part in torch.split(pictures, _AT_ONCE)]
    return torch.cat([one.float().softmax(1)[:, classes] for one in answers]).cpu()


def _other(net: Net, pictures: Tensor, fill: object) -> Tensor:
    """What is put in the place of the pictures."""
    if fill == "mean":
        return net.mean.float().expand_as(pictures)
    if fill == "blur":
        blurred: Tensor = gaussian_blur(pictures, [11, 11], [5.0, 5.0])
        return blurred
    if isinstance(fill, str) or not 0 <= (grey := number(fill, "fill", "a grey in [0, 1]")) <= 1:
        raise ValueError(f"fill is {told(fill)}; there are 'mean', 'blur' and greys in [0, 1]")
    return torch.full_like(pictures, grey)


def _run(
    net: Net,
    start: Tensor,
    end: Tensor,
    heatmaps: Tensor,
    targets: Targets,
    step: int | None,
    ties: Ties,
    seed: int,
    whole_ones: Tensor,
) -> Curves:
    n, _, high, wide = start.shape
    pixels, seed = high * wide, seeded(seed)
    size = 8 * wide if step is None else whole(step, "step", 1, pixels)
    counts = torch.arange(0, pixels + size, size).clamp(max=pixels)
    with evaluating(net), torch.inference_mode():
        classes, curves = wanted(net, whole_ones, targets), []
        for k in range(n):
            place = torch.empty(pixels, dtype=torch.int64)
            place[ranking(heatmaps[k], ties=ties, seed=seed + k)] = torch.arange(pixels)
            place = place.reshape(high, wide).to(start.device)
            done = place < counts.to(start.device)[:, None, None]  # (n + 1, H, W)
            curves.append(probabilities(net, torch.where(done[:, None], end[k], start[k]), classes[k]))
    tied = [_tied(one) for one in heatmaps]
    return Curves(torch.stack(curves).clone(), counts, torch.tensor(tied))


def _tied(heatmap: Tensor) -> float:
    """The share of the pixels whose value another one has too."""
    times = torch.unique(heatmap, return_counts=True)[1]
    return float(times[times > 1].sum()) / heatmap.numel()
