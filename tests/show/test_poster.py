"""A poster is as wide as the page, stays sharp, and weighs little."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from camlib import show


def shown(figure):
    data, metadata = figure._repr_mimebundle_()
    (kind,) = metadata
    return Image.open(io.BytesIO(base64.b64decode(data[kind]))), len(data[kind])


def test_it_fills_the_page():
    picture = torch.zeros(3, 100, 400)
    figure = show.poster(picture, title="A wide black picture")
    page, _ = shown(figure)
    dark = np.asarray(page.convert("L")) < 128
    rows, columns = np.flatnonzero(dark.mean(1) > 0.9), np.flatnonzero(dark[rows_of(dark)].all(0))
    assert len(columns) == pytest.approx(7.76 * 150, abs=2)
    assert len(rows) == pytest.approx(7.76 * 150 / 4, abs=2)
    assert figure.alt == "A wide black picture. A picture of 400 × 100 pixels."


def rows_of(dark):
    return dark.mean(1) > 0.9


def test_small_things_stay_sharp_and_light():
    random = torch.Generator().manual_seed(0)
    tiles = torch.randint(0, 256, (3, 25, 40), generator=random, dtype=torch.uint8)
    picture = tiles.repeat_interleave(128, 1).repeat_interleave(128, 2)
    page, size = shown(show.poster(picture, title="A thousand tiles"))
    assert size < 300_000
    found = np.asarray(page)[-round(0.12 * 150) - 25 * 29 : -18]
    middles = found[14::29, 18 + 14 :: 29][:25, :40]  # about 29 dots each
    want = tiles.permute(1, 2, 0).numpy()
    assert np.abs(middles[-5:, :5].astype(float) - want[-5:, :5]).mean() < 12


def test_its_bytes_are_read_as_bytes_and_more_than_one_is_refused():
    page, _ = shown(show.poster(torch.full((3, 50, 200), 255, dtype=torch.uint8), title="White"))
    assert np.asarray(page)[-40, 600].tolist() == [255, 255, 255]
    with pytest.raises(ValueError, match=r"one picture \(C, H, W\); given \(2, 3, 8, 8\)"):
        show.poster(torch.zeros(2, 3, 8, 8), title="Two")


def test_names_stand_where_they_are_put():
    figure = show.poster(torch.rand(3, 50, 200), title="Two", names={"left": (0.1, 0.2), "right": (0.9, 0.5)})
    assert [text.get_text() for text in figure.axes[0].texts] == ["left", "right"]
    assert figure.axes[0].texts[0].get_position() == pytest.approx((0.1, 0.8))


def test_tints_are_the_colours_of_charts():
    tints = show.tints(["b", "a", "b"])
    assert tints.shape == (3, 3)
    assert torch.equal(tints[0], tints[2])
    assert not torch.equal(tints[0], tints[1])
