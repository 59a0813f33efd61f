"""The best patches: against brute force, in shards, interrupted, on broken files, and where they lie."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from camlib.geometry.field import receptive_field
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.pictures.files import folder
from camlib.running.extractor import FeatureExtractor
from camlib.running.record import record
from camlib.units.patches import TopPatches, top_patches
from camlib.units.top_k import Best, largest


@pytest.fixture
def net() -> Net:
    """Whole-numbered weights on black and white pixels: sums are exact, and many are equal."""
    torch.manual_seed(0)
    module = nn.Sequential(
        *(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(5, 4, 3, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(144, 3)),
    )
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -3, 3).data.round_()
    net = wrap(module, mean=[0.0] * 3, std=[1.0] * 3, size=12)
    with torch.no_grad():  # conv2's unit 3 is dead
        for name in ("weight", "bias"):
            net.get_parameter(f"module.2.{name}")[3] = 0
    return net


def pictures(n: int, seed: int = 1) -> Tensor:
    return torch.randint(2, (n, 3, 12, 12), generator=torch.Generator().manual_seed(seed)).float()


def brute(net: Net, layer: str, images: Tensor, k: int, one: bool = False) -> list[list[tuple[Any, ...]]]:
    """(value, picture, row, column) of the k best for each unit: everything sorted at once, in Python."""
    with torch.inference_mode(), record(net, layer) as acts:
        net(images)
    maps = acts[layer] if acts[layer].ndim == 4 else acts[layer][:, :, None, None]
    found = []
    for unit in range(maps.shape[1]):
        looks = sorted(
            (-value, i, row, column)
            for i, one_map in enumerate(maps[:, unit].tolist())
            for row, line in enumerate(one_map)
            for column, value in enumerate(line)
        )
        if one:
            first = {look[1]: look for look in reversed(looks)}  # by picture
            looks = sorted(first.values())
        found.append([(-value, *rest) for value, *rest in looks[:k]])
    return found


def listed(top: TopPatches) -> list[list[tuple[Any, ...]]]:
    rows = zip(top.values.tolist(), top.images.tolist(), top.cells.tolist(), strict=True)
    return [[(v, i, *cell) for v, i, cell in zip(*row, strict=True)] for row in rows]


def hooks(net: nn.Module) -> int:
    return sum(len(inner._forward_hooks) + len(inner._forward_pre_hooks) for inner in net.modules())


@pytest.mark.parametrize("layer", ["conv1", "conv2", "fc3"])
@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_equals_brute_force_ties_by_index(net: Net, layer: str, one: bool, batch_size: int) -> None:
    images = pictures(30)
    expected = brute(net, layer, images, 5, one)
    top = top_patches(net, layer, images, k=5, one_per_image=one, batch_size=batch_size)
    assert listed(top) == expected
    if layer == "conv1" and not one:
        assert all(len({value for value, *_ in row}) < 5 for row in expected)  # there are ties to settle
    assert (top.seen, top.total, top.skipped, top.complete) == (30, 30, 0, True)
    assert not top.values.is_inference()


def test_a_dead_unit_ranks_by_place(net: Net) -> None:
    top = top_patches(net, "conv2", pictures(20), k=8, units=3, batch_size=7)
    assert listed(top)[0] == [(0.0, 0, 0, c) for c in range(6)] + [(0.0, 0, 1, 0), (0.0, 0, 1, 1)]


def test_fewer_patches_than_k(net: Net) -> None:
    images = pictures(3)
    top = top_patches(net, "fc3", images, k=9, batch_size=2)
    assert top.values.shape == top.images.shape == (3, 3)
    assert listed(top) == brute(net, "fc3", images, 9)
    assert top_patches(net, "conv2", images, k=200, batch_size=2).values.shape == (4, 108)  # 3 · 6 · 6


def test_chosen_units(net: Net) -> None:
    images = pictures(10)
    every = top_patches(net, "conv1", images)
    some = top_patches(net, "conv1", images, units=[4, 1])
    assert some.units.tolist() == [4, 1]
    assert listed(some) == [listed(every)[4], listed(every)[1]] == listed(every.pick([4, 1]))
    assert listed(every.pick(2)) == [listed(every)[2]]
    with pytest.raises(ValueError, match="no patches of unit 2; there are those of 4, 1"):
        some.pick([1, 2])


def test_the_first_of_them_are_the_best(net: Net) -> None:
    images = pictures(6)
    first = top_patches(net, "conv2", images, k=9).first(2)
    assert listed(first) == listed(top_patches(net, "conv2", images, k=2))
    assert first.k == 2
    with pytest.raises(ValueError, match="k is 0"):
        first.first(0)


@pytest.mark.parametrize("one", [False, True])
def test_shards_join_into_one_pass(net: Net, one: bool) -> None:
    images = pictures(30)
    whole = top_patches(net, "conv1", images, k=6, one_per_image=one)
    cuts = [(0, 4), (4, 11), (11, 30)]
    a, b, c = (top_patches(net, "conv1", images[i:j], k=6, one_per_image=one, start=i) for i, j in cuts)
    for joined in (a | b | c, c | (a | b), b | c | a):
        assert listed(joined) == listed(whole)
        assert torch.equal(joined.boxes, whole.boxes)
        assert (joined.seen, joined.total, joined.complete) == (30, 30, True)


def test_only_like_results_are_joined(net: Net) -> None:
    a = top_patches(net, "conv1", pictures(4))
    others = {
        "layer": top_patches(net, "conv2", pictures(4), start=4),
        "k": top_patches(net, "conv1", pictures(4), k=3, start=4),
        "units": top_patches(net, "conv1", pictures(4), units=[0, 1], start=4),
        "one": top_patches(net, "conv1", pictures(4), one_per_image=True, start=4),
    }
    for other in others.values():
        with pytest.raises(ValueError, match="only results for one layer"):
            a | other
    with pytest.raises(ValueError, match=r"both looked at the same of the pictures \[\(0, 4\), \(3, 7\)\]"):
        a | top_patches(net, "conv1", pictures(4), start=3)


class Interrupted:
    """Pictures; reading the given one is interrupted by Ctrl-C."""

    def __init__(self, images: Tensor, at: int) -> None:
        self.images, self.at = images, at

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        if index == self.at:
            raise KeyboardInterrupt
        return self.images[index]


def test_ctrl_c_returns_what_was_found(net: Net) -> None:
    images = pictures(30)
    with pytest.warns(UserWarning, match="interrupted: 16 of 30 pictures were looked at"):
        top = top_patches(net, "conv1", Interrupted(images, at=21), k=5, batch_size=8)
    assert listed(top) == brute(net, "conv1", images[:16], 5)
    assert (top.seen, top.total, top.complete) == (16, 30, False)
    assert "16 of 30 pictures, interrupted" in repr(top)
    ((_, stop),) = top.spans
    joined = top | top_patches(net, "conv1", images[stop:], k=5, start=stop)
    assert listed(joined) == brute(net, "conv1", images, 5)
    assert (joined.seen, joined.total, joined.complete) == (30, 30, True)
    assert hooks(net) == 0
    with pytest.raises(KeyboardInterrupt):  # there is nothing to return yet
        top_patches(net, "conv1", Interrupted(images, at=2), batch_size=8)


def test_a_broken_file_is_skipped_and_counted(net: Net, tmp_path: Any) -> None:
    from torchvision.utils import save_image

    images = pictures(4)
    for i, image in enumerate(images):
        save_image(image, tmp_path / f"{i}.png")
    (tmp_path / "1.png").write_bytes(b"no picture")
    files = folder(tmp_path, size=12, resize=12)
    top = top_patches(net, "conv1", files, k=6, batch_size=2)
    kept = [0, 2, 3]
    expected = brute(net, "conv1", images[kept], 6)
    assert listed(top) == [[(v, kept[i], r, c) for v, i, r, c in row] for row in expected]
    assert (top.seen, top.skipped, top.total, top.complete) == (3, 1, 4, True)
    assert top.crops(files).shape == (5, 6, 3, 3, 3)


def test_the_network_runs_no_further_and_is_left_as_it_was() -> None:
    module = nn.Sequential(
        *(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout()),
        *(nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)),
    )
    net = wrap(module, size=12)
    module[1].train()
    module[3].train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    ran: list[nn.Module] = []

    def note(inner: nn.Module, inputs: tuple[Tensor], _: object) -> None:
        if len(inputs[0]) > 1:  # the tracing of shapes runs on one picture
            ran.append(inner)

    counters = [inner.register_forward_hook(note) for inner in module]
    top_patches(net, "conv1", pictures(10), batch_size=4)
    assert ran.count(module[2]) == 3  # batches
    assert set(ran) == set(module[:3])
    assert hooks(net) == len(counters)
    assert [inner.training for inner in module] == [False, True, False, True] + [False] * 4
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_layer_called_twice_gives_its_last_call() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.relu, self.fc = nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.Linear(3, 2)
            self.unused = nn.Conv2d(3, 3, 1)

        def forward(self, x: Tensor) -> Any:
            return self.fc(self.relu(self.conv(self.relu(self.conv(x)))).mean((2, 3)))

    net, images = wrap(Twice(), size=12), pictures(5)
    with torch.inference_mode(), record(net, "relu") as acts:
        net(images)
    assert torch.equal(FeatureExtractor(net, "relu")(images)["relu"], acts["relu"])
    assert not torch.equal(acts.calls["relu"][0], acts["relu"])
    with pytest.raises(ValueError, match="'unused' does not run when Twice classifies a picture"):
        FeatureExtractor(net, "unused")
    assert hooks(net) == 0


def test_boxes_and_crops_lie_where_the_cell_looks(net: Net) -> None:
    """conv1's cell (i, j), 3×3 at stride 2 with padding 1, sees rows 2i − 1 to 2i + 1."""
    images = pictures(8)
    top = top_patches(net, "conv1", images, k=30)
    crops = top.crops(images)
    assert crops.shape == (5, 30, 3, 3, 3)
    grey = pad(images, (1, 1, 1, 1), value=0.5)
    for unit in range(5):
        for rank in range(30):
            i, (row, column) = int(top.images[unit, rank]), top.cells[unit, rank].tolist()
            y, x = 2 * row - 1, 2 * column - 1
            box = [max(x, 0), max(y, 0), min(x + 3, 12), min(y + 3, 12)]
            assert top.boxes[unit, rank].tolist() == box
            assert torch.equal(crops[unit, rank], grey[i, :, y + 1 : y + 4, x + 1 : x + 4])
    assert (top.boxes[..., 0] == 0).any()  # some are cut off
    # The patch alone gives the activation, where it does not touch the rim (grey there stands for zero).
    weight, bias = net.get_parameter("module.0.weight"), net.get_parameter("module.0.bias")
    inside = (top.boxes[..., 2:] - top.boxes[..., :2]).amin(2) == 3
    answers = torch.einsum("ukcij,ucij->uk", crops, weight) + bias[:, None]
    assert torch.equal(answers.relu()[inside], top.values[inside])


