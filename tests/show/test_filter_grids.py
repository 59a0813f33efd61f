"""Several networks' filters beside each other; and a network's blocks say where a ReLU ends them."""

import numpy as np
import pytest
import torch
from torch import nn

from camlib import load, show, wrap


def test_grids_of_two_sizes_have_one_width_and_their_names() -> None:
    groups = {"large": torch.randn(5, 3, 11, 11), "grey": torch.randn(4, 1, 3, 3)}
    figure = show.filter_grids(groups, title="Two networks", across=3)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["large", "grey"]
    first, second = (ax.get_position() for ax in figure.axes)
    assert first.width == pytest.approx(second.width)
    assert first.x1 < second.x0
    assert figure.alt == (
        "Two networks. large: 5 filters of 11×11 weights; grey: 4 filters of 3×3 weights. "
        "Grey is 0, white and black are ± each filter's largest weight."
    )
    assert show.png(figure).startswith(b"\x89PNG")


def test_zero_is_grey_and_each_filter_reaches_black_or_white() -> None:
    w = torch.zeros(2, 1, 1, 2)
    w[0, 0, 0, 1], w[1, 0, 0, 0] = 5.0, -0.1
    (ax,) = show.filter_grids({"net": w}, title="Two filters", across=2).axes
    field = np.asarray(ax.images[0].get_array())
    half = field.shape[1] // 2
    assert field[0, 0].tolist() == [0.5] * 3
    assert field[0, half - 60].tolist() == [1.0] * 3
    assert field[0, half + 60].tolist() == [0.0] * 3
    assert field[0, -1].tolist() == [0.5] * 3


def test_what_are_no_pictures_is_told() -> None:
    with pytest.raises(ValueError, match="groups is empty"):
        show.filter_grids({}, title="x")
    with pytest.raises(ValueError, match=r"'deep': filters of shape \(64, 32, 5, 5\) are no pictures"):
        show.filter_grids({"deep": torch.zeros(64, 32, 5, 5)}, title="x")


def test_a_block_says_whether_a_relu_ends_it() -> None:
    figure = show.network(load("critternet", weights="random"), title="Ten layers")
    assert "A ReLU ends conv1, conv2, conv3, conv4, conv5, fc6, fc7. Blocks from left" in figure.alt
    assert "ReLU" in {text.get_text() for text in figure.axes[0].texts}
    plain = wrap(nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)))
    figure = show.network(plain, title="No ReLU")
    assert "ReLU" not in figure.alt.removeprefix("No ReLU. ")
    assert "ReLU" not in {text.get_text() for text in figure.axes[0].texts}
