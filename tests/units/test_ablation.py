"""Ablation: by hand, against the naive loop, for every kind of head; what is refused and what is left."""

import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, everybody's name for it
from torch.utils.data import TensorDataset

from camlib.heatmaps.classifier import find_classifier
from camlib.networks.eval_mode import evaluating
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.pictures.digits import digits
from camlib.running import silencer
from camlib.running.record import silence
from camlib.running.silencer import Silencer
from camlib.scenes.scenes import critters
from camlib.units.ablation import Ablation, ablate, silenced_logits


def naive(net: Net, layer: str, images: Tensor, labels: Tensor, units: int) -> tuple[Tensor, Tensor]:
    """Errors and summed losses (units + 1, C) by class, the last row with none silent, by full passes."""
    wrong = torch.zeros(units + 1, len(net.classes), dtype=torch.int64)
    summed = torch.zeros(units + 1, len(net.classes), dtype=torch.float64)
    for unit in range(units + 1):
        with evaluating(net), torch.no_grad(), silence(net, layer, [unit] if unit < units else []):
            logits = net(images).double()
        losses = F.cross_entropy(logits, labels, reduction="none")
        wrong[unit].index_add_(0, labels, (logits.argmax(1) != labels).long())
        summed[unit].index_add_(0, labels, losses)
    return wrong, summed


def agrees(found: Ablation, net: Net, layer: str, images: Tensor, labels: Tensor, near: float = 1e-5) -> None:
    wrong, summed = naive(net, layer, images, labels, len(found.errors))
    both = torch.cat([found.by_class.wrong, found.by_class.baseline.wrong[None]])
    assert both.tolist() == wrong.tolist()
    torch.testing.assert_close(
        torch.cat([found.by_class.summed, found.by_class.baseline.summed[None]]), summed, rtol=near, atol=near
    )
    torch.testing.assert_close(found.losses, summed[:-1].sum(1) / len(images), rtol=near, atol=near)
    assert found.errors.tolist() == (wrong[:-1].sum(1).double() / len(images)).tolist()
    assert found.baseline.counts == len(images)


def pictures(n: int, channels: int = 3, side: int = 16) -> Tensor:
    return torch.rand(n, channels, side, side, generator=torch.Generator().manual_seed(1))


def hooks(net: nn.Module) -> int:
    return sum(len(inner._forward_hooks) + len(inner._forward_pre_hooks) for inner in net.modules())


class Chain(nn.Module):
    """A body of any kind between a convolution and the logits."""

    def __init__(self, body: Callable[[Any, Tensor], Any], seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.body = body
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1, stride=2)
        self.relu = nn.ReLU(inplace=True)
        self.norm = nn.BatchNorm2d(6)
        self.fc = nn.Linear(6, 4)
        self.wide = nn.Linear(12, 4)
        self.norm.get_buffer("running_mean").uniform_()
        for parameter in self.parameters():
            parameter.data *= 3

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.body(self, images)
        return logits


def straight(net: Any, x: Tensor) -> Any:
    return net.fc(net.norm(net.second(net.relu(net.first(x)))).mean((2, 3)))


def around(net: Any, x: Tensor) -> Any:
    """second lies inside a residual block."""
    first = net.first(x)
    return net.fc((F.max_pool2d(first, 2) + net.second(first)).relu().mean((2, 3)))


def twice(net: Any, x: Tensor) -> Any:
    """second is called two times, and silent in both."""
    return net.fc(net.second(net.second(net.first(x)).relu()).amax((2, 3)))


def beside(net: Any, x: Tensor) -> Any:
    """Something of the picture itself reaches the logits."""
    return net.fc(net.second(net.first(x)).mean((2, 3))) + x.mean((2, 3)).sum(1, keepdim=True)


def past(net: Any, x: Tensor) -> Any:
    """The layer reaches the logits past the linear layer too."""
    maps = net.second(net.first(x)).mean((2, 3))
    return net.fc(maps) + maps[:, :4] ** 2


def mixed(net: Any, x: Tensor) -> Any:
    """Each input of the linear layer depends on two units."""
    maps = net.second(net.first(x)).mean((2, 3))
    return net.fc(maps + maps.roll(1, 1))


def doubled(net: Any, x: Tensor) -> Any:
    """Two inputs of each unit, not side by side; at silence they are not 0."""
    maps = net.second(net.first(x))
    return net.wide(torch.cat([maps.mean((2, 3)), maps.amax((2, 3)).sigmoid()], 1)).tanh()


