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


def test_a_plain_column_has_numbers_and_no_verdict() -> None:
    figure = show.grades(CELLS, ["one", "other"], plain=["one"], title="Two methods in two tests")
    (ax,) = figure.axes
    assert len([patch for patch in ax.patches if isinstance(patch, Rectangle)]) == 2
    assert "good: one 0.90; other 0.50, wins 1 of 3" in figure.alt
    assert {"0.90", "0.20", "0.30"} <= {text.get_text() for text in ax.texts}
    assert "no box: no verdict" in figure.texts[-1].get_text()


def test_a_long_word_still_fits_its_column() -> None:
    figure = show.grades(
        {"a method with a long name": [(0.5, 0, 1)] * 8}, ["completeness"] * 8, title="Eight narrow columns"
    )
    (ax,) = figure.axes
    figure.canvas.draw()
    heads = [text.get_window_extent() for text in ax.texts if text.get_text() == "completeness"]
    assert all(one.x1 <= other.x0 for one, other in pairwise(heads))


def test_a_broken_word_is_told_whole() -> None:
    figure = show.grades({"one": [(0.5, 0, 1)]}, ["complete-\nness"], title="One cell")
    assert "one: completeness 0.50" in figure.alt
    assert figure.axes[0].texts[0].get_text() == "complete-\nness"


def test_refusals() -> None:
    with pytest.raises(ValueError, match="'good' has 2 cells for 1 columns"):
        show.grades(CELLS, ["one"], title="A title")
    with pytest.raises(ValueError, match="no column 'two' to leave plain; there are one, other"):
        show.grades(CELLS, ["one", "other"], plain=["two"], title="A title")
    with pytest.raises(ValueError, match="no grades"):
        show.grades({}, [], title="A title")
