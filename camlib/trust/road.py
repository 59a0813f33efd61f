"""ROAD: pixels are taken away, and what is left is spread over the holes, so that no edge tells of them.

A missing pixel is the weighted mean of its neighbours, missing ones too,

    x_i = Σ_j w_ij x_j / Σ_j w_ij,    w: 1/6 beside, 1/12 across the corner, 0 outside the picture

one sparse linear system for all of them, and a little noise. The hottest pixels go first (MoRF), or the
coolest (LeRF): a good map makes the answer fall fast one way and slowly the other. Rong, Leemann, Borisov,
Kasneci, Kasneci (2022), "A consistent and efficient evaluation strategy for attribution methods", section
4.2, and their `road/imputations.py`; the score, (LeRF - MoRF) / 2, is pytorch-grad-cam's ROADCombined.
What was scattered comes back from its neighbours; what was one patch does not: the score asks for the
holes' shape as well.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu
from torch import Tensor

from ..given import number, seeded, tensor, told
from ..networks.eval_mode import evaluating
from ..networks.net import Net
from ..networks.targets import Targets
from ..scores.spread import Mean
from ..wording import in_short
from .curves import checked, probabilities, ranking, wanted

__all__ = ["SHARES", "Road", "imputed", "road"]

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)  # of the pixels, as in the paper's runs
_NEIGHBOURS = [
    (down, right, 1 / 12 if down and right else 1 / 6)
    for down in (-1, 0, 1)
    for right in (-1, 0, 1)
    if down or right
]
_OUTSIDE, _SEEN = -2, -1


@dataclass(frozen=True, eq=False)
class Road:
    """The class's probability without the hottest, and without the coolest pixels: float32 (N, S) each.

    With K targets for each picture they are (N, S, K).  shares: S of them, of the pixels that are taken away.
    """

    hottest: Tensor
    coolest: Tensor
    shares: tuple[float, ...]

    __repr__ = in_short

    @property
    def scores(self) -> Tensor:
        """(coolest - hottest) / 2, the mean over shares, in [-½, ½]: (N,), or (N, K) as above.

        High is good, chance is 0.
        """
        return (self.coolest - self.hottest).mean(1) / 2

    @property
    def score(self) -> Mean:
        """The mean over pictures, with its interval. ValueError where a picture has several targets."""
        return Mean(self.scores)


def road(
    net: Net,
    images: Tensor,
    heatmaps: Tensor,
    targets: Targets = None,
    *,
    shares: Sequence[float] = SHARES,
    noise: float = 0.01,
    seed: int = 0,
) -> Road:
    """The class's probability as ever more pixels are imputed, the hottest first and the coolest first.

    images: (N, C, H, W) in [0, 1].  heatmaps: (N, H, W); equal pixels are put in an order by chance, as the
    published code does.  targets: None: each whole picture's top-1 class.
    shares: of the pixels, between 0 and 1; pixels are whole, rounded down.  noise: its standard deviation,
    of light in [0, 1].
    Raises ValueError for maps that do not fit, or are not finite, for shares of nothing or of all, or that
    are no list, and for a network of one output.
    """
    pictures, maps = checked(net, images, heatmaps)
    seed, spread = seeded(seed), _deviation(noise)
    given: object = shares
    if isinstance(given, str) or not isinstance(given, Iterable) or getattr(given, "ndim", 1) != 1:
        raise ValueError(f"shares is {told(shares)}; give a list of them: shares=[.1]")
    taken = tuple(number(share, "shares", "shares between 0 and 1") for share in shares)
    pixels = maps[0].numel()
    counts = [math.floor(pixels * share + 1e-9) for share in taken]  # 100 · .29 is a little below 29
    if not counts or not all(0 < count < pixels for count in counts):
        raise ValueError(f"shares are {list(taken)}; each must leave pixels out, and some in")
    with evaluating(net), torch.inference_mode():
        classes, whole_ones = wanted(net, pictures, targets), pictures.cpu()
        found = []
        for k in range(len(whole_ones)):
            order = ranking(maps[k], ties="random", seed=seed + k)
            some = [
                _without(whole_ones[k], way[:count], spread, seed + k)
                for way in (order, order.flip(0))
                for count in counts
            ]
            answers = probabilities(net, torch.stack(some), classes[k])
            found.append(torch.stack(answers.tensor_split(2)))  # the hottest first, the coolest first
    both = torch.stack(found).clone()
    return Road(both[:, 0], both[:, 1], taken)


def imputed(image: Tensor, missing: Tensor, *, noise: float = 0.01, seed: int = 0) -> Tensor:
    """The picture (C, H, W) with its missing pixels, bool (H, W), spread in from the others, and noise.

    Its light may leave [0, 1] by the noise: it is not clipped.
    Raises ValueError where no pixel is left, where missing is not bool or does not fit the picture, and for a
    noise below 0.
    """
    image, missing = tensor(image, "image"), tensor(missing, "missing")
    if image.ndim != 3 or missing.shape != image.shape[1:]:
        raise ValueError(f"missing is {tuple(missing.shape)} for a picture {tuple(image.shape)}")
    if missing.dtype != torch.bool:
        raise ValueError(f"missing is {told(missing)}; give a bool one, true for a missing pixel")
    spread, missing = _deviation(noise), missing.cpu()
    gone = missing.numpy()
    if gone.all():
        raise ValueError("every pixel is missing: nothing is left to spread")
    found = image.detach().cpu().float().clone()
    if gone.any():
        system, known = _system(gone, found.double().numpy())
        # symmetric and diagonally dominant: no pivoting is needed, and a symmetric order is the fastest
        solver = splu(system, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        light = torch.from_numpy(solver.solve(known).T).float()
        random = torch.Generator().manual_seed(seeded(seed))
        found[:, missing] = light + spread * torch.randn(light.shape, dtype=light.dtype, generator=random)
    return found


def _deviation(noise: float) -> float:
    spread = number(noise, "noise", "a standard deviation, such as .01")
    if spread < 0:
        raise ValueError(f"noise is {noise}; give a standard deviation, 0 or more")
    return spread


def _without(image: Tensor, pixels: Tensor, noise: float, seed: int) -> Tensor:
    missing = torch.zeros(image[0].numel(), dtype=torch.bool)
    missing[pixels] = True
    return imputed(image, missing.reshape(image.shape[1:]), noise=noise, seed=seed)


def _system(gone: np.ndarray, image: np.ndarray) -> tuple[csc_matrix, np.ndarray]:
    """The matrix (M, M) and right side (M, C) of x_i Σ w_ij - Σ w_ij x_j (missing) = Σ w_ij x_j (seen)."""
    high, wide = gone.shape
    unknown = np.full((high + 2, wide + 2), _OUTSIDE)
    unknown[1:-1, 1:-1] = _SEEN
    y, x = np.nonzero(gone)
    y, x, m = y + 1, x + 1, len(y)
    unknown[y, x] = np.arange(m)
    light = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    sums, known, entries = np.zeros(m), np.zeros((m, len(image))), []
    for down, right, weight in _NEIGHBOURS:
        number = unknown[y + down, x + right]
        sums += weight * (number != _OUTSIDE)
        seen, missing = number == _SEEN, np.flatnonzero(number >= 0)
        known[seen] += weight * light[:, y[seen] + down, x[seen] + right].T
        entries.append((np.full(len(missing), -weight), missing, number[missing]))
    entries.append((sums, np.arange(m), np.arange(m)))
    values, rows, columns = (np.concatenate(part) for part in zip(*entries, strict=True))
    return csc_matrix((values, (rows, columns)), shape=(m, m)), known
