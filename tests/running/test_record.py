"""`record` and `silence`, on networks whose numbers can be worked out by hand."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.running.extractor import FeatureExtractor
from camlib.running.record import record, silence
from camlib.units.ablation import silenced_logits


class Bias(nn.Module):
    """Adds a constant: 1 in channel 0, -2 in channel 1."""

    def forward(self, x: Tensor) -> Any:
        return x + torch.tensor([1.0, -2.0], device=x.device).view(2, 1, 1)


class Small(nn.Module):
    """Each channel's mean after bias, ReLU (in place), bias, the same ReLU, doubling (in place)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(Bias(), nn.ReLU(inplace=True))
        self.again = Bias()

    def forward(self, x: Tensor) -> Any:
        maps = self.trunk[1](self.again(self.trunk(x)))
        maps *= 2
        return maps.mean((2, 3))


@pytest.fixture
def small() -> Net:
    return wrap(Small(), mean=[0.0, 0.0], std=[1.0, 1.0], size=2)


def hooks(net: nn.Module) -> int:
    return sum(len(inner._forward_hooks) + len(inner._forward_pre_hooks) for inner in net.modules())


def fail_after(_: Tensor) -> None:
    raise RuntimeError("stop")


def test_record_keeps_what_a_following_operation_overwrites(small: Net) -> None:
    image = torch.zeros(1, 2, 2, 2)
    plain = small(image)
    with record(small, "trunk.0", "again", "trunk.1") as acts:
        assert torch.equal(small(image), plain)
    # bias (1, -2), ReLU (1, 0), bias (2, -2), ReLU (2, 0), doubled (4, 0)
    assert plain.tolist() == [[4.0, 0.0]]
    assert acts["trunk.0"][0, :, 0, 0].tolist() == [1.0, -2.0]
    assert acts["again"][0, :, 0, 0].tolist() == [2.0, -2.0]
    assert acts["trunk.1"][0, :, 0, 0].tolist() == [2.0, 0.0]  # before the doubling
    assert acts["trunk.1"].shape == (1, 2, 2, 2)


def test_a_module_used_twice_has_both_calls(small: Net) -> None:
    with record(small, "trunk.1") as acts:
        for _ in range(3):  # the record is of the last run alone
            small(torch.zeros(1, 2, 2, 2))
    assert [call[0, :, 0, 0].tolist() for call in acts.calls["trunk.1"]] == [[1.0, 0.0], [2.0, 0.0]]
    assert acts["trunk.1"] is acts.calls["trunk.1"][-1]


def test_record_holds_the_last_run(small: Net) -> None:
    with record(small, "trunk") as acts:
        small(torch.zeros(3, 2, 2, 2))
        assert acts["trunk"].shape == (3, 2, 2, 2)
        small(torch.ones(1, 2, 2, 2))
        assert acts["trunk"][:, 0].mean() == 2
    small(torch.zeros(1, 2, 2, 2))
    assert acts["trunk"][:, 0].mean() == 2  # after the block it stays as it was


def test_record_says_what_is_missing(small: Net) -> None:
    with record(small, "trunk") as acts:
        with pytest.raises(KeyError, match="'trunk' has not run yet: run the network inside"):
            acts["trunk"]
        small(torch.zeros(1, 2, 2, 2))
    with pytest.raises(KeyError, match="'again' is not recorded; recorded are 'trunk'"):
        acts["again"]


