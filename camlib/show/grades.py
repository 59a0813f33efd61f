"""A table of grades: methods down, tests across, each cell as dark as it has earned.

show.grades(trust.verdicts(rows, better, baselines), list(better), title="…")
"""

from collections.abc import Mapping, Sequence
from math import isnan

from matplotlib.patches import Rectangle

from .charts import SHADES
from .figure import DARK, GREY, PAD, PALE, WIDTH, Figure, breadth, page, place, styled, wrapped

__all__ = ["grades"]

_ROW, _GAP = 0.36, 0.14  # inches: a row, and the room above the rows in `apart`
_LINE, _HEAD = 0.22, 13  # inches and points: a line of a column's name


@styled
def grades(
    cells: Mapping[str, Sequence[tuple[float, int, int]]],
    columns: Sequence[str],
    *,
    apart: Sequence[str] = (),
    plain: Sequence[str] = (),
    title: str,
    alt: str | None = None,
    form: str = ".2f",
) -> Figure:
    """A row for each method, a cell for each test: dark where it wins in all runs, pale where in some.

    cells: method → for each column (score, wins, runs); a score that is NaN is left empty.
    columns: the tests' names, which may have line breaks, after a hyphen within a word.
    apart: the methods that stand below, without colour, what the others were measured by.
    plain: the columns without verdict, numbers alone.  form: how scores are written.
    Raises ValueError where a row has another number of cells, and for a plain column that is not there.
    """
    for name, row in cells.items():
        if len(row) != len(columns):
            raise ValueError(f"{name!r} has {len(row)} cells for {len(columns)} columns")
    if not cells or not columns:
        raise ValueError("there are no grades to show")
    for one in plain:
        if one not in columns:
            raise ValueError(f"there is no column {one!r} to leave plain; there are {', '.join(columns)}")
    below = [name for name in cells if name in apart]
    order = [name for name in cells if name not in apart] + below
    left = PAD + 0.12 + max(breadth(name, 13) for name in order)
    wide = (WIDTH - PAD - left) / len(columns)
    longest = max(breadth(word, _HEAD) for one in columns for word in one.split())
    size = min(_HEAD, _HEAD * (wide - 0.06) / longest)
    heads = [wrapped(one, wide - 0.04, size) for one in columns]
    top = 0.08 + _LINE * max(head.count("\n") + 1 for head in heads)
    high = _ROW * len(order) + (_GAP if below else 0)
    key = wrapped(_key(cells, plain), WIDTH - 2 * PAD, 11)
    foot = 0.1 + 0.2 * (key.count("\n") + 1)
    figure = page(title, alt, _told(cells, columns, order, below, plain, form), high + top + foot)
    figure.shades = SHADES
    ax = place(figure, left, PAD + foot, WIDTH - PAD - left, high + top)
    ax.set(xlim=(0, len(columns)), ylim=(high + top, 0), xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    for k, head in enumerate(heads):
        ax.text(k + 0.5, top - 0.06, head, ha="center", va="bottom", size=size, linespacing=1.15)
    for i, name in enumerate(order):
        y = top + _ROW * i + (_GAP if name in below else 0)
        ax.annotate(
            name, (0, y + _ROW / 2), (-6, 0), textcoords="offset points", ha="right", va="center", size=13
        )
        for k, (score, wins, runs) in enumerate(cells[name]):
            if isnan(score):
                continue
            judged = name not in below and columns[k] not in plain
            won = judged and runs > 0 and wins == runs
            some = judged and 0 < wins < runs
            fill = DARK if won else PALE if some else "white"
            if columns[k] not in plain:
                box = Rectangle((k + 0.03, y + 0.02), 0.94, _ROW - 0.04, fc=fill, ec="#d8d8d8", lw=0.8)
                ax.add_patch(box)
            colour = "white" if won else "black" if some else GREY
            text = f"{score:{form}}".replace("-", "−")
            ax.text(k + 0.5, y + _ROW / 2, text, ha="center", va="center", size=13, color=colour)
    figure.text(PAD / WIDTH, PAD / figure.get_figheight(), key, size=11, color=GREY, va="bottom")
    return figure


def _key(cells: Mapping[str, Sequence[tuple[float, int, int]]], plain: Sequence[str]) -> str:
    """What the shades mean."""
    several = any(runs > 1 for row in cells.values() for _, _, runs in row)
    key = "dark: the worse end of the 95 % interval beats the best map that never looks"
    key += ", in all runs · pale: in some" if several else ""
    return key + (" · no box: no verdict" if plain else "")


def _told(
    cells: Mapping[str, Sequence[tuple[float, int, int]]],
    columns: Sequence[str],
    order: Sequence[str],
    below: Sequence[str],
    plain: Sequence[str],
    form: str,
) -> str:
    """All numbers in words."""
    rows = []
    for name in order:
        told = []
        for column, (score, wins, runs) in zip(columns, cells[name], strict=True):
            if isnan(score):
                continue
            won = "" if name in below or column in plain else f", wins {wins} of {runs}"
            test = " ".join(column.replace("-\n", "").split())
            told.append(f"{test} {score:{form}}{won}")
        rows.append(f"{name}: {'; '.join(told)}")
    return ". ".join(rows) + "."
