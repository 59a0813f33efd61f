"""RISE: by hand, by the published way of making masks, and by an average taken one mask at a time."""

import numpy as np
import pytest
import torch
from skimage.transform import resize
from torch import nn

from camlib.heatmaps.rise import _drawn, _masks, rise
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap

PICTURES = torch.rand(3, 3, 128, 128, generator=torch.Generator().manual_seed(0))


def test_masks_equal_the_published_ones() -> None:
    """`generate_masks` of the authors' explanations.py, with this grid and these shifts, on a rectangle."""
    grids = (torch.rand(5, 4, 4, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    moved = torch.rand(5, 2, generator=torch.Generator().manual_seed(2))
    high, wide = 30, 40
    cell = np.ceil(np.array([high, wide]) / 4).astype(int)
    for grid, share, mask in zip(grids, moved, _masks(grids, moved, (high, wide)), strict=True):
        # theirs has mode="reflect", which differs within half a cell of a mask's border
        grown = resize(grid.numpy(), 5 * cell, order=1, mode="edge", anti_aliasing=False)
        y, x = (int(part) for part in share.numpy() * cell)
        assert mask.numpy() == pytest.approx(grown[y : y + high, x : x + wide], abs=1e-5)


def test_masks_show_as_much_as_they_should() -> None:
    masks = torch.cat(list(_drawn(2000, 7, 0.3, (56, 56), 0)))
    assert masks.shape == (2000, 56, 56)
    assert float(masks.min()) == 0
    assert float(masks.max()) == 1
    assert float(masks.mean()) == pytest.approx(0.3, abs=0.01)
    assert float(masks.mean(0).std()) < 0.02  # every place as often as any other
    again = torch.cat(list(_drawn(2000, 7, 0.3, (56, 56), 0)))
    assert torch.equal(masks, again)


def test_equals_an_average_mask_by_mask() -> None:
    net = load("critternet_gap", weights="random")
    wanted = torch.tensor([0, 4, 8])
    masks = torch.cat(list(_drawn(70, 5, 0.4, (128, 128), 3)))  # more than run at once
    grey = torch.tensor([0.5] * 3).view(3, 1, 1)
    assert torch.equal(net.mean.view(3, 1, 1), grey)
    total = torch.zeros(3, 128, 128, dtype=torch.float64)
    with torch.inference_mode():
        for mask in masks:
            for n, picture in enumerate(PICTURES):
                p = net((mask * picture + (1 - mask) * grey)[None]).softmax(1)[0, wanted[n]]
                total[n] += p.double() * mask.double()
    got = rise(net, PICTURES, wanted, masks=70, cells=5, keep=0.4, seed=3)
    torch.testing.assert_close(got.double(), total / (70 * 0.4), rtol=1e-4, atol=1e-6)


def reads_one_corner() -> Net:
    """Class 1 if the upper left quarter is lit, else class 0."""
    linear = nn.Linear(3 * 64, 2, bias=False)
    weight = torch.zeros(2, 3, 8, 8)
    weight[1, :, :4, :4] = 0.1  # 4.8 in all
    linear.weight.data = weight.flatten(1)
    return wrap(nn.Sequential(nn.Flatten(), linear), mean=[0.0] * 3, std=[1.0] * 3, size=8)


def test_hot_where_the_network_looks() -> None:
    heat = rise(reads_one_corner(), torch.ones(1, 3, 8, 8), 1, masks=3000, cells=2)[0]
    assert float(heat[:3, :3].mean()) > float(heat[5:, 5:].mean()) + 0.05
    flat = rise(reads_one_corner(), torch.zeros(1, 3, 8, 8), 1, masks=3000, cells=2)
    assert flat.mean() == pytest.approx(0.5, abs=0.02)  # nothing to see: ½ everywhere
    assert rise(reads_one_corner(), torch.ones(1, 3, 8, 8), 1, masks=5, keep=1.0).tolist() == [
        [[pytest.approx(float(torch.tensor(4.8).sigmoid()))] * 8] * 8
    ]


def test_several_targets_and_the_top_class() -> None:
    net = load("critternet_gap", weights="random")
    with torch.inference_mode():
        top = net(PICTURES).argmax(1)
    pair = rise(net, PICTURES, torch.stack([top, (top + 1) % 9], 1), masks=20)
    assert pair.shape == (3, 2, 128, 128)
    torch.testing.assert_close(pair[:, 0], rise(net, PICTURES, masks=20))
    one = rise(net, PICTURES[1:2], top[1], masks=20)
    torch.testing.assert_close(one[0], pair[1, 0])  # the masks are the same for all pictures


def test_the_network_is_left_as_it_was() -> None:
    net = load("critternet_gap", weights="random").train()
    state = torch.random.get_rng_state()
    found = rise(net, PICTURES[:1], masks=3)
    assert not found.requires_grad
    assert net.training
    assert torch.equal(state, torch.random.get_rng_state())
