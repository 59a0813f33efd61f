"""CAM: by hand, the identity over torchvision's zoo, what is refused, and the network left as it was."""

import os
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, everybody's name for it

from camlib.geometry.field import lay, receptive_field, upsample
from camlib.heatmaps.cam import cam, class_maps
from camlib.heatmaps.classifier import Classifier, find_classifier
from camlib.networks.from_torchvision import addresses
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.running.record import record

# One small network of each family; CAMLIB_ZOO=1 tries all of torchvision's classifiers.
FAMILIES = (
    *("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet"),
    *("inception_v3", "maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf"),
    *("regnet_y_400mf", "resnet18", "resnet50", "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_1"),
    *("swin_t", "swin_v2_t", "vgg11", "vgg11_bn", "vit_b_16", "wide_resnet50_2"),
    *("timm/deit_tiny_patch16_224", "timm/swin_tiny_patch4_window7_224"),
)
ZOO = list(addresses()) if os.environ.get("CAMLIB_ZOO") else FAMILIES
NO_CAM = ("alexnet", "convnext", "maxvit", "mobilenet_v3", "timm/deit", "vgg", "vit")


def gap(pool: Callable[[], nn.Module] = lambda: nn.AdaptiveAvgPool2d(1)) -> Net:
    """Two maps, red and green light, and three classes: their sum, their difference, twice the green."""
    module = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False), pool(), nn.Flatten(), nn.Linear(2, 3))
    weights = {
        "0.weight": torch.tensor([[1.0, 0, 0], [0, 1, 0]]).view(2, 3, 1, 1),
        "3.weight": torch.tensor([[1.0, 1], [1, -1], [0, 2]]),
        "3.bias": torch.tensor([0.0, 1, 0]),
    }
    module.load_state_dict(weights)
    return wrap(module, classes=["sum", "difference", "green"], mean=[0.0] * 3, std=[1.0] * 3, size=2)


PICTURE = torch.tensor(
    [
        [[1.0, 0], [0.5, 0.5]],  # red: mean 0.5, maximum 1
        [[0.0, 1], [0.25, 0.75]],  # green: mean 0.5, maximum 1
        [[0.0, 0], [0, 0]],
    ]
)[None]


def hooks(net: nn.Module) -> int:
    return sum(len(inner._forward_hooks) + len(inner._forward_pre_hooks) for inner in net.modules())


def test_by_hand() -> None:
    net = gap()
    assert net(PICTURE).tolist() == [[1.0, 1.0, 1.0]]
    assert cam(net, PICTURE, "sum").tolist() == [[[1.0, 1.0], [0.75, 1.25]]]
    assert cam(net, PICTURE, 1).tolist() == [[[1.0, -1.0], [0.25, -0.25]]]  # its mean is 0, and 0 + 1 = 1
    assert cam(net, PICTURE, [2]).tolist() == [[[0.0, 2.0], [0.5, 1.5]]]
    head = find_classifier(net, PICTURE)
    assert head.pool == "mean"
    assert head.features.tolist() == PICTURE[:, :2].tolist()
    assert head.weight.tolist() == [[1, 1], [1, -1], [0, 2]]
    assert head.bias.tolist() == [0, 1, 0]
    assert head.logits.tolist() == [[1.0, 1.0, 1.0]]


def test_max_pooling_by_hand() -> None:
    net = gap(lambda: nn.AdaptiveMaxPool2d(1))
    head = find_classifier(net, PICTURE)
    assert net(PICTURE).tolist() == [[2.0, 1.0, 2.0]] == head.logits.tolist()
    assert head.pool == "max"
    assert class_maps(net, PICTURE, 0).tolist() == [[[1.0, 1.0], [0.75, 1.25]]]  # whose maximum is not 2
    assert (head.features.amax((2, 3)) @ head.weight.T + head.bias).tolist() == [[2.0, 1.0, 2.0]]


def test_top_1_is_the_default() -> None:
    images = torch.cat([PICTURE, PICTURE + torch.tensor([0.0, 0.005, 0]).view(3, 1, 1)])
    net = gap()
    assert net(images).argmax(1).tolist() == [0, 2]
    assert torch.equal(cam(net, images), cam(net, images, [0, 2]))


