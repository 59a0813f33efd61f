"""The exact truth of a scene's landscape: which kind of thing is in sight at each pixel."""

from dataclasses import dataclass

import joblib
import numpy as np
import torch
from torch import Tensor

from ..given import told
from ..wording import in_short, listing, near
from .drawing.batch import looked
from .drawing.cores import jobs
from .drawing.things import CLEARABLE, THINGS
from .scenes import Scenes

__all__ = ["CLEARABLE", "THINGS", "Things", "things"]

_CHUNK = 16  # scenes a worker looks at before it reports


@dataclass(frozen=True)
class Things:
    """What there is in N scenes.

    kinds: uint8 (N, H, W), the kind in sight at each pixel, index into `THINGS`.
    counts: int64 (N, kinds), how many things of each kind are in sight, each with 12 pixels of 128 × 128 or
    more.
    behind: uint8 (N, H, W), the kind that would be in sight were neither the critter there nor anything that
    stands before it.  whole: uint8 (N, H, W), the critter's parts as if nothing stood before it, index into
    `PARTS`; of two critters, the first's.
    """

    kinds: Tensor
    counts: Tensor
    behind: Tensor
    whole: Tensor

    __repr__ = in_short

    def __len__(self) -> int:
        return len(self.kinds)

    def masks(self, *names: str) -> Tensor:
        """bool (N, H, W): the pixels that show one of these kinds."""
        wanted = torch.tensor([_kind(name) for name in names], dtype=torch.uint8)
        return torch.isin(self.kinds, wanted)

    def count(self, *names: str) -> Tensor:
        """int64 (N,): how many things of these kinds are in sight."""
        return self.counts[:, [_kind(name) for name in names]].sum(1)


def things(scenes: Scenes) -> Things:
    """What there is in each of these scenes, in sight: drawn again from their recipes, outlines only.

    Equal to what `draw` painted, pixel by pixel, but for edges that are mixed from two things: such a pixel
    belongs to what lies at its centre.
    Raises ValueError for anything but `Scenes`, and for none of them.
    """
    if not isinstance(scenes, Scenes):
        raise ValueError(f"things are those of `Scenes`; given {told(scenes)}")
    if not len(scenes):
        raise ValueError("there is no scene to look at")
    recipes, size = scenes.recipes, scenes.pixels.shape[-1]
    chunks = [recipes[i : i + _CHUNK] for i in range(0, len(recipes), _CHUNK)]
    work = joblib.Parallel(n_jobs=jobs(len(chunks), 3))(
        joblib.delayed(looked)(chunk, size) for chunk in chunks
    )
    return Things(*(torch.from_numpy(np.concatenate(column)) for column in zip(*work, strict=True)))


def _kind(name: str) -> int:
    if name not in THINGS:
        close = near(name, THINGS) if isinstance(name, str) else ""
        raise ValueError(f"no kind of thing {told(name)}{close}; there are {listing(THINGS)}")
    return THINGS.index(name)