def overwritten(net: Any, x: Tensor) -> Any:
    """The logits are changed in place behind the linear layer."""
    return net.fc(net.second(net.first(x)).mean((2, 3))).mul_(2)


def gated(net: Any, x: Tensor) -> Any:
    """Inputs 0 to 5 look at one unit each; but NaN does not show that 6 to 11 look at all."""
    maps = net.second(net.first(x)).mean((2, 3))
    return net.wide(torch.cat([maps, (maps.sum(1, keepdim=True) > 0).float().expand(-1, 6)], 1))


def added(net: Any, x: Tensor) -> Any:
    """As in a ResNet's last block: what goes around second is added to its output in place."""
    first = net.first(x)
    out = net.second(first)
    out += F.max_pool2d(first, 2)
    return net.fc(out.relu().mean((2, 3)))


def unlike(net: Any, x: Tensor) -> Any:
    """Without numbers another way is taken than with."""
    first = net.first(x)
    out = net.second(first)
    return net.fc((out if first.is_meta else out + F.max_pool2d(first, 2)).relu().mean((2, 3)))


BODIES = (added, unlike, overwritten, gated, straight, around, twice, beside, past, mixed, doubled)


def by_hand() -> Net:
    """Two units, red and green light; logits red, green."""
    module = nn.Sequential(
        nn.Conv2d(3, 2, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2)
    )
    module[0].weight.data = torch.tensor([[1.0, 0, 0], [0, 1, 0]]).view(2, 3, 1, 1)
    module[3].weight.data, module[3].bias.data = torch.eye(2), torch.tensor([0.0, -0.5])
    return wrap(module, classes=["red", "green"], mean=[0.0] * 3, std=[1.0] * 3, size=2)


def test_by_hand() -> None:
    net = by_hand()
    images = (
        torch.tensor([[1.0, 0, 0], [0.75, 0, 0], [0, 1, 0], [1, 1, 0]]).view(4, 3, 1, 1).expand(-1, -1, 2, 2)
    )
    found = ablate(net, "conv1", TensorDataset(images, torch.tensor([0, 0, 1, 1])))
    # Logits (1, -½) (¾, -½) (0, ½) (1, ½): the last one is wrong. Without red (0, -½) (0, -½) (0, ½) (0, ½):
    # none. Without green, (1, -½) (¾, -½) (0, -½) (1, -½): both greens.
    assert found.baseline.wrong == 1
    assert found.baseline.errors == 0.25
    assert found.errors.tolist() == [0.0, 0.5]
    assert found.by_class.errors.tolist() == [[0.0, 0.0], [0.0, 1.0]]
    assert found.by_class.baseline.errors.tolist() == [0.0, 0.5]
    assert found.by_class.baseline.counts.tolist() == [2, 2]
    # -log p is log(1 + e^(other - true)): without red each picture's is log(1 + e^-½).
    torch.testing.assert_close(found.losses[0], torch.tensor(-0.5).double().exp().log1p(), rtol=1e-6, atol=0)
    assert found.summed[0] == pytest.approx(4 * found.losses[0].item())
    logits, silenced = silenced_logits(net, "conv1", images)
    assert logits.tolist() == [[1, -0.5], [0.75, -0.5], [0, 0.5], [1, 0.5]]
    assert silenced[3].tolist() == [[0, 0.5], [1, -0.5]]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("layer", ["first", "second"])
def test_equals_the_naive_loop(body: Any, layer: str) -> None:
    net, images = wrap(Chain(body), size=16), pictures(7)
    labels = torch.tensor([0, 1, 2, 3, 0, 1, 2])
    agrees(ablate(net, layer, TensorDataset(images, labels), batch_size=3), net, layer, images, labels)
    assert hooks(net) == 0


@pytest.mark.parametrize(
    ("body", "layer", "cut", "closed"),
    [
        (straight, "norm", None, True),
        (straight, "second", None, True),
        (straight, "first", "first", False),
        (around, "second", None, True),
        (added, "second", None, True),
        (unlike, "second", None, True),
        (around, "first", "first", False),
        (twice, "second", "second", False),
        (beside, "second", None, False),
        (past, "second", "second", False),
        (mixed, "second", "second", False),
        (doubled, "second", "wide", False),
        (overwritten, "second", "fc", False),
        (gated, "second", "second", False),
    ],
)
def test_finds_the_last_place_to_cut(body: Any, layer: str, cut: str | None, closed: bool) -> None:
    net = wrap(Chain(body), size=16)
    found = Silencer(net, layer, (16, 16))
    assert (found.linear is not None and found.linear.rest is None) == closed
    assert (found.cut and found.cut.module) == (cut and net.layer(cut))


