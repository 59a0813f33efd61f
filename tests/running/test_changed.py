"""What a square touches, and that computing only that gives what computing everything gives."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from camlib.geometry.field import receptive_field
from camlib.heatmaps.occlusion import occlude
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.running.changed.graph import Graph, UnclearError
from camlib.running.changed.kept import Kept
from camlib.running.changed.plan import plan
from camlib.running.changed.runs import Plain, runs
from camlib.running.changed.spans import Span, Window


def test_rows_by_hand() -> None:
    """Rows 4 to 6 under a kernel of 3, stride 2, padding 1 are read by rows 2 (3–5) and 3 (5–7) of 5."""
    span = Span.of(torch.tensor([4, 0, 9]), torch.tensor([7, 2, 10]), 10)
    assert (span.size, span.at.tolist()) == (3, [4, 0, 7])
    assert span.rows.tolist() == [[4, 5, 6], [0, 1, 2], [7, 8, 9]]
    assert span.changed.tolist() == [[True] * 3, [True, True, False], [False, False, True]]
    window = Window((3, 1), (2, 1), (1, 0), (1, 1))
    up = span.through(window, 0, 5)
    assert (up.lo.tolist(), up.hi.tolist()) == ([2, 0, 4], [4, 2, 5])
    assert (up.size, up.at.tolist()) == (2, [2, 0, 3])
    assert up.read(window, 0).tolist() == [[3, 4, 5, 6, 7], [-1, 0, 1, 2, 3], [5, 6, 7, 8, 9]]
    assert up.all().rows.tolist() == [[0, 1, 2, 3, 4]] * 3
    both = span | Span.of(torch.tensor([5, 0, 3]), torch.tensor([9, 1, 4]), 10)
    assert (both.lo.tolist(), both.hi.tolist()) == ([4, 0, 3], [9, 2, 10])


def test_a_stride_may_pass_over_what_changed() -> None:
    """A kernel of 1 with stride 4 does not read row 1: nothing changes, and one row is computed anyway."""
    up = Span.of(torch.tensor([1]), torch.tensor([3]), 8).through(
        Window((1, 1), (4, 4), (0, 0), (1, 1)), 0, 2
    )
    assert int(up.lo) >= int(up.hi)
    assert up.size == 1


@pytest.mark.parametrize("name", ["critternet", "alexnet", "resnet18"])
def test_spans_agree_with_the_geometry(name: str, untrained: Callable[[str], Net]) -> None:
    """The touched rows are those whose receptive field meets the square."""
    net = untrained(name)
    graph = Graph(net.module)
    with torch.inference_mode():
        kept = Kept(graph, torch.zeros(3, net.size, net.size), torch.zeros(3, net.size, net.size))
    y = Span.of(torch.tensor([0, 48, 90]), torch.tensor([24, 72, 114]), net.size)
    found = plan(graph, kept.shapes, (y, y))
    checked = 0
    for node, (down, _) in found.items():
        if isinstance(module := graph.called(node), nn.Conv2d):
            dotted = next(path for path, inner in net.module.named_modules() if inner is module)
            rows = receptive_field(net, dotted).rows
            for n in range(3):
                touched = [i for i, (a, b) in enumerate(rows) if a < y.hi[n] and b > y.lo[n]]
                assert [touched[0], touched[-1] + 1] == [int(down.lo[n]), int(down.hi[n])], (dotted, n)
            checked += 1
    assert checked >= 5


def settled(name: str, side: int) -> tuple[Net, Tensor]:
    """An untrained network whose batch norms have seen pictures, so that its numbers keep their size."""
    torch.manual_seed(0)
    net, images = load(name, weights="random"), torch.rand(4, 3, side, side)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
            module.momentum = 0.5
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Linear):
                module.weight *= 30
        for _ in range(6):
            net(images)
    return net.eval(), images


def both(net: Net, image: Tensor, fill: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (n, m, C) incrementally and in full, and those of the unchanged picture."""
    found = []
    with torch.inference_mode():
        normalised = ((one - net.mean) / net.std for one in (image, fill))
        quick, plain = Kept(Graph(net.module), *normalised), Plain(net, None, 1e7, image, fill)
        for looks in (quick, plain):
            logits = torch.full((len(y), len(x), len(net.classes)), math.nan)
            for some in looks.versions(y, x):
                shape = len(some.rows), len(some.columns), -1
                logits[some.rows[:, None], some.columns] = some.logits.view(shape)
            found.append(logits)
    return found[0], found[1], plain.logits


