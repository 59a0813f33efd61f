"""Names of layers: torchvision's families, learners' own networks, and nothing left behind."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from torchvision import models

from camlib.geometry.field import receptive_field
from camlib.heatmaps.gradcam import gradcam
from camlib.networks.layers import find_layer, short_names
from camlib.networks.trace import trace
from camlib.networks.zoo import wrap
from tests.zoo import empty

ALEXNET = ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "fc6", "fc7", "fc8"]
VGG16 = (  # noqa: SIM905
    "conv1_1 conv1_2 pool1 conv2_1 conv2_2 pool2 conv3_1 conv3_2 conv3_3 pool3 "
    "conv4_1 conv4_2 conv4_3 pool4 conv5_1 conv5_2 conv5_3 pool5 fc6 fc7 fc8"
).split()
RESNET = ["conv1", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc"]
FAMILIES = {
    "alexnet": ALEXNET,
    "vgg16": VGG16,
    "vgg16_bn": VGG16,
    "resnet18": RESNET,
    "resnext50_32x4d": RESNET,
    "densenet121": [
        "conv0",
        "pool0",
        "denseblock1",
        "transition1",
        "denseblock2",
        "transition2",
        "denseblock3",
        "transition3",
        "denseblock4",
        "norm5",
        "classifier",
    ],
    "mobilenet_v2": [*(f"features.{i}" for i in range(19)), "classifier"],
    "mobilenet_v3_small": [*(f"features.{i}" for i in range(13)), "avgpool", "classifier"],
    "squeezenet1_1": ["features.0", *(f"features.{i}" for i in range(2, 13)), "classifier"],
    "efficientnet_b0": [*(f"features.{i}" for i in range(9)), "avgpool", "classifier"],
    "mnasnet0_5": [*(f"layers.{i}" for i in (0, 3, 6, 8, 9, 10, 11, 12, 13, 14)), "classifier"],
    "shufflenet_v2_x0_5": ["conv1", "maxpool", "stage2", "stage3", "stage4", "conv5", "fc"],
    "regnet_y_400mf": ["stem", "block1", "block2", "block3", "block4", "avgpool", "fc"],
    "convnext_tiny": [*(f"features.{i}" for i in range(8)), "avgpool", "classifier"],
    "googlenet": [
        "conv1",
        "maxpool1",
        "conv2",
        "conv3",
        "maxpool2",
        "inception3a",
        "inception3b",
        "maxpool3",
        "inception4a",
        "inception4b",
        "inception4c",
        "inception4d",
        "inception4e",
        "maxpool4",
        "inception5a",
        "inception5b",
        "avgpool",
        "fc",
    ],
    "inception_v3": [
        "Conv2d_1a_3x3",
        "Conv2d_2a_3x3",
        "Conv2d_2b_3x3",
        "maxpool1",
        "Conv2d_3b_1x1",
        "Conv2d_4a_3x3",
        "maxpool2",
        "Mixed_5b",
        "Mixed_5c",
        "Mixed_5d",
        "Mixed_6a",
        "Mixed_6b",
        "Mixed_6c",
        "Mixed_6d",
        "Mixed_6e",
        "Mixed_7a",
        "Mixed_7b",
        "Mixed_7c",
        "avgpool",
        "fc",
    ],
    "vit_b_16": ["conv_proj", "encoder", "heads"],
    "swin_t": [*(f"features.{i}" for i in range(8)), "norm", "permute", "avgpool", "head"],
}


def names(module: nn.Module, channels: int = 3, size: int = 32) -> dict[str, nn.Module]:
    return short_names(module, trace(module, channels, size)[0])


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.zoo
def test_names_of_torchvisions_families(name: str) -> None:
    net = empty(name).eval()
    size = 299 if name == "inception_v3" else 224
    layers = names(net, size=size)
    assert list(layers) == FAMILIES[name]

    fired = []
    for key, layer in layers.items():
        layer.register_forward_hook(lambda *run, key=key: fired.append((key, run[2])))
    device = next(net.parameters()).device
    with torch.no_grad():
        logits = net(torch.zeros(1, 3, size, size, device=device))
    assert [key for key, _ in fired] == list(layers)  # in forward order, each once
    assert fired[-1][1].flatten(1).shape == logits.shape == (1, 1000)


def test_a_name_means_the_map_after_batch_norm_and_relu() -> None:
    alexnet, vgg, resnet, densenet = map(empty, ("alexnet", "vgg16_bn", "resnet18", "densenet121"))
    layers = names(alexnet, size=224)
    assert layers["conv5"] is alexnet.features[11]
    assert layers["fc7"] is alexnet.classifier[5]
    assert layers["fc8"] is alexnet.classifier[6]
    assert names(vgg, size=224)["conv1_1"] is vgg.features[2]
    assert names(resnet, size=224)["conv1"] is resnet.relu
    assert names(densenet, size=224)["conv0"] is densenet.features.relu0


def test_a_chain_without_names_is_numbered() -> None:
    conv1, relu1, conv2, gelu, fc = (
        nn.Conv2d(3, 4, 3),
        nn.ReLU(),
        nn.Conv2d(4, 5, 3),
        nn.GELU(),
        nn.Linear(5, 2),
    )
    pool, gap = nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1)
    net = nn.Sequential(conv1, relu1, pool, nn.Sequential(conv2, gelu), gap, nn.Flatten(), nn.Dropout(), fc)
    layers = names(net)
    assert list(layers) == ["conv1", "pool1", "conv2", "gap", "fc3"]
    assert list(layers.values()) == [relu1, pool, gelu, gap, fc]


def test_the_activation_ends_a_layer_and_softmax_is_none() -> None:
    conv, relu1, norm, fc = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4), nn.Linear(4, 2)
    net = nn.Sequential(conv, relu1, norm, nn.AdaptiveMaxPool2d(1), nn.Flatten(), fc, nn.Softmax(1))
    layers = names(net)
    assert list(layers) == ["conv1", "gmp", "fc2"]
    assert layers["conv1"] is relu1
    assert layers["fc2"] is fc


class Tutorial(nn.Module):
    """PyTorch's CIFAR tutorial: functional ReLUs, one pool used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 10)

    def forward(self, x: Tensor) -> Any:
        x = self.pool(relu(self.conv1(x)))
        x = self.pool(relu(self.conv2(x)))
        return self.fc2(relu(self.fc1(x.flatten(1))))