def test_several_targets_in_one_pass() -> None:
    net, runs = gap(), []
    net.module.register_forward_hook(lambda *_: runs.append(1))
    images = torch.rand(3, 3, 2, 2)
    want = [["sum", "green"], [0, 1], [2, 2]]
    cam(net, images)  # the first one looks how the network ends
    runs.clear()
    each = cam(net, images, want)  # type: ignore[arg-type]
    assert runs == [1]
    assert each.shape == (3, 2, 2, 2)
    for k, column in enumerate(([0, 0, 2], [2, 1, 2])):
        assert torch.equal(each[:, k], cam(net, images, column))
    assert torch.equal(each, cam(net, images, torch.tensor([[0, 2], [0, 1], [2, 2]])))
    assert class_maps(net, images, net(images).topk(3).indices).shape == (3, 3, 2, 2)


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        ("blue", "no class 'blue'"),
        (3, "class 3: Sequential has 3 classes, 0 to 2"),
        ([0, 1, 2], "3 targets for 2 images"),
        ([[0, 1]], "1 targets for 2 images"),
        ([[0, 1], [0]], "a row of the same length"),
        ([[0], 1], "a row of the same length"),
        ([[], []], "a row of the same length"),
        (torch.zeros(3, 2, dtype=torch.int64), "3 targets for 2 images"),
    ],
)
def test_wrong_targets_are_refused_before_the_network_runs(targets: Any, says: str) -> None:
    net, runs = gap(), []
    net.module.register_forward_hook(lambda *_: runs.append(1))
    with pytest.raises(ValueError, match=says):
        cam(net, torch.rand(2, 3, 2, 2), targets)
    assert not runs


def test_wrong_pictures() -> None:
    with pytest.raises(
        ValueError, match=r"wants images as floats in \[0, 1\].*given float32, shape \(3, 2, 2\)"
    ):
        cam(gap(), PICTURE[0])
    with pytest.raises(ValueError, match="there is no picture"):
        cam(gap(), PICTURE[:0])
    with pytest.raises(ValueError, match="given a list"):
        cam(gap(), [[1]])  # type: ignore[arg-type]


def check_identity(net: Net, images: Tensor) -> Classifier:
    """The logits from the maps alone, for every class, to 1e-3 of the largest."""
    with torch.no_grad():
        logits = net(images)
    head = find_classifier(net, images)
    every = torch.arange(logits.shape[1]).expand(len(images), -1)
    if head.pool == "mean":
        mine = head.maps(every).mean((2, 3)) + head.bias
    else:
        mine = head.features.amax((2, 3)) @ head.weight.T + head.bias
    torch.testing.assert_close(mine, logits.float(), rtol=0, atol=1e-3 * float(logits.abs().max()))
    return head


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.zoo
def test_the_identity_over_the_zoo_and_who_is_refused(name: str, untrained: Callable[[str], Net]) -> None:
    net = untrained(name)
    size = (net.size, net.size) if name.startswith(("vit", "maxvit", "swin_v2", "timm")) else (96, 128)
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    if name.startswith(NO_CAM):
        with pytest.raises(ValueError, match=f"{name} has no class activation maps.*use gradcam"):
            find_classifier(net, images)
        return
    head = check_identity(net, images)
    assert head.pool == "mean"
    assert head.field
    assert head.field.attention == ("swin" in name)
    assert head.field.shape == head.features.shape[2:]
    assert cam(net, images, 7).shape == (2, *size)


@pytest.mark.parametrize(("name", "pool"), [("critternet_gap", "mean"), ("critternet_gmp", "max")])
def test_the_course_s_networks(name: str, pool: str) -> None:
    net = load(name)
    images = torch.rand(3, 3, 128, 96)  # width and height differ
    head = check_identity(net, images)
    assert head.pool == pool
    field = receptive_field(net, "conv5", size=(128, 96))
    assert head.field == field
    with record(net, "conv5") as acts:
        net(images)
    assert torch.equal(head.features, acts["conv5"])
    maps = class_maps(net, images, [1, 2, 3])
    assert maps.shape == (3, 16, 12)
    by_hand = torch.einsum("nk,nkhw->nhw", head.weight[[1, 2, 3]], head.features)
    torch.testing.assert_close(maps, by_hand)
    assert torch.equal(cam(net, images, [1, 2, 3]), upsample(maps, field))