ZOO = {
    "vgg11_bn": 64,
    "resnet18": 96,
    "regnet_x_400mf": 64,  # bottlenecks, groups
    "alexnet": 127,
    "squeezenet1_0": 97,  # joins, pools with ceil_mode
    "mobilenet_v3_small": 96,  # gates
    "shufflenet_v2_x0_5": 64,
}


@pytest.mark.parametrize(("name", "side"), ZOO.items())
@pytest.mark.zoo
def test_equals_the_full_network(name: str, side: int) -> None:
    net, images = settled(name, side)
    y, x = (torch.tensor([[a, min(a + 17, side)] for a in range(0, side - 8, step)]) for step in (23, 37))
    ours, theirs, unchanged = both(net, images[0], images[1], y, x)
    assert (theirs - unchanged).abs().max() > 1e-3
    assert (ours - theirs).abs().max() < 2e-4 * (theirs - unchanged).abs().max()


class Odd(nn.Module):
    """Kernels, strides, paddings and dilations that fit nowhere, a branch, a join, both kinds of pools."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, (3, 5), (1, 2), (2, 1), (2, 1))
        self.norm = nn.BatchNorm2d(8)
        self.left = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.PReLU(8), nn.AvgPool2d(3, 2, 1))
        self.right = nn.MaxPool2d(3, 2, 1, ceil_mode=False)
        self.last = nn.Conv2d(16, 6, 3, padding=1, bias=False)
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Any:
        x = functional.silu(self.norm(self.stem(x)))
        x = self.last(torch.cat([self.left(x), self.right(x)], dim=1)) + 1
        return self.fc((x * x.mean((2, 3), keepdim=True).sigmoid()).amax((2, 3)))


@pytest.mark.parametrize("size", [(40, 57), (33, 30)])
def test_odd_windows_and_pictures(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    module = Odd()
    module.norm.running_mean.uniform_(-1, 1)  # type: ignore[union-attr]
    net = wrap(module, size=40)
    image, fill = torch.rand(2, 3, *size)
    y = torch.tensor([[0, 3], [1, 2], [7, 20], [size[0] - 1, size[0]], [0, size[0]]])
    x = torch.tensor([[0, 1], [4, 13], [size[1] - 6, size[1]]])
    ours, theirs, unchanged = both(net, image, fill, y, x)
    assert (theirs - unchanged).abs().amax(2).min() > 0
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_only_what_is_touched_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    net = load("critternet", weights="random")
    count = []
    real = functional.conv2d

    def counted(maps: Tensor, weight: Tensor, *rest: Any) -> Tensor:
        result = real(maps, weight, *rest)
        count.append(result.numel() * weight[0].numel())
        return result

    monkeypatch.setattr("camlib.running.changed.graph.functional.conv2d", counted)
    with torch.inference_mode():
        looks = Kept(Graph(net.module), torch.rand(3, 128, 128), torch.rand(3, 128, 128))
        once = sum(count)
        count.clear()
        list(looks.versions(torch.tensor([[56, 72]]), torch.tensor([[56, 72]])))
    # conv1 (32 × 32 cells): 7 rows of 4 pixels see 16; the 16 × 16 maps above: 8, 10, 12, 14 rows.
    full = [32**2 * 32 * 363, *(256 * 64 * c for c in (32 * 25, 64 * 9, 64 * 9, 64 * 9))]
    assert once == sum(full)
    assert len(count) == 5
    assert count[0] == full[0] * 49 // 32**2 or count[0] < full[0] * 0.06
    assert sum(count) < 0.55 * once


class Overwrites(nn.Module):
    """The ReLU overwrites what the shortcut reads later: the graph alone does not show it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        both: Tensor = self.relu(x) * 2 + x
        return both.mean((2, 3))