def test_crops_are_never_larger_than_the_picture() -> None:
    """A field of 33 × 5 on pictures of 16 × 24: all rows, and five columns, grey beyond the border."""
    conv = nn.Conv2d(3, 2, (33, 5), padding=(16, 2), bias=False)
    conv.weight.data.fill_(1)
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2)
    wide, images = wrap(nn.Sequential(conv, *head), size=32), torch.rand(3, 3, 16, 24)
    top = top_patches(wide, "conv1", images, k=24)
    assert top.field.size == (33, 5)
    crops = top.crops(images)
    assert crops.shape == (2, 24, 3, 16, 5)
    grey = pad(images, (2, 2), value=0.5)
    for (number, (_, x)), crop in zip(
        zip(top.images[0].tolist(), top.cells[0].tolist(), strict=True), crops[0], strict=True
    ):
        assert torch.equal(crop, grey[number, :, :, x : x + 5])


def test_crops_read_any_data_set_and_each_picture_once(net: Net) -> None:
    images = pictures(20)
    read: list[int] = []

    class Noted:
        def __len__(self) -> int:
            return 20

        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            read.append(index)
            return images[index], 7

    top = top_patches(net, "conv2", images)
    assert torch.equal(top.crops(Noted()), top.crops(images))
    assert sorted(read) == sorted(set(top.images.flatten().tolist()))
    assert torch.equal(top.crops((images * 255).byte()), top.crops(images))


