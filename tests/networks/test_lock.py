"""Two threads use one network: each gets what it would get alone. What is remembered is forgotten in time."""

import copy
import pickle
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from camlib.embeddings.codes import codes
from camlib.geometry.field import receptive_field
from camlib.heatmaps.cam import cam
from camlib.heatmaps.gradcam import gradcam
from camlib.heatmaps.occlusion import occlusion
from camlib.heatmaps.saliency import saliency
from camlib.heatmaps.similarnet import similarnet
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.running.extractor import FeatureExtractor
from camlib.running.record import record, silence
from camlib.trust.randomise import fresh
from camlib.units.ablation import silenced_logits

ROUNDS = 30


@pytest.fixture(scope="module")
def net() -> Net:
    return load("critternet_gap")


@contextmanager
def looping(work: Callable[[], object]) -> Iterator[list[BaseException]]:
    """Another thread does the work again and again; what goes wrong there is in the list."""
    wrong: list[BaseException] = []
    stop, begun = threading.Event(), threading.Event()

    def loop() -> None:
        while not stop.is_set():
            try:
                work()
            except BaseException as error:  # also what is no Exception
                wrong.append(error)
                stop.set()
            begun.set()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        begun.wait()
        yield wrong
    finally:
        stop.set()
        thread.join()


def silenced(net: Net, images: torch.Tensor) -> None:
    with silence(net, "conv5", range(64)), torch.inference_mode():
        net(images)


def recorded(net: Net, images: torch.Tensor) -> None:
    with record(net, "conv3") as acts, torch.inference_mode():
        net(images)
    assert acts["conv3"].shape[1] == 64


def retraced(net: Net, _images: torch.Tensor) -> None:
    net.found.clear()  # so that the network runs without numbers again
    receptive_field(net, "conv4")
    FeatureExtractor(net, "conv2")


BESIDE: dict[str, Callable[[Net, torch.Tensor], object]] = {
    "silence": silenced,
    "record": recorded,
    "codes": lambda net, images: codes(net, "conv4", images, pool="mean"),
    "tracing": retraced,
    "gradcam": gradcam,
    "occlusion": lambda net, images: occlusion(net, images[:1], window=64, stride=64),
    "ablation": lambda net, images: silenced_logits(net, "conv5", images[:1]),
    "training": lambda net, images: net.train()(images),
    "without pools": lambda net, images: similarnet(net, "conv3", images, torch.ones(64), pools=False),
}


@pytest.mark.parametrize("beside", BESIDE)
def test_a_run_beside_another_is_as_it_is_alone(net: Net, beside: str) -> None:
    images = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    verbs: list[Callable[[], torch.Tensor]] = [
        lambda: net(images),
        lambda: cam(net, images, 3),
        lambda: gradcam(net, images, 3),
        lambda: saliency(net, images, 3),
        lambda: codes(net, "conv3", images, pool="max"),
        lambda: fresh(net)(images),
    ]
    with torch.no_grad():
        alone = [verb() for verb in verbs]
        with looping(lambda: BESIDE[beside](net, images)) as wrong:
            for round in range(ROUNDS):
                n = round % len(verbs)
                torch.testing.assert_close(verbs[n](), alone[n], rtol=1e-4, atol=1e-5)
    net.eval()
    assert wrong == []
    assert not any(module._forward_hooks for module in net.modules())


def test_without_the_lock_it_goes_wrong(net: Net) -> None:
    """The race is real: past camlib, nobody holds anybody up."""
    images = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    inside, pictures = net.module, (images - net.mean) / net.std
    with torch.inference_mode():
        alone = inside(pictures)
        with looping(lambda: silenced(net, images)):
            others = [inside(pictures) for _ in range(200)]
    assert any(not torch.equal(one, alone) for one in others)


def test_two_nets_around_one_module_share_the_lock(net: Net) -> None:
    twin = wrap(net.module, classes=net.classes, mean=[0.5] * 3, std=[0.25] * 3, size=128)
    images = torch.rand(2, 3, 128, 128)
    with torch.inference_mode():
        alone = net(images)
        with looping(lambda: silenced(twin, images)) as wrong:
            for _ in range(ROUNDS):
                assert torch.equal(net(images), alone)
    assert wrong == []


def test_networks_still_copy_and_pickle(net: Net) -> None:
    images = torch.rand(1, 3, 128, 128)
    cam(net, images)
    assert net.found
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other.found == {}
        assert torch.equal(other(images), net(images))
        assert torch.equal(cam(other, images), cam(net, images))


def small() -> Net:
    """A convolution with a stride, one without, a pool, a linear layer."""
    body = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU())
    return wrap(nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)), size=32)


def test_what_was_found_is_remembered() -> None:
    net, images = small(), torch.rand(1, 3, 32, 32)
    runs: list[int] = []
    cam(net, images)
    gradcam(net, images)
    net.module.register_forward_hook(lambda *_: runs.append(1))
    cam(net, images), gradcam(net, images)
    first = len(runs)
    cam(net, images), gradcam(net, images)
    assert len(runs) - first == 2  # one each


