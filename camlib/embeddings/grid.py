"""A map of points as a map of pictures: each picture in one cell of a grid, near its point.

Three ways. "snap" and "greedy" are those of Karpathy's page "t-SNE visualization of CNN codes" (2014): every
point to its nearest cell, where the first one stays and later ones are dropped; or, cell by cell, the nearest
picture that is not used yet. "optimal" is an assignment that makes Σ ‖point - cell‖² least (Crouse 2016, "On
implementing 2D rectangular assignment algorithms", as SciPy has it).
"""

from typing import Any, Literal

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torchvision.transforms.v2 import functional as transform

from .codes import finite

__all__ = ["displacement", "grid", "mosaic"]

EMPTY = -1
_MOST = 100_000_000  # points × cells that an assignment takes: 800 MB, minutes


def grid(
    xy: Tensor, shape: tuple[int, int], *, how: Literal["optimal", "greedy", "snap"] = "optimal"
) -> Tensor:
    """Which picture lies in each cell: int64 (rows, columns), -1 where none does.

    xy: floats (N, 2), x to the right and y up, as on a chart; stretched until they fill the grid.
    shape: rows and columns. Where there are more pictures than cells some are left out, by "snap" many more.
    Raises ValueError for points that are not finite, a grid without cells, another way, and an optimal
    assignment of more than 10⁸ points × cells.
    """
    points = _placed(xy, shape)
    if how not in ("optimal", "greedy", "snap"):
        raise ValueError(f"no way {how!r}; there are 'optimal', 'greedy' and 'snap'")
    rows, columns = shape
    cells = torch.full((rows * columns,), EMPTY)
    if how == "snap":
        nearest = points.round().long()
        for picture, (row, column) in reversed(list(enumerate(nearest.tolist()))):
            cells[row * columns + column] = picture
    elif how == "greedy":
        free = torch.zeros(len(points))
        for cell, centre in enumerate(_centres(shape)[: len(points)]):
            picture = int(((points - centre).square().sum(1) + free).argmin())
            cells[cell], free[picture] = picture, torch.inf
    else:
        if len(points) * len(cells) > _MOST:
            raise ValueError(
                f"{len(points)} points × {len(cells)} cells are too many to assign; use 'greedy'"
            )
        costs = torch.cdist(points, _centres(shape)).square()
        pictures, chosen = map(torch.from_numpy, linear_sum_assignment(costs.numpy()))
        cells[chosen] = pictures
    return cells.view(shape)


def displacement(xy: Tensor, cells: Tensor) -> Tensor:
    """How far each picture lies from its point, in cells: float32 (N,), NaN for a picture that was left out.

    xy: (N, 2), as for `grid`.  cells: int64 (rows, columns), what `grid` gave.
    """
    points = _placed(xy, (cells.shape[0], cells.shape[1]))
    far = torch.full((len(points),), torch.nan)
    used = cells.flatten() != EMPTY
    pictures = cells.flatten()[used]
    if len(pictures) and int(pictures.max()) >= len(points):
        raise ValueError(f"the grid shows picture {int(pictures.max())}; there are {len(points)} points")
    far[pictures] = (points[pictures] - _centres((cells.shape[0], cells.shape[1]))[used]).norm(dim=1)
    return far


def mosaic(dataset: Any, cells: Tensor, *, side: int = 64) -> Tensor:
    """The pictures in their cells, as one: uint8 (3, rows · side, columns · side); empty cells are white.

    dataset: item i is picture i, (C, H, W) in [0, 1] or (picture, …).  cells: int64 (rows, columns).
    `torchvision.utils.save_image` or Pillow writes it to a file. Pictures are read one at a time.
    Raises ValueError for a side below 1.
    """
    if side < 1:
        raise ValueError(f"side is {side}; a picture has at least 1 pixel")
    rows, columns = cells.shape
    page = torch.full((3, rows * side, columns * side), 255, dtype=torch.uint8)
    for row, column in (cells != EMPTY).nonzero().tolist():
        item = dataset[int(cells[row, column])]
        image = torch.as_tensor(item[0] if isinstance(item, tuple | list) else item)
        image = transform.resize(transform.to_dtype(image, torch.uint8, scale=True), [side, side])
        page[:, row * side : (row + 1) * side, column * side : (column + 1) * side] = image
    return page


def _placed(xy: Tensor, shape: tuple[int, int]) -> Tensor:
    """The points in units of cells, as (row, column), from (0, 0) to (rows - 1, columns - 1)."""
    if xy.ndim != 2 or xy.shape[1] != 2 or len(shape) != 2 or min(shape) < 1:
        raise ValueError(f"points {tuple(xy.shape)} on a grid {tuple(shape)}; give (N, 2) on (rows, columns)")
    finite(xy, "points")
    low, high = xy.amin(0), xy.amax(0)
    unit = torch.where(high > low, (xy - low) / (high - low), 0.5)
    return torch.stack([(1 - unit[:, 1]) * (shape[0] - 1), unit[:, 0] * (shape[1] - 1)], 1).float().cpu()


def _centres(shape: tuple[int, int]) -> Tensor:
    """The cells' own places, (rows · columns, 2)."""
    return torch.cartesian_prod(torch.arange(float(shape[0])), torch.arange(float(shape[1])))
