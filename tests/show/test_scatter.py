"""Scatter plots: points lie where they belong, classes differ in grey, names stand where they are true."""

import io
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from PIL import Image
from skimage.color import rgb2lab

from camlib import show
from camlib.show.colouring import MARKS, colouring

RANDOM = torch.Generator().manual_seed(0)
CORNERS = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 5.0]])
WORDS = ["elm"] * 20 + ["ash"] * 20 + ["oak"] * 20
ISLANDS = CORNERS.repeat_interleave(20, 0) + 0.2 * torch.randn(60, 2, generator=RANDOM)
CLOUD = torch.randn(60, 2, generator=RANDOM)


def offsets(ax):
    """The points of each collection, in inches from the panel's corner."""
    return [np.asarray(one.get_offsets()) for one in ax.collections]


def inside(figure):
    figure.canvas.draw()
    page, edge = figure.bbox, 1
    extents = [text.get_window_extent() for ax in figure.axes for text in (*ax.texts, ax.title)]
    extents += [ax.get_tightbbox() for ax in figure.axes]
    return all(
        e.x0 > -edge and e.y0 > -edge and e.x1 < page.x1 + edge and e.y1 < page.y1 + edge for e in extents
    )


def test_points_keep_their_shape():
    figure = show.scatter(CORNERS, title="Three points")
    (points,) = offsets(figure.axes[0])
    across, up = points[1] - points[0], points[2] - points[0]
    assert up[0] == pytest.approx(0, abs=1e-9)  # y goes up
    assert across[1] == pytest.approx(0, abs=1e-9)
    assert across[0] == pytest.approx(2 * up[1])  # one scale for both
    (left, right), (bottom, top) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    assert points.min() > 0
    assert points[:, 0].max() < right - left
    assert points[:, 1].max() < top - bottom
    assert figure.alt == "Three points. 3 points."


def test_classes_have_colours_marks_and_names():
    (ax,) = show.scatter(ISLANDS, WORDS, title="Islands").axes
    assert [text.get_text() for text in ax.texts] == ["ash", "elm", "oak"]
    for (name, text), points in zip(
        zip(("ash", "elm", "oak"), ax.texts, strict=True), offsets(ax), strict=True
    ):
        assert len(points) == 20, name
        x, y = text.get_position()
        assert x == pytest.approx(np.median(points[:, 0]), abs=0.1)
        assert 0 < y - np.quantile(points[:, 1], 0.9) < 0.2  # above what it would hide
    colours = [tuple(np.asarray(one.get_facecolor())[0, :3]) for one in ax.collections]
    assert colours == [to_rgb(colour) for colour, _ in MARKS[:3]]


def test_a_name_stands_on_a_class_that_it_does_not_hide():
    wide = 3 * torch.randn(60, 2, generator=RANDOM) + torch.tensor([[0.0, 0]] * 30 + [[40.0, 0]] * 30)
    (ax,) = show.scatter(wide, ["left"] * 30 + ["right"] * 30, title="Two wide ones").axes
    for text, points in zip(ax.texts, offsets(ax), strict=True):
        assert text.get_position() == pytest.approx(tuple(np.median(points, 0)))


def test_a_chart_weighs_little_and_its_page_stays_white():
    points = torch.rand(500, 2, generator=RANDOM)
    figure = show.scatter({"a": points, "b": points}, [WORDS[n % 60] for n in range(500)], title="Many")
    light = show.png(figure)
    figure.shades = None
    assert len(light) < 0.5 * len(show.png(figure))
    image = Image.open(io.BytesIO(light)).convert("RGB")
    assert image.getpixel((3, 3)) == (255, 255, 255)
    assert set(figure._repr_mimebundle_()[0]) == {"image/png", "text/plain"}


def test_a_muddle_has_a_legend_instead():
    figure = show.scatter({"islands": ISLANDS, "cloud": CLOUD}, WORDS, title="Two maps")
    islands, cloud, legend = figure.axes
    assert [islands.get_title(loc="left"), cloud.get_title(loc="left")] == ["islands", "cloud"]
    assert len(islands.texts) == 3
    assert not cloud.texts
    assert [text.get_text() for text in legend.texts] == ["ash", "elm", "oak"]
    assert "islands: 60 points of 3 classes (ash, elm, oak), 100% next to one of their own" in figure.alt
    assert "cloud: 60 points of 3 classes, " in figure.alt


def test_the_alt_text_counts_nearest_points_of_the_same_class():
    line = torch.tensor([[0.0, 0], [1, 0], [3, 0], [4, 0], [6, 0]])  # the last one's nearest is the fourth
    alt = show.scatter(line, ["a", "a", "a", "b", "b"], title="A line").alt
    assert alt == "A line. 5 points of 2 classes (a, b), 60% next to one of their own."


