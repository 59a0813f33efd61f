"""The bootstrap: how much a score would differ had other pictures been drawn.

Efron (1979), "Bootstrap methods: another look at the jackknife": draw N of the N pictures with replacement,
score them, and do so many times; the spread of the scores is that of the score.

The percentile interval is too narrow for few pictures. Of a share that is truly .9, the 95 % interval holds
.9 in 87 % of draws of 20 pictures, and in 94 % of draws of 200 (a test computes both). It knows no picture
but those drawn: 5 right of 5 give [1, 1], and one picture would give no width at all, so that `Score` and
`spread` refuse one.
"""

import torch
from torch import Tensor

from ..given import number, seeded, tensor, told, whole

__all__ = ["counts", "interval"]


def counts(n: int, times: int = 1000, seed: int = 0) -> Tensor:
    """How often each of n pictures is in each of so many random sets of n: float32 (times, n), rows sum to n.

    The same n and seed give the same sets, so that of two methods the difference can be resampled.
    Raises ValueError for no pictures.
    """
    n = whole(n, "the number of pictures", 1)
    times, seed = whole(times, "times", 1), seeded(seed)
    drawn = torch.randint(n, (times, n), generator=torch.Generator().manual_seed(seed))
    return torch.zeros(times, n).scatter_add_(1, drawn, torch.ones(times, n))


def interval(scores: Tensor, *, level: float = 0.95) -> tuple[float, float]:
    """The middle `level` of resampled scores (times,): the percentile interval. NaN among them is left out.

    Raises ValueError for a level outside (0, 1), and for what is no row of numbers.
    """
    if tensor(scores, "scores").ndim != 1 or not len(scores) or not scores.is_floating_point():
        raise ValueError(f"scores are {told(scores)}; give the resampled ones, a float tensor (times,)")
    level = number(level, "level", "a share between 0 and 1")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it lies between 0 and 1")
    tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=scores.dtype)
    low, high = scores.nanquantile(tails).tolist()
    return low, high
