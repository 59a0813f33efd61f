"""A poster is as wide as the page, stays sharp, and weighs little; printed it loses no pixel."""

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
    figure = show.poster(torch.rand(3, 50, 200), title="Two", names=[("left", 0.1, 0.2), ("right", 0.9, 0.5)])
    assert [text.get_text() for text in figure.axes[0].texts] == ["left", "right"]
    assert figure.axes[0].texts[0].get_position() == pytest.approx((0.1, 0.8))


def test_tints_are_the_colours_of_charts():
    tints = show.tints(["b", "a", "b"])
    assert tints.shape == (3, 3)
    assert torch.equal(tints[0], tints[2])
    assert not torch.equal(tints[0], tints[1])


@pytest.mark.parametrize("ending", ["png", "jpg", "pdf"])
def test_a_print_keeps_every_pixel_and_knows_its_size(tmp_path, ending):
    random = torch.Generator().manual_seed(0)
    picture = torch.randint(0, 256, (3, 300, 600), generator=random, dtype=torch.uint8)
    spots = [("left", 0.25, 0.5)]
    dots = show.print_poster(
        tmp_path / f"it.{ending}", picture, title="Noise", note="A line.", names=spots, inches=6.36
    )
    assert dots == pytest.approx(100)  # 600 pixels and two margins of 3 %
    assert [file.name for file in tmp_path.iterdir()] == [f"it.{ending}"]
    if ending == "pdf":
        assert b"/MediaBox [ 0 0 457.92 " in (tmp_path / "it.pdf").read_bytes()  # 6.36 inches of 72 points
        return
    sheet = Image.open(tmp_path / f"it.{ending}")
    assert sheet.info["dpi"] == pytest.approx((100, 100), rel=0.01)
    kept = np.asarray(sheet)[18 + 23 : 18 + 23 + 300, 18:618]
    wrong = kept.astype(float) - picture.permute(1, 2, 0).numpy()
    assert np.abs(wrong[:, 300:]).mean() < (1e-9 if ending == "png" else 8)
    assert np.abs(wrong[140:160, 130:170]).mean() > 20  # where the name stands
    margin = np.asarray(sheet.convert("L"))[:41]
    assert (margin[:, 18:90] < 100).any()  # the title
    assert (margin[:30, 300:] > 250).all()


@pytest.mark.parametrize(
    ("path", "picture", "options", "says"),
    [
        ("it.gif", torch.zeros(3, 8, 8), {}, r"path is 'it.gif'; it ends in .jpg, .png, .pdf"),
        ("it.png", torch.zeros(2, 8, 8), {}, r"one picture \(1 or 3, H, W\); given \(2, 8, 8\)"),
        ("it.png", torch.zeros(3, 8, 8), {"inches": 0}, "inches is 0; give the sheet's width, more than 0"),
        ("it.png", torch.zeros(3, 8, 8), {"title": " "}, "a poster needs a title"),
    ],
)
def test_what_cannot_be_printed_is_told(tmp_path, path, picture, options, says):
    with pytest.raises(ValueError, match=says):
        show.print_poster(tmp_path / path, picture, **({"title": "It"} | options))
    assert not list(tmp_path.iterdir())
