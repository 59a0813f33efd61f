"""Hotspots by hand, and what is cut out of a picture is the digit that was put there."""

import pytest
import torch
from torch.nn.functional import interpolate

from camlib.networks.zoo import load
from camlib.pictures.digits import digits
from camlib.scenes.texts import texts
from camlib.scores.reading import characters_in, cut_digits, hotspots


def test_hotspots_by_hand() -> None:
    masks = torch.zeros(2, 20, 30, dtype=torch.bool)
    masks[:, 2:7, 3:7] = True  # 20 pixels
    masks[:, 10:14, 20:25] = True  # 20 more
    heat = torch.zeros(2, 20, 30)
    heat[0] = masks[0].float()
    heat[1, :4, :5] = 3.0  # 20
    heat[1, 19, 19:30] = 2.0  # 11: a speck
    heat[1, 10, 10:19] = 1.0  # 9: with them as many as there is text
    first, second = hotspots(heat, masks)
    assert first.tolist() == [[3, 2, 7, 7], [20, 10, 25, 14]]
    assert second.tolist() == [[0, 0, 5, 4]]
    assert [len(own) for own in hotspots(heat, masks, area=0.1)] == [0, 0]


@pytest.mark.parametrize("ground", [0.0, 0.8])
@pytest.mark.parametrize("corner", [(0, 0), (40, 17), (72, 44)])
@pytest.mark.parametrize("factor", [1, 2])
def test_a_digit_is_found_again(ground: float, corner: tuple[int, int], factor: int) -> None:
    """Pasted anywhere, at twice its size or its own, darker or lighter than its ground."""
    some = digits(split="test", source="sklearn")[:40]
    pictures, boxes = torch.full((40, 1, 100, 140), ground), []
    for n, digit in enumerate(some.images):
        large = interpolate(digit[None], scale_factor=factor, mode="nearest")[0, 0]
        rows, columns = large.nonzero().T
        ink = large[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        (height, width), (x, y) = ink.shape, corner
        pictures[n, 0, y : y + height, x : x + width] = ground + (0.2 if ground == 0 else -0.7) * ink
        boxes.append(torch.tensor([[x, y, x + width, y + height]]).float())
    cut = cut_digits(pictures, boxes)
    assert cut.shape == (40, 1, 28, 28)
    assert cut.amax((1, 2, 3)).tolist() == [1.0] * 40
    net = load("lenet")
    with torch.inference_mode():
        plain, again = net(some.images).argmax(1), net(cut).argmax(1)
    assert (plain == again).float().mean() >= 0.85  # MNIST centres by mass, this by the box


def test_what_is_written_in_the_true_boxes() -> None:
    streets = texts(2, seed=1)
    own = [torch.tensor([one.box for one in row]).float() for row in streets.characters]
    assert characters_in(own, streets) == [one.char for row in streets.characters for one in row]
    wide = own[0][:1] * torch.tensor([1, 1, 1, 1]) + torch.tensor([0, 0, 1000.0, 0])
    assert characters_in([torch.cat([own[0][1:2], wide]), own[1][:0]], streets) == [
        streets.characters[0][1].char,
        "",
    ]
    with pytest.raises(ValueError, match="1 lists of boxes for 2 pictures"):
        characters_in(own[:1], streets)


def test_refuses() -> None:
    images, box = torch.rand(1, 1, 30, 30), torch.tensor([[1.0, 2, 1, 5]])
    with pytest.raises(ValueError, match=r"1 lists of boxes for images \(1, 3, 30, 30\)"):
        cut_digits(torch.rand(1, 3, 30, 30), [box])
    with pytest.raises(ValueError, match="2 lists of boxes"):
        cut_digits(images, [box, box])
    with pytest.raises(ValueError, match=r"picture 0 are \(1, 4\); give \(B, 4\), each with an area"):
        cut_digits(images, [box])
    with pytest.raises(ValueError, match="each with an area"):
        cut_digits(images, [torch.full((1, 4), torch.nan)])
    assert cut_digits(images, [torch.zeros(0, 4)]).shape == (0, 1, 28, 28)
