"""RISE: show random pieces of the picture, and average the pieces by how sure the network is of each.

    M_c(x, y) = 1 / (N p) Σ_i f_c(picture masked by m_i) m_i(x, y)

f_c is the class's probability, m_i one of N random masks: a grid of cells, each shown with probability p,
made larger by bilinear interpolation and moved by chance. It needs nothing of the network but its answers,
and its map is an estimate: half the noise costs four times the masks. What a mask hides becomes the colour
that the network's normalisation calls zero.
Petsiuk, Das, Saenko (2018), "RISE: Randomized input sampling for explanation of black-box models", eq. 6 and
section 3.2, and its published `explanations.py`.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from tqdm.auto import tqdm

from ..given import number, seeded, whole
from ..networks.eval_mode import evaluating
from ..networks.images import check_answers, check_images
from ..networks.net import Net
from ..networks.targets import Targets, check_several, class_indices
from ..unrounded import unrounded

__all__ = ["rise"]

_AT_ONCE = 64  # masked pictures in one run


def rise(
    net: Net,
    images: Tensor,
    targets: Targets = None,
    *,
    masks: int = 4000,
    cells: int = 7,
    keep: float = 0.5,
    seed: int = 0,
) -> Tensor:
    """RISE's heatmaps: about the class's probability, given that this pixel is shown. Never negative.

    images, targets: as for `gradcam`; the K targets of one picture cost one run.
    masks: how many, and so many passes for each picture; the paper takes 4000 for a VGG16, 8000 for a
        ResNet-50, of pictures 224 pixels wide.
    cells: of a mask's grid, along each side (7 in the paper).  keep: the chance that a cell is shown.
    seed: of the masks, which are the same for all pictures.
    Returns float32 (N, H, W), or (N, K, H, W). A tenfold drop of the answer is a tenfold drop of the map, but
    a pixel that does not matter is not at 0: it has the answer's mean over all masks.
    Raises ValueError for pictures and targets as `gradcam` does, for numbers that make no masks, and for a
    network of one output, whose probability is always 1.
    """
    size = check_images(net, images)
    check_several(net)
    masks, cells = whole(masks, "masks", 1), whole(cells, "cells", 1, min(size))
    if not 0 < (share := number(keep, "keep", "a chance above 0, at most 1")) <= 1:
        raise ValueError(f"keep is {keep}; it is the chance that a cell is shown, above 0 and at most 1")
    seed, wanted = seeded(seed), class_indices(net, targets, len(images))
    pictures, hidden = images.to(net.mean.device), net.mean.reshape(1, -1, 1, 1)
    with (
        evaluating(net),
        torch.inference_mode(),
        tqdm(total=len(images) * masks, unit="mask", delay=1, leave=False) as bar,
    ):
        if wanted is None:
            wanted = torch.cat([net(some).argmax(1) for some in torch.split(pictures, _AT_ONCE)])
        total = torch.zeros(*wanted.shape, *size, device=pictures.device)
        for shown in _drawn(masks, cells, share, size, seed):
            shown = shown.to(pictures.device)
            for n, picture in enumerate(pictures):
                logits = net((hidden + shown[:, None] * (picture - hidden)).to(picture.dtype))
                check_answers(net, logits, n)
                sure = logits.float().softmax(1)[:, wanted[n]]  # (masks,), or (masks, K)
                with unrounded():
                    total[n] += torch.tensordot(sure.movedim(0, -1), shown, 1)
                bar.update(len(shown))
        return total / (masks * share)


def _drawn(masks: int, cells: int, keep: float, size: tuple[int, int], seed: int) -> Iterator[Tensor]:
    """All masks, float32 (…, H, W) in [0, 1], so many at once as run at once."""
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, masks, _AT_ONCE):
        count = min(_AT_ONCE, masks - start)
        grids = (torch.rand(count, cells, cells, generator=generator) < keep).float()
        moved = torch.rand(count, 2, generator=generator)
        yield _masks(grids, moved, size)


def _masks(grids: Tensor, moved: Tensor, size: tuple[int, int]) -> Tensor:
    """Grids (N, cells, cells) of 0 and 1 as masks (N, H, W), each moved by a share (N, 2) of a cell.

    They are made one cell larger than the picture, so that there is something to move.
    """
    cell = [math.ceil(side / grids.shape[1]) for side in size]
    large = [(grids.shape[1] + 1) * side for side in cell]
    grown = interpolate(grids[:, None], size=large, mode="bilinear", align_corners=False)[:, 0]
    first = (moved * torch.tensor(cell)).long().tolist()
    return torch.stack(
        [one[y : y + size[0], x : x + size[1]] for one, (y, x) in zip(grown, first, strict=True)]
    )
