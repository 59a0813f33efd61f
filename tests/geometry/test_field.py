"""Receptive fields against the papers' tables and against gradients; maps laid over pictures."""

import random
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import SqueezeExcitation

from camlib.geometry.field import ReceptiveField, receptive_field, upsample
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.running.record import silence
from tests.zoo import empty

# Layer → size, stride, centre of cell 0, cells along a side at 224 (reference: measured on gradients).
TABLES: dict[str, dict[str, tuple[int, int, float, int]]] = {
    "alexnet": {
        "features.0": (11, 4, 3, 55),
        "features.2": (19, 8, 7, 27),
        "features.3": (51, 8, 7, 27),
        "features.5": (67, 16, 15, 13),
        "features.6": (99, 16, 15, 13),
        "features.8": (131, 16, 15, 13),
        "features.10": (163, 16, 15, 13),
        "features.12": (195, 32, 31, 6),
        "pool5": (195, 32, 31, 6),
    },
    "vgg16": {
        "conv4_3": (92, 8, 3.5, 28),
        "conv5_3": (196, 16, 7.5, 14),
        "pool5": (212, 32, 15.5, 7),
    },
    "resnet18": {
        "conv1": (7, 2, 0, 112),
        "maxpool": (11, 4, 0, 56),
        "layer1": (43, 4, 0, 56),
        "layer2": (99, 8, 0, 28),
        "layer3": (211, 16, 0, 14),
        "layer4": (435, 32, 0, 7),
    },
}
# Family → picture, a layer in the middle and the last map.
FAMILIES: dict[str, tuple[tuple[int, int], str, str]] = {
    "alexnet": ((80, 272), "conv4", "pool5"),
    "vgg11_bn": ((33, 160), "conv4_2", "pool5"),
    "resnet18": ((40, 208), "layer2", "layer4"),
    "resnet50": ((40, 208), "layer2", "layer4"),
    "densenet121": ((33, 320), "denseblock2", "norm5"),
    "googlenet": ((47, 256), "inception4a", "inception5b"),
    "inception_v3": ((81, 288), "Mixed_6a", "Mixed_7c"),
    "squeezenet1_1": ((50, 256), "features.7", "features.12"),
    "shufflenet_v2_x0_5": ((40, 384), "stage2", "conv5"),
    "mobilenet_v2": ((40, 320), "features.10", "features.18"),
    "mobilenet_v3_small": ((40, 320), "features.5", "features.12"),
    "efficientnet_b0": ((40, 320), "features.4", "features.8"),
    "regnet_y_400mf": ((40, 320), "block2", "block4"),
    "convnext_tiny": ((33, 288), "features.3", "features.7"),
    "mnasnet0_5": ((40, 320), "layers.9", "layers.14"),
}
GATED = {"mobilenet_v3_small", "efficientnet_b0", "regnet_y_400mf"}


def positive(module: nn.Module) -> nn.Module:
    """The network, in double precision, with positive weights, without layer norms, gates, large heads."""
    for outer in list(module.modules()):
        for name, child in list(outer.named_children()):
            if isinstance(child, nn.Linear) and child.weight.numel() > 1e6:
                setattr(outer, name, nn.Identity())
    module = module.to_empty(device="cpu").double().eval().requires_grad_(False)
    for parameter in module.parameters():
        parameter.fill_(0.5 / parameter[0].numel() if parameter.ndim > 1 else 0)
    inner: Any
    for inner in list(module.modules()):
        if isinstance(inner, nn.BatchNorm2d):
            inner.reset_running_stats()
            inner.weight.fill_(1)
        if hasattr(inner, "layer_scale"):  # ConvNeXt's
            inner.layer_scale.fill_(1)
        for name, child in list(inner.named_children()):
            if isinstance(child, nn.LayerNorm | SqueezeExcitation):
                setattr(inner, name, nn.Identity())
    return module