def test_alexnet_s_sisters_are_refused() -> None:
    for name in ("critternet", "lenet"):
        net = load(name)
        with pytest.raises(ValueError, match=f"{name} has no class activation maps.*use gradcam"):
            cam(net, torch.rand(1, net.channels, net.size, net.size))


class Own(nn.Module):
    """A learner's network, written with functions, its end given."""

    def __init__(self, end: Callable[["Own", Tensor], Tensor], inputs: int = 8) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)
        self.fc, self.fc2, self.norm = nn.Linear(inputs, 5), nn.Linear(5, 5), nn.LayerNorm(8)
        self.head = nn.Conv2d(8, 5, 1)
        self.end = end

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self, F.relu_(self.conv2(F.relu(self.conv1(x), inplace=True))))


ENDS: dict[str, Callable[[Own, Tensor], Tensor]] = {
    "mean": lambda net, x: net.fc(x.mean((2, 3))),
    "mean over one axis at a time": lambda net, x: net.fc(x.mean(3).mean(2)),
    "flattened, then mean": lambda net, x: net.fc(x.flatten(2).mean(2)),
    "average pool, dropout": lambda net, x: net.fc(
        F.dropout(F.avg_pool2d(x, 8).flatten(1), 0.5, net.training)
    ),
    "a convolution on the pooled map": lambda net, x: net.head(F.adaptive_avg_pool2d(x, 1)).flatten(1),
    "a convolution before the pool": lambda net, x: F.adaptive_avg_pool2d(net.head(x), 1).flatten(1),
    "its ReLU too": lambda net, x: F.relu(net.head(x)).mean((2, 3)),
    "no bias": lambda net, x: F.linear(x.mean((2, 3)), net.fc.weight),
}
MAXIMA: dict[str, Callable[[Own, Tensor], Tensor]] = {
    "max": lambda net, x: net.fc(x.amax((2, 3))),
    "max pool": lambda net, x: net.fc(F.max_pool2d(x, 8).flatten(1)),
    "adaptive, with indices": lambda net, x: net.fc(
        F.adaptive_max_pool2d(x, 1, return_indices=True)[0].flatten(1)
    ),
    "a convolution before": lambda net, x: net.head(x).amax((2, 3)),
}
OTHERS: dict[str, Callable[[Own, Tensor], Tensor]] = {
    "two linear layers": lambda net, x: net.fc2(net.fc(x.mean((2, 3))).relu()),
    "a norm between": lambda net, x: net.fc(net.norm(x.mean((2, 3)))),
    "a ReLU at the end": lambda net, x: net.fc(x.mean((2, 3))).relu_(),
    "mean plus max": lambda net, x: net.fc(x.mean((2, 3)) + x.amax((2, 3))),
    "the middle": lambda net, x: net.fc(x[:, :, 4, 4]),
    "the sum": lambda net, x: net.fc(x.sum((2, 3))),
}


@pytest.mark.parametrize("end", ENDS)
def test_ends_that_are_a_mean(end: str) -> None:
    torch.manual_seed(0)
    net = wrap(Own(ENDS[end]).train(), size=32)
    assert check_identity(net, torch.rand(2, 3, 32, 32)).pool == "mean"


@pytest.mark.parametrize("end", MAXIMA)
def test_ends_that_are_a_maximum(end: str) -> None:
    torch.manual_seed(0)
    net = wrap(Own(MAXIMA[end]), size=32)
    assert check_identity(net, torch.rand(2, 3, 32, 32)).pool == "max"


@pytest.mark.parametrize("end", OTHERS)
def test_ends_that_are_neither(end: str) -> None:
    torch.manual_seed(0)
    net = wrap(Own(OTHERS[end]), size=32)
    with pytest.raises(ValueError, match=r"Own has no class activation maps.*use gradcam"):
        cam(net, torch.rand(2, 3, 32, 32))


class LowRank(nn.Linear):
    """A linear layer that adds something of its own to what its weight says."""

    def __init__(self, cells: int, classes: int) -> None:
        super().__init__(cells, classes)
        self.down, self.up = nn.Parameter(torch.rand(cells, 2)), nn.Parameter(torch.rand(2, classes))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + x @ self.down @ self.up


def patched(linear: nn.Linear) -> nn.Linear:
    """An instance whose `forward` is another."""
    linear.forward = lambda x: nn.Linear.forward(linear, x) * 10  # type: ignore[method-assign,assignment]
    return linear