@pytest.mark.parametrize("layer", ["conv1", "conv2", "pool2", "fc1", "fc3"])
def test_lenet(layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silencer, "_ROOM", 50_000)  # several parts of every batch
    net, some = load("lenet"), digits(split="test", source="sklearn")[:40]
    agrees(ablate(net, layer, some, batch_size=16), net, layer, some.images, some.labels)


def test_critters() -> None:
    net, scenes = load("critternet_gap"), critters(12, seed=3)
    for layer in ("conv5", "conv3"):
        agrees(ablate(net, layer, scenes, batch_size=5), net, layer, scenes.images, scenes.labels, near=1e-4)


@pytest.mark.parametrize(
    "layer", ["layer4", "layer3", "layer4.0.conv1", "maxpool", "layer4.1.bn2", "layer4.1.conv2"]
)
def test_resnet18(layer: str) -> None:
    net, images = load("resnet18", weights="random"), pictures(2, side=64)
    logits, silenced = silenced_logits(net, layer, images)
    units = [0, 5, silenced.shape[1] - 1]
    with torch.no_grad():
        for unit in units:
            with silence(net, layer, unit):
                torch.testing.assert_close(silenced[:, unit], net(images), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(logits, net(images))
    assert hooks(net) == 0
    assert not logits.is_inference()
    assert not silenced.is_inference()


def test_the_closed_form_is_the_weight_times_the_mean() -> None:
    """y - y_u = w_u · mean of A_u: Ablation-CAM's drop is CAM's weight times the unit's mean."""
    net, scene = load("critternet_gap"), critters(2, seed=4)
    logits, silenced = silenced_logits(net, "conv5", scene.images)
    head = find_classifier(net, scene.images)
    wanted = torch.einsum("ck,nk->nkc", head.weight, head.features.mean((2, 3)))
    torch.testing.assert_close(logits[:, None] - silenced, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions(dtype: torch.dtype) -> None:
    net, images = wrap(Chain(doubled).to(dtype), size=16), pictures(3)
    near = 1e-9 if dtype == torch.float64 else 0.05
    silenced = silenced_logits(net, "second", images)[1]
    assert silenced.dtype == torch.promote_types(dtype, torch.float32)
    with silence(net, "second", 4), torch.no_grad():
        torch.testing.assert_close(silenced[:, 4], net(images).to(silenced.dtype), rtol=near, atol=near)


def test_units_that_are_silent_already_stay_so() -> None:
    net, images = load("lenet"), digits(split="test", source="sklearn")[:3].images
    for layer, other in (("conv2", "fc1"), ("conv2", "pool2"), ("conv2", "conv2"), ("fc1", "conv1")):
        with silence(net, other, [1, 2]):
            silenced = silenced_logits(net, layer, images)[1]
            with silence(net, layer, 5), torch.no_grad():
                torch.testing.assert_close(silenced[:, 5], net(images), rtol=1e-4, atol=1e-4)
    assert hooks(net) == 0


def test_a_hook_of_the_caller_on_the_whole_counts() -> None:
    net, images = load("lenet"), digits(split="test", source="sklearn")[:2].images
    with net.register_forward_hook(lambda _m, _i, logits: logits * 2):
        twofold = silenced_logits(net, "conv2", images)[1]
    torch.testing.assert_close(twofold, 2 * silenced_logits(net, "conv2", images)[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("at", ["", "0", "0.0", "0.2", "1"])
@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_a_hook_that_changes_an_output_counts_wherever_it_lies(at: str, layer: str) -> None:
    torch.manual_seed(0)
    trunk = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(1))
    module = nn.Sequential(trunk, nn.Sequential(nn.Flatten(), nn.Linear(4, 3)))
    met = list[bool]()

    def colder(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        met.append(output.is_meta)
        return output / 0.1 + 1

    module.get_submodule(at).register_forward_hook(colder)
    net, images = wrap(module, size=16), pictures(2)
    silenced = silenced_logits(net, layer, images)[1]
    with silence(net, layer, 2), torch.no_grad():
        torch.testing.assert_close(silenced[:, 2], net(images), rtol=1e-4, atol=1e-4)
    assert not any(met)


class _Gated(nn.Module):
    """Keeps what its forward makes, in an attribute and in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.gate: Tensor = self.linear(x.mean((2, 3))).sigmoid()
        self.seen[:] = [self.gate]
        gated: Tensor = x * self.gate[:, :, None, None]
        return gated


def test_what_forward_keeps_has_numbers_afterwards() -> None:
    gated, images = _Gated(), pictures(2)
    body = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), gated, nn.Conv2d(6, 6, 3), nn.ReLU())
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 4))
    net = wrap(nn.Sequential(*body, *head), size=16)
    logits, _ = silenced_logits(net, "2", images)
    assert not gated.gate.is_meta
    assert not gated.seen[0].is_meta
    torch.testing.assert_close(net(images), logits)


def test_the_network_is_left_as_it_was() -> None:
    net = wrap(Chain(around), size=16)
    net.train()
    before = {name: (tensor, tensor.clone()) for name, tensor in net.state_dict(keep_vars=True).items()}
    state = torch.get_rng_state()
    with torch.no_grad():
        ablate(net, "second", TensorDataset(pictures(2), torch.tensor([0, 1])))
    with pytest.raises(KeyboardInterrupt):
        ablate(net, "second", _Interrupted())
    assert all(module.training for module in net.modules())
    assert hooks(net) == 0
    assert torch.equal(state, torch.get_rng_state())
    after = net.state_dict(keep_vars=True)
    for name, (tensor, values) in before.items():
        assert after[name] is tensor
        assert torch.equal(tensor, values)
        assert tensor.grad is None
        assert not tensor.is_meta


class _Interrupted:
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if index > 1:
            raise KeyboardInterrupt
        return torch.zeros(3, 16, 16), 0


class _Watched:
    """A data set that counts how many of its pictures are alive."""

    def __init__(self, count: int) -> None:
        self.count, self.given, self.most = count, [], 0  # type: ignore[var-annotated]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        self.most = max(self.most, sum(one() is not None for one in self.given))
        picture = torch.rand(3, 16, 16)
        self.given.append(weakref.ref(picture))
        return picture, index % 4


def test_memory_does_not_grow_with_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture outlives its batch, the trunk sees each one once, and a run has a bounded number of rows."""
    monkeypatch.setattr(silencer, "_ROOM", 6 * 16 * 16 * 10)  # ten times what `first` gives out
    seen: list[tuple[int, bool]] = []

    def watched(net: Any, x: Tensor) -> Any:
        seen.append((len(x), x.is_meta))
        return straight(net, x)

    data, net = _Watched(40), wrap(Chain(watched), size=16)
    seen.clear()
    found = ablate(net, "first", data, batch_size=4)
    assert data.most <= 8
    assert found.counts.tolist() == [40] * 6
    with_numbers = [rows for rows, meta in seen if not meta]
    assert with_numbers == [2, 1, *[4] * 10]  # two to find the cut
    assert max(rows for rows, meta in seen if meta) == 10


def test_a_class_without_pictures_is_not_a_number() -> None:
    found = ablate(by_hand(), "conv1", TensorDataset(pictures(3, side=2), torch.zeros(3, dtype=torch.int64)))
    assert found.by_class.losses[:, 1].isnan().all()
    assert found.by_class.baseline.errors[1].isnan()
    assert found.losses.isfinite().all()


@pytest.mark.parametrize(
    ("layer", "dataset", "words"),
    [
        ("conv7", TensorDataset(pictures(1, side=2), torch.tensor([0])), "no layer 'conv7'"),
        ("conv1", pictures(2, side=2), "has no labels"),
        (
            "conv1",
            TensorDataset(pictures(1, side=2), torch.tensor([2])),
            "0 to 1 for Sequential; given int64",
        ),
        ("conv1", TensorDataset(pictures(1, side=2), torch.tensor([-1])), "class indices"),
        ("conv1", TensorDataset(pictures(1, side=2), torch.tensor([0.5])), "class indices"),
        ("conv1", TensorDataset(pictures(1, side=2)[:0], torch.tensor([])), "empty"),
        ("conv1", TensorDataset(pictures(1, 1, side=2), torch.tensor([0])), "wants images"),
        ("conv1", 7, "cannot stream a int"),
    ],
)
def test_refuses(layer: str, dataset: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ablate(by_hand(), layer, dataset)


def test_refuses_what_is_not_a_number() -> None:
    net = by_hand()
    net.get_parameter("module.3.bias").data[0] = torch.nan
    with pytest.raises(ValueError, match="not a number for image 0"):
        ablate(net, "conv1", TensorDataset(pictures(1, side=2), torch.tensor([0])))
    with pytest.raises(ValueError, match="there is no picture"):
        silenced_logits(net, "conv1", pictures(1, side=2)[:0])
