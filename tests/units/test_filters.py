"""What is measured on first-layer filters, against filters whose answer is known."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from camlib import autocorrelation, colour, colourfulness, filters, load, orientation, wrap


def gabor(angle: float, frequency: float, phase: float = 0.0, size: int = 11, sigma: float = 2.2) -> Tensor:
    """(1, 1, size, size): stripes that run at `angle`, counter-clockwise from horizontal on a screen."""
    y, x = torch.meshgrid(*(torch.arange(size) - (size - 1) / 2,) * 2, indexing="ij")
    turn = math.radians(angle)
    across = x * math.sin(turn) + y * math.cos(turn)  # y points down
    wave = torch.cos(2 * math.pi * frequency * across + phase)
    return (wave * torch.exp(-(x.square() + y.square()) / (2 * sigma**2)))[None, None]


def test_filters_are_the_first_convolutions_weights_and_a_copy():
    net = load("critternet", weights="random")
    found = filters(net)
    assert found.shape == (32, 3, 11, 11)
    assert torch.equal(found, net.module.get_parameter("conv1.weight"))
    found.zero_()
    assert net.module.get_parameter("conv1.weight").abs().sum() > 0
    assert not found.requires_grad
    assert filters(nn.Sequential(nn.ReLU(), nn.Conv2d(3, 2, 5))).shape == (2, 3, 5, 5)
    assert filters(nn.Conv2d(1, 4, 3).half()).dtype == torch.float32


class Backwards(nn.Module):
    """Defines its second convolution first."""

    def __init__(self) -> None:
        super().__init__()
        self.late = nn.Conv2d(4, 5, 3)
        self.early = nn.Conv2d(3, 4, 7)

    def forward(self, x: Tensor) -> Tensor:
        maps: Tensor = self.late(self.early(x))
        return maps.mean(dim=(2, 3))


def test_the_first_is_the_one_that_runs_first():
    assert filters(wrap(Backwards(), size=32)).shape == (4, 3, 7, 7)


def test_a_network_without_convolutions_is_told_what_it_has():
    with pytest.raises(ValueError, match=r"no Conv2d in this Sequential; it is made of Flatten, Linear"):
        filters(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)))


def test_autocorrelation_by_hand():
    # Means off: (-1, 0, 1) in each row. Right: (0 + 0) / 2 = 0; down: 2/3; energy 2/3; ½ (0 + 1) = ½.
    ramp = torch.tensor([[1.0, 2, 3]] * 3)[None, None]
    # a chessboard: every neighbour is the opposite
    board = torch.tensor([[1.0, -1] * 2, [-1, 1] * 2] * 2)[None, None]
    assert autocorrelation(ramp).tolist() == [pytest.approx(0.5)]
    assert autocorrelation(board).tolist() == [pytest.approx(-1)]
    assert autocorrelation(board, lag=2).tolist() == [pytest.approx(1)]
    assert autocorrelation(torch.zeros(2, 3, 5, 5)).tolist() == [0, 0]
    assert torch.allclose(autocorrelation(5 * ramp + 7), autocorrelation(ramp))


def test_autocorrelation_of_noise_is_the_price_of_the_mean():
    noise = torch.randn(4000, 3, 11, 11, generator=torch.Generator().manual_seed(0))
    assert autocorrelation(noise).mean() == pytest.approx(-1 / 120, abs=2e-3)


def test_autocorrelation_against_numpy():
    w = torch.randn(5, 3, 7, 6, generator=torch.Generator().manual_seed(1)).cumsum(2)
    for found, one in zip(autocorrelation(w, lag=2).tolist(), w.double().numpy(), strict=True):
        o = one - one.mean(axis=(1, 2), keepdims=True)
        right = np.mean([o[c, i, j] * o[c, i, j + 2] for c in range(3) for i in range(7) for j in range(4)])
        down = np.mean([o[c, i, j] * o[c, i + 2, j] for c in range(3) for i in range(5) for j in range(6)])
        assert found == pytest.approx((right + down) / 2 / np.mean(o**2), rel=1e-5)


@pytest.mark.parametrize("lag", [0, 3, -1])
def test_a_lag_that_does_not_fit(lag):
    with pytest.raises(ValueError, match=rf"filters of 3×3 lag is {lag}; it is a whole number, from 1 to 2"):
        autocorrelation(torch.zeros(1, 1, 3, 3), lag=lag)


def test_orientation_convention():
    stripes = torch.zeros(1, 1, 11, 11)
    stripes[..., 5, :] = 1  # one horizontal line
    assert orientation(stripes).angle.item() % 180 == pytest.approx(0, abs=1e-3)
    assert orientation(stripes.mT).angle.item() == pytest.approx(90)
    rising = torch.eye(11).flip(0)[None, None]  # from lower left to upper right: /
    assert orientation(rising).angle.item() == pytest.approx(45)
    assert orientation(torch.eye(11)[None, None]).angle.item() == pytest.approx(135)


@pytest.mark.parametrize("frequency", [0.12, 0.2, 0.3])
@pytest.mark.parametrize("phase", [0.0, 0.7, math.pi / 2])
def test_orientation_of_gabors(frequency, phase):
    angles = list(range(0, 180, 9))
    found = orientation(torch.cat([gabor(angle, frequency, phase) for angle in angles]))
    off = (found.angle - torch.tensor(angles) + 90).remainder(180) - 90
    assert off.abs().max() < 1
    assert (found.frequency - frequency).abs().max() < 0.01
    assert found.strength.min() > 0.7
    # in colour: red against green at the same brightness is an edge as well
    coloured = torch.cat([gabor(30, frequency, phase), -gabor(30, frequency, phase), 0 * gabor(0, 0.1)], 1)
    assert orientation(coloured).angle.item() == pytest.approx(30, abs=1)


def test_orientation_at_the_rim():
    line = torch.zeros(1, 1, 11, 11)
    line[..., 9, :] = -1
    found = orientation(line)
    assert found.angle.item() % 180 == pytest.approx(0, abs=1e-3)
    assert found.strength.item() == pytest.approx(1)
    with pytest.raises(ValueError, match="filters of 2×5 have no direction"):
        orientation(torch.zeros(1, 1, 2, 5))


def test_no_orientation():
    y, x = torch.meshgrid(*(torch.arange(11) - 5.0,) * 2, indexing="ij")
    blob = torch.exp(-(x.square() + y.square()) / 8)[None, None]
    found = orientation(torch.cat([blob, 0 * blob, 0 * blob + 1]))
    assert found.strength.max() < 1e-5
    plaid = gabor(20, 0.2) + gabor(110, 0.2)
    assert orientation(plaid).strength < 0.05
    assert not found.angle.isnan().any()


def test_orientation_does_not_mind_scale_or_sign():
    one, other = orientation(gabor(77, 0.2)), orientation(-1e-4 * gabor(77, 0.2))
    assert torch.allclose(torch.stack(one), torch.stack(other), atol=1e-4)


def test_colourfulness_by_hand():
    w = torch.zeros(5, 3, 2, 2)
    w[0] = 3  # grey
    w[1, 0] = 1  # red: (1, 0, 0) = grey (⅓, ⅓, ⅓) + colour, 1 - 3 · ⅑ = ⅔
    w[2, 0], w[2, 2] = 1, -1  # red against blue
    w[3, :2] = -2  # against yellow: mean -4/3, 1 - 3 · 16/9 / 8 = ⅓
    assert colourfulness(w).tolist() == pytest.approx([0, 2 / 3, 1, 1 / 3, 0], abs=1e-6)
    assert colourfulness(torch.rand(4, 1, 5, 5)).tolist() == pytest.approx([0] * 4, abs=1e-6)
    noise = torch.randn(3000, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    assert colourfulness(noise).mean() == pytest.approx(2 / 3, abs=5e-3)


def test_colour_is_the_stronger_end_of_the_axis():
    w = torch.zeros(5, 3, 3, 3)
    w[0, 0], w[0, 2] = 1, -1  # red without blue
    w[1] = -w[0]
    w[2] = 0.3  # grey has none
    w[3, :, 0, 0] = torch.tensor([-1.0, 0.5, 0.5])  # a strong cyan pixel …
    w[3, :, 2, 2] = torch.tensor([0.5, -0.25, -0.25])  # … beside a weaker red one
    found = colour(w)
    assert found.tolist() == [
        pytest.approx(c, abs=1e-5) for c in ([1, 0.5, 0], [0, 0.5, 1], [0.5] * 3, [0, 0.75, 0.75], [0.5] * 3)
    ]
    assert colour(torch.rand(2, 1, 3, 3)).tolist() == [[0.5] * 3] * 2


def test_filters_without_colours_are_refused():
    for measure in (colour, colourfulness):
        with pytest.raises(ValueError, match=r"filters of 64 channels have no colour"):
            measure(torch.zeros(8, 64, 3, 3))
    for measured in (colour, colourfulness, orientation, autocorrelation):
        with pytest.raises(ValueError, match=r"shape \(3, 11, 11\); give \(N, C, kh, kw\)"):
            measured(torch.zeros(3, 11, 11))