def hooked(linear: nn.Linear) -> nn.Linear:
    """Behind which somebody's hook divides."""
    linear.register_forward_hook(lambda _m, _i, out: out / 0.1)
    return linear


@pytest.mark.parametrize(
    "made", [lambda: LowRank(8, 5), lambda: patched(nn.Linear(8, 5)), lambda: hooked(nn.Linear(8, 5))]
)
def test_a_linear_layer_that_does_more_than_its_weight_says_is_not_believed(
    made: Callable[[], nn.Linear],
) -> None:
    torch.manual_seed(0)
    steps = (nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), made())
    net = wrap(nn.Sequential(*steps), size=32)
    for _ in range(2):  # found out, then remembered
        with pytest.raises(
            ValueError, match=r"not what the last linear layer's weight and bias give.*use gradcam"
        ):
            cam(net, torch.rand(2, 3, 32, 32))


def test_a_hook_that_is_put_on_later_is_met_too() -> None:
    torch.manual_seed(0)
    net, x = wrap(Own(ENDS["mean"]), size=32), torch.rand(2, 3, 32, 32)
    before = cam(net, x)
    with (
        net.get_submodule("module.fc").register_forward_hook(lambda _m, _i, out: out + 1),
        pytest.raises(ValueError, match="not what the last linear layer"),
    ):
        cam(net, x)
    assert torch.equal(cam(net, x), before)


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (
            torch.zeros(3, 2, dtype=torch.int64),
            r"int64 \(2,\) or \(2, K\) for these 2 pictures; given int64, shape \(3, 2\)",
        ),
        (torch.zeros(4, dtype=torch.int64), "for these 2 pictures"),
        (torch.zeros(2), "given float32"),
        (torch.zeros(2, dtype=torch.uint8), "given uint8"),
        (torch.tensor([0, -1]), "no class -1; there are 3, from 0 on"),
        (torch.tensor([[0, 3], [0, 0]]), "no class 3; there are 3"),
        ([0, 1], "give a torch tensor"),
    ],
)
def test_a_classifier_s_maps_take_class_indices(targets: Any, says: str) -> None:
    found = find_classifier(gap(), PICTURE.expand(2, -1, -1, -1))
    assert found.maps(torch.tensor([[0, 1], [2, 0]])).shape == (2, 2, 2, 2)
    with pytest.raises(ValueError, match=says):
        found.maps(targets)


def test_a_single_cell_is_no_map() -> None:
    net = load("resnet18", weights="random")
    with pytest.raises(ValueError, match="the last linear layer's input is not that of the last map"):
        cam(net, torch.rand(1, 3, 32, 32))


def test_the_map_lies_where_the_light_is() -> None:
    """A bright square in a picture wider than high: the heat is there, not mirrored, no half stride off."""
    blur = nn.AvgPool2d(5, 4, 2, count_include_pad=False)
    module = nn.Sequential(blur, nn.Conv2d(3, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 2))
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    net = wrap(module, mean=[0.0] * 3, std=[1.0] * 3, size=32)
    images = torch.zeros(1, 3, 32, 64)
    images[:, :, 6:11, 46:51] = 1  # around cell (2, 12)'s centre, (x, y) = (48, 8)
    heat = cam(net, images, 0)[0]
    assert heat.shape == (32, 64)
    assert divmod(int(heat.argmax()), 64) == (8, 48)


def test_cells_that_see_everything_lie_in_the_middle_of_their_share() -> None:
    laid = lay(torch.tensor([[[0.0, 4.0]]]), None, (2, 8))  # the cells' middles lie at x = 1.5 and 5.5
    assert laid.tolist() == [[[0, 0, 0.5, 1.5, 2.5, 3.5, 4, 4]] * 2]


def train_mode() -> Net:
    """A network some of whose modules are in training mode, and some are not."""
    net = load("resnet18", weights="random")
    net.train()
    net.layer("layer2").eval()
    net.layer("layer3.0.bn1").eval()
    return net


def state(net: Net) -> tuple[Any, ...]:
    modes = [inner.training for inner in net.modules()]
    grads = [parameter.grad is None for parameter in net.parameters()]
    asked = [parameter.requires_grad for parameter in net.parameters()]
    return modes, grads, asked, hooks(net), [tensor.clone() for tensor in net.state_dict().values()]


