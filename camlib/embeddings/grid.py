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

from ..given import tensor, told, whole
from ..pictures.batches import batches, data_set
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
    points, shape = _placed(xy, shape)
    if how not in ("optimal", "greedy", "snap"):
        raise ValueError(f"no way {told(how)}; there are 'optimal', 'greedy' and 'snap'")
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
    points, shape = _placed(xy, tuple(tensor(cells, "cells").shape))
    check_cells(cells)
    far = torch.full((len(points),), torch.nan)
    used = cells.flatten().cpu() != EMPTY
    pictures = cells.flatten().cpu().long()[used]
    if len(pictures) and int(pictures.max()) >= len(points):
        raise ValueError(f"the grid shows picture {int(pictures.max())}; there are {len(points)} points")
    far[pictures] = (points[pictures] - _centres(shape)[used]).norm(dim=1)
    return far


def mosaic(dataset: Any, cells: Tensor, *, side: int = 64, tints: Tensor | None = None) -> Tensor:
    """The pictures in their cells, as one: uint8 (3, rows · side, columns · side); empty cells are white.

    dataset: item i is picture i, (C, H, W) in [0, 1] or (picture, …).  cells: int64 (rows, columns).
    tints: floats (N, 3), RGB in [0, 1], the colour of a frame round picture i, a sixteenth of its side wide.
    `torchvision.utils.save_image` or Pillow writes it to a file. Pictures are read one at a time.
    Raises ValueError for a side below 1, cells that are none, a picture that is not there, and tints that do
    not fit the pictures or are not in [0, 1].
    """
    side = whole(side, "side", 1)
    check_cells(cells)
    if tints is not None and (tensor(tints, "tints").ndim != 2 or tints.shape != (len(dataset), 3)):
        raise ValueError(f"tints are {told(tints)} for {len(dataset)} pictures; give RGB for each, (N, 3)")
    if tints is not None and not ((tints >= 0) & (tints <= 1)).all():  # NaN included
        raise ValueError(f"tints from {float(tints.min()):.3g} to {float(tints.max()):.3g}; RGB is in [0, 1]")
    edge = max(1, side // 16)
    rows, columns = cells.shape
    if cells.numel() and int(cells.max()) >= len(dataset := data_set(dataset)):
        raise ValueError(f"the grid shows picture {int(cells.max())}; there are {len(dataset)}")
    page = torch.full((3, rows * side, columns * side), 255, dtype=torch.uint8)
    for row, column in (cells != EMPTY).nonzero().tolist():
        (image,) = next(batches([dataset[int(cells[row, column])]], batch_size=1)).images
        image = transform.resize(transform.to_dtype(image, torch.uint8, scale=True), [side, side])
        if tints is not None:
            inner = image[:, edge : side - edge, edge : side - edge].expand(3, -1, -1)
            tint = (tints[int(cells[row, column])].cpu() * 255).round().to(torch.uint8)
            image = tint[:, None, None].repeat(1, side, side)
            image[:, edge : side - edge, edge : side - edge] = inner
        page[:, row * side : (row + 1) * side, column * side : (column + 1) * side] = image
    return page


def check_cells(cells: Tensor) -> None:
    """Raise ValueError for what `grid` did not give."""
    tensor(cells, "cells")
    if cells.ndim != 2 or cells.is_floating_point() or cells.is_complex() or cells.dtype == torch.bool:
        raise ValueError(f"cells are {told(cells)}; give whole numbers (rows, columns), as grid does")
    if cells.numel() and int(cells.min()) < EMPTY:
        raise ValueError(
            f"the grid shows picture {int(cells.min())}; pictures count from 0, -1 is an empty cell"
        )


def _placed(xy: Tensor, shape: Any) -> tuple[Tensor, tuple[int, int]]:
    """The points in units of cells, (row, column), from (0, 0) to (rows - 1, columns - 1); the grid."""
    tensor(xy, "points")
    sides = tuple(shape) if isinstance(shape, tuple | list | torch.Size) else ()
    if xy.ndim != 2 or xy.shape[1] != 2 or len(sides) != 2:
        raise ValueError(f"points {tuple(xy.shape)} on a grid {told(shape)}; give (N, 2) on (rows, columns)")
    rows, columns = whole(sides[0], "rows", 1), whole(sides[1], "columns", 1)
    finite(xy, "points")
    places = xy.detach().double().cpu()
    low, high = places.amin(0), places.amax(0)
    unit = torch.where(high > low, (places - low) / (high - low), 0.5)
    placed = torch.stack([(1 - unit[:, 1]) * (rows - 1), unit[:, 0] * (columns - 1)], 1).float()
    return placed, (rows, columns)


def _centres(shape: tuple[int, int]) -> Tensor:
    """The cells' own places, (rows · columns, 2)."""
    return torch.cartesian_prod(torch.arange(float(shape[0])), torch.arange(float(shape[1])))
