"""Deletion and insertion: worked by hand, and against RISE's protocol written out once more in numpy."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.transforms.v2.functional import gaussian_blur

from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.trust.curves import deletion, insertion, ranking

RED = torch.tensor([[1.0, 0.5], [0.25, 0.0]])
PICTURE = torch.stack([RED, torch.zeros(2, 2), torch.zeros(2, 2)])[None]


def adds_up_red() -> Net:
    """Logits (the sum of red light, 0); normalisation calls black zero."""
    linear = nn.Linear(12, 2, bias=False)
    linear.weight.data = torch.zeros(2, 12)
    linear.weight.data[0, :4] = 1
    return wrap(nn.Sequential(nn.Flatten(), linear), mean=[0.0] * 3, std=[1.0] * 3, size=2)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_by_hand() -> None:
    """Red goes 1, ½, ¼, 0: what is left is 1.75, .75, .25, 0, 0."""
    curves = deletion(adds_up_red(), PICTURE, RED[None], 0, step=1)
    want = [sigmoid(x) for x in (1.75, 0.75, 0.25, 0, 0)]
    assert curves.probabilities[0].tolist() == pytest.approx(want)
    area = (want[0] / 2 + sum(want[1:-1]) + want[-1] / 2) / 4
    assert float(curves.score) == pytest.approx(area)
    back = insertion(adds_up_red(), PICTURE, RED[None], 0, step=1, fill=0.0)
    assert back.probabilities[0].tolist() == pytest.approx([sigmoid(x) for x in (0, 1, 1.5, 1.75, 1.75)])
    assert curves.pixels.tolist() == [0, 1, 2, 3, 4]
    assert curves.ties.tolist() == [0]


def test_only_the_ranking_counts() -> None:
    net = adds_up_red()
    one, other = (deletion(net, PICTURE, m[None], 0, step=1) for m in (RED, 1000 * RED**5 - 3))
    assert torch.equal(one.probabilities, other.probabilities)


def test_ties_in_reading_order_from_the_end_or_by_chance() -> None:
    blank = torch.zeros(2, 3)
    assert ranking(blank).tolist() == [5, 4, 3, 2, 1, 0]
    drawn = ranking(blank, ties="random", seed=1).tolist()
    assert sorted(drawn) == list(range(6))
    assert drawn != ranking(blank, ties="random", seed=2).tolist()
    half = torch.tensor([[0.0, 0, 1], [0, 2, 0]])
    assert ranking(half, ties="random").tolist()[:2] == [4, 2]
    assert float(deletion(adds_up_red(), PICTURE, torch.zeros(1, 2, 2), 0).ties) == 1


def rise(net: Net, image: torch.Tensor, heat: np.ndarray, step: int, mode: str) -> np.ndarray:
    """RISE's CausalMetric in its own order of steps, its class the whole picture's, its sort stable."""
    blurred = gaussian_blur(image, [11, 11], [5.0, 5.0])
    normal = (image - net.mean) / net.std
    grey = torch.zeros_like(normal)
    start, finish = (normal, grey) if mode == "del" else ((blurred - net.mean) / net.std, normal)
    with torch.no_grad():
        c = int(net.module(normal[None]).argmax())
    pixels = heat.size
    steps = (pixels + step - 1) // step
    order = np.flip(np.argsort(heat.reshape(-1), kind="stable"))
    scores = np.empty(steps + 1)
    now, goal = start.clone().reshape(3, -1), finish.reshape(3, -1)
    for i in range(steps + 1):
        with torch.no_grad():
            scores[i] = net.module(now.reshape(image.shape)[None]).softmax(1)[0, c]
        if i < steps:
            some = order[step * i : step * (i + 1)].copy()
            now[:, some] = goal[:, some]
    return scores


@pytest.mark.parametrize("step", [128 * 8, 3000])
def test_against_the_published_protocol(step: int) -> None:
    net = load("critternet_gap", weights="random")
    random = torch.Generator().manual_seed(0)
    image = torch.rand(3, 128, 128, generator=random)
    heat = torch.rand(128, 128, generator=random).round(decimals=2)  # with ties
    for curve, mode in ((deletion, "del"), (insertion, "ins")):
        got = curve(net, image[None], heat[None], step=step)
        want = rise(net, image, heat.numpy(), step, mode)
        assert np.allclose(got.probabilities[0].numpy(), want, atol=1e-6)
        area = (want.sum() - want[0] / 2 - want[-1] / 2) / (len(want) - 1)
        assert float(got.areas) == pytest.approx(area, abs=1e-6)


def test_several_targets_have_a_curve_each() -> None:
    several = deletion(adds_up_red(), PICTURE, RED[None], [[0, 1]], step=1)
    for k in range(2):
        alone = deletion(adds_up_red(), PICTURE, RED[None], k, step=1)
        torch.testing.assert_close(several.probabilities[..., k], alone.probabilities)
        torch.testing.assert_close(several.areas[:, k], alone.areas)


def test_refusals() -> None:
    net = adds_up_red()
    with pytest.raises(ValueError, match="heatmaps"):
        deletion(net, PICTURE, RED)
    with pytest.raises(ValueError, match="no ties 'first'"):
        deletion(net, PICTURE, RED[None], ties="first")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="fill is 'white'"):
        deletion(net, PICTURE, RED[None], fill="white")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed is 'x'"):
        deletion(net, PICTURE, RED[None], seed="x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="heatmaps: given a NumPy array"):
        deletion(net, PICTURE, RED[None].numpy())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="NaN"):
        deletion(net, PICTURE, RED[None] * torch.nan)
