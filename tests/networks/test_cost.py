"""The cost of layers, against numbers worked by hand and torch's own counter."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from camlib.networks.cost import Cost, costs
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap


def test_lenet_by_hand():
    assert costs(load("lenet", weights="random")) == [
        Cost("conv1", (6, 28, 28), 6 * 25 + 6, 6 * 28 * 28 * 25),
        Cost("pool1", (6, 14, 14), 0, 0),
        Cost("conv2", (16, 14, 14), 16 * 6 * 25 + 16, 16 * 14 * 14 * 6 * 25),
        Cost("pool2", (16, 7, 7), 0, 0),
        Cost("fc1", (120,), 784 * 120 + 120, 784 * 120),
        Cost("fc2", (84,), 120 * 84 + 84, 120 * 84),
        Cost("fc3", (10,), 840 + 10, 840),
    ]


@pytest.mark.parametrize(
    "name", ["critternet", "critternet_gap", "alexnet", "resnet18", "mobilenet_v2", "vgg11"]
)
@pytest.mark.zoo
def test_sums_agree_with_torchs_own_counter(name, untrained: Callable[[str], Net]):
    net = untrained(name)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        net(torch.rand(1, 3, net.size, net.size))
    found = costs(net)
    assert 2 * sum(cost.multiplications for cost in found) == counter.get_total_flops()
    assert sum(cost.parameters for cost in found) == sum(p.numel() for p in net.module.parameters())
    assert [cost.name for cost in found] == list(net.layers)


def test_a_layer_used_twice_keeps_its_numbers_once():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    net = wrap(
        nn.Sequential(conv, nn.ReLU(), conv, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)), size=8
    )
    found = costs(net)
    assert sum(cost.parameters for cost in found) == 3 * 3 * 9 + 3 + 3 * 2 + 2
    assert sum(cost.multiplications for cost in found) == 2 * 3 * 64 * 27 + 6