def test_crops_of_other_pictures_are_refused(net: Net) -> None:
    top = top_patches(net, "conv1", pictures(3))
    with pytest.raises(ValueError, match=r"picture 0 is \(20, 12\), not \(12, 12\)"):
        top.crops(torch.zeros(3, 3, 20, 12))


def test_a_layer_without_a_map_sees_the_whole_picture(net: Net) -> None:
    images = pictures(6)
    top = top_patches(net, "fc3", images, k=2)
    assert top.boxes.tolist() == [[[0, 0, 12, 12]] * 2] * 3
    assert top.cells.tolist() == [[[0, 0]] * 2] * 3
    assert torch.equal(top.crops(images), images[top.images])


def test_boxes_agree_with_the_geometry_at_another_size() -> None:
    """critternet's trunk takes pictures of any size."""
    net = load("critternet_gap", weights="random")
    top = top_patches(net, "conv5", torch.rand(3, 3, 96, 160), k=20, units=[0])
    field = receptive_field(net, "conv5", size=(96, 160))
    assert top.field == field
    boxes = [tuple(field.box(*cell)) for cell in top.cells[0].tolist()]
    assert [tuple(box) for box in top.boxes[0].tolist()] == boxes
    assert int(top.cells[..., 1].max()) < 20


def test_wrong_input_is_refused_before_any_work(net: Net) -> None:
    images = pictures(2)
    with pytest.raises(ValueError, match=r"no layer 'conv9' \(did you mean"):
        top_patches(net, "conv9", images)
    for unit in (5, -1, 0.5, "a"):
        with pytest.raises(ValueError, match=r"unit .*: 'conv1' has 5 units, 0 to 4"):
            top_patches(net, "conv1", images, units=[unit])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="no units"):
        top_patches(net, "conv1", images, units=[])
    with pytest.raises(ValueError, match="k is 0"):
        top_patches(net, "conv1", images, k=0)
    with pytest.raises(ValueError, match="the data set is empty"):
        top_patches(net, "conv1", images[:0])
    with pytest.raises(ValueError, match=r"pictures of \(12, 12\) and \(14, 14\)"):
        top_patches(net, "conv1", [torch.zeros(3, s, s) for s in (12, 14)], batch_size=1)
    assert hooks(net) == 0


def test_an_activation_that_is_no_number_is_reported(net: Net) -> None:
    with torch.no_grad():
        net.get_parameter("module.0.bias")[1] = math.nan
    with pytest.raises(ValueError, match="an activation for picture 0 is not a number"):
        top_patches(net, "conv1", pictures(2))
    assert hooks(net) == 0


def test_largest_is_a_stable_sort() -> None:
    torch.manual_seed(0)
    for levels in (1, 2, 5, 1000):
        values = torch.randint(levels, (40, 90)).float()
        for k in (1, 7, 90, 100):
            expected = values.sort(dim=1, descending=True, stable=True).indices[:, :k]
            assert torch.equal(largest(values, k), expected)


def test_minus_infinity_is_a_value() -> None:
    maps = torch.full((2, 1, 3), -math.inf)
    found = Best.none(1, like=maps).update(maps[:1], torch.tensor([0]), 5)
    found = found.update(maps[1:], torch.tensor([1]), 5)
    assert found.images.tolist() == [[0, 0, 0, 1, 1]]
    assert found.cells.tolist() == [[0, 1, 2, 0, 1]]
