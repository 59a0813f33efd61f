"""The filters of several networks, a grid for each, all grids of one width."""

from collections.abc import Mapping

from torch import Tensor

from .figure import GREY, PAD, WIDTH, Figure, page, place, styled
from .tiles import Pixels, mosaic_of

_NOTE, _NAME, _GAP = 0.32, 0.3, 0.2  # inches: under the grids, for a note; over each; between them
_WIDEST = 5.2  # inches, a grid that stands alone
_DOTS = 1200  # how wide a grid is made, about, before it is laid on the page


@styled
def filter_grids(
    groups: Mapping[str, Tensor],
    *,
    title: str,
    alt: str | None = None,
    columns: int = 2,
    across: int = 11,
) -> Figure:
    """A grid of filters for each network, with its name above; a weight of zero is mid grey.

    groups: name → filters (N, C, kh, kw), C = 3 in colour, C = 1 in grey; the sizes may differ.
    columns: grids in a row.  across: filters in a row of a grid.
    Each filter's largest weight, up or down, reaches white or black, as in `filter_grid`.
    Raises ValueError for no groups, and for filters with other numbers of channels.
    """
    if not groups:
        raise ValueError("no filters to draw: groups is empty")
    for name, w in groups.items():
        if w.ndim != 4 or w.shape[1] not in (1, 3) or not len(w):
            raise ValueError(f"{name!r}: filters of shape {tuple(w.shape)} are no pictures")
    grids = [_grid(w.detach().float().cpu(), across) for w in groups.values()]
    told = [f"{name}: {len(w)} filters of {w.shape[2]}×{w.shape[3]} weights" for name, w in groups.items()]
    content = f"{'; '.join(told)}. Grey is 0, white and black are ± each filter's largest weight."
    columns = min(columns, len(grids))
    side = min((WIDTH - 2 * PAD - (columns - 1) * _GAP) / columns, _WIDEST)
    rows = [grids[i : i + columns] for i in range(0, len(grids), columns)]
    heights = [side * max(grid.shape[0] / grid.shape[1] for grid in row) for row in rows]
    top = PAD + _NOTE + sum(heights) + len(rows) * _NAME
    figure = page(title, alt, content, top - PAD)
    names = iter(groups)
    for row, height in zip(rows, heights, strict=True):
        top -= _NAME
        for i, grid in enumerate(row):
            own = side * grid.shape[0] / grid.shape[1]
            ax = place(figure, PAD + i * (side + _GAP), top - own, side, own)
            ax.imshow(grid, interpolation="antialiased")
            ax.set_axis_off()
            ax.set_title(next(names), size=13, parse_math=False)
        top -= height
    note, y = "grey is 0; white and black are ± each filter's largest weight", PAD / figure.get_figheight()
    figure.text(PAD / WIDTH, y, note, color=GREY, size=11, va="bottom")
    return figure


def _grid(w: Tensor, across: int) -> Pixels:
    """One picture of all filters, each magnified in whole dots, white gaps between them."""
    largest = w.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-12)
    cells = (0.5 + 0.5 * w / largest).expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy()
    wide = cells.shape[2]
    times = max(1, _DOTS // (across * (wide + 1)))
    return mosaic_of(cells, across, times, max(2, times * wide // 12))
