"""Occlusion: against captum, against the naive loop, by hand, on any fill, and what it leaves behind."""

import copy
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from captum.attr import Occlusion
from torch import Tensor, nn
from torchvision import models, ops

from camlib.heatmaps.occlusion import occlude, occlusion
from camlib.heatmaps.occlusion_fills import filled
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.running.changed import runs
from camlib.running.changed.kept import Kept
from camlib.running.record import record, silence


@pytest.fixture(autouse=True, params=["only what is touched", "in full"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test goes both ways, whichever would be the cheaper one."""
    monkeypatch.setattr(runs, "worth", lambda *_: request.param != "in full")


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    module = nn.Sequential(
        *(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1)),
        *(nn.Conv2d(6, 5, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Linear(5, 4),
    )
    for parameter in module.parameters():
        parameter.data *= 3
    return wrap(module, classes=["a", "b", "c", "d"], size=24)


def pictures(n: int = 2, side: int = 24, channels: int = 3) -> Tensor:
    return torch.rand(n, channels, side, side, generator=torch.Generator().manual_seed(1))


def captums(net: Net, images: Tensor, target: Any, window: Any, stride: Any, baseline: Any) -> Tensor:
    method = Occlusion(lambda some: net(some).softmax(1))
    found: Tensor = method.attribute(
        images,
        target=target,
        sliding_window_shapes=(net.channels, *window),
        strides=(net.channels, *stride),
        baselines=baseline,
    )
    return found.mean(1)


@pytest.mark.parametrize(
    ("window", "stride"),
    [
        ((6, 6), (6, 6)),
        ((7, 5), (4, 3)),
        ((1, 1), (1, 1)),
        ((24, 9), (1, 9)),
        ((5, 24), (2, 5)),
        ((24, 24), (3, 3)),
    ],
)
@torch.no_grad()
def test_equals_captum_with_overlaps_and_at_the_border(net: Net, window: Any, stride: Any) -> None:
    images = pictures()
    ours = occlusion(net, images, [1, 2], window=window, stride=stride, fill=0.3)
    theirs = captums(net, images, torch.tensor([1, 2]), window, stride, 0.3)
    assert ours.shape == (2, 24, 24)
    assert theirs.abs().max() > 1e-3
    assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("name", ["critternet", "critternet_gap", "critternet_gmp", "lenet"])
@torch.no_grad()
def test_equals_captum_on_the_courses_networks(name: str) -> None:
    net = load(name)
    images = pictures(2, net.size, net.channels)
    side, step = net.size // 3, net.size // 5
    answer = net(images).argmax(1)
    theirs = captums(net, images, answer, (side, side), (step, step), 0.5)
    assert theirs.abs().max() > 0.01
    assert torch.allclose(occlusion(net, images, None, window=side, stride=step), theirs, atol=1e-5)


class Sum(nn.Module):
    """Class 0 has the sum of all pixels as its logit, class 1 nothing: all can be worked out by hand."""

    def forward(self, x: Tensor) -> Tensor:
        total = x.sum((1, 2, 3))
        return torch.stack([total, torch.zeros_like(total)], 1)


def test_by_hand() -> None:
    """Two of four pixels are ln 3 / 2: p = 3/4; the window of 2 leaves one of them, none, or one."""
    net = wrap(Sum(), mean=[0.0], std=[1.0], size=4)
    value = torch.log(torch.tensor(3.0)) / 2
    image = torch.tensor([0.0, 1.0, 1.0, 0.0]).mul(value).view(1, 1, 1, 4)
    found = occlude(net, image, 0, window=(1, 2), stride=1, fill=0.0)
    half = 1 - 1 / (1 + 3**0.5)  # one of the two pixels left
    assert found.before.tolist() == pytest.approx([0.75])
    assert found.after[0, 0].tolist() == pytest.approx([half, 0.5, half])
    d = 0.75 - half
    assert found.heatmaps[0, 0].tolist() == pytest.approx([d, (d + 0.25) / 2, (d + 0.25) / 2, d])
    assert found.boxes[0].tolist() == [[0, 0, 2, 1], [1, 0, 3, 1], [2, 0, 4, 1]]
    assert found.top.tolist() == [[[0, 0, 0]]]  # a tie goes to the first


def test_the_border_cuts_the_last_window_off(net: Net) -> None:
    found = occlude(net, pictures(1), 0, window=10, stride=8)
    assert found.boxes[:, 0].tolist() == [[0, 0, 10, 10], [0, 8, 10, 18], [0, 16, 10, 24]]
    assert found.boxes[2, 2].tolist() == [16, 16, 24, 24]
    found = occlude(net, pictures(1), 0)
    assert found.boxes.shape == (22, 22, 4)  # an eighth of 24, half of that rounded down
    assert found.boxes[1, 1].tolist() == [1, 1, 4, 4]


@pytest.mark.parametrize("layer", [None, "conv1", "conv2", "pool1"])
def test_what_is_recorded_equals_one_picture_at_a_time(net: Net, layer: str | None) -> None:
    images = pictures(2)
    found = occlude(net, images, ["b", "d"], window=9, stride=5, fill="noise", layer=layer)
    noise = filled(images, "noise", 9)
    assert found.targets.tolist() == [1, 3]
    for n in range(2):
        with torch.no_grad(), record(net, "conv1", layer or "conv1") as acts:
            net(images[n : n + 1])
        sums = acts[layer or "conv1"][0].sum((1, 2))
        for row, column in [(0, 0), (1, 2), (3, 3)]:
            x0, y0, x1, y1 = found.boxes[row, column].tolist()
            covered = images[n : n + 1].clone()
            covered[..., y0:y1, x0:x1] = noise[n, :, y0:y1, x0:x1]
            with torch.no_grad(), record(net, "conv1", layer or "conv1") as acts:
                answer = net(covered).softmax(1)[0]
            assert found.after[n, row, column] == pytest.approx(float(answer[found.targets[n]]), abs=1e-6)
            assert found.top[n, row, column] == answer.argmax()
            if layer is None:
                assert found.activation is found.units is found.activation_before is None
                continue
            assert found.units is not None
            assert found.activation is not None
            assert found.activation_before is not None
            assert found.units[n] == sums.argmax()
            assert found.activation_before[n] == pytest.approx(float(sums.max()), rel=1e-5)
            after = acts[layer][0, found.units[n]].sum()
            assert found.activation[n, row, column] == pytest.approx(float(after), rel=1e-5)


def test_the_recorded_layer_may_be_a_block_of_a_branched_network() -> None:
    net, image = load("resnet18", weights="random"), pictures(1, 64)
    for layer in ("layer1", "layer2", "layer1.0.conv1"):
        found = occlude(net, image, 0, window=20, stride=20, layer=layer)
        with silence(net, layer, []):  # a hook: the network runs in full
            plain = occlude(net, image, 0, window=20, stride=20, layer=layer)
        assert found.activation is not None
        assert plain.activation is not None
        assert torch.equal(found.units, plain.units)  # type: ignore[arg-type]
        assert torch.allclose(found.activation, plain.activation, rtol=1e-4)
        assert torch.allclose(found.after, plain.after, atol=1e-6)


def test_fills() -> None:
    images = pictures(3)
    own = torch.rand(3, 24, 24)
    each = torch.rand(3, 3, 24, 24)
    red = torch.tensor([1.0, 0.0, 0.0])[:, None, None].expand(3, 3, 24, 24)
    assert (filled(images, 0.25, 4) == 0.25).all()
    assert (filled(images, 1, 4) == 1).all()
    assert torch.equal(filled(images, (1, 0, 0), 4), red)
    assert torch.equal(filled(images, torch.tensor([1.0, 0, 0]), 4), red)
    assert torch.equal(filled(images, own, 4), own.expand(3, 3, 24, 24))
    assert torch.equal(filled(images, each, 4), each)
    assert torch.equal(filled(images, "mean", 4)[2, :, 5, 7], images[2].mean((1, 2)))
    noise = filled(images, "noise", 4)
    assert torch.equal(noise, filled(images, "noise", 4))
    assert torch.equal(noise[0], noise[2])
    assert 0 <= noise.min() < 0.01
    assert 0.99 < noise.max() <= 1
    blur = filled(images, "blur", (8, 1))  # nearly nothing across
    flat = torch.full((1, 3, 24, 24), 0.3)
    assert torch.allclose(filled(flat, "blur", 8), flat)
    assert blur.diff(dim=2).abs().mean() < 0.2 * images.diff(dim=2).abs().mean()
    assert blur.diff(dim=3).abs().mean() > 0.2 * images.diff(dim=3).abs().mean()


@torch.no_grad()
def test_a_given_picture_equals_captums_baseline(net: Net) -> None:
    images, other = pictures(2), torch.rand(2, 3, 24, 24)
    theirs = captums(net, images, 2, (8, 8), (4, 4), other)
    assert torch.allclose(occlusion(net, images, 2, window=8, stride=4, fill=other), theirs, atol=1e-6)


def test_a_picture_of_the_fills_colour_loses_nothing(net: Net) -> None:
    grey = torch.full((1, 3, 24, 24), 0.5)
    assert occlusion(net, grey, 0, window=8, stride=4).abs().max() == 0
    assert occlusion(net, grey, 0, window=8, stride=4, fill="mean").abs().max() == 0


def test_values_are_laid_like_drops(net: Net) -> None:
    found = occlude(net, pictures(2), 1, window=8, stride=4)
    assert torch.equal(found.lay(found.drops), found.heatmaps)
    assert torch.equal(found.drops, found.before[:, None, None] - found.after)
    assert torch.allclose(found.lay(torch.ones(2, 5, 5)), torch.ones(2, 24, 24))
    with pytest.raises(ValueError, match=r"values of shape \(2, 4, 4\) for \(5, 5\) places"):
        found.lay(torch.ones(2, 4, 4))


def test_silenced_units_stay_silent(net: Net) -> None:
    """A hook in the network is honoured: the network then runs in full."""
    images = pictures(1)
    free = occlusion(net, images, 0, window=8, stride=4)
    with silence(net, "conv2", [0, 1, 2, 3, 4]):
        assert occlusion(net, images, 0, window=8, stride=4).abs().max() == 0
    assert torch.equal(occlusion(net, images, 0, window=8, stride=4), free)
    assert free.abs().max() > 0


def test_the_network_is_left_as_it_was(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    net.module[1].train()  # type: ignore[index]
    images = pictures(1).requires_grad_()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    own = set(vars(net.module))
    modes = [module.training for module in net.modules()]
    drops = occlusion(net, images, 0, window=8, stride=4)
    assert not drops.requires_grad
    assert not drops.is_inference()

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    for way in (Kept, runs.Plain):
        monkeypatch.setattr(way, "versions", stop)
    with pytest.raises(KeyboardInterrupt):
        occlusion(net, images, 0, window=8, stride=4)
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in net.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert set(vars(net.module)) == own


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_under_the_callers_mode_and_frozen(net: Net, mode: Any) -> None:
    images = pictures(1)
    free = occlusion(net, images, 0, window=8, stride=4)
    with mode():
        assert torch.equal(occlusion(net, images, 0, window=8, stride=4), free)
    assert torch.equal(occlusion(net.requires_grad_(False), images, 0, window=8, stride=4), free)


def test_half_precision(net: Net) -> None:
    images = pictures(1)
    free = occlusion(net, images, 0, window=8, stride=4)
    half = occlusion(net.bfloat16(), images, 0, window=8, stride=4)
    assert half.dtype == torch.float32
    assert torch.allclose(half, free, atol=0.02)


def test_wrong_input_is_refused_before_any_work(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    images = pictures(2)
    monkeypatch.setattr(
        sys.modules["camlib.heatmaps.occlusion"], "runs", lambda *_: pytest.fail("it has begun")
    )
    for window in (0, -3, 2.5, (3,), "big", True):
        with pytest.raises(ValueError, match=r"window is .*; give a number of pixels"):
            occlusion(net, images, window=window)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="stride is 0"):
        occlusion(net, images, stride=0)
    with pytest.raises(ValueError, match="a window of 25 pixels does not fit into a picture of 24"):
        occlusion(net, images, window=(3, 25))
    with pytest.raises(ValueError, match="a stride of 5 leaves out pixels between windows of 4"):
        occlusion(net, images, window=4, stride=5)
    with pytest.raises(ValueError, match="no fill 'gray'"):
        occlusion(net, images, fill="gray")
    unfit: list[Any] = [(1, 2), torch.zeros(4, 24, 24), torch.zeros(3, 20, 24), ["a"], None]
    for fill in unfit:
        with pytest.raises(ValueError, match="fills no images"):
            occlusion(net, images, fill=fill)
    for fill in (128, -1, float("nan"), torch.full((3, 24, 24), 255)):
        with pytest.raises(ValueError, match=r"pictures are in \[0, 1\]"):
            occlusion(net, images, fill=fill)
    with pytest.raises(ValueError, match="no class 'e'"):
        occlusion(net, images, "e")
    with pytest.raises(ValueError, match="3 targets for 2 images"):
        occlusion(net, images, [0, 1, 2])
    with pytest.raises(ValueError, match="wants images as floats"):
        occlusion(net, (images * 255).byte())
    with pytest.raises(ValueError, match="wants images as floats"):
        occlusion(net, images[0])
    with pytest.raises(ValueError, match="there is no picture"):
        occlusion(net, images[:0])
    with pytest.raises(ValueError, match="no layer 'conv7'"):
        occlude(net, images, layer="conv7")
    with pytest.raises(ValueError, match="'fc3' has no map"):
        occlude(net, images, layer="fc3")


def test_a_picture_that_the_network_does_not_take() -> None:
    with pytest.raises(ValueError, match=r"critternet wants .*; given float32, shape \(1, 3, 64, 64\)"):
        occlusion(load("critternet", weights="random"), pictures(1, 64))


class Looks(nn.Module):
    """Control flow on values: no graph."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 5, stride=2), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Any:
        maps = self.conv(x)
        return self.fc(maps.relu().amax((2, 3)) if float(maps.sum()) > -1e9 else maps.mean((2, 3)))


@torch.no_grad()
def test_a_network_without_a_graph_runs_in_full() -> None:
    net, images = wrap(Looks(), size=24), pictures(2)
    y = torch.tensor([[0, 8], [5, 13]])
    assert isinstance(runs.runs(net, None, y, y, (24, 24))(images[0], images[1]), runs.Plain)
    theirs = captums(net, images, 1, (8, 8), (5, 5), 0.5)
    assert theirs.abs().max() > 1e-3
    assert torch.allclose(occlusion(net, images, 1, window=8, stride=5), theirs, atol=1e-6)


class Learners(nn.Module):
    """A network of a learner's own, whose forward does this with its two layers."""

    scale: Tensor

    def __init__(self, way: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.way, self.flags = way, SimpleNamespace(act=torch.relu)
        self.conv, self.fc = nn.Conv2d(3, 4, 5, stride=4, padding=1), nn.Linear(4 * 36, 3)
        self.gated = Gated()
        self.register_buffer("scale", torch.tensor(1.0))

    def forward(self, x: Tensor) -> Any:
        return self.way(self, x)


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Any:
        self.gate = x.mean(1, keepdim=True).sigmoid()
        self.seen[:] = [self.gate]
        return x * self.gate


def autocasting(net: Any, x: Tensor) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return net.fc(net.conv(x).relu().flatten(1)).float()


WAYS = {
    "view": lambda net, x: net.fc(net.conv(x).relu().view(-1, 4 * 36)),
    "view of a size": lambda net, x: net.fc(net.conv(x).relu().view(x.size(0), -1)),
    "autocast": autocasting,
    "a gate": lambda net, x: net.fc(net.gated(net.conv(x)).flatten(1)),
    "a buffer": lambda net, x: net.fc(net.conv(x).relu().flatten(1)) / net.scale.item(),
    "a flag": lambda net, x: net.fc(net.flags.act(net.conv(x)).flatten(1)),
}


def rescaled(net: Net) -> None:
    net.module.scale.fill_(0.1)  # type: ignore[operator]


def reflagged(net: Net) -> None:
    net.module.flags.act = torch.tanh  # type: ignore[union-attr]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("change", [lambda _: None, rescaled, reflagged])
@torch.no_grad()
def test_a_learners_own_network_as_it_is_now(way: str, change: Any) -> None:
    """Whatever its forward does, and whatever was changed since it was run the last time."""
    net, images = wrap(Learners(WAYS[way]), size=24), pictures(2)
    occlusion(net, images, 1, window=8, stride=4)
    change(net)
    theirs = captums(net, images, 1, (8, 8), (4, 4), 0.5)
    assert theirs.abs().max() > 1e-3
    for _ in range(2):
        torch.testing.assert_close(occlusion(net, images, 1, window=8, stride=4), theirs, rtol=0, atol=1e-6)


def test_only_tensors_are_left_where_forward_keeps_something() -> None:
    module, images = Learners(WAYS["a gate"]), pictures(1)
    occlusion(wrap(module, size=24), images, 1, window=8, stride=4)
    assert isinstance(module.gated.gate, Tensor)
    assert isinstance(module.gated.seen[0], Tensor)


@torch.no_grad()
def test_frozen_batch_norms_are_read_anew() -> None:
    torch.manual_seed(0)
    module, images = models.resnet18(norm_layer=ops.FrozenBatchNorm2d), pictures(1, side=64)
    net = wrap(module, size=64)
    occlusion(net, images, 0, window=16)
    state = {name: value + 0.1 if ".bn2." in name else value for name, value in module.state_dict().items()}
    module.load_state_dict(state)
    fresh = occlusion(wrap(copy.deepcopy(module), size=64), images, 0, window=16)
    assert fresh.abs().max() > 1e-5
    torch.testing.assert_close(occlusion(net, images, 0, window=16), fresh, rtol=1e-2, atol=1e-7)
