"""Figures of patches: frames lie round what is seen, one scale for all rows, alt texts tell the rows."""

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle
from torch import nn

from camlib import show, top_patches, wrap

RANDOM = torch.Generator().manual_seed(0)
PICTURES = torch.rand(5, 3, 32, 32, generator=RANDOM)
LONG = "A title that says what the figure says, in a sentence that needs more than one line to say it all"


@pytest.fixture(scope="module")
def top():
    net = wrap(nn.Sequential(nn.Conv2d(3, 4, 5, stride=4, padding=2), nn.Flatten()), size=32)
    return top_patches(net, "0", PICTURES, k=3, units=[2, 1])


def inside(figure):
    """Whether nothing runs off the page."""
    figure.canvas.draw()
    page = figure.bbox
    for ax in figure.axes:
        for artist in (*ax.texts, *ax.images, *ax.patches):
            extent = artist.get_window_extent()
            if not (
                extent.x0 > -1 and extent.y0 > -1 and extent.x1 < page.x1 + 1 and extent.y1 < page.y1 + 1
            ):
                return False
    return True


def test_each_patch_has_its_picture_frame_and_value(top):
    figure = show.patches(top, PICTURES, title=LONG, columns=2)
    (ax,) = figure.axes
    frames = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert len(ax.images) == len(frames) == 6
    values = [text.get_text() for text in ax.texts]
    assert values[0] == "unit 2"
    assert values[1:4] == [f"{value:.1f}" for value in top.values[0]]
    for frame, image, box in zip(frames, ax.images, top.boxes.flatten(0, 1), strict=True):
        left, right, _, up = image.get_extent()
        pixel = (right - left) / 32
        x0, y0, x1, y1 = (float(edge) for edge in box)
        assert frame.get_x() == pytest.approx(left + pixel * x0)
        assert frame.get_y() == pytest.approx(up - pixel * y1)
        assert frame.get_width() == pytest.approx(pixel * (x1 - x0))
        assert frame.get_height() == pytest.approx(pixel * (y1 - y0))
    assert inside(figure)


def test_outside_the_field_the_picture_is_dark(top):
    figure = show.patches(top, PICTURES, title="Frames")
    x0, y0, x1, y1 = (int(edge) for edge in top.boxes[0, 0])
    shown = torch.from_numpy(np.asarray(figure.axes[0].images[0].get_array()))
    picture = PICTURES[top.images[0, 0]].permute(1, 2, 0)
    assert torch.allclose(shown[y0:y1, x0:x1], picture[y0:y1, x0:x1])
    dark = torch.ones(32, 32, dtype=torch.bool)
    dark[y0:y1, x0:x1] = False
    assert torch.allclose(shown[dark], 0.45 * picture[dark])


def test_the_ring_is_at_the_fields_centre(top):
    figure = show.patches(top, PICTURES, title="Frames", columns=3)
    left, right, _, up = figure.axes[0].images[0].get_extent()
    row, column = top.cells[0, 0].tolist()  # cell (i, j) is centred on pixel 4 i, 4 j
    ring = figure.axes[0].lines[0]
    assert np.asarray(ring.get_xdata())[0] == pytest.approx(left + (4 * column + 0.5) * (right - left) / 32)
    assert np.asarray(ring.get_ydata())[0] == pytest.approx(up - (4 * row + 0.5) * (right - left) / 32)


def test_around_a_patch_only_its_square_is_shown(top):
    figure = show.patches(top, PICTURES, title="Squares", columns=3, around=7, frame=3)
    ax = figure.axes[0]
    row, column = (4 * int(cell) for cell in top.cells[0, 0])
    bordered = torch.nn.functional.pad(PICTURES[top.images[0, 0]], (7,) * 4, value=0.5)
    want = bordered[:, row + 4 : row + 11, column + 4 : column + 11].permute(1, 2, 0)
    assert torch.allclose(torch.from_numpy(np.asarray(ax.images[0].get_array())), want)
    left, right, down, up = ax.images[0].get_extent()
    inner = ax.patches[1]
    assert isinstance(inner, Rectangle)
    assert inner.get_width() == pytest.approx(3 / 7 * (right - left))
    assert inner.get_x() + inner.get_width() / 2 == pytest.approx((left + right) / 2)
    assert inner.get_y() + inner.get_height() / 2 == pytest.approx((down + up) / 2)
    assert [text.get_text() for text in ax.texts][1] == f"{top.values[0, 0]:.1f}"
    assert "7 pixels wide" in figure.alt


def test_alt_texts_tell_units_and_values(top):
    figure = show.patches(top, PICTURES, ["stripes", "spots"], title="Two units.")
    low, high = f"{top.values[1, 2]:.3g}", f"{top.values[1, 0]:.3g}"
    assert figure.alt.startswith("Two units. 3 patches of 0 in white frames")
    assert f"spots, {high} to {low}" in figure.alt


def test_crops_have_one_scale_and_fill_the_row():
    rows = {"small": torch.rand(90, 3, 11, 11), "large": torch.rand(3, 1, 44, 44)}
    figure = show.crops(rows, title=LONG, most=1)
    sides = [image.get_extent()[1] - image.get_extent()[0] for image in figure.axes[0].images]
    assert sides[-1] == pytest.approx(1)
    assert sides[0] == pytest.approx(0.25)
    assert [round(side, 6) for side in sides].count(1) == 3
    assert len(sides) == 3 + int((7.76 + 0.05) / 0.3)  # no more than fit
    assert "small, 11×11 pixels; large, 44×44 pixels" in figure.alt
    assert inside(figure)


def test_wrong_input_is_named(top):
    with pytest.raises(ValueError, match="1 names for 2 units"):
        show.patches(top, PICTURES, ["one"], title="Frames")
    with pytest.raises(ValueError, match="columns is 0"):
        show.patches(top, PICTURES, title="Frames", columns=0)
    with pytest.raises(ValueError, match="around is 9 and frame is None; give both"):
        show.patches(top, PICTURES, title="Frames", around=9)
    with pytest.raises(ValueError, match="no rows of patches"):
        show.crops({}, title="Nothing")