def same(one: Any, other: Any) -> bool:
    return one[:4] == other[:4] and all(map(torch.equal, one[4], other[4]))


def test_the_network_is_left_as_it_was() -> None:
    net, images = train_mode(), torch.rand(2, 3, 64, 96)
    before = state(net)
    first = cam(net, images, 3)
    assert same(state(net), before)
    torch.testing.assert_close(cam(net.eval(), images, 3), first)  # no dropout, no batch's own statistics


def test_and_after_an_exception() -> None:
    net = train_mode()
    before = state(net)

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    handle = net.layer("layer4").register_forward_hook(fail)
    with pytest.raises(KeyboardInterrupt):
        cam(net, torch.rand(1, 3, 64, 64))
    handle.remove()
    assert same(state(net), before)
    assert torch.is_grad_enabled()
    assert not torch.overrides._get_current_function_mode_stack()
    with pytest.raises(ValueError, match="no class activation maps"):
        cam(load("critternet"), torch.rand(1, 3, 128, 128))


def test_the_head_s_numbers_are_copies() -> None:
    net = gap()
    head = find_classifier(net, PICTURE)
    head.weight.zero_()
    head.bias.zero_()
    assert net(PICTURE).tolist() == [[1.0, 1.0, 1.0]]


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_in_any_mode_of_the_caller_s_and_frozen(around: Callable[[], Any]) -> None:
    net, images = load("critternet_gap"), torch.rand(2, 3, 128, 128)
    want = cam(net, images)
    net.requires_grad_(False)
    with around():
        got = cam(net, images)
        assert torch.equal(cam(net, images.clone()), want)  # under inference_mode a picture of that kind
    assert torch.equal(got, want)
    assert not got.requires_grad
    assert not want.requires_grad


@pytest.mark.parametrize(("dtype", "share"), [(torch.float16, 0.004), (torch.bfloat16, 0.03)])
def test_half_precision(dtype: torch.dtype, share: float) -> None:
    """As exact as the type: to a share of the largest value."""
    images = torch.rand(2, 3, 128, 128)
    for name in ("critternet_gap", "critternet_gmp"):
        want = cam(load(name), images, 4)
        net = load(name).to(dtype)
        got = cam(net, images.to(dtype), 4)
        assert got.dtype == torch.float32  # centres of cells beyond 2048 pixels are no half precision numbers
        most = want.abs().max().item()
        torch.testing.assert_close(got, want, rtol=0, atol=share * most)
        with torch.autocast("cpu", torch.bfloat16):
            torch.testing.assert_close(cam(load(name), images, 4), want, rtol=0, atol=0.03 * most)


def test_double_precision_stays() -> None:
    net = gap().double()
    assert cam(net, PICTURE.double()).dtype == torch.float64


def test_a_batch_is_its_pictures() -> None:
    net, images = load("critternet_gap"), torch.rand(70, 3, 128, 128)  # more than go at once
    targets = list(range(9)) * 7 + [0] * 7
    together = cam(net, images, targets)
    for i in (0, 5, 63, 64, 69):
        torch.testing.assert_close(together[i], cam(net, images[i : i + 1], targets[i])[0], rtol=0, atol=1e-4)
    assert find_classifier(net, images).logits.shape == (70, 9)


def test_a_blank_map_is_zero_and_nan_is_said() -> None:
    net = gap()
    assert cam(net, torch.zeros(1, 3, 2, 2)).tolist() == [[[0.0, 0.0], [0.0, 0.0]]]
    images = torch.stack([PICTURE[0], PICTURE[0] * torch.nan])
    with pytest.raises(ValueError, match="image 1 holds values that are not finite"):
        cam(net, images)
    next(reversed(list(net.parameters()))).data[0] = torch.nan
    with pytest.raises(ValueError, match="a logit that is not a number for image 0"):
        cam(net, PICTURE)


def test_equals_torch_cam() -> None:
    methods = pytest.importorskip("torchcam.methods")
    net, images = load("resnet18", weights="random"), torch.rand(2, 3, 96, 128)
    with methods.CAM(net.module, target_layer="layer4", fc_layer="fc", input_shape=(3, 96, 128)) as theirs:
        net(images)
        (want,) = theirs([3, 5], normalized=False)
    torch.testing.assert_close(class_maps(net, images, [3, 5]), want, rtol=0, atol=1e-4)
