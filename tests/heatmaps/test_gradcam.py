"""Grad-CAM and saliency: by hand, against captum, and every stumble of those who came before."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from captum.attr import LayerGradCam, Saliency
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from camlib.geometry.field import receptive_field, upsample
from camlib.heatmaps.cam import class_maps
from camlib.heatmaps.gradcam import gradcam
from camlib.heatmaps.saliency import saliency
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap

Method = Callable[..., Tensor]


def tiny() -> Net:
    """One map, red light; its square root's first number is the first class's logit: no linear head."""
    module = nn.Sequential(
        nn.Conv2d(3, 1, 1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2, bias=False)
    )
    module[0].weight.data = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)
    module[3].weight.data = torch.tensor([[4.0, 0, 0, 0], [0, 0, 0, -8]])
    return wrap(module, classes=["first", "last"], mean=[0.0] * 3, std=[1.0] * 3, size=2)


RED = torch.tensor([[0.5, 1.0], [0.25, 0.75]])
PICTURE = torch.stack([RED, torch.ones(2, 2), torch.zeros(2, 2)])[None]


def test_by_hand() -> None:
    """∂S/∂A is 4 in the first cell, or -8 in the last, else 0: its mean, 1 or -2, times the map."""
    net = tiny()
    assert gradcam(net, PICTURE, "first").tolist() == [RED.tolist()]
    assert gradcam(net, PICTURE, "last").tolist() == [[[0, 0], [0, 0]]]  # the ReLU
    assert gradcam(net, PICTURE, "last", relu=False).tolist() == [(-2 * RED).tolist()]
    assert gradcam(net, PICTURE, [[0, 1]], relu=False).tolist() == [[RED.tolist(), (-2 * RED).tolist()]]
    assert torch.equal(gradcam(net, PICTURE), gradcam(net, PICTURE, 0))  # 4 · 0.5 > -8 · 0.75


def test_saliency_by_hand() -> None:
    assert saliency(tiny(), PICTURE, 0).tolist() == [[[4, 0], [0, 0]]]
    assert saliency(tiny(), PICTURE, 1).tolist() == [[[0, 0], [0, 8]]]
    assert saliency(tiny(), PICTURE, [1]).tolist() == saliency(tiny(), PICTURE, "last").tolist()


@pytest.mark.parametrize(
    ("name", "layer", "size"),
    [
        ("critternet", "conv5", (128, 128)),
        ("critternet", "conv2", (128, 128)),
        ("critternet", "pool5", (128, 128)),
        ("alexnet", "conv5", (96, 160)),
        ("resnet18", "layer4", (96, 128)),
        ("resnet18", "layer4.1.bn2", (96, 128)),  # overwritten in place by the ReLU after it
        ("resnet18", "layer4.1.relu", (96, 128)),  # called twice: its last call
        ("densenet121", "norm5", (96, 128)),  # F.relu in place follows
        ("mobilenet_v3_small", "features.12", (128, 96)),
        ("convnext_tiny", "features.7", (96, 128)),
    ],
)
@pytest.mark.parametrize("relu", [True, False])
def test_equals_captum(name: str, layer: str, size: tuple[int, int], relu: bool) -> None:
    net = load(name) if name == "critternet" else load(name, weights="random")
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    module = net.layer(layer)
    want = LayerGradCam(net, module).attribute(images, torch.tensor([1, 4]), relu_attributions=relu)
    field = receptive_field(net, layer, size=size)
    laid = upsample(want[:, 0].detach(), field)
    got = gradcam(net, images, [1, 4], layer=layer, relu=relu)
    assert got.shape == (2, *size)
    torch.testing.assert_close(got, laid, rtol=1e-4, atol=1e-5 * float(laid.abs().max()))
    assert float(laid.abs().max()) > 0 or relu


@pytest.mark.parametrize("name", ["critternet", "resnet18", "mobilenet_v3_small"])
def test_saliency_equals_captum(name: str) -> None:
    net = load(name) if name == "critternet" else load(name, weights="random")
    images = torch.rand(2, 3, net.size, net.size)
    want = Saliency(net).attribute(images.clone().requires_grad_(), torch.tensor([1, 4])).amax(1)
    torch.testing.assert_close(saliency(net, images, [1, 4]), want)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("critternet", "conv5"),
        ("critternet_gap", "conv5"),
        ("lenet", "conv2"),
        ("alexnet", "conv5"),
        ("vgg11", "conv5_2"),
        ("resnet18", "layer4"),
        ("googlenet", "inception5b"),
        ("densenet121", "norm5"),
        ("mobilenet_v2", "features.18"),
        ("mobilenet_v3_small", "features.12"),
        ("convnext_tiny", "features.7"),
    ],
)
@pytest.mark.zoo
def test_the_default_is_the_last_layer_with_a_map(
    name: str, layer: str, untrained: Callable[[str], Net]
) -> None:
    net = untrained(name)
    images = torch.rand(1, net.channels, net.size, net.size)
    assert torch.equal(gradcam(net, images, 1, relu=False), gradcam(net, images, 1, layer=layer, relu=False))


@pytest.mark.parametrize("name", ["swin_t", "vit_b_16"])
@pytest.mark.zoo
def test_transformers_have_a_map_too(name: str, untrained: Callable[[str], Net]) -> None:
    net = untrained(name)
    assert gradcam(net, torch.rand(1, 3, 224, 224)).shape == (1, 224, 224)


def test_cam_is_grad_cam_where_the_head_is_linear() -> None:
    net, images = load("critternet_gap"), torch.rand(3, 3, 128, 96)
    maps = class_maps(net, images, 4)
    laid = upsample(maps / maps[0].numel(), receptive_field(net, "conv5", size=(128, 96)))
    torch.testing.assert_close(gradcam(net, images, 4, relu=False), laid, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("conv9", "critternet has no layer 'conv9'"),
        ("fc6", "critternet has no map at fc6; name a layer: conv1, pool1"),
    ],
)
def test_wrong_layers(layer: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        gradcam(load("critternet"), torch.rand(1, 3, 128, 128), layer=layer)


def test_a_layer_that_the_logits_ignore() -> None:
    class Aside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.main, self.aside = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            self.aside(x)
            logits: Tensor = self.main(x).mean((2, 3))
            return logits

    net = wrap(Aside(), size=8)
    with pytest.raises(ValueError, match="Aside, aside: no gradient reaches the logits from there"):
        gradcam(net, torch.rand(1, 3, 8, 8), layer="aside")


@pytest.mark.parametrize("method", [gradcam, saliency])
def test_wrong_targets_and_pictures(method: Method) -> None:
    net = load("critternet")
    for targets, says in ((99, "class 99: critternet has 9 classes"), ([1, 2, 3], "3 targets for 2 images")):
        with pytest.raises(ValueError, match=says):
            method(net, torch.rand(2, 3, 128, 128), targets)
    with pytest.raises(ValueError, match="there is no picture"):
        method(net, torch.rand(0, 3, 128, 128))
    with pytest.raises(ValueError, match="critternet wants images"):
        method(net, torch.rand(3, 128, 128))


def mixed() -> Net:
    """A network some of whose modules are in training mode, and some are not."""
    net = load("resnet18", weights="random").train()
    net.layer("layer2").eval()
    net.layer("layer3.0.bn1").eval()
    return net


def state(net: Net) -> tuple[Any, ...]:
    modules = list(net.modules())
    hooks = sum(len(inner._forward_hooks) + len(inner._backward_hooks) for inner in modules)
    parameters = [(one.grad is None, one.requires_grad) for one in net.parameters()]
    return hooks, [inner.training for inner in modules], parameters, [*map(float, sums(net))]


def sums(net: Net) -> list[Tensor]:
    return [tensor.double().sum() for tensor in net.state_dict().values()]


@pytest.mark.parametrize("method", [gradcam, saliency])
def test_the_network_is_left_as_it_was(method: Method) -> None:
    net, images = mixed(), torch.rand(2, 3, 64, 96)
    before = state(net)
    first = method(net, images, 3)
    assert state(net) == before
    assert not first.requires_grad
    torch.testing.assert_close(method(net.eval(), images, 3), first)

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    net = mixed()
    handle = net.layer("avgpool").register_forward_hook(fail)
    before = state(net)
    with pytest.raises(KeyboardInterrupt), torch.no_grad():
        method(net, images)
    assert state(net) == before
    handle.remove()
    assert torch.is_grad_enabled()
    images = torch.rand(1, 3, 64, 64, requires_grad=True)  # the caller's own tensor gets no gradient either
    method(net, images)
    assert images.grad is None


@pytest.mark.parametrize("method", [gradcam, saliency])
@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_in_any_mode_of_the_caller_s_and_frozen(method: Method, around: Callable[[], Any]) -> None:
    net, images = load("critternet"), torch.rand(2, 3, 128, 128)
    want = method(net, images)
    net.requires_grad_(False)
    with around():
        assert torch.equal(method(net, images), want)
        assert torch.equal(method(net, images.clone(), torch.stack([*net(images).argmax(1)])), want)
        mode = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    assert mode == (around is torch.enable_grad, around is torch.inference_mode)
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_no_graph_below_the_layer() -> None:
    net, images = load("resnet18", weights="random"), torch.rand(2, 3, 224, 224)
    kept: list[tuple[int, ...]] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tuple(tensor.shape))
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        gradcam(net, images, layer="layer4")
        top = len(kept)
        gradcam(net, images, layer="layer1")
    assert 0 < top < 8 < len(kept) - top
    assert not [shape for shape in kept[:top] if len(shape) == 4]  # no map and no convolution's weights


@pytest.mark.parametrize(("method", "rtol"), [(gradcam, 0.2), (saliency, 0.5)])
def test_half_precision(method: Method, rtol: float) -> None:
    images = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    want = method(load("critternet"), images, 4)
    got = method(load("critternet").bfloat16(), images, 4)
    assert got.isfinite().all()
    torch.testing.assert_close(got.float(), want, rtol=0, atol=rtol * float(want.max()))


def test_a_batch_is_its_pictures() -> None:
    net, images = load("critternet"), torch.rand(35, 3, 128, 128)  # more than go at once
    targets = [i % 9 for i in range(35)]
    for method in (gradcam, saliency):
        together = method(net, images, targets)
        for i in (0, 15, 16, 31, 32, 34):
            alone = method(net, images[i : i + 1], targets[i])[0]
            torch.testing.assert_close(together[i], alone, rtol=1e-3, atol=1e-4 * float(alone.max()))
    several = gradcam(net, images, [[i % 9, 0] for i in range(35)])
    torch.testing.assert_close(several[:, 0], gradcam(net, images, targets))


def test_a_blank_map_is_zero() -> None:
    net = load("critternet_gap")
    with torch.no_grad():
        net.get_parameter("module.conv5.weight").zero_()
        net.get_parameter("module.conv5.bias").fill_(-1)
    assert gradcam(net, torch.rand(1, 3, 128, 128)).count_nonzero() == 0
