"""The table of grades: what is dark, what is told."""

from itertools import pairwise

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from camlib import show
from camlib.show.figure import DARK, PALE

CELLS = {
    "good": [(0.9, 3, 3), (0.5, 1, 3)],
    "poor": [(0.2, 0, 3), (float("nan"), 0, 0)],
    "blind": [(0.3, 0, 3)] * 2,
}


def test_cells_are_as_dark_as_they_have_earned() -> None:
    figure = show.grades(CELLS, ["one", "other"], apart=["blind"], title="Two methods in two tests")
    (ax,) = figure.axes
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert [to_hex(box.get_facecolor()) for box in boxes] == [DARK, PALE, "#ffffff", "#ffffff", "#ffffff"]
    assert "good: one 0.90, wins 3 of 3; other 0.50, wins 1 of 3" in figure.alt
    assert "blind: one 0.30; other 0.30" in figure.alt
    assert "nan" not in figure.alt


def test_a_long_word_still_fits_its_column() -> None:
    figure = show.grades(
        {"a method with a long name": [(0.5, 0, 1)] * 8}, ["completeness"] * 8, title="Eight narrow columns"
    )
    (ax,) = figure.axes
    figure.canvas.draw()
    heads = [text.get_window_extent() for text in ax.texts if text.get_text() == "completeness"]
    assert all(one.x1 <= other.x0 for one, other in pairwise(heads))


def test_refusals() -> None:
    with pytest.raises(ValueError, match="'good' has 2 cells for 1 columns"):
        show.grades(CELLS, ["one"], title="A title")
    with pytest.raises(ValueError, match="no grades"):
        show.grades({}, [], title="A title")
