"""Where a class lies on a grid of pictures: its connected regions, each named at its middle."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.ndimage import distance_transform_edt, label
from torch import Tensor

from .grid import EMPTY, check_cells

__all__ = ["regions"]

_LEAST = 0.015  # of all cells: a smaller region gets no name, unless it is its class's largest


def regions(cells: Tensor, words: Sequence[str]) -> list[tuple[str, float, float]]:
    """The names to write over a map of pictures: (word, x, y), shares of the grid from its upper left corner.

    cells: int64 (rows, columns), what `grid` gave.  words: one for each picture.
    Cells with one word that share a side are a region. Each class's largest is named, and every one of 1.5 %
    of the cells or more, at the cell that lies deepest in it. The largest regions come first.
    Raises ValueError for cells that are none, and for a picture without a word.
    """
    check_cells(cells)
    most = int(cells.max()) if cells.numel() else EMPTY
    if most >= len(words):
        raise ValueError(f"the grid shows picture {most}; there are {len(words)} words")
    numbers = cells.cpu().tolist()
    kinds = np.array([["" if n == EMPTY else words[n] for n in row] for row in numbers], dtype=object)
    found: list[tuple[int, str, float, float]] = []
    for word in sorted(set(kinds.flatten()) - {""}):
        parts, count = label(kinds == word)
        sizes = Counter(parts[parts > 0].tolist())
        for part in range(1, count + 1):
            if sizes[part] < max(_LEAST * kinds.size, 1) and sizes[part] < max(sizes.values()):
                continue
            inside = parts == part
            middle = np.argwhere(inside).mean(0)
            deep = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
            near = np.linalg.norm(np.indices(inside.shape).T - middle, axis=2).T / max(kinds.shape)
            row, column = np.unravel_index(
                (deep - near).argmax(), inside.shape
            )  # of the deepest, the middle one
            x, y = (column + 0.5) / kinds.shape[1], (row + 0.5) / kinds.shape[0]
            found.append((sizes[part], word, float(x), float(y)))
    return [(word, x, y) for _, word, x, y in sorted(found, key=lambda one: (-one[0], one[1]))]