def test_facts_of_one_map_side_by_side():
    facts: dict[str, Any] = {"tree": WORDS, "size": torch.linspace(1, 3, 60), "tall": torch.arange(60) > 30}
    figure = show.scatter(ISLANDS, facts, title="Three facts")
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert [title for title in titles if title] == ["tree", "size", "tall"]
    size = figure.axes[1]
    (points,) = size.collections
    wanted = matplotlib.colormaps["viridis"]([0.0, 1.0])[:, :3]
    np.testing.assert_allclose(np.asarray(points.get_facecolor())[[0, -1], :3], wanted, atol=1 / 255)
    assert "size: 60 points coloured from 1 to 3" in figure.alt
    assert "tall: 60 points of 2 classes (yes, no)" in figure.alt
    assert inside(figure)


def test_whole_numbers_are_classes_while_they_are_few():
    assert colouring(torch.tensor([7, 3, 3]), 3).names == ("3", "7")
    assert list(colouring(torch.tensor([7, 3, 3]), 3).values) == [1, 0, 0]
    assert colouring(torch.arange(11), 11).names == ()
    assert colouring(torch.tensor([True, False]), 2).each() == ["#12255c", "#a9b4cf"]
    assert colouring(torch.tensor([2.0, 2.0]), 2).each() == ["#440154"] * 2


def test_classes_are_told_apart_in_grey_by_lightness_or_mark():
    assert len({mark for _, mark in MARKS}) == len(MARKS)
    lightness = rgb2lab(np.array([[to_rgb(colour) for colour, _ in MARKS]]))[0, :, 0]
    assert np.abs(np.diff(lightness)).min() > 5  # neighbours in the row
    assert lightness.min() < 30
    assert lightness.max() > 70


def test_pictures_at_their_points():
    pictures = torch.rand(3, 3, 16, 24, generator=RANDOM)
    figure = show.scatter(CORNERS, ["a", "b", "c"], pictures=pictures, title="Three pictures")
    assert not figure.axes[0].collections
    boxes: Any = figure.axes[0].artists
    assert [tuple(box.patch.get_edgecolor()[:3]) for box in boxes] == [to_rgb(c) for c, _ in MARKS[:3]]
    figure.canvas.draw()
    frame = figure.axes[0].get_window_extent()
    for box in boxes:
        extent = box.get_window_extent()
        assert extent.width > 60
        assert frame.x0 <= extent.x0
        assert extent.x1 <= frame.x1
        assert frame.y0 <= extent.y0
        assert extent.y1 <= frame.y1
    tuples = [(picture, 0) for picture in pictures]
    assert len(show.scatter(CORNERS, pictures=tuples, title="Items with labels").axes[0].artists) == 3


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 8])
def test_any_number_of_panels_fits_the_page(count):
    maps = {f"perplexity {number}, a long caption": ISLANDS for number in range(count)}
    assert inside(show.scatter(maps, WORDS, title="Panels"))
    assert inside(show.scatter(maps, torch.rand(60, generator=RANDOM), title="Panels"))
    facts = dict.fromkeys(maps, WORDS)
    assert inside(show.scatter(dict.fromkeys(maps, CLOUD), facts, title="Panels, each with a legend"))


def test_one_point_and_points_on_a_line():
    assert len(offsets(show.scatter(torch.zeros(1, 2), title="One").axes[0])[0]) == 1
    (points,) = offsets(show.scatter(torch.tensor([[1.0, 2], [1, 3]]), title="Upright").axes[0])
    assert points[0, 0] == points[1, 0]


@pytest.mark.parametrize(
    ("points", "by", "says"),
    [
        (torch.zeros(3, 3), None, r"points are \(N, 2\); given \(3, 3\)"),
        (torch.tensor([[0, 0], [torch.nan, 0]]), None, "point 1 is not finite"),
        (CORNERS, ["a", "b"], "'by' is 2 values for 3 points"),
        (CORNERS, "abc", "'by' is 'abc' for 3 points"),
        (CORNERS, torch.tensor([0, 1, torch.inf]), "'by' of point 2 is not finite"),
        (torch.rand(11, 2), [str(n) for n in range(11)], "11 classes; eyes tell 10 apart"),
        ({"a": CORNERS}, {"b": ["x"] * 3}, "maps are a; facts are b"),
    ],
)
def test_bad_input_is_told(points, by, says):
    with pytest.raises(ValueError, match=says):
        show.scatter(points, by, title="Wrong")


def test_pictures_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match="2 pictures for 3 points"):
        show.scatter(CORNERS, pictures=torch.rand(2, 3, 8, 8), title="Wrong")
