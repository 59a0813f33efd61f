"""Squares cut out of pictures."""

import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as transform

from camlib import cut_out
from camlib.pictures.cut_out import squares

NAN = float("nan")


@pytest.mark.parametrize(
    ("box", "square"),
    [
        ((10, 20, 30, 30), (10, 15, 30, 35)),  # wider than tall: the square round its middle
        ((0, 0, 10, 4), (0, 0, 10, 10)),  # moved into the picture
        ((90, 58, 100, 60), (90, 50, 100, 60)),
        ((5, 5, 5.4, 5.2), (5, 5, 6, 6)),  # one pixel at least
        ((0, 0, 100, 60), (20, 0, 80, 60)),  # never larger than the shorter side
        ((NAN, NAN, NAN, NAN), (20, 0, 80, 60)),  # no box: the largest square in the middle
    ],
)
def test_squares_by_hand(box: tuple[float, ...], square: tuple[float, ...]) -> None:
    assert squares(torch.tensor([box], dtype=torch.float32), (60, 100))[0].tolist() == list(square)


def test_it_is_pillows_crop_and_resize() -> None:
    noise = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0))
    picture = (100 + 50 * noise).round() / 255  # far from black and white, where Pillow cuts off in between
    got = cut_out(picture[None], torch.tensor([[8.0, 4.0, 28.0, 24.0]]), size=50)[0]
    cropped = transform.to_pil_image(picture).crop((8, 4, 28, 24))
    theirs = transform.pil_to_tensor(cropped.resize((50, 50), Image.Resampling.BICUBIC)) / 255
    torch.testing.assert_close(got, theirs, atol=0.006, rtol=0)


def test_the_whole_picture_is_left_as_it_is() -> None:
    picture = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(cut_out(picture, torch.tensor([[0.0, 0, 32, 32]])), picture)
    assert cut_out(picture, torch.full((1, 4), NAN), size=16).shape == (1, 3, 16, 16)


def test_wrong_input() -> None:
    with pytest.raises(ValueError, match="2 boxes for 1 pictures"):
        cut_out(torch.rand(1, 3, 8, 8), torch.zeros(2, 4))
    with pytest.raises(ValueError, match=r"give floats \(N, C, H, W\)"):
        cut_out(torch.rand(3, 8, 8), torch.zeros(1, 4))
    with pytest.raises(ValueError, match=r"boxes have shape \(1, 2\); give \(N, 4\)"):
        cut_out(torch.rand(1, 3, 8, 8), torch.zeros(1, 2))
    with pytest.raises(ValueError, match="no picture to cut from"):
        cut_out(torch.rand(0, 3, 8, 8), torch.zeros(0, 4))
