"""The grey square: cover one place after the other, and see how much the answer loses.

With f_c the probability of class c, x the picture, and W_ij the window at row i and column j of a grid,

    D_c(i, j) = f_c(x) - f_c(x with W_ij filled)

Over the picture, a pixel gets the mean of D_c over the windows that cover it, as in captum's `Occlusion`.
Zeiler, Fergus (2014), "Visualizing and understanding convolutional networks", section 4.2 and figure 6.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from ..given import tensor
from ..networks.eval_mode import evaluating
from ..networks.images import check_answers, check_images
from ..networks.net import Net
from ..networks.targets import Targets, check_several, class_indices
from ..running.changed.runs import Looks, runs
from ..running.extractor import FeatureExtractor
from ..wording import in_short
from .occlusion_fills import Fill, Pair, filled, pair

__all__ = ["Occlusions", "occlude", "occlusion"]


@dataclass(frozen=True, eq=False)
class Occlusions:
    """What a network answered for N pictures, each with a window at Y × X places covered; on its device.

    before: float32 (N,), the target's probability in the whole picture; (N, K) for targets (N, K).
    after: float32 (N, Y, X), or (N, K, Y, X), the same with a place covered.
    top: int64 (N, Y, X), the class with the highest probability then.  targets: int64 (N,), or (N, K).
    boxes: int64 (Y, X, 4), the places, (x0, y0, x1, y1) in pixels, half open; the picture's border cuts the
    last ones off. They are on the CPU.  size: the pictures' (H, W).
    units: int64 (N,), the layer's strongest map, the one with the largest sum in the whole picture.
    activation_before: float32 (N,), that sum.  activation: (N, Y, X), with the place covered. All three are
    None where no layer was asked for.
    """

    before: Tensor
    after: Tensor
    top: Tensor
    targets: Tensor
    boxes: Tensor
    size: tuple[int, int]
    units: Tensor | None = None
    activation_before: Tensor | None = None
    activation: Tensor | None = None

    __repr__ = in_short

    @property
    def drops(self) -> Tensor:
        """float32, as `after`: what covering each place costs the target's probability; below 0 it gains."""
        return self.before[..., None, None] - self.after

    @property
    def heatmaps(self) -> Tensor:
        """float32 (N, H, W), or (N, K, H, W): for each pixel the mean drop over the windows that cover it."""
        return self.lay(self.drops)

    def lay(self, values: Tensor) -> Tensor:
        """Any values (…, Y, X), one a place, laid over the picture in the same way: (…, H, W)."""
        if tensor(values, "values").shape[-2:] != self.boxes.shape[:2]:
            raise ValueError(
                f"values of shape {tuple(values.shape)} for {tuple(self.boxes.shape[:2])} places"
            )
        down, across = (
            _covered(self.boxes[:, 0, 1::2], self.size[0]),
            _covered(self.boxes[0, :, ::2], self.size[1]),
        )
        total = torch.einsum("...yx,yh,xw->...hw", values.cpu().double(), down, across)
        return (total / (down.sum(0)[:, None] * across.sum(0))).float().to(values.device)


def occlusion(
    net: Net,
    images: Tensor,
    targets: Targets = None,
    *,
    window: Pair | None = None,
    stride: Pair | None = None,
    fill: Fill = 0.5,
) -> Tensor:
    """What the target's probability loses when a place is covered: heatmaps, float32, in [-1, 1].

    images: (N, C, H, W) in [0, 1].
    targets: class index or name, one or N; several for each picture as (N, K); None: the top-1 class.
    window: the covered square's side, or (height, width), in pixels; None: an eighth of the shorter side.
    stride: pixels from one place to the next, or (down, across), at most the window; None: half the window.
    fill: a grey in [0, 1]; a colour, C numbers; "mean": the picture's own; "blur": the picture itself,
        blurred by a Gaussian with σ half the window; "noise": uniform, the same for all; or a picture,
        (C, H, W), or N of them.
    Returns (N, H, W), or (N, K, H, W); the K of one picture cost one run.
    A pixel's value is the mean over the windows that cover it. Where the stride does not fit, the border cuts
    the last window of a row or column off. (captum's `Occlusion` of the probabilities does the same.)

    Of a convolutional network without control flow on values, only what the square touches is computed;
    another one, or one that has hooks, runs in full, and so it does where squares are so large or so few that
    nothing would be saved. Each picture's own answer is found in both ways, and must be the same. The network
    answers in eval mode and is left as it was.
    Raises ValueError for a window or stride that does not fit, for a fill, image or target that is none, and
    for a network of one output, whose probability is always 1.
    """
    return occlude(net, images, targets, window=window, stride=stride, fill=fill).heatmaps


