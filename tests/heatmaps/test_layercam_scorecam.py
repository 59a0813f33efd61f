"""LayerCAM and Score-CAM: by hand, against torchcam on the same tensors, and what they share with CAM."""

import pytest
import timm
import torch
from torch import Tensor, nn
from torchcam.methods import LayerCAM, ScoreCAM

from camlib.geometry.field import receptive_field, upsample
from camlib.heatmaps.cam import class_maps
from camlib.heatmaps.layercam import layercam
from camlib.heatmaps.scorecam import scorecam
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap

PICTURES = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))


def tiny() -> Net:
    """Two maps, red and green light; logits that weigh each of their four cells."""
    module = nn.Sequential(
        nn.Conv2d(3, 2, 1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2, bias=False)
    )
    module[0].weight.data = torch.tensor([[1.0, 0, 0], [0, 1, 0]]).view(2, 3, 1, 1)
    module[3].weight.data = torch.tensor([[2.0, 1, 0, 0, -1, 0, 0, 0], [0, 0, 0, 0, 4, 3, 2, 1]])
    return wrap(module, mean=[0.0] * 3, std=[1.0] * 3, size=2)


RED, GREEN = torch.tensor([[0.5, 1.0], [0.25, 0.75]]), torch.tensor([[0.0, 0.2], [0.4, 1.0]])
PICTURE = torch.stack([RED, GREEN, torch.zeros(2, 2)])[None]


def test_layercam_by_hand() -> None:
    """Each cell times its own positive slope: 2 and 1 on the first row of red; 4, 3, 2, 1 on green."""
    assert layercam(tiny(), PICTURE, 0).tolist() == [[[1, 1], [0, 0]]]  # the slope -1 takes nothing away
    want = torch.tensor([[[0.0, 0.6], [0.8, 1.0]]])
    assert torch.allclose(layercam(tiny(), PICTURE, 1), want)
    both = layercam(tiny(), PICTURE, [[0, 1]])
    assert torch.equal(both, torch.stack([layercam(tiny(), PICTURE, k) for k in (0, 1)], 1))


def test_scorecam_by_hand() -> None:
    """Behind the red map, and behind the green one, scaled to [0, 1], the first logit is so much."""
    red, green = (RED - 0.25) / 0.75, GREEN  # the masks
    weigh = torch.tensor([[2.0, 1], [0, 0]])
    scores = torch.stack([(weigh * RED * mask).sum() - (GREEN * mask)[0, 0] for mask in (red, green)])
    one, other = scores.softmax(0)
    assert torch.allclose(scorecam(tiny(), PICTURE, 0)[0], one * RED + other * GREEN, atol=1e-6)


def test_a_flat_map_hides_all() -> None:
    """Green is the same everywhere: its unit is scored on a black picture, and weighs in with that."""
    net = tiny()
    flat = PICTURE.clone()
    flat[:, 1] = 0.5
    red = (RED - 0.25) / 0.75
    weigh = torch.tensor([[2.0, 1], [0, 0]])
    scores = torch.stack([(weigh * RED * red).sum() - 0.5 * red[0, 0], torch.tensor(0.0)])
    one, other = scores.softmax(0)
    assert torch.allclose(scorecam(net, flat, 0)[0], one * RED + other * 0.5, atol=1e-6)


def normalised(net: Net, images: Tensor) -> Tensor:
    return (images - net.mean.view(1, -1, 1, 1)) / net.std.view(1, -1, 1, 1)


CASES = [
    ("critternet_gap", "conv5", (128, 128)),
    ("critternet_gmp", "conv3", (128, 128)),
    ("critternet", "conv5", (128, 128)),
    ("resnet18", "layer4", (96, 128)),
]


@pytest.mark.parametrize(("name", "layer", "size"), CASES)
def test_layercam_equals_torchcam(name: str, layer: str, size: tuple[int, int]) -> None:
    net = load(name) if name.startswith("critternet") else load(name, weights="random")
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    with LayerCAM(net.module.eval(), net.layer(layer)) as peer:
        (want,) = peer([1, 4], net.module(normalised(net, images).requires_grad_()), normalized=False)
    laid = upsample(want.detach(), receptive_field(net, layer, size=size))
    got = layercam(net, images, [1, 4], layer=layer)
    torch.testing.assert_close(got, laid, rtol=1e-4, atol=1e-6 * float(laid.abs().max()))
    assert float(got.max()) > 0


@pytest.mark.parametrize(("name", "layer", "size"), CASES[:3])
def test_scorecam_equals_torchcam(name: str, layer: str, size: tuple[int, int], monkeypatch) -> None:
    """The same masks: torchcam is told to lay maps where their cells look, else it would stretch them."""
    net = load(name)
    field = receptive_field(net, layer, size=size)
    monkeypatch.setattr(ScoreCAM, "_upsample", lambda self, maps: upsample(maps, field))
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    with ScoreCAM(net.module.eval(), net.layer(layer)) as peer, torch.inference_mode():
        net.module(normalised(net, images))
        (want,) = peer([1, 4], normalized=False)
    laid = upsample(want.detach(), field)
    got = scorecam(net, images, [1, 4], layer=layer)
    torch.testing.assert_close(got, laid, rtol=1e-3, atol=1e-4 * float(laid.max()))


def test_behind_average_pooling_layercam_is_cam_of_positive_weights() -> None:
    net = load("critternet_gap")
    got = layercam(net, PICTURES, [2, 5])
    net.module.get_submodule("fc").weight.data.clamp_(min=0)  # type: ignore[operator]
    cells = class_maps(net, PICTURES, [2, 5])
    laid = upsample(cells, receptive_field(net, "conv5")) / cells[0].numel()
    torch.testing.assert_close(got, laid, rtol=1e-4, atol=1e-6)


def test_several_targets_and_the_top_class() -> None:
    net = load("critternet_gap", weights="random")
    with torch.inference_mode():
        top = net(PICTURES).argmax(1)
    for method in (layercam, scorecam):
        pair = method(net, PICTURES, torch.stack([top, top.flip(0)], 1))
        assert pair.shape == (2, 2, 128, 128)
        torch.testing.assert_close(pair[:, 0], method(net, PICTURES))


@pytest.mark.parametrize("method", [layercam, scorecam])
def test_the_network_is_left_as_it_was(method) -> None:
    net = load("critternet_gap", weights="random").train()
    with torch.inference_mode():
        found = method(net, PICTURES[:1])
    assert not found.requires_grad
    assert net.training
    assert all(one.training for one in net.modules())
    assert all(one.grad is None for one in net.parameters())
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in net.modules())


def test_tokens_are_a_map_too() -> None:
    """A class token is left out: 100 patches of 16 pixels, and a cell's value lies at its patch's middle."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = wrap(timm.create_model("test_vit", num_classes=7), size=160)
    images = torch.rand(1, 3, 160, 160, generator=torch.Generator().manual_seed(2))
    for method in (layercam, scorecam):
        found = method(net, images, 3, layer="blocks.1")
        assert found.shape == (1, 160, 160)
        assert float(found.min()) >= 0
        assert float(found.std()) > 0