def average(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Stands in for `functional.max_pool2d`, whose gradient reaches one pixel only."""
    kernel, stride = nn.modules.utils._pair(kernel_size), stride or kernel_size
    if dilation == 1:
        return functional.avg_pool2d(x, kernel, stride, padding, ceil_mode)
    assert not ceil_mode
    weight = torch.ones(x.shape[1], 1, *kernel, dtype=x.dtype)
    return functional.conv2d(x, weight, None, stride, padding, dilation, groups=x.shape[1])


def support(net: Net, layer: str, picture: tuple[int, int], cells: list[tuple[int, int]]) -> list[Any]:
    """The pixels, (x0, y0, x1, y1), that each of these cells' gradient reaches."""
    seen: list[Tensor] = []
    handle = net.layer(layer).register_forward_hook(lambda *run: seen.append(run[2] + 0))
    x = torch.rand(len(cells), net.channels, *picture, dtype=torch.float64).add(0.1).requires_grad_()
    net.module(x)
    handle.remove()
    total = torch.stack([seen[-1][n, :, i, j].sum() for n, (i, j) in enumerate(cells)]).sum()
    (slope,) = torch.autograd.grad(total, x)
    boxes = []
    for each in slope.sum(1) != 0:
        rows, columns = each.any(1).nonzero().flatten().tolist(), each.any(0).nonzero().flatten().tolist()
        boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if rows else None)
    return boxes


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.zoo
def test_equals_the_tables(name):
    net = wrap(empty(name))
    for layer, (size, stride, start, cells) in TABLES[name].items():
        found = receptive_field(net, layer)
        assert (found.size, found.stride, found.start) == ((size, size), (stride, stride), (start, start))
        assert (found.shape, found.picture, found.gated) == ((cells, cells), (224, 224), False)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.zoo
def test_equals_gradients_in_every_family(name, monkeypatch):
    picture, *layers = FAMILIES[name]
    module = empty(name)
    fields = [receptive_field(wrap(module), layer, size=picture) for layer in layers]
    net = wrap(positive(module))
    monkeypatch.setattr(functional, "max_pool2d", average)
    for number, (layer, field) in enumerate(zip(layers, fields, strict=True)):
        assert field.gated == (name in GATED)
        rows, columns = field.shape
        middle = rows // 2, columns // 2
        cells = [(0, 0), middle, (rows - 1, columns - 1)]
        assert [field.box(*cell) for cell in cells] == support(net, layer, picture, cells)
        if number == 0:  # nothing is clipped left and right of the middle, so that the size itself is tested
            assert field.clipped(*middle)[::2] == (0, 0)
            x0, _, x1, _ = field.box(*middle)
            assert (x1 - x0, (x0 + x1 - 1) / 2) == (field.size[1], field.centre(*middle)[0])


