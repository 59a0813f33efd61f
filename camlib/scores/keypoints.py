"""Scores of found points against true ones: PCK and NME.

With d_n the size of what the point belongs to (here: the longer side of the head's box),

    PCK@α = share of points with ‖p - p̂‖ ≤ α d,      NME = mean of ‖p - p̂‖ / d

(Yang, Ramanan 2013, "Articulated human detection with flexible mixtures of parts"; NME as in face alignment.)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ..given import number, tensor, told
from ..pictures.photo_truth import POINTS
from ..pictures.photos import Photos
from ..scenes.scenes import KEYPOINTS, Scenes
from ..unrounded import unrounded
from .bootstrap import counts
from .score import Score

__all__ = [
    "KeypointErrors",
    "Truth",
    "check_sizes",
    "head_sizes",
    "keypoint_errors",
    "nearest_errors",
    "part_truth",
    "pck_of",
    "positive",
]


class Truth(NamedTuple):
    """Where a part is: `points, sizes = part_truth(scenes, "eye")`.

    points: float32 (N, K, 2), (x, y) in pixels; NaN where there is none.  sizes: float32 (N,), in pixels.
    """

    points: Tensor
    sizes: Tensor


@dataclass(frozen=True, eq=False, repr=False)
class KeypointErrors(Score):
    """How far found points lie from the true ones, in N pictures. `float(…)` is `pck()`.

    errors: float32 (N, M), ‖p - p̂‖ / d. inf: there was something to find, but nothing found; NaN: there was
    nothing to find, which counts neither way.
    """

    errors: Tensor

    def pck(self, alpha: float = 0.2) -> float:
        """The share of points no further than alpha sizes away; what was not found is wrong."""
        return pck_of(self.errors.flatten(), positive(alpha, "alpha")).item()

    @property
    def nme(self) -> float:
        """The mean error, in sizes, of the points that were found; NaN where none was."""
        return self.errors[self.errors.isfinite()].mean().item()

    @property
    def found(self) -> float:
        """The share of points for which anything was found."""
        wanted = self.errors[~self.errors.isnan()]
        return wanted.isfinite().float().mean().item()

    @unrounded()
    def resampled(self, *, times: int = 1000, seed: int = 0, alpha: float = 0.2) -> Tensor:
        """`pck(alpha)` on random sets of these pictures: float32 (times,)."""
        sets, alpha = counts(len(self), times, seed), positive(alpha, "alpha")
        right = (self.errors <= alpha).sum(1).float()
        wanted = (~self.errors.isnan()).sum(1).float()
        return (sets @ right) / (sets @ wanted)

    def __float__(self) -> float:
        return self.pck()

    def __len__(self) -> int:
        return len(self.errors)

    def _told(self) -> str:
        return f"PCK@.2, NME {self.nme:.3f}, "


def part_truth(scenes: Scenes | Photos, part: str | Iterable[str], *, hidden: bool = False) -> Truth:
    """Where a part of the critters, or of what is on photographs, is; and the longer side of each head's box.

    part: a name out of `KEYPOINTS` (of `Photos`: out of `photo_truth.POINTS`), or what a pair of them shares:
    "eye" is "left_eye" and "right_eye"; or several names.
    hidden: also points that something covers; else these are NaN, as they always are on photographs.
    Raises ValueError for an unknown part.
    """
    if not isinstance(scenes, Scenes | Photos):
        raise ValueError(f"only scenes know where a part is, and photos(); given a {type(scenes).__name__}")
    whose, names = ("a critter", KEYPOINTS) if isinstance(scenes, Scenes) else ("a photograph", POINTS)
    given: Any = part
    if (
        not isinstance(given, str | list | tuple)
        or not given
        or not all(isinstance(one, str) for one in given)
    ):
        raise ValueError(f"a part is a name or a list of names; given {told(given)}")
    columns = []
    for name in [part] if isinstance(part, str) else list(part):
        found = [k for k, known in enumerate(names) if known == name or known.endswith(f"_{name}")]
        if not found:
            raise ValueError(f"no key point {name!r}; {whose} has eye, ear, {', '.join(names)}")
        columns += found
    points = scenes.keypoints[:, columns]
    if not hidden:
        points = points.where(scenes.visible[:, columns, None], torch.nan)
    return Truth(points, head_sizes(scenes))


def head_sizes(scenes: Scenes | Photos) -> Tensor:
    """The longer side of each head's box, in pixels: float32 (N,); without a head, of the largest thing's."""
    heads = (scenes.head_boxes[:, 2:] - scenes.head_boxes[:, :2]).amax(1)
    if isinstance(scenes, Scenes) or not len(scenes):
        return heads
    things = (scenes.boxes[..., 2:] - scenes.boxes[..., :2]).amax(2).nan_to_num(nan=0).amax(1)
    return things.where(heads.isnan(), heads)


def keypoint_errors(points: Tensor, truth: Tensor, sizes: Tensor) -> KeypointErrors:
    """The distances of found points to true ones, in sizes.

    points: (N, P, 2), as `locate` gives them, NaN for none.  truth: (N, K, 2), NaN for none.  sizes: (N,).
    A picture with k true points has min(P, k) to be found, and that many pairs are formed, of the least sum
    of distances (Kuhn 1955). So one point is held against the nearest true one; of two points and one true
    one the nearer counts, and the other neither way.
    Returns errors (N, min(P, K)). Raises ValueError for shapes that do not fit, infinite points, sizes that
    are not above 0, and where no picture has a true point.
    """
    found, true, size = _checked(points, truth, sizes)
    errors = torch.full((len(found), min(found.shape[1], true.shape[1])), torch.nan)
    # exact: of more than 25 points torch would take a matrix product, which loses what is near
    exact = "donot_use_mm_for_euclid_dist"
    apart = torch.cdist(found, true, compute_mode=exact) / size[:, None, None]
    for n, one in enumerate(apart):
        wanted = ~true[n].isnan().any(1)
        both = one[~found[n].isnan().any(1)][:, wanted]
        pairs = linear_sum_assignment(both)
        errors[n, : min(len(one), int(wanted.sum()))] = torch.inf
        errors[n, : len(pairs[0])] = both[pairs]
    return KeypointErrors(errors)


def nearest_errors(points: Tensor, truth: Tensor, sizes: Tensor) -> Tensor:
    """The same for many candidates of one point each: (N, U, 2) → (N, U), to the nearest true point."""
    gap: Tensor = (points[:, :, None] - truth[:, None]).norm(dim=3).nan_to_num(nan=torch.inf).amin(2)
    nothing = truth.isnan().any(2).all(1)
    return (gap / sizes[:, None]).masked_fill(nothing[:, None], torch.nan)


def pck_of(errors: Tensor, alpha: float) -> Tensor:
    """The share of errors (N, …) no larger than alpha, of those that are not NaN: (…); NaN where all are."""
    return (errors <= alpha).sum(0) / (~errors.isnan()).sum(0)


def positive(value: float, what: str) -> float:
    """How many sizes away still counts: a number above 0."""
    found = number(value, what, "a number above 0")
    if not found > 0:
        raise ValueError(f"{what} is {value}; it is above 0")
    return found


def check_sizes(sizes: Tensor) -> None:
    """Raise ValueError unless all are pixels above 0."""
    if (wrong := ~((sizes > 0) & sizes.isfinite())).any():
        raise ValueError(f"a size is {sizes[wrong][0].item():g}; sizes are pixels above 0")


def _checked(points: Tensor, truth: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    for what, given in {"points": points, "truth": truth, "sizes": sizes}.items():
        tensor(given, what)
    shapes = ", ".join(str(tuple(given.shape)) for given in (points, truth, sizes))
    fits = all(given.ndim == 3 and given.shape[2] == 2 for given in (points, truth)) and sizes.ndim == 1
    if not fits or not len(points) == len(truth) == len(sizes):
        raise ValueError(f"points, truth and sizes are {shapes}; give (N, P, 2), (N, K, 2) and (N,)")
    found, true, size = (given.detach().cpu().float() for given in (points, truth, sizes))
    if found.isinf().any() or true.isinf().any():
        raise ValueError("a point is infinite; NaN stands for none")
    check_sizes(size)
    if true.isnan().any(2).all():
        raise ValueError("no picture has a true point: there is nothing to find")
    return found, true, size
