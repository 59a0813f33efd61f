"""The three cheapest tests of a heatmap, for one's own network and pictures: no truth is needed.

1. *Other weights*: the same network with all layers drawn anew (Adebayo et al. 2018). A map that stays does
   not show what was learned.
2. *Another class*: the map for the runner-up. A map that stays does not say why this class was chosen.
3. *Deletion*: the hottest pixels are taken away first (RISE). A map that does no better than a blob in the
   middle, an edge detector and a random map points at nothing that the network needs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..networks.eval_mode import evaluating
from ..networks.images import check_images
from ..networks.net import Net
from ..networks.targets import Targets, check_several, class_indices
from ..wording import in_short
from .alike import rank_correlation
from .baselines import blob, edges, noise
from .curves import deletion
from .method import Method, explained
from .randomise import fresh

__all__ = ["Quick", "quick"]

_STEPS = 14  # of a deletion curve
_ALIKE = 0.5  # rank correlation: from here on two maps are called alike
BLIND = {"edge detector": edges, "centred blob": blob, "random map": noise}


@dataclass(frozen=True, eq=False)
class Quick:
    """Of N pictures: how alike the maps stay, and how fast the answer goes when the hottest pixels do.

    weights, classes: double (N,), the rank correlation with the map of the network with random weights, and
    with the map for the runner-up: 1 is the same order of pixels; a blank map counts as unchanged, 1.
    deletion: float32 (N,), the area under the curve, low is good; blind: the same of each map that never
    looks.
    blank: bool (N,), the maps that are the same everywhere: they say nothing.
    """

    weights: Tensor
    classes: Tensor
    deletion: Tensor
    blind: dict[str, Tensor]
    blank: Tensor

    __repr__ = in_short

    @property
    def passed(self) -> tuple[bool, bool, bool]:
        """Whether each test is passed on average: both correlations under .5, deletion the lowest.

        A reversed map, near -1, is another map: nobody who sees it takes it for the first, and what speaks
        for one class may well speak against the other. Where all maps are blank, no test is passed.
        """
        lowest = min(float(one.mean()) for one in self.blind.values())
        means = [float(one.mean()) for one in (self.weights, self.classes, self.deletion)]
        return means[0] < _ALIKE, means[1] < _ALIKE, means[2] < lowest and not self.blank.all()

    def lines(self) -> list[str]:
        """Each test in a line of words, with ✓ or ✗; before them a line of its own where maps are blank."""
        best = min(self.blind, key=lambda name: float(self.blind[name].mean()))
        passed = self.passed
        said = (
            f"with random weights the map {_changes(passed[0], self.weights)}",
            f"for the runner-up the map {_changes(passed[1], self.classes)}",
            f"deletion: area {float(self.deletion.mean()):.2f}, the best map that never looks ({best}) "
            f"{float(self.blind[best].mean()):.2f}; lower is better",
        )
        lines = [f"{'✓' if ok else '✗'} {line}" for ok, line in zip(passed, said, strict=True)]
        if not (blank := int(self.blank.sum())):
            return lines
        if blank < len(self.blank):
            return [f"✗ {blank} of {len(self.blank)} maps are blank: they count as unchanged", *lines]
        tests = ("with random weights", "for the runner-up", "deletion")
        return [
            "✗ the map is blank: the same everywhere",
            *(f"✗ {test}: a blank map says nothing" for test in tests),
        ]


def quick(method: Method, net: Net, images: Tensor, targets: Targets = None, *, seed: int = 0) -> Quick:
    """The three tests of one method on some pictures; about sixty runs of the network for each.

    images: (N, C, H, W) in [0, 1].  targets: one class for all, or one for each; None: the top-1 class. The
        runner-up is the class with the highest logit of all others.
    seed: of the random weights.
    Raises ValueError for a network of one output, or without numbers to draw anew, and for several targets
    for a picture.
    """
    check_images(net, images)
    check_several(net)
    given = class_indices(net, targets, len(images))
    if given is not None and given.ndim > 1:
        raise ValueError(f"{given.shape[1]} targets for each picture; the tests are of one")
    with evaluating(net), torch.inference_mode():
        logits = net(images.to(net.mean.device)).float().cpu().clone()
    own = logits.argmax(1) if given is None else given.cpu()
    second = logits.scatter(1, own[:, None], -torch.inf).argmax(1)
    heat = explained(method, net, images, own)
    step = max(1, images.shape[2] * images.shape[3] // _STEPS)
    areas = {name: deletion(net, images, f(net, images), own, step=step).areas for name, f in BLIND.items()}
    blank = heat.flatten(1).amax(1) == heat.flatten(1).amin(1)
    others = explained(method, fresh(net, seed=seed), images, own), explained(method, net, images, second)
    weights, classes = (rank_correlation(heat, other).masked_fill(blank, 1) for other in others)
    return Quick(weights, classes, deletion(net, images, heat, own, step=step).areas, areas, blank)


def _changes(passed: bool, alike: Tensor) -> str:
    word = "changes" if passed else "stays"
    return f"{word}: rank correlation {float(alike.mean()):.2f}".replace("-", "−")