CHANGES: dict[str, Callable[[nn.Module], object]] = {
    "a layer is swapped": lambda body: body.__setitem__(2, nn.Conv2d(4, 4, 5, padding=1)),  # type: ignore[operator]
    "a stride": lambda body: setattr(body.get_submodule("0"), "stride", (1, 1)),
    "a padding": lambda body: setattr(body.get_submodule("2"), "padding", (1, 1)),
    "a kernel of another shape": lambda body: setattr(
        body.get_submodule("2"), "weight", nn.Parameter(torch.rand(4, 4, 5, 5))
    ),
    "a layer more": lambda body: body.append(nn.Conv2d(4, 4, 3)),  # type: ignore[operator]
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_found_is_forgotten_when_the_network_changes(change: str) -> None:
    net, images = small(), torch.rand(1, 3, 32, 32)
    before = receptive_field(net, "0")
    cam(net, images), gradcam(net, images), net.layers
    CHANGES[change](net.get_submodule("module.0"))
    fresh = wrap(net.module, size=32)
    assert receptive_field(net, "0") == receptive_field(fresh, "0") != before
    assert torch.equal(cam(net, images), cam(fresh, images))
    assert torch.equal(gradcam(net, images), gradcam(fresh, images))
    assert list(net.layers) == list(fresh.layers)
    assert all(net.layers[name] is fresh.layers[name] for name in fresh.layers)


class Halved(nn.Module):
    """A class whose `forward` is edited below."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.fc(self.conv(x).relu().mean((2, 3)))
        return logits


class Edited(Halved):
    """The same with a pool before the convolution."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.fc(self.conv(nn.functional.avg_pool2d(x, 2)).relu().mean((2, 3)))
        return logits


def test_an_edited_class_is_met_by_a_network_that_is_there_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another function; the same with other code, as IPython's autoreload leaves it; another class."""
    net, images = wrap(Halved(), size=32), torch.rand(1, 3, 32, 32)
    plain = receptive_field(net, "conv"), cam(net, images)

    def check(same: bool) -> None:
        fresh = wrap(net.module, size=32)
        field, heat = receptive_field(net, "conv"), cam(net, images)
        assert (field == plain[0]) is same
        assert field == receptive_field(fresh, "conv")
        assert torch.equal(heat, cam(fresh, images))

    with monkeypatch.context() as edited:
        edited.setattr(Halved, "forward", Edited.forward)
        check(same=False)
    check(same=True)
    with monkeypatch.context() as edited:
        edited.setattr(Halved.forward, "__code__", Edited.forward.__code__)
        check(same=False)
    check(same=True)
    net.module.__class__ = Edited
    check(same=False)


class Listed(nn.Module):
    """Its stride stands in something that may be changed in place."""

    def __init__(self, settings: Any, read: Callable[[Any], int]) -> None:
        super().__init__()
        self.conv, self.fc, self.settings, self.read = nn.Conv2d(3, 4, 3), nn.Linear(4, 2), settings, read

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.conv(nn.functional.avg_pool2d(x, self.read(self.settings))).relu()
        logits: torch.Tensor = self.fc(maps.mean((2, 3)))
        return logits


SETTINGS: dict[str, tuple[Any, Callable[[Any], int], Callable[[Any], object]]] = {
    "list": ([1], lambda of: of[0], lambda of: of.__setitem__(0, 2)),
    "deque": (deque([1]), lambda of: of[0], lambda of: of.__setitem__(0, 2)),
    "dictionary": ({"by": 1}, lambda of: of["by"], lambda of: of.update(by=2)),
    "dictionary with a default": (
        defaultdict(lambda: 1),
        lambda of: of.get("by", of.default_factory()),
        lambda of: of.update(by=2),
    ),
    "set": ({1}, max, lambda of: of.add(2)),
    "object": (SimpleNamespace(by=1), lambda of: of.by, lambda of: setattr(of, "by", 2)),
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_changed_in_place_are_noticed(kind: str) -> None:
    settings, read, change = copy.deepcopy(SETTINGS[kind])
    net, images = wrap(Listed(settings, read), size=32), torch.rand(1, 3, 32, 32)
    assert receptive_field(net, "conv").stride == (1, 1)
    before = cam(net, images)
    assert before.shape == cam(net, images).shape == (1, 32, 32)
    change(settings)
    assert receptive_field(net, "conv").stride == (2, 2)
    assert not torch.equal(cam(net, images), before)


def test_a_table_that_is_filled_once_is_no_reason_to_look_again() -> None:
    settings: dict[str, Any] = {}

    def read(of: dict[str, Any]) -> int:
        runs.append(1)
        return int(of.setdefault("by", 1))

    runs: list[int] = []
    net, images = wrap(Listed(settings, read), size=32), torch.rand(1, 3, 32, 32)
    cam(net, images), cam(net, images)
    first = len(runs)
    cam(net, images)
    assert len(runs) - first == 1


def test_other_sizes_have_their_own() -> None:
    net = small()
    assert cam(net, torch.rand(1, 3, 32, 32)).shape == (1, 32, 32)
    assert cam(net, torch.rand(1, 3, 40, 24)).shape == (1, 40, 24)
    assert receptive_field(net, "0").shape != receptive_field(net, "0", size=(40, 24)).shape
