"""A student that learns from points: a small head on what a trained network already sees.

Its labels may be a unit's answers (`locate`), without anybody's hand, or the truth. The network stays as it
is, its maps are computed once, and only the head is trained, in seconds: 1×1 convolution, ReLU, 3×3
convolution, a heat map (`heat_map`). The same head on convolutions trained from scratch is
"critternet_eye", a network of the course's.

Errors of the labels that point every way average out in the student, as far as the picture does not tell
them; what is wrong in the same way every time it learns.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from ..chance import drawing
from ..geometry.field import ReceptiveField
from ..given import number, seeded, tensor, told, whole
from ..networks.net import Net, check_net
from ..pictures.batches import batches, measured, placed
from ..wording import in_short, listing
from .feature_maps import FeatureMaps, joined, shared_field
from .heat_map import finer, heat_loss, heat_map, mean_points, split_of
from .peaks import Located, peaks

__all__ = ["Tracker", "track"]

_WIDTH = 16  # units of the head
_BATCH, _RATE = 64, 1e-2


@dataclass(frozen=True, eq=False)
class Tracker:
    """A head on some layers of a network: `points, strengths = tracker.locate(images)`."""

    net: Net
    layers: tuple[str, ...]
    head: nn.Module

    __repr__ = in_short

    @classmethod
    def of(cls, net: Net) -> "Tracker":
        """The tracker that a network of the course's is: `Tracker.of(load("critternet_eye"))`.

        Raises ValueError for a network without a layer "heat".
        """
        check_net(net)
        if "heat" not in net.layers:
            raise ValueError(f"{net.name} is no tracker: it has no layer 'heat', but {listing(net.layers)}")
        return cls(net, ("heat",), nn.Identity())

    def heat(self, images: Any) -> tuple[Tensor, ReceptiveField]:
        """The heat maps (N, h, w) of pictures, or of their `FeatureMaps`, and where their cells lie.

        NaN for a picture whose file cannot be read.
        Raises ValueError for features of another network or other layers.
        """

        @torch.inference_mode()
        def heat(maps: Tensor) -> Tensor:
            return heat_map(self.head(maps.to(self.net.mean.device).float())).cpu()

        if isinstance(images, FeatureMaps):
            if images.net is not self.net or images.layers != self.layers:
                raise ValueError(f"these features are not those of {self.net.name}'s {listing(self.layers)}")
            parts = torch.split(images.maps, _BATCH)
            return torch.cat([heat(part) for part in parts]), finer(images.field)
        (first,) = next(batches(images, batch_size=1)).images
        field = shared_field(self.net, self.layers, (first.shape[1], first.shape[2]))
        units = joined(self.net, self.layers)
        return measured(lambda part: heat(units(part.images).half()), images), finer(field)

    def locate(self, images: Any, count: int = 1, radius: float | None = None, mean: bool = False) -> Located:
        """The `count` highest peaks of each heat map, as `locate` gives a unit's.

        images: anything `batches` takes, or `FeatureMaps`.  radius: least distance of two peaks, in pixels.
        mean: in place of the peak the heat map's mean (soft-argmax), always somewhere; for one point only.
        Returns points (N, count, 2), NaN where nothing is likelier than "nowhere" or the file cannot be
        read, and strengths (N, count), there 0: log odds of the cell against nowhere; with `mean`, of
        anywhere against nowhere.
        """
        count = whole(count, "count", 1)
        if mean and count != 1:
            raise ValueError(f"a heat map has one mean, not {count}")
        heat, field = self.heat(images)
        seen = (~heat.isnan().flatten(1).all(1)).nonzero()[:, 0]
        some = heat[seen] if len(seen) else heat
        found = mean_points(some, field) if mean else peaks(some, field, count=count, radius=radius)
        return Located(placed(found.points, seen, len(heat)), placed(found.strengths, seen, len(heat), 0))


def track(
    features: FeatureMaps,
    points: Tensor,
    *,
    strengths: Tensor | None = None,
    keep: float = 1.0,
    steps: int = 200,
    seed: int = 0,
) -> Tracker:
    """Train a head on features, to say where the points are. The network is left as it is.

    points: (N, P, 2), in pixels, NaN for none: a unit's answers, or the truth; P = 2 for both eyes. A picture
    without any teaches "nowhere", one whose file cannot be read nothing.
    strengths: (N, P), as `locate` gives them; keep: learn only from this share of the pictures, those whose
    strongest answer is strongest.
    steps: of AdamW on 64 pictures each.  seed: of the head's first weights and the pictures' order; the
    global generator is left alone. The same seed gives the same tracker.
    Raises ValueError for points or strengths that do not fit the features, no point at all, a keep outside
    (0, 1], or one below 1 without strengths.
    """
    steps, seed = whole(steps, "steps", 1), seeded(seed)
    chosen = _chosen(features, points, strengths, keep)
    chosen = chosen[~features.maps[chosen, 0, 0, 0].isnan()]
    maps, labels = features.maps[chosen], points[chosen].cpu().float()
    field, generator = finer(features.field), torch.Generator().manual_seed(seed)
    device = features.net.mean.device
    with torch.inference_mode(False), torch.enable_grad():
        with drawing(seed):
            head = _head(maps, split_of(features.field)).to(device)
        optimiser = torch.optim.AdamW(head.parameters(), _RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
        order = torch.empty(0, dtype=torch.int64)
        for _ in tqdm(range(steps), desc="head", unit="step", delay=1, leave=False):
            if len(order) < min(_BATCH, len(maps)):
                order = torch.randperm(len(maps), generator=generator)
            batch, order = order[:_BATCH], order[_BATCH:]
            heat = heat_map(head(maps[batch].to(device).float()))
            loss = heat_loss(heat, labels[batch].to(device), field)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return Tracker(features.net, features.layers, head.requires_grad_(False))


def _head(maps: Tensor, split: int) -> nn.Sequential:
    """A fresh head for features (N, C, h, w), which it first brings to a mean of 0 and a variance of 1."""
    some = maps[:256].float()
    norm = nn.BatchNorm2d(maps.shape[1], affine=False)
    norm.running_mean = some.mean((0, 2, 3))
    variance = some.var((0, 2, 3))
    norm.running_var = variance.clamp_min(variance.mean() / 100)  # a unit that was silent here may wake up
    narrow, wide = nn.Conv2d(maps.shape[1], _WIDTH, 1), nn.Conv2d(_WIDTH, split**2, 3, padding=1)
    return nn.Sequential(norm, narrow, nn.ReLU(), wide).eval()


def _chosen(features: FeatureMaps, points: Tensor, strengths: Tensor | None, keep: float) -> Tensor:
    """The numbers of the pictures to learn from."""
    if not isinstance(features, FeatureMaps):
        raise ValueError(f"features are what feature_maps gives; given {told(features)}")
    n = len(features)
    if tensor(points, "points").ndim != 3 or points.shape[2] != 2 or len(points) != n:
        raise ValueError(f"points are {tuple(points.shape)} for {n} pictures; give ({n}, P, 2)")
    if points.isinf().any():
        raise ValueError("a point is infinite; NaN stands for none")
    if points.isnan().any(2).all():
        raise ValueError("there is no point to learn from")
    if not 0 < number(keep, "keep", "a share above 0, at most 1") <= 1:
        raise ValueError(f"keep is {keep}; it is a share above 0, at most 1")
    if strengths is None:
        if keep < 1:
            raise ValueError("which labels to keep, their strengths tell: give strengths")
        return torch.arange(n)
    if tensor(strengths, "strengths").shape != points.shape[:2]:
        raise ValueError(f"strengths are {tuple(strengths.shape)} for points {tuple(points.shape)}")
    if not strengths.isfinite().all():
        raise ValueError("a strength is NaN or infinite; 0 stands for none")
    strongest = strengths.cpu().amax(1).sort(descending=True, stable=True).indices
    return strongest[: max(1, round(keep * n))].sort().values