def test_own_names_are_kept_and_a_module_used_twice_has_none() -> None:
    net = Tutorial()
    layers = names(net)
    assert list(layers) == ["conv1", "conv2", "fc1", "fc2"]
    assert layers["conv1"] is net.conv1
    assert find_layer(net, "pool", layers, "Tutorial") is net.pool


class Shared(nn.Module):
    """One ReLU module after both layers, defined last: it must not stand for either."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 2)
        self.conv = nn.Conv2d(3, 4, 3)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Any:
        return self.relu(self.fc(self.gap(self.relu(self.conv(x))).flatten(1)))


def test_a_shared_relu_stands_for_no_layer() -> None:
    net = Shared()
    layers = names(net)
    assert list(layers) == ["conv", "gap", "fc"]  # as called, not as defined
    assert list(layers.values()) == [net.conv, net.gap, net.fc]


class Odd(nn.Module):
    """Looks at values and makes tensors of its own, so it cannot run without numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Any:
        maps = self.norm(self.conv(x)) + torch.ones(1)
        return maps.mean((2, 3)) if float(x.sum()) > -1 else maps


def test_trace_leaves_nothing_behind() -> None:
    net = Odd().train()
    net.conv.eval()  # a learner may freeze parts: each flag must come back
    before = {key: value.clone() for key, value in net.state_dict().items()}
    calls, output = trace(net, 1, 8)
    assert [call.name for call in calls] == ["conv", "norm", ""]
    assert isinstance(output, Tensor)
    assert output.shape == (1, 2)
    assert [inner.training for inner in (net, net.conv, net.norm)] == [True, False, True]
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    with pytest.raises(ValueError, match=r"does not take images of shape \(1, 3, 8, 8\): .*channels"):
        trace(net, 3, 8)
    assert not any(inner._forward_hooks for inner in net.modules())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in net.parameters())


def test_an_unknown_layer_lists_near_names() -> None:
    net = empty("alexnet")
    layers = names(net, size=224)
    assert find_layer(net, "features.10", layers, "alexnet") is net.features[10]
    with pytest.raises(
        ValueError, match=r"alexnet has no layer 'Conv_5' \(did you mean 'conv5' or .*it has conv1, "
    ):
        find_layer(net, "Conv_5", layers, "alexnet")
    with pytest.raises(ValueError, match="no layer ''"):
        find_layer(net, "", layers, "alexnet")


def test_what_is_shared_keeps_its_numbers() -> None:
    twice, other = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
    other.weight = twice.weight
    net = nn.Sequential(twice, nn.ReLU(), nn.Sequential(twice), other)
    before = [parameter.clone() for parameter in net.parameters()]
    assert [call.name for call in trace(net, 2, 8)[0]] == ["0", "1", "0", "2", "3", ""]
    assert other.weight is twice.weight
    assert all(torch.equal(one, was) for one, was in zip(net.parameters(), before, strict=True))


class Lit(nn.Module):
    """As training frameworks have it: the network, a loss and a metric, of which only the network runs."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.model, self.loss, self.metric = inner, nn.CrossEntropyLoss(), nn.Sequential(nn.Linear(1, 1))

    def forward(self, x):
        return self.model(x)


@pytest.mark.parametrize("wrapped", [Lit, nn.DataParallel, lambda inner: Lit(nn.DataParallel(inner))])
@pytest.mark.parametrize("name", ["resnet18", "alexnet"])
def test_a_wrapper_hides_no_layers(wrapped, name):
    inner = models.get_model(name, weights=None)
    net, bare = wrap(wrapped(inner)), wrap(inner)
    assert list(net.layers) == list(bare.layers)
    assert all(net.layers[layer] is bare.layers[layer] for layer in bare.layers)
    assert receptive_field(net, list(net.layers)[-3]) == receptive_field(bare, list(bare.layers)[-3])
    images = torch.rand(1, 3, 224, 224)
    assert torch.equal(gradcam(net, images, 3), gradcam(bare, images, 3))
