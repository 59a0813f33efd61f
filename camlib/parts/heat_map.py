"""A heat map that says where a point is: its cells, its loss, its reading.

A head gives z_c for each cell c. With 1 standing for "nowhere",

    p_c = exp z_c / (1 + Σ exp z),    loss = -Σ_c g_c log p_c,    g: a Gaussian around the true point

and where there are several true points, g is their mean; where there is none, the loss is -log p_nowhere. So
z_c > 0 says that a cell is likelier than none at all, and `peaks` reads z as it reads a unit's map: the
logarithm of a Gaussian is a parabola. The map's mean, Σ c p_c / Σ p_c (soft-argmax), is a steadier answer
where one point is meant; where two may be, it lies between them.

A cell is split in four, as eight pixels are too much for an eye: the head gives four numbers for it.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle

from ..geometry.field import ReceptiveField
from ..unrounded import unrounded
from .peaks import Located

__all__ = ["finer", "heat_loss", "heat_map", "mean_points", "split_of"]

SIGMA = 0.75  # of the Gaussian, in cells of the heat map


def split_of(field: ReceptiveField) -> int:
    """Into how many parts a cell is split along each axis: 2, or 1 where its stride is an odd number."""
    return 2 if all(stride % 2 == 0 for stride in field.stride) else 1


def finer(field: ReceptiveField) -> ReceptiveField:
    """Where the split cells lie: a half stride apart, around the centre of the cell that they come from."""
    split = split_of(field)
    down, across = (stride // split for stride in field.stride)
    before = (split - 1) / 2
    return replace(
        field,
        stride=(down, across),
        start=(field.start[0] - before * down, field.start[1] - before * across),
        shape=(field.shape[0] * split, field.shape[1] * split),
        rows=tuple(span for span in field.rows for _ in range(split)),
        columns=tuple(span for span in field.columns for _ in range(split)),
    )


def heat_map(numbers: Tensor) -> Tensor:
    """What a head gives, (B, split², h, w), as one map of split cells (B, split · h, split · w)."""
    return pixel_shuffle(numbers, int(numbers.shape[1] ** 0.5))[:, 0]


def heat_loss(heat: Tensor, points: Tensor, field: ReceptiveField) -> Tensor:
    """The mean loss of maps (B, h, w) for true points (B, P, 2) in pixels, NaN for none.

    field: that of the split cells.
    """
    cells = _cells(field).to(heat.device)
    away = (cells - points[:, :, None]).square().sum(3)  # (B, P, cells)
    width = SIGMA * max(map(abs, field.stride))
    near = torch.softmax(-away / (2 * width**2), 2).nan_to_num(0)
    count = (~points.isnan().any(2)).sum(1)
    wanted = torch.cat([near.sum(1) / count.clamp_min(1)[:, None], (count == 0).float()[:, None]], 1)
    every = torch.cat([heat.flatten(1), heat.new_zeros(len(heat), 1)], 1)
    return -(wanted * every.log_softmax(1)).sum(1).mean()


@unrounded()
def mean_points(heat: Tensor, field: ReceptiveField) -> Located:
    """The mean of each map (B, h, w), points (B, 1, 2), and the log odds of here against nowhere (B, 1)."""
    flat = heat.flatten(1).float()
    points = flat.softmax(1) @ _cells(field).to(heat.device)
    return Located(points[:, None], flat.logsumexp(1)[:, None])


def _cells(field: ReceptiveField) -> Tensor:
    """The centres (x, y) of the cells, row by row: (cells, 2)."""
    y, x = (field.start[axis] + field.stride[axis] * torch.arange(field.shape[axis]) for axis in (0, 1))
    down, across = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([across, down], 2).reshape(-1, 2)