class Constant(nn.Module):
    """Makes a tensor of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Any:
        return self.conv(x).mean((2, 3)) * torch.tensor([1.0, 2.0, 3.0, 4.0])


def test_structures_that_are_refused_and_left_clean() -> None:
    with pytest.raises(UnclearError, match="relu overwrites a tensor that others may read"):
        Graph(Overwrites().eval())
    module = Constant()
    own = set(vars(module))
    Graph(module)
    assert set(vars(module)) == own
    untracked = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3, track_running_stats=False))
    assert list(Graph(untracked).kinds.values()) == ["picture", "window", "other", "other"]


def test_batch_norm_is_folded_only_where_nobody_else_reads() -> None:
    net, images = settled("resnet18", 64)
    graph = Graph(net.module)
    assert list(graph.kinds.values()).count("nothing") == 20
    graph = Graph(net.module, net.layer("layer1.0.conv1"))
    assert list(graph.kinds.values()).count("nothing") == 19
    with torch.inference_mode():
        kept = Kept(graph, images[0], images[1])
        assert kept.maps is not None
        stem = net.module.maxpool(net.module.relu(net.module.bn1(net.module.conv1(images[:1]))))  # type: ignore[operator]
        assert torch.allclose(kept.maps, net.layer("layer1.0.conv1")(stem), atol=1e-4)


def test_a_large_window_goes_in_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory stays bounded where nearly everything is computed again."""
    net = load("critternet_gap", weights="random")
    sizes = []
    with torch.inference_mode():
        looks = Kept(Graph(net.module), torch.rand(3, 128, 128), torch.rand(3, 128, 128))
        y = torch.tensor([[a, a + 120] for a in range(9)])
        monkeypatch.setattr(looks, "room", 100_000)
        sizes = [len(some.logits) for some in looks.versions(y, y)]
    assert sum(sizes) == 81
    assert max(sizes) <= 3  # conv1 gives 32,768 numbers


class Named(nn.Module):
    """Hands its inputs over by name, and has a layer whose forward was replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act, self.fc = nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Linear(4, 3)
        self.act.forward = lambda x: x.abs() + x.flip(3)  # type: ignore[method-assign, assignment]

    def forward(self, x: Tensor) -> Any:
        maps = functional.relu(self.act(self.conv(input=x)), inplace=False)
        return self.fc(torch.cat(tensors=[maps, maps], dim=3).mean((2, 3)))


def test_what_is_called_in_unusual_ways_gets_its_inputs_whole() -> None:
    torch.manual_seed(0)
    net, (image, fill) = wrap(Named(), size=20), torch.rand(2, 3, 20, 20)
    assert "window" not in Graph(net.module).kinds.values()
    y = torch.tensor([[0, 7], [9, 16]])
    ours, theirs, unchanged = both(net, image, fill, y, y)
    assert (theirs - unchanged).abs().amax(2).min() > 0
    assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "side", "window", "stride", "quick"),
    [
        ("lenet", 28, 4, 1, True),
        ("lenet", 28, 14, 7, False),  # nine places, each half the picture
        ("critternet_gap", 128, 16, 8, True),
        ("critternet_gap", 128, 100, 14, False),
        ("critternet_gap", 128, 64, 64, False),  # four places
    ],
)
def test_the_way_is_chosen_by_counting(name: str, side: int, window: int, stride: int, quick: bool) -> None:
    net, image = load(name), torch.rand(3 if side > 28 else 1, side, side)
    starts = torch.arange(0, side - window + 1, stride)
    edges = torch.stack([starts, starts + window], 1)
    with torch.inference_mode():
        chosen = runs(net, None, edges, edges, (side, side))(image, torch.full_like(image, 0.5))
        assert isinstance(chosen, Kept if quick else Plain)


def test_where_nothing_is_saved_the_answers_are_the_same() -> None:
    net, image = load("lenet"), torch.rand(1, 1, 28, 28)
    found = occlude(net, image, 3, window=14, stride=7)
    for (x0, y0, x1, y1), after in zip(
        found.boxes.flatten(0, 1).tolist(), found.after.flatten(), strict=True
    ):
        covered = image.clone()
        covered[..., y0:y1, x0:x1] = 0.5
        assert after.item() == pytest.approx(net(covered).softmax(1)[0, 3].item(), abs=1e-6)