def test_gradients_reach_what_was_recorded() -> None:
    """Also with frozen parameters, and when an in-place operation follows."""
    first = nn.Conv2d(1, 2, 1, bias=False)
    module = nn.Sequential(first, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net = wrap(module, mean=[0.0], std=[1.0], size=2)
    nn.init.ones_(first.weight)
    for frozen in (False, True):
        net.requires_grad_(not frozen)
        image = torch.ones(1, 1, 2, 2, requires_grad=True)
        with record(net, "0", "conv1") as acts:
            logits = net(image)
        gradients = torch.autograd.grad(logits[0, 0], [acts["0"], acts["conv1"]])
        for gradient in gradients:  # a mean over four cells: a quarter each, none for the other channel
            assert gradient[0].flatten(1).tolist() == [[0.25] * 4, [0.0] * 4]
    assert all(parameter.grad is None for parameter in net.parameters())


def test_one_layer_under_two_names() -> None:
    net = load("lenet", weights="random")
    with torch.inference_mode(), record(net, "conv1", "relu1") as acts:
        net(torch.rand(2, 1, 28, 28))
    assert torch.equal(acts["conv1"], acts["relu1"])
    assert acts["conv1"].max() > 0


def test_nothing_is_left_behind_after_success_or_failure(small: Net) -> None:
    trunk = small.layer("trunk").train()
    before = hooks(small)
    kept = trunk.register_forward_hook(lambda *_: None)
    image = torch.zeros(1, 2, 2, 2)
    plain = small(image)
    with record(small, "trunk", "again"), silence(small, "trunk", 0):
        # the learner's, two layers and the root, the silencer and the root
        assert hooks(small) == before + 1 + 3 + 2
        small(image)
    assert hooks(small) == before + 1
    with pytest.raises(RuntimeError, match="stop"), record(small, "trunk"), silence(small, "again", [1]):
        fail_after(small(image))
    with pytest.raises(ValueError, match="wants images"), record(small, "trunk"):
        small(image[0])
    assert hooks(small) == before + 1
    kept.remove()
    assert hooks(small) == before
    assert torch.equal(small(image), plain)
    assert (small.training, trunk.training) == (False, True)


def test_unknown_layers_and_layers_without_a_tensor(small: Net) -> None:
    with pytest.raises(ValueError, match=r"Small has no layer 'agin' \(did you mean 'again'\?\)"):
        record(small, "trunk", "agin").__enter__()
    with pytest.raises(ValueError, match="name the layers to record"):
        record(small).__enter__()
    assert hooks(small) == 0
    attention = nn.TransformerEncoderLayer(4, 1, 4)
    attention.train()
    with (
        pytest.raises(ValueError, match="'self_attn' gives a tuple, not a tensor"),
        record(attention, "self_attn"),
    ):
        attention(torch.zeros(2, 1, 4))
    assert hooks(attention) == 0


def test_a_plain_module_is_recorded_by_dotted_names() -> None:
    inner = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    net = nn.Sequential(inner, nn.Linear(3, 1))
    x = torch.rand(4, 2)
    with record(net, "0.0", "0") as acts:
        net(x)
    assert torch.equal(acts["0.0"], inner[0](x))
    assert torch.equal(acts["0"], inner(x))
    with pytest.raises(ValueError, match=r"Sequential has no layer '2'.*; it has 0, 1"):
        record(net, "2").__enter__()


def test_silence(small: Net) -> None:
    image = torch.zeros(2, 2, 2, 2)
    with silence(small, "again", 0):
        assert small(image).tolist() == [[0.0, 0.0]] * 2
    with silence(small, "trunk", [0]):  # bias, silenced to 0, bias 1, ReLU, doubled
        assert small(image).tolist() == [[2.0, 0.0]] * 2
    with silence(small, "trunk", torch.tensor([1])), silence(small, "again", []):
        assert small(image).tolist() == [[4.0, 0.0]] * 2
    with pytest.raises(ValueError, match="unit 2: 'trunk' has 2 units"), silence(small, "trunk", [0, 2]):
        small(image)
    for wrong in (-1, [0, -1], [0.5], [True], torch.tensor([0.5])):
        with pytest.raises(ValueError, match="units are whole numbers from 0"):
            silence(small, "trunk", wrong).__enter__()  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no layer 'x'"):
        silence(small, "x", 0).__enter__()
    assert hooks(small) == 0


def test_silence_equals_zeroed_weights() -> None:
    """Silencing conv2's units 3 and 5 is the same as zeroing their weights and biases."""
    net, image = load("critternet", weights="random"), torch.rand(2, 3, 128, 128)
    pruned = copy.deepcopy(net)
    with torch.no_grad():
        pruned.get_parameter("module.conv2.weight")[[3, 5]] = 0
        pruned.get_parameter("module.conv2.bias")[[3, 5]] = 0
    with silence(net, "conv2", [3, 5]), torch.inference_mode():
        assert torch.allclose(net(image), pruned(image), atol=1e-6)
    assert not torch.allclose(net(image), pruned(image), atol=1e-6)


def test_a_record_shows_the_silence_in_either_order(small: Net) -> None:
    image = torch.zeros(1, 2, 2, 2)
    with silence(small, "trunk", 0), record(small, "trunk") as inner:
        small(image)
    with record(small, "trunk") as outer, silence(small, "trunk", 0):
        small(image)
    assert inner["trunk"][0, 0].tolist() == outer["trunk"][0, 0].tolist() == [[0.0, 0.0]] * 2


class Ignored(nn.Module):
    """Calls an activation that works in place, and goes on with what it gave in, or with what it got back."""

    def __init__(self, act: nn.Module, ignores: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.act, self.ignores = nn.Conv2d(3, 6, 3), act, ignores
        self.second, self.fc = nn.Conv2d(6, 5, 3), nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Any:
        maps = self.first(x)
        back = self.act(maps)
        return self.fc(self.second(maps if self.ignores else back).square().mean((2, 3)))


ACTS = {"ReLU": nn.ReLU, "ReLU6": nn.ReLU6, "LeakyReLU": nn.LeakyReLU, "ELU": nn.ELU, "SiLU": nn.SiLU}


@pytest.mark.parametrize("layer", ["act", "first"])
@pytest.mark.parametrize("act", ACTS)
def test_a_layer_that_works_in_place_is_silent_though_its_answer_is_ignored(act: str, layer: str) -> None:
    images = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    found = []
    for inplace, ignores in ((False, False), (True, False), (True, True)):
        net = wrap(Ignored(ACTS[act](inplace=inplace), ignores), size=12)
        pixels = images.clone().requires_grad_()
        with silence(net, layer, [1, 4]):
            logits = net(pixels)
            slope = torch.autograd.grad(logits[:, 1].sum(), pixels)[0]
            with torch.inference_mode():
                assert torch.equal(net(images), logits)
        assert not torch.equal(net(images), logits)
        found.append((logits, slope, *silenced_logits(net, layer, images)))
    for one in found[1:]:
        for got, want in zip(one, found[0], strict=True):
            torch.testing.assert_close(got, want)
    assert found[0][3].shape == (2, 6, 4)


def test_a_layer_is_looked_up_as_often_as_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once for each call of a network's modules, of which mobileone_s0 has a thousand: it took 30 s."""
    net = load("critternet", weights="random")
    looked: list[str] = []
    layer = Net.layer

    def look(net: Net, name: str) -> nn.Module:
        looked.append(name)
        return layer(net, name)

    monkeypatch.setattr(Net, "layer", look)
    FeatureExtractor(net, "conv1", "conv3")
    assert looked == ["conv1", "conv3"]