def occlude(
    net: Net,
    images: Tensor,
    targets: Targets = None,
    *,
    window: Pair | None = None,
    stride: Pair | None = None,
    fill: Fill = 0.5,
    layer: str | None = None,
) -> Occlusions:
    """As `occlusion`, but what the network answers at each place: probability, class, and a map's activation.

    layer: record also how strongly its strongest map responds in all, as Zeiler and Fergus did for layer 5.
    Raises ValueError also for an unknown layer, and for one that has no maps.
    """
    size = check_images(net, images)
    check_several(net)
    wide = pair(window, "window", default=(max(1, min(size) // 8),) * 2)
    step = pair(stride, "stride", default=(max(1, wide[0] // 2), max(1, wide[1] // 2)))
    y, x = (_edges(*each) for each in zip(size, wide, step, strict=True))
    wanted = class_indices(net, targets, len(images))
    if layer is not None:
        FeatureExtractor(net, layer).map_units(layer)
    other = filled(images, fill, wide)
    found: list[tuple[Tensor, ...]] = []
    with evaluating(net), torch.inference_mode():
        look = runs(net, layer, y, x, size)
        with tqdm(total=len(images) * len(y) * len(x), unit="place", delay=1, leave=False) as bar:
            for n, image in enumerate(images):
                target = None if wanted is None else wanted[n]
                seen = look(image, other[n])
                check_answers(net, seen.logits, n)
                found.append(_answers(seen, target, y, x, bar))
    both = torch.stack(torch.meshgrid(torch.arange(len(y)), torch.arange(len(x)), indexing="ij"))
    boxes = torch.stack([x[both[1], 0], y[both[0], 0], x[both[1], 1], y[both[0], 1]], 2)
    before, after, top, each, *rest = (torch.stack(part) for part in zip(*found, strict=True))
    return Occlusions(before, after, top, each, boxes, size, *rest)


def _answers(look: Looks, target: Tensor | None, y: Tensor, x: Tensor, bar: Any) -> tuple[Tensor, ...]:
    """Of one picture: before, after, top, target, and of the layer's strongest map, its number and sums."""
    answer = look.logits[0].float().softmax(0)
    target = answer.argmax() if target is None else target
    after = answer.new_empty(*target.shape, len(y), len(x))
    sums = answer.new_empty(len(y), len(x))
    top = torch.empty_like(sums, dtype=torch.int64)
    unit = None if look.maps is None else look.maps[0].float().sum((1, 2)).argmax()
    for some in look.versions(y, x):
        at, shape = (some.rows[:, None], some.columns), (len(some.rows), len(some.columns))
        shares = some.logits.float().softmax(1)[:, target]
        after[(..., *at)] = shares.movedim(0, -1).reshape(*target.shape, *shape)
        top[at] = some.logits.argmax(1).view(shape)
        if some.maps is not None and unit is not None:
            sums[at] = some.maps[:, unit].float().sum((1, 2)).view(shape)
        bar.update(len(some.logits))
    found = answer[target], after, top, target
    if look.maps is None or unit is None:
        return found
    return *found, unit, look.maps[0, unit].float().sum(), sums


def _edges(length: int, window: int, stride: int) -> Tensor:
    """(n, 2): the first row of each place and the one after its last."""
    if window > length:
        raise ValueError(f"a window of {window} pixels does not fit into a picture of {length}")
    if stride > window and window < length:
        raise ValueError(
            f"a stride of {stride} leaves out pixels between windows of {window}; at most {window}"
        )
    first = torch.arange(math.ceil((length - window) / stride) + 1) * stride
    return torch.stack([first, (first + window).clamp(max=length)], 1)


def _covered(edges: Tensor, length: int) -> Tensor:
    """double (n, length): 1 where a place covers a row."""
    rows = torch.arange(length)
    return ((rows >= edges[:, :1]) & (rows < edges[:, 1:])).double()
