"""The cost of layers, against numbers worked by hand, torch's counter and torchvision's published sums."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from camlib.networks.cost import Cost, costs
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from tests.zoo import empty


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


@pytest.mark.parametrize("name", ["vit_b_32", "swin_t", "maxvit_t", "convnext_tiny", "googlenet", "resnet50"])
@pytest.mark.zoo
def test_sums_agree_with_those_that_torchvision_publishes(name: str) -> None:
    net = wrap(empty(name))
    told, found = models.get_model_weights(name).DEFAULT.meta, costs(net)
    assert sum(cost.parameters for cost in found) == told["num_params"]
    assert sum(cost.multiplications for cost in found) / 1e9 == pytest.approx(told["_ops"], abs=6e-4)
    assert [cost.name for cost in found] == list(net.layers)


class Attends(nn.Module):
    """Sixteen tokens of eight numbers and a class token, which attend to one another."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.token = nn.Conv2d(3, 8, 4, 4), nn.Parameter(torch.zeros(1, 1, 8))
        self.attention, self.head = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 5)
        self.places = nn.ParameterList([torch.zeros(17, 8)])
        self.unused = nn.ModuleList([nn.Sequential(nn.Linear(8, 8))])

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).flatten(2).mT
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.places[0]
        x, _ = self.attention(x, x, x)
        out: Tensor = self.head(x[:, 0])
        return out


def test_attention_by_hand() -> None:
    embed, head = costs(wrap(Attends(), size=16))  # attention gives no tensor, but two: what it does is with
    assert embed == Cost("embed", (8, 4, 4), 8 * 48 + 8, 8 * 16 * 48)
    own, more = 8 * 24 + 24 + 8 * 8 + 8, 8 + 17 * 8  # … the head, as are the class token and the places
    assert head.parameters == 8 * 5 + 5 + own + more
    assert head.multiplications == 8 * 5 + 17 * 8 * 24 + 2 * 17 * 17 * 8 + 17 * 8 * 8


def test_layers_of_other_kinds_by_hand() -> None:
    tail = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
    (first, *_) = costs(wrap(nn.Sequential(nn.ConvTranspose2d(3, 8, 3, stride=2), *tail), size=16))
    assert first == Cost("conv1", (8, 33, 33), 3 * 8 * 9 + 8, 16 * 16 * 3 * 8 * 9)
    module = nn.Sequential(parametrizations.weight_norm(nn.Conv2d(3, 8, 3)), *tail)
    found = costs(wrap(module, size=16))
    assert sum(cost.multiplications for cost in found) == 8 * 14 * 14 * 27 + 40
    assert sum(cost.parameters for cost in found) == sum(one.numel() for one in module.parameters())


def test_counting_lays_no_hook_on_what_other_threads_run() -> None:
    """Torch's module tracker lays one on every module of the process; a gradient beside it was an error."""
    met: list[bool] = []

    class Watching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            with ThreadPoolExecutor(1) as other:
                slopes = other.submit(_slope).result()
            met.append(bool(nn.modules.module._global_forward_pre_hooks) or not slopes.any())
            out: Tensor = self.fc(x.mean((2, 3)))
            return out

    net = wrap(Watching(), size=8)
    met.clear()
    assert costs(net) == [Cost("fc", (2,), 8, 6)]
    assert met == [False] * len(met) != []


def _slope() -> Tensor:
    linear = nn.Linear(3, 2)
    with torch.enable_grad():
        linear(torch.ones(1, 3)).sum().backward()
    assert linear.weight.grad is not None
    return linear.weight.grad