class Moves(nn.Module):
    """What networks do between their layers."""

    def __init__(self, kind: int) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x):
        n, c, h, w = x.shape
        even = (h // 2 if h % 2 == 0 else h, w - 1)
        kinds = [
            lambda: x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w),  # ShuffleNet's shuffle
            lambda: functional.pad(x, (1, 0, 0, 2)),
            lambda: functional.pad(x, (2, 1, 1, 2), mode="reflect"),
            lambda: functional.pad(x, (2, 1, 0, 2), mode="replicate"),
            lambda: x[:, :, 1:, 1::2],
            lambda: x.permute(0, 2, 3, 1).contiguous().relu_().permute(0, 3, 1, 2),
            lambda: x.flatten(2).clone().mul_(2).view(n, c, h, w),
            lambda: x[..., :-1, :] + x[..., 1:, :],
            lambda: torch.stack([x, functional.avg_pool2d(x, 3, 1, 1)], 1).sum(1),
            lambda: (
                functional.pixel_unshuffle(x[..., : h // 2 * 2, : w // 2 * 2], 2)
                .mean(1, keepdim=True)
                .expand(n, c, -1, -1)
            ),
            lambda: torch.cat(x.chunk(2, 1)[::-1], 1),
            lambda: functional.local_response_norm(x, 3),
            lambda: functional.avg_pool2d(x, 2, ceil_mode=True),
            lambda: functional.adaptive_avg_pool2d(x, even),
        ]
        return kinds[self.kind % len(kinds)]()


class Branches(nn.Module):
    """Several paths, added or side by side, cropped to the size of the smallest."""

    def __init__(self, join: str, *paths: nn.Module) -> None:
        super().__init__()
        self.join, self.paths = join, nn.ModuleList(paths)
        self.mix = nn.Conv2d(2 * len(paths), 2, 1)

    def forward(self, x):
        maps = [path(x) for path in self.paths]
        h, w = (min(one.shape[side] for one in maps) for side in (2, 3))
        maps = [one[:, :, :h, :w] for one in maps]
        if self.join == "add":
            return sum(maps[1:], maps[0])
        return self.mix(torch.cat(maps, 1))


def arbitrary(pick: Any, depth: int) -> nn.Module:
    """A random piece of network on two channels."""
    stride = (pick.choice([1, 1, 2]), pick.choice([1, 1, 2]))
    kernel = (pick.choice([1, 2, 3, 5]), pick.choice([1, 2, 3, 4]))
    padding = (pick.randrange(3), pick.randrange(3))
    within = min(padding[0], kernel[0] // 2), min(padding[1], kernel[1] // 2)
    kind = pick.randrange(9 if depth else 6)
    if kind < 3:
        mode = pick.choice(["zeros", "zeros", "reflect", "replicate"])
        options = {
            "dilation": (pick.choice([1, 1, 2]), pick.choice([1, 1, 3])),
            "groups": pick.choice([1, 2]),
        }
        return nn.Conv2d(2, 2, kernel, stride, padding, padding_mode=mode, **options)
    if kind == 3:
        return nn.MaxPool2d(kernel, stride, within, ceil_mode=pick.random() < 0.5)
    if kind == 4:
        return nn.AvgPool2d(kernel, stride, within, ceil_mode=pick.random() < 0.5)
    if kind == 5:
        return Moves(pick.randrange(99))
    if kind == 6:
        same = nn.Conv2d(2, 2, (3, 5), padding=(1, 2))
        return Branches("add", nn.Identity(), nn.Sequential(same, nn.ReLU(inplace=True), same))
    if kind == 7:
        paths = (nn.Conv2d(2, 2, k, stride, k // 2) for k in pick.sample([1, 3, 5, 7], 3))
        return Branches(pick.choice(["add", "cat"]), *paths)
    return nn.Sequential(*(arbitrary(pick, depth - 1) for _ in range(2)))


def test_equals_gradients_in_random_networks(monkeypatch):
    picture = (61, 64)
    tried = whole = 0
    for seed in range(60):
        pick = random.Random(seed)
        body = nn.Sequential(*(arbitrary(pick, 3) for _ in range(5)))
        head = {"gap": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(2, 2)}
        module = nn.Sequential(OrderedDict(body=body, **head)).double().requires_grad_(False)
        for parameter in module.parameters():
            parameter.fill_(0.5 if parameter.ndim > 1 else 0)
        try:
            net = wrap(module, mean=(0, 0), std=(1, 1), size=64)
            module(torch.rand(1, 2, *picture, dtype=torch.float64))
        except (ValueError, RuntimeError):  # the maps became too small
            continue
        field = receptive_field(net, "body", size=picture)
        rows, columns = field.shape
        middle = rows // 2, columns // 2
        cells = [(0, 0), (0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1), middle]
        cells += [(pick.randrange(rows), pick.randrange(columns)) for _ in range(5)]
        with monkeypatch.context() as patch:
            patch.setattr(functional, "max_pool2d", average)
            reached = support(net, "body", picture, cells)
        for cell, box in zip(cells, reached, strict=True):
            x0, y0, x1, y1 = field.box(*cell)
            assert (x0 == x1 or y0 == y1) if box is None else (x0, y0, x1, y1) == box, (seed, cell, body)
        tried += 1
        x0, y0, x1, y1 = field.box(*middle)
        if min(x0, y0, 64 - x1, 61 - y1) > 8:  # far from any padding: the size is the formula's
            whole += 1
            assert field.clipped(*middle) == (0, 0, 0, 0), (seed, body)
            assert (x1 - x0, y1 - y0) == field.size[::-1]
            assert ((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2) == field.centre(*middle)
    assert tried > 50
    assert whole > 30


def chain(*layers: nn.Module, channels: int = 3, size: int = 32) -> Net:
    """The layers as "body", before a classifier."""
    head = {"gap": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.LazyLinear(2)}
    module = nn.Sequential(OrderedDict(body=nn.Sequential(*layers), **head)).eval()
    module(torch.zeros(1, channels, size, size))
    return wrap(module, mean=[0] * channels, std=[1] * channels, size=size)


def test_lenet_by_hand():
    net = load("lenet", weights="random")
    conv1, pool2 = receptive_field(net, "conv1"), receptive_field(net, "pool2")
    assert conv1 == ReceptiveField(
        size=(5, 5),
        stride=(1, 1),
        start=(0, 0),
        shape=(28, 28),
        picture=(28, 28),
        gated=False,
        rows=tuple((max(i - 2, 0), min(i + 3, 28)) for i in range(28)),
        columns=tuple((max(i - 2, 0), min(i + 3, 28)) for i in range(28)),
    )
    assert (conv1.box(0, 9), conv1.clipped(0, 9)) == ((7, 0, 12, 3), (0, 2, 0, 0))
    assert (conv1.box(27, 9), conv1.clipped(27, 9)) == ((7, 25, 12, 28), (0, 0, 0, 2))
    # pool1: 6, 2, 0.5 · conv2: 6 + 4·2 = 14, 2, 0.5 · pool2: 14 + 2 = 16, 4, 0.5 + 1 = 1.5
    assert (pool2.size, pool2.stride, pool2.start, pool2.shape) == ((16, 16), (4, 4), (1.5, 1.5), (7, 7))
    assert pool2.centre(2, 5) == (21.5, 9.5)
    assert (pool2.box(2, 5), pool2.clipped(2, 5)) == ((14, 2, 28, 18), (0, 0, 2, 0))
    assert receptive_field(net, "fc1").box(0, 0) == (0, 0, 28, 28)
    assert receptive_field(net, "fc3").shape == (1, 1)
    with pytest.raises(ValueError, match=r"no cell \(7, 0\) in a map of 7 × 7"):
        pool2.box(7, 0)
    with pytest.raises(ValueError, match="no cell"):
        pool2.centre(0, -1)


def test_the_courses_own_networks():
    for name, end in {"critternet": "fc8", "critternet_gap": "gap", "critternet_gmp": "gmp"}.items():
        net = load(name, weights="random")
        field = receptive_field(net, "conv5")
        assert (field.size, field.stride, field.start, field.shape) == ((99, 99), (8, 8), (0, 0), (16, 16))
        assert receptive_field(net, end).box(0, 0) == (0, 0, 128, 128)
    assert field.box(8, 8) == (15, 15, 114, 114)  # 64 ± 49
    assert field.clipped(0, 15) == (0, 49, 42, 0)


def test_a_silenced_unit_moves_no_field():
    net = load("critternet_gap")
    with silence(net, "conv3", [0, 5]):
        silent = receptive_field(net, "conv5")
    assert silent == receptive_field(load("critternet_gap"), "conv5")


def test_height_and_width_apart():
    net = chain(nn.Conv2d(3, 4, (1, 5), (1, 2), (0, 1)), nn.MaxPool2d((3, 2), (2, 1), (1, 0)))
    field = receptive_field(net, "body", size=(20, 33))
    assert (field.size, field.stride, field.start) == ((3, 7), (2, 2), (0, 2))
    assert (field.shape, field.picture) == ((10, 15), (20, 33))
    assert field.box(0, 0) == (0, 0, 6, 2)
    assert field.clipped(0, 0) == (1, 1, 0, 0)


class Gate(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.norm = kind, nn.GroupNorm(2, 4)

    def forward(self, x):
        gates = {
            "mean": lambda: x * x.mean((2, 3)).sigmoid()[:, :, None, None],
            "pooled": lambda: torch.cat([x, functional.adaptive_avg_pool2d(x, 1).expand_as(x)], 1),
            "rows": lambda: x * x.mean(3, keepdim=True),
            "context": lambda: x + (x.flatten(2) @ x.mean(1).flatten(1).softmax(1)[:, :, None])[..., None],
            "norm": lambda: self.norm(x),
            "instance": lambda: functional.instance_norm(x),
        }
        return gates[self.kind]()


@pytest.mark.parametrize("kind", ["mean", "pooled", "rows", "context", "norm", "instance"])
def test_a_gate_is_marked_and_the_path_stays(kind):
    conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
    plain, gated = (receptive_field(chain(conv, *more, conv2()), "body") for more in ([], [Gate(kind)]))
    assert not plain.gated
    assert gated.gated
    assert (plain.size, plain.stride, plain.start) == (gated.size, gated.stride, gated.start)
    assert (plain.rows, plain.columns) == (gated.rows, gated.columns)
    assert not receptive_field(chain(conv, Gate(kind)), "body.0").gated
    net = wrap(chain(conv, Gate(kind)).module.double(), size=32)
    (reached,) = support(net, "body", (32, 32), [(8, 8)])
    assert reached[0] == 0  # the gradient takes the gate's way too, to the left border …
    assert receptive_field(net, "body").box(8, 8) == (15, 15, 18, 18)  # … which the field leaves out


def conv2():
    return nn.LazyConv2d(4, 3, padding=1)


@pytest.mark.parametrize(
    ("name", "early", "late", "size", "cells"),
    [
        ("vit_b_16", "conv_proj", "encoder.layers.encoder_layer_0", 16, 14),
        ("swin_t", "features.0.0", "features.1", 4, 56),
        ("swin_t", "features.0.0", "features.5", 16, 14),
    ],
)
def test_behind_attention_a_cell_s_root_is_told_and_marked(name, early, late, size, cells):
    net = wrap(empty(name))
    before, behind = receptive_field(net, early), receptive_field(net, late)
    assert (before.attention, behind.attention) == (False, True)
    assert (behind.size, behind.stride) == ((size, size), (size, size))
    assert (behind.start, behind.shape) == (((size - 1) / 2,) * 2, (cells, cells))
    assert behind.box(1, 2) == (2 * size, size, 3 * size, 2 * size)
    assert behind.tokens == (tuple(range(1, 197)) if name == "vit_b_16" else None)
    whole = receptive_field(net, list(net.layers)[-1])
    assert whole.attention
    assert whole.box(0, 0) == (0, 0, 224, 224)


class Tokens(nn.Module):
    """Attention, between places in any order, with tokens that have none before them or behind."""

    def __init__(self, order, front, behind) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 8, (4, 8), (4, 8))
        self.order, self.more = order, nn.Parameter(torch.randn(1, front + behind, 8))
        self.front, self.attend = front, nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)
        self.pick = nn.Identity()
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)[:, self.order]
        more = self.more.expand(len(x), -1, -1)
        x = self.attend(torch.cat([more[:, : self.front], x, more[:, self.front :]], 1))
        return self.fc(self.pick(x[:, self.front + 2]))


@pytest.mark.parametrize(("front", "behind"), [(0, 0), (1, 0), (0, 2), (2, 1)])
def test_tokens_are_found_by_where_they_come_from_not_by_their_number(front, behind):
    order = torch.randperm(32, generator=torch.Generator().manual_seed(front))
    field = receptive_field(wrap(Tokens(order, front, behind), size=32), "attend")
    assert field.shape == (8, 4)
    assert [order[token - front] for token in field.tokens or ()] == list(range(32))
    assert field.box(3, 1) == (8, 12, 16, 16)
    one = receptive_field(wrap(Tokens(order, front, behind), size=32), "pick")
    row, column = divmod(int(order[2]), 4)
    assert one.box(0, 0) == (8 * column, 4 * row, 8 * column + 8, 4 * row + 4)
    assert one.attention


def test_tokens_that_are_no_map_are_refused():
    some = torch.tensor([0, 1, 2, 3, 4, 9])
    with pytest.raises(ValueError, match="the places of its tokens do not lie as a map"):
        receptive_field(wrap(Tokens(some, 1, 0), size=32), "attend")


def test_what_looks_unevenly_is_refused():
    with pytest.raises(ValueError, match="do not lie evenly"):
        receptive_field(chain(nn.AdaptiveAvgPool2d(7)), "body")
    assert receptive_field(chain(nn.AdaptiveAvgPool2d(7)), "fc").box(0, 0) == (0, 0, 32, 32)
    with pytest.raises(ValueError, match=r"where aten\.\w*grid_sampler_2d looks is not known"):
        receptive_field(chain(Warped()), "body")


class Warped(nn.Module):
    """Reads wherever a grid says, as a spatial transformer does."""

    def forward(self, x):
        turn = torch.eye(2, 3).to(x).expand(len(x), 2, 3)
        grid = functional.affine_grid(turn, list(x.shape), align_corners=False)
        return functional.grid_sample(x, grid, align_corners=False)


class Overwrites(nn.Module):
    def forward(self, x):
        out = torch.zeros_like(x)
        out[:, :, 1:] = functional.avg_pool2d(x, 3, 1, 1)[:, :, 1:]
        return out


def test_slices_overwritten_in_place_are_refused_not_guessed():
    with pytest.raises(ValueError, match="overwritten in place"):
        receptive_field(chain(Overwrites()), "body")


def test_a_layer_used_twice_is_its_last_use():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    assert receptive_field(chain(conv, nn.ReLU(inplace=True), conv), "body.0").size == (5, 5)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        out = self.conv(x)
        out += functional.avg_pool2d(x, 5, 1, 2)
        return out


def test_a_layer_is_what_it_put_out_before_it_is_changed_in_place():
    net = chain(Residual())
    assert receptive_field(net, "body.0.conv").size == (3, 3)
    assert receptive_field(net, "body.0").size == (5, 5)


def test_nothing_is_left_behind():
    net = load("critternet", weights="random").train()
    net.layer("conv2").eval()
    modes = [module.training for module in net.modules()]
    state = {key: value.clone() for key, value in net.state_dict().items()}
    random_state = torch.get_rng_state()
    with torch.inference_mode():
        receptive_field(net, "conv5")
    with pytest.raises(ValueError, match="critternet wants"):  # fails on the way, in fc6
        receptive_field(net, "fc7", size=(128, 96))
    assert receptive_field(net, "conv5", size=(128, 96)).shape == (16, 12)  # the rest need not take it
    assert [module.training for module in net.modules()] == modes
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert torch.equal(torch.get_rng_state(), random_state)


def test_wrong_arguments_are_named():
    net = load("critternet", weights="random")
    with pytest.raises(ValueError, match=r"no layer 'conv6' \(did you mean 'conv5'"):
        receptive_field(net, "conv6")
    size: Any
    for size in (0, (128,), (128, -1)):
        with pytest.raises(ValueError, match="picture's size is its side"):
            receptive_field(net, "conv1", size=size)
    field = receptive_field(net, "conv5")
    with pytest.raises(ValueError, match=r"\(…, 16, 16\) for this field; given float32, shape \(2, 8, 16\)"):
        upsample(torch.zeros(2, 8, 16), field)
    with pytest.raises(ValueError, match="given int64"):
        upsample(torch.zeros(16, 16, dtype=torch.int64), field)


def laid(size: Any, stride: Any, start: Any, shape: Any, picture: Any) -> ReceptiveField:
    return ReceptiveField(
        size, stride, start, shape, picture, False, ((0, 1),) * shape[0], ((0, 1),) * shape[1]
    )


def test_upsampling_is_linear_between_centres_and_flat_beyond():
    field = laid((7, 7), (4, 6), (3, -2), (9, 8), (36, 44))
    i, j = torch.arange(9.0)[:, None], torch.arange(8.0)
    heat = upsample(torch.stack([i + 0 * j, j + 0 * i, 2 * i - j]), field)
    y = ((torch.arange(36.0) - 3) / 4).clamp(0, 8)[:, None]
    x = ((torch.arange(44.0) + 2) / 6).clamp(0, 7)
    assert heat.shape == (3, 36, 44)
    torch.testing.assert_close(heat, torch.stack([y + 0 * x, x + 0 * y, 2 * y - x]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "googlenet", "densenet121"])
@pytest.mark.zoo
def test_a_cell_peaks_where_it_looks(name):
    net = wrap(empty(name))
    field = receptive_field(
        net,
        [layer for layer in net.layers if layer.startswith(("pool", "layer", "mixed", "inc", "dense"))][-1],
    )
    rows, columns = field.shape
    cells = [(0, 0), (2, 3), (rows - 1, 1)]
    maps = torch.zeros(3, rows, columns, dtype=torch.float64)
    for n, cell in enumerate(cells):
        maps[n][cell] = 1
    heat = upsample(maps, field)
    for each, cell in zip(heat, cells, strict=True):
        x, y = map(int, field.centre(*cell))
        assert each[y, x] == pytest.approx(1)
        assert each.max() <= 1 + 1e-12
        assert each[y, x + field.stride[1] // 2] == pytest.approx(0.5)


def test_equals_ordinary_resizing_only_where_that_is_right():
    maps = torch.rand(2, 3, 7, 5, dtype=torch.float64)
    tiles = laid((8, 8), (8, 8), (3.5, 3.5), (7, 5), (56, 40))  # patches side by side
    right = functional.interpolate(maps, (56, 40), mode="bilinear", align_corners=False)
    torch.testing.assert_close(upsample(maps, tiles), right)
    corners = laid((9, 9), (8, 8), (0, 0), (7, 5), (49, 33))  # centres on the picture's corners
    right = functional.interpolate(maps, (49, 33), mode="bilinear", align_corners=True)
    torch.testing.assert_close(upsample(maps, corners), right)
    padded = laid((435, 435), (32, 32), (0, 0), (7, 5), (224, 160))  # ResNet's: half a stride off
    stretched = functional.interpolate(maps, (224, 160), mode="bilinear")
    torch.testing.assert_close(
        upsample(maps, padded)[..., :193, :129],
        functional.interpolate(maps, (193, 129), mode="bilinear", align_corners=True),
    )
    assert (upsample(maps, padded) - stretched).abs().max() > 0.2


def test_upsampling_half_precision_loses_no_more_than_the_maps_have_lost():
    field = laid((9, 9), (8, 8), (0, 0), (7, 5), (49, 33))
    maps = torch.rand(4, 7, 5)
    exact = upsample(maps.half().float(), field)
    assert torch.equal(upsample(maps.half(), field), exact)
    with torch.autocast("cpu", torch.bfloat16):
        near = upsample(maps, field)
    assert near.dtype == torch.float32
    torch.testing.assert_close(near, upsample(maps, field), atol=0.02, rtol=0)


def test_upsampling_to_another_size_is_that_of_the_picture_resized():
    field = laid((8, 8), (8, 8), (3.5, 3.5), (7, 5), (56, 40))
    maps = torch.rand(7, 5, dtype=torch.float64)
    assert torch.equal(upsample(maps, field, size=(56, 40)), upsample(maps, field))
    right = functional.interpolate(maps[None, None], (112, 120), mode="bilinear")[0, 0]
    torch.testing.assert_close(upsample(maps, field, size=(112, 120)), right)
    assert upsample(maps, field, size=30).shape == (30, 30)


def test_a_map_of_one_cell_is_flat():
    net = load("critternet_gap", weights="random")
    heat = upsample(torch.tensor([[[2.5]]]), receptive_field(net, "gap"))
    assert torch.equal(heat, torch.full((1, 128, 128), 2.5))


UPSAMPLINGS = {
    "nearest": lambda: nn.Upsample(scale_factor=2),
    "nearest by 3": lambda: nn.Upsample(scale_factor=3),
    "nearest to a size": lambda: nn.Upsample(size=(20, 23)),
    "nearest exact": lambda: nn.Upsample(scale_factor=3, mode="nearest-exact"),
    "bilinear": lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
    "bilinear by 4": lambda: nn.Upsample(scale_factor=4, mode="bilinear"),
    "bilinear, corners": lambda: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
    "bicubic": lambda: nn.Upsample(scale_factor=2, mode="bicubic"),
    "nearest by 1.3": lambda: nn.Upsample(scale_factor=1.3),
    "nearest by 1/2": lambda: nn.Upsample(scale_factor=0.5),
    "bilinear by 1/2": lambda: nn.Upsample(scale_factor=0.5, mode="bilinear"),
    "bilinear by 1.3": lambda: nn.Upsample(scale_factor=1.3, mode="bilinear"),
    "bilinear by 1.5": lambda: nn.Upsample(scale_factor=1.5, mode="bilinear"),
    "bilinear by about 1.3": lambda: nn.Upsample(
        scale_factor=1.3, mode="bilinear", recompute_scale_factor=True
    ),
    "bicubic by 1.3": lambda: nn.Upsample(scale_factor=1.3, mode="bicubic"),
    "shuffled": lambda: nn.Sequential(nn.Conv2d(4, 16, 1), nn.PixelShuffle(2)),
    "transposed": lambda: nn.ConvTranspose2d(4, 4, 2, stride=2),
    "transposed, overlapping": lambda: nn.ConvTranspose2d(4, 4, 4, stride=2, padding=1),
    "transposed, dilated": lambda: nn.ConvTranspose2d(4, 4, 3, stride=2, padding=2, dilation=2),
    "transposed, more at the end": lambda: nn.ConvTranspose2d(4, 4, 3, stride=3, output_padding=1),
}


def summed(layers: list[nn.Module]) -> Net:
    """Layers of four units as "body", whose weights are positive, so that no gradient cancels another."""
    head = {"gap": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(4, 2)}
    module = nn.Sequential(OrderedDict(body=nn.Sequential(*layers), **head)).double().requires_grad_(False)
    for parameter in module.parameters():
        parameter.copy_(torch.rand_like(parameter) if parameter.ndim > 1 else torch.zeros_like(parameter))
    return wrap(module, size=32)


@pytest.mark.parametrize("name", UPSAMPLINGS)
@pytest.mark.parametrize("after", [False, True])
def test_equals_gradients_behind_an_upsampling(name, after):
    picture = (32, 36)
    below = [nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Conv2d(4, 4, 3, stride=2, padding=1)]
    layers = [*below, UPSAMPLINGS[name](), *([nn.Conv2d(4, 4, 3, padding=1)] if after else [])]
    net = summed(layers)
    field = receptive_field(net, "body", size=picture)
    rows, columns = field.shape
    cells = [(i, min(i, columns - 1)) for i in range(rows)] + [(rows - 1, j) for j in range(0, columns, 3)]
    for cell, box in zip(cells, support(net, "body", picture, cells), strict=True):
        assert box is None or field.box(*cell) == box, cell


def test_an_upsampled_cell_lies_where_it_looks():
    """A stride of 4 doubled by nearest: two cells to either side of the old one, 2 pixels apart."""
    conv, up = nn.Conv2d(3, 4, 4, stride=4), nn.Upsample(scale_factor=2)
    before, after = receptive_field(chain(conv), "body"), receptive_field(chain(conv, up), "body")
    assert (before.start, before.stride) == ((1.5, 1.5), (4, 4))
    assert (after.start, after.stride, after.shape) == ((0.5, 0.5), (2, 2), (16, 16))
    maps = torch.arange(8.0).expand(8, 8)
    large = upsample(functional.interpolate(maps[None, None], scale_factor=2)[0, 0], after)
    assert large[0, [0, 5, 9, 31]].tolist() == [0, 1, 2, 7]


def test_a_factor_is_taken_as_it_is_given():
    """Of 29 × 37 pixels a half is 14 × 18 cells, two pixels apart, not 37 / 18."""
    half = nn.Upsample(scale_factor=0.5, mode="bilinear")
    field = receptive_field(chain(nn.Conv2d(3, 4, 1), half), "body", size=(29, 37))
    assert (field.shape, field.size, field.stride, field.start) == ((14, 18), (2, 2), (2, 2), (0.5, 0.5))
    assert field.box(0, 17) == (34, 0, 36, 2)
    about = nn.Upsample(scale_factor=0.5, mode="bilinear", recompute_scale_factor=True)
    rounded = receptive_field(chain(nn.Conv2d(3, 4, 1), about), "body", size=(29, 37))
    assert rounded.stride == pytest.approx((29 / 14, 37 / 18))


class Flip(nn.Module):
    def __init__(self, *dims: int) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x):
        return x.flip(self.dims)


FLIPPED: dict[str, Callable[[], list[nn.Module]]] = {
    "across": lambda: [Flip(-1)],
    "then a convolution": lambda: [Flip(-1), nn.Conv2d(4, 4, (1, 3), padding=(0, 1))],
    "both, then a stride": lambda: [Flip(-2, -1), nn.Conv2d(4, 4, (3, 5), stride=2, padding=1)],
    "then doubled": lambda: [Flip(-2), nn.Upsample(scale_factor=2, mode="bilinear")],
    "and back": lambda: [Flip(-1), nn.Conv2d(4, 4, 4, padding=(1, 3)), Flip(-1), nn.Conv2d(4, 4, 3)],
}


@pytest.mark.parametrize("name", FLIPPED)
def test_equals_gradients_behind_a_flip(name):
    picture = (48, 52)
    layers = [nn.Conv2d(3, 4, 3, stride=2, padding=1), *FLIPPED[name]()]
    net = summed(layers)
    field = receptive_field(net, "body", size=picture)
    rows, columns = field.shape
    middle = rows // 2, columns // 2
    cells = [(0, 0), (0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1), middle]
    assert [field.box(*cell) for cell in cells] == support(net, "body", picture, cells)
    x0, y0, x1, y1 = field.box(*middle)
    if name != "then doubled":  # where a cell looks a little less far than all together
        assert field.clipped(*middle) == (0, 0, 0, 0)
        assert (y1 - y0, x1 - x0) == field.size
        assert ((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2) == field.centre(*middle)
    assert min(min(field.clipped(*cell)) for cell in cells) >= 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_cell_that_is_no_number_takes_its_map_with_it_and_no_other(value: float) -> None:
    field = receptive_field(chain(nn.Conv2d(3, 4, 4, stride=4)), "body")
    maps = torch.rand(2, *field.shape)
    maps[0, 2, 3] = value
    large = upsample(maps, field)
    assert not large[0].isfinite().any()
    assert large[1].isfinite().all()


def test_a_swin_whose_windows_are_padded():
    """24 rows in windows of 7, so 28 with padding, which has no place; then 12, 6 and 3."""
    net = wrap(empty("swin_t"), size=(96, 128))
    field = receptive_field(net, "permute")
    assert (field.size, field.stride, field.start) == ((32, 32), (32, 32), (15.5, 15.5))
    assert (field.shape, field.attention) == ((3, 4), True)
    assert field.box(2, 3) == (96, 64, 128, 96)
