"""Units as part detectors: peaks against scikit-image, scores against brute force, networks made by hand."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from skimage.feature import peak_local_max
from torch import Tensor, nn

from camlib.geometry.field import ReceptiveField, receptive_field
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.parts.baselines import baselines
from camlib.parts.equivariance import MOVES, Move, equivariance
from camlib.parts.find import find_units, locate
from camlib.parts.head_frame import head_frame
from camlib.parts.peaks import peaks
from camlib.parts.unit_table import UnitTable
from camlib.running.record import record
from camlib.scenes.scenes import Scenes, critters
from camlib.scores import bootstrap
from camlib.scores.keypoints import KeypointErrors, keypoint_errors, part_truth
from camlib.units.dissect import random_rotation

NAN, INF = math.nan, math.inf


def grid(shape: tuple[int, int], stride: int = 8, start: float = 3.0) -> ReceptiveField:
    return ReceptiveField(
        size=(11, 11),
        stride=(stride, stride),
        start=(start, start),
        shape=shape,
        picture=(stride * shape[0], stride * shape[1]),
        gated=False,
        rows=((0, 1),) * shape[0],
        columns=((0, 1),) * shape[1],
    )


def bare(*kernels: tuple[float, float, float], size: int = 32, stride: int = 1) -> Net:
    """A network of one convolution: for each unit the kernel's middle weight, its other weights, its bias."""
    conv = nn.Conv2d(3, len(kernels), 3, stride=stride, padding=1)
    with torch.no_grad():
        for unit, (middle, others, bias) in enumerate(kernels):
            conv.weight[unit] = others
            conv.weight[unit, :, 1, 1] = middle
            assert conv.bias is not None
            conv.bias[unit] = bias
    layers = [conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(len(kernels), 2)]
    return wrap(nn.Sequential(*layers), mean=(0.0,) * 3, std=(1.0,) * 3, size=size)


DOT = (1.0, 0.0, 0.0)  # a unit that sees a bright dot


def dots(points: list[list[tuple[int, int]]], size: tuple[int, int] = (32, 32), light: float = 0.0) -> Tensor:
    """Pictures of bright dots at (x, y), the first of each the brightest."""
    images = torch.full((len(points), 3, *size), light)
    for image, places in zip(images, points, strict=True):
        for rank, (x, y) in enumerate(places):
            image[:, y, x] = 1 - 0.2 * rank
    return images


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return critters(24, seed=77)


# Peaks


def test_a_peak_worked_by_hand() -> None:
    heat = torch.tensor([[0.0, 2, 0, 0], [1, 3, 2, 0], [0, 1, 0, 0]])
    (point,), (strength,) = peaks(heat, grid((3, 4)))
    # across: (1 - 2) / (2 (1 - 6 + 2)) = 1/6 of a cell; down: (2 - 1) / (2 (2 - 6 + 1)) = -1/6
    assert point.tolist() == pytest.approx([3 + 8 * (1 + 1 / 6), 3 + 8 * (1 - 1 / 6)])
    assert strength == 3
    # at the border, and where the neighbours are as high, there is nothing to refine
    heat = torch.tensor([[[5.0, 4, 0]], [[1, 1, 1]]])
    assert peaks(heat, grid((1, 3))).points.tolist() == [[[3, 3]], [[3, 3]]]


def test_the_logarithm_of_a_gaussian_is_found_exactly() -> None:
    field = grid((9, 9), stride=4, start=-1.5)
    for x, y in ((7.3, 20.9), (12.0, 9.6)):
        cells = torch.arange(9) * 4 - 1.5
        away = (cells[None, :] - x) ** 2 + (cells[:, None] - y) ** 2
        assert peaks(9 - away / 30, field).points[0].tolist() == pytest.approx([x, y], abs=1e-3)


def test_refining_a_blob_undoes_nearly_all_of_the_quantisation() -> None:
    cells, x = torch.arange(12) * 8.0, torch.linspace(40, 48, 81)
    heat = torch.exp(-((cells - x[:, None]) ** 2) / (2 * 10.0**2))[:, None]
    field = grid((1, 12), start=0.0)
    coarse = (heat[:, 0].argmax(1) * 8 - x).square().mean().sqrt()
    fine = (peaks(heat, field).points[:, 0, 0] - x).square().mean().sqrt()
    assert coarse.item() == pytest.approx(8 / math.sqrt(12), rel=0.03)
    assert fine < 0.25 * coarse


def test_several_peaks_equal_scikit_image() -> None:
    noise = torch.randn(6, 14, 17, generator=torch.Generator().manual_seed(0))
    found = peaks(noise, grid((14, 17), stride=1, start=0.0), count=5)
    for one, points, strengths in zip(noise.numpy(), found.points, found.strengths, strict=True):
        wanted = peak_local_max(one, min_distance=1, threshold_abs=0, exclude_border=False, num_peaks=5)
        assert (points - points.round()).abs().max() <= 0.5
        assert strengths.tolist() == [one[i, j] for i, j in wanted]


def test_the_second_peak_is_further_away_than_the_radius() -> None:
    heat = torch.zeros(1, 12)
    heat[0, [2, 5, 9]] = torch.tensor([9.0, 8, 7])
    field = grid((1, 12), stride=4, start=0.0)
    assert peaks(heat, field, count=2).points[:, 0].tolist() == [8, 20]
    assert peaks(heat, field, count=2, radius=11.9).points[:, 0].tolist() == [8, 20]
    assert peaks(heat, field, count=2, radius=12).points[:, 0].tolist() == [8, 36]
    third = peaks(heat, field, count=3, radius=12)
    assert third.points[2].isnan().all()
    assert third.strengths.tolist() == [9, 7, 0]
    # the slope of a broad hill is no second peak
    slope = torch.tensor([[0.0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0, 0]])
    assert peaks(slope, field, count=2).points[1].isnan().all()


def test_a_silent_map_has_no_peak() -> None:
    points, strengths = peaks(
        torch.stack([torch.zeros(3, 4), torch.full((3, 4), -1.0)]), grid((3, 4)), count=2
    )
    assert points.isnan().all()
    assert strengths.tolist() == [[0, 0], [0, 0]]


def test_bad_maps_are_refused() -> None:
    with pytest.raises(ValueError, match=r"maps of shape \(4, 3\); this field is for floats \(…, 3, 4\)"):
        peaks(torch.zeros(4, 3), grid((3, 4)))
    with pytest.raises(ValueError, match="count is 0; it is a whole number, from 1 to"):
        peaks(torch.zeros(3, 4), grid((3, 4)), count=0)
    with pytest.raises(ValueError, match="not a number"):
        peaks(torch.full((3, 4), NAN), grid((3, 4)), count=2)


# locate


def test_a_unit_that_sees_a_dot_returns_its_pixel() -> None:
    net = bare((0.0, 0.0, 0.0), DOT)
    places = [[(5, 20)], [(17, 3)], [(30, 30)]]
    points, strengths = locate(net, ("conv1", 1), dots(places))
    assert points.tolist() == [[[5, 20]], [[17, 3]], [[30, 30]]]
    assert strengths.tolist() == [[3], [3], [3]]
    assert locate(net, ("conv1", 0), dots(places)).points.isnan().all()
    # another size, oblong, and a stride: cell (i, j) looks at pixel (4 j, 4 i)
    wide = dots([[(40, 12)]], (24, 56))
    assert locate(bare(DOT, stride=4), ("conv1", 0), wide).points.tolist() == [[[40, 12]]]


def test_both_dots_are_found_the_brighter_first() -> None:
    images = dots([[(20, 9), (6, 25)], [(3, 3), (28, 4)], [(10, 10)]])
    points, strengths = locate(bare(DOT), ("conv1", 0), images, count=2)
    assert points[:2].tolist() == [[[20, 9], [6, 25]], [[3, 3], [28, 4]]]
    assert points[2, 0].tolist() == [10, 10]
    assert points[2, 1].isnan().all()
    torch.testing.assert_close(strengths, torch.tensor([[3, 2.4], [3, 2.4], [3, 0]]))


def test_locate_equals_a_loop_and_leaves_the_network_alone(scenes: Scenes) -> None:
    net = load("critternet_gap").train()
    state = torch.get_rng_state()
    points, strengths = locate(net, ("conv4", 5), scenes)
    assert net.training
    assert all(module.training for module in net.modules())
    assert not any(module._forward_hooks for module in net.modules())
    assert torch.equal(torch.get_rng_state(), state)
    field = receptive_field(net, "conv4")
    with torch.inference_mode(), record(net.eval(), "conv4") as acts:
        net(scenes.images)
    for one, point, strength in zip(acts["conv4"][:, 5], points, strengths, strict=True):
        i, j = divmod(int(one.argmax()), one.shape[1])
        assert (point[0] - torch.tensor(field.centre(i, j))).abs().max() <= 4
        assert strength.item() == pytest.approx(one.max().item(), abs=1e-5)


def test_a_unit_that_is_not_there_is_refused(scenes: Scenes) -> None:
    net = load("critternet_gap")
    with pytest.raises(ValueError, match="unit 64: 'conv4' has 64 units, 0 to 63"):
        locate(net, ("conv4", 64), scenes)
    with pytest.raises(ValueError, match="no layer 'conv9'"):
        locate(net, ("conv9", 0), scenes)
    with pytest.raises(ValueError, match="'fc' has no map, it gives 9 numbers"):
        locate(net, ("fc", 0), scenes)


# Scores


def test_errors_worked_by_hand() -> None:
    truth = torch.tensor(
        [[[0.0, 0], [10, 0]], [[0, 0], [NAN, NAN]], [[NAN, NAN], [NAN, NAN]], [[5, 5], [9, 9]]]
    )
    points = torch.tensor([[[9.0, 0], [4, 0]], [[3, 4], [0, 1]], [[1, 1], [2, 2]], [[5, 8], [NAN, NAN]]])
    errors = keypoint_errors(points, truth, torch.tensor([10.0, 10, 10, 30]))
    # 9 → 10 and 4 → 0; the nearer of two for one true point; nothing to find; 3 / 30, and one not found
    assert errors.errors[0].sort().values.tolist() == pytest.approx([0.1, 0.4])
    torch.testing.assert_close(
        errors.errors[1:], torch.tensor([[0.1, NAN], [NAN, NAN], [0.1, INF]]), equal_nan=True
    )
    assert errors.pck(0.1) == pytest.approx(3 / 5)
    assert errors.pck() == pytest.approx(3 / 5)
    assert errors.pck(0.4) == pytest.approx(4 / 5)
    assert errors.nme == pytest.approx((0.1 + 0.4 + 0.1 + 0.1) / 4)
    assert errors.found == pytest.approx(4 / 5)
    # one point is held against the nearest true one
    assert keypoint_errors(points[:, :1], truth, torch.full((4,), 10.0)).errors[0] == pytest.approx(0.1)


def test_pairs_are_those_of_the_least_sum() -> None:
    generator = torch.Generator().manual_seed(3)
    points, truth = (torch.rand(20, 3, 2, generator=generator) * 50 for _ in range(2))
    errors = keypoint_errors(points, truth, torch.full((20,), 2.0)).errors
    for one, p, t in zip(errors, points, truth, strict=True):
        sums = [
            sum(math.dist(a, b) for a, b in zip(p.tolist(), q, strict=True)) for q in permutations(t.tolist())
        ]
        assert one.sum().item() == pytest.approx(min(sums) / 2, rel=1e-5)


@pytest.mark.parametrize("many", [25, 26, 40])
def test_distances_are_exact_however_many_points_there_are(many: int) -> None:
    points = 4000 + 20 * torch.rand(2, many, 2, generator=torch.Generator().manual_seed(4))
    assert keypoint_errors(points, points, torch.tensor([10.0, 10])).errors.tolist() == [[0] * many] * 2


def test_resampled_scores_are_scores_of_resampled_pictures() -> None:
    errors = KeypointErrors(torch.tensor([[0.1, NAN], [0.3, 0.1], [INF, 0.05], [NAN, NAN], [0.15, 0.6]]))
    sets = bootstrap.counts(5, 40, seed=2)
    assert sets.sum(1).tolist() == [5] * 40
    for count, score in zip(sets.long(), errors.resampled(times=40, seed=2), strict=True):
        drawn = KeypointErrors(errors.errors.repeat_interleave(count, 0))
        assert score.item() == pytest.approx(drawn.pck(), nan_ok=True)
    low, high = errors.interval()
    assert low < errors.pck() < high
    assert bootstrap.interval(torch.arange(101.0), level=0.9) == pytest.approx((5, 95))
    with pytest.raises(ValueError, match="level is 95"):
        errors.interval(level=95)


def test_points_that_do_not_fit_are_refused() -> None:
    points, sizes = torch.zeros(2, 1, 2), torch.ones(2)
    with pytest.raises(ValueError, match=r"points, truth and sizes are \(2, 2\), \(2, 1, 2\), \(2,\); give"):
        keypoint_errors(points[:, 0], points, sizes)
    with pytest.raises(ValueError, match="a size is 0; sizes are pixels above 0"):
        keypoint_errors(points, points, torch.tensor([1.0, 0]))
    with pytest.raises(ValueError, match="no picture has a true point"):
        keypoint_errors(points, points * NAN, sizes)
    with pytest.raises(ValueError, match="a point is infinite"):
        keypoint_errors(points + INF, points, sizes)


def test_the_truth_of_a_part(scenes: Scenes) -> None:
    points, sizes = part_truth(scenes, "eye", hidden=True)
    assert torch.equal(points, scenes.keypoints[:, :2])
    x0, y0, x1, y1 = scenes.head_boxes.T
    assert torch.equal(sizes, torch.maximum(x1 - x0, y1 - y0))
    assert torch.equal(
        part_truth(scenes, ["tail", "left_ear"], hidden=True).points, scenes.keypoints[:, [5, 3]]
    )
    seen = part_truth(scenes, "ear").points
    assert torch.equal(~seen.isnan().any(2), scenes.visible[:, 3:5])
    assert not scenes.visible[:, 3:5].all()
    with pytest.raises(ValueError, match="no key point 'knee'; a critter has eye, ear, left_eye"):
        part_truth(scenes, "knee")


def test_points_in_the_heads_own_frame(scenes: Scenes) -> None:
    eyes, sizes = part_truth(scenes, "eye", hidden=True)
    half = (eyes[:, 1] - eyes[:, 0]).norm(dim=1) / sizes / 2
    there = head_frame(scenes, eyes)
    zero = torch.zeros(len(scenes))
    wanted = torch.stack([torch.stack([-half, zero], 1), torch.stack([half, zero], 1)], 1)
    torch.testing.assert_close(there, wanted, atol=1e-5, rtol=0)
    nose = part_truth(scenes, "nose", hidden=True).points
    assert (head_frame(scenes, nose)[:, 0, 1] > 0.1).all()  # below the eyes, however the head is turned
    gap = (head_frame(scenes, nose)[:, 0] - there[:, 0]).norm(dim=1) * sizes
    torch.testing.assert_close(gap, (nose[:, 0] - eyes[:, 0]).norm(dim=1))
    with pytest.raises(ValueError, match=r"points are \(3, 1, 2\) for 24 scenes"):
        head_frame(scenes, nose[:3])


# find_units


def test_every_unit_is_scored_as_if_it_were_alone(scenes: Scenes) -> None:
    net = load("critternet_gap")
    table = find_units(net, scenes, "eye", alpha=0.3)
    assert len(table) == 2 * 32 + 4 * 64  # conv1, pool1, conv2 to conv5; the pooled layer has no map
    assert table.labels == int(scenes.visible[:, :2].any(1).sum())
    for unit in (("conv1", 3), ("conv3", 33), ("conv5", 63)):
        alone = keypoint_errors(locate(net, unit, scenes).points, *part_truth(scenes, "eye"))
        torch.testing.assert_close(table.of(unit).errors, alone.errors, equal_nan=True)
    rows = [(row.pck, -row.nme) for row in table if not math.isnan(row.nme)]
    assert rows == sorted(rows, reverse=True)
    assert table.best == (table[0].layer, table[0].unit)
    torch.testing.assert_close(table.pck, torch.tensor([row.pck for row in table]))
    torch.testing.assert_close(table.nme, torch.tensor([row.nme for row in table]), equal_nan=True)
    first = find_units(net, scenes[:7], "eye", layers=["conv3"], alpha=0.3)
    assert table.within("conv3").using(slice(7)).keys == first.keys
    assert table.using(torch.arange(24) < 7).within("conv3").keys == first.keys


def test_directions_in_the_units_place(scenes: Scenes) -> None:
    net = load("critternet_gap")
    table = find_units(net, scenes, "nose", layers=["conv5"], rotate=4)
    with torch.inference_mode(), record(net, "conv5") as acts:
        net(scenes.images)
    turned = torch.tensordot(acts["conv5"], random_rotation(64, seed=4), dims=([1], [1])).permute(0, 3, 1, 2)
    found = peaks(turned[:, 9], receptive_field(net, "conv5")).points
    alone = keypoint_errors(found, *part_truth(scenes, "nose"))
    torch.testing.assert_close(
        table.of(("conv5", 9)).errors, alone.errors, equal_nan=True, rtol=1e-3, atol=1e-3
    )


def test_five_clicks_on_photographs_of_ones_own() -> None:
    net = bare((0.0, 0.0, 0.0), DOT, (0.0, 0.0, 1.0))
    places = [[(5, 20)], [(17, 3)], [(30, 30)], [(2, 2)], [(8, 9)]]
    images = dots(places, (32, 40))
    clicks = torch.tensor(places).float() + torch.tensor([4.0, 0])  # all a little to the right
    table = find_units(net, images, clicks)
    assert table.best == ("conv1", 1)
    assert table[0].nme == pytest.approx(4 / 40)  # of the longer side
    assert table.labels == 5
    assert find_units(net, images, clicks[:, 0]).errors.equal(table.errors)
    half = clicks.clone()
    half[1:4] = NAN
    assert find_units(net, images, half, sizes=torch.full((5,), 8.0)).labels == 2
    assert find_units(net, images, half, sizes=torch.full((5,), 8.0))[0].nme == pytest.approx(0.5)
    # a silent unit is last, with nothing found
    assert table[2] == pytest.approx(("conv1", 0, 0, NAN, 0), nan_ok=True)


def test_what_find_units_refuses(scenes: Scenes) -> None:
    net, images = load("critternet_gap"), torch.rand(3, 3, 128, 128)
    with pytest.raises(ValueError, match=r"only scenes know where 'eye' is, and photos.*; give points"):
        find_units(net, images, "eye")
    with pytest.raises(ValueError, match=r"2 points and 3 sizes for 3 pictures"):
        find_units(net, images, torch.zeros(2, 1, 2))
    with pytest.raises(ValueError, match=r"points and sizes are \(3, 1, 3\) and \(3,\)"):
        find_units(net, images, torch.zeros(3, 1, 3))
    with pytest.raises(ValueError, match="no picture has the part"):
        find_units(net, images, torch.full((3, 1, 2), NAN))
    with pytest.raises(ValueError, match="no key point 'wheel'"):
        find_units(net, scenes, "wheel")
    with pytest.raises(ValueError, match="'fc' has no map"):
        find_units(net, scenes, "eye", layers=["conv5", "fc"])
    with pytest.raises(ValueError, match=r"layers are several names; give \['conv5'\]"):
        find_units(net, scenes, "eye", layers="conv5")


def test_tables_worked_by_hand() -> None:
    keys = (("a", 0), ("a", 1), ("b", 0), ("b", 1))
    errors = torch.tensor([[0.1, 0.3, INF, 0.1], [0.3, 0.1, INF, 0.2], [NAN] * 4, [0.1, 0.1, INF, 0.1]])
    table = UnitTable.ranked(keys, errors, 0.2)
    assert table.keys == (("b", 1), ("a", 0), ("a", 1), ("b", 0))
    torch.testing.assert_close(table.pck, torch.tensor([1, 2 / 3, 2 / 3, 0]))
    assert table.labels == 3
    assert table.using([1]).best == ("a", 1)
    assert [row.unit for row in table.within("b")] == [1, 0]
    other = UnitTable.ranked(keys, torch.tensor([[0.0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]]), 0.2)
    # ranks 4, 2.5, 2.5, 1 of b1, a0, a1, b0 against 1, 4, 3, 2
    wanted = np.corrcoef([4, 2.5, 2.5, 1], [1, 4, 3, 2])[0, 1]
    assert table.spearman(other) == pytest.approx(wanted)
    assert "PCK@0.2 with 3 labels: b 1 1.000, a 0 0.667" in repr(table)
    with pytest.raises(ValueError, match=r"no unit \('a', 7\)"):
        table.of(("a", 7))
    with pytest.raises(ValueError, match="no units of 'c'; there are b, a"):
        table.within("c")
    with pytest.raises(ValueError, match="none of these pictures"):
        table.using([2])
    with pytest.raises(ValueError, match="different units"):
        table.spearman(table.within("a"))


# Agreement


@pytest.mark.parametrize("move", [*MOVES, Move(True, 7.0, (-0.05, 0.1))])
def test_points_move_as_pictures_do(move: Move) -> None:
    image = torch.zeros(1, 3, 60, 80)
    image[:, :, 24:27, 49:52] = 1
    moved = move.picture(image)
    assert moved.shape == image.shape
    y, x = torch.meshgrid(torch.arange(60.0), torch.arange(80.0), indexing="ij")
    weight = moved[0, 0] / moved[0, 0].sum()
    there = torch.stack([(weight * x).sum(), (weight * y).sum()])
    wanted = move.points(torch.tensor([50.0, 25]), (60, 80))
    torch.testing.assert_close(there, wanted, atol=0.1, rtol=0)
    assert (wanted - torch.tensor([50.0, 25])).norm() > 2
    back = move.back(wanted, (60, 80))
    torch.testing.assert_close(back, torch.tensor([50.0, 25]), atol=1e-3, rtol=0)


def test_what_comes_in_at_the_border_is_the_borders() -> None:
    image = torch.full((1, 3, 40, 40), 0.6)
    for move in MOVES:
        torch.testing.assert_close(move.picture(image), image)


def test_only_what_moves_along_agrees() -> None:
    corner = (-1.0, -1.0, 27.0)  # fires most where padding is dark: always in the same corner
    net = bare(corner, DOT, (0.0, 0.0, -1.0), size=40)
    images = dots([[(12, 20)], [(25, 14)], [(18, 27)]], (40, 40), light=0.1)
    table = equivariance(net, images, tolerance=0.05)
    assert table.of(("conv1", 1)).pck(0.05) == 1
    assert table.of(("conv1", 0)).pck(0.05) == 0
    assert table.of(("conv1", 2)).errors.isinf().all()  # dead
    assert table.keys == (("conv1", 1), ("conv1", 0), ("conv1", 2))
    assert table.errors.shape == (3 * len(MOVES), 3)
    with pytest.raises(ValueError, match="tolerance is 0"):
        equivariance(net, images, tolerance=0)


def test_a_thing_in_the_middle_tells_nothing_under_turns() -> None:
    image = torch.zeros(1, 3, 41, 41)
    image[:, :, 20, 20] = 1
    errors = equivariance(bare(DOT, size=41), image).of(("conv1", 0)).errors[:, 0]
    still = [move.shift == (0, 0) for move in MOVES]
    assert errors.isnan().tolist() == still
    assert errors[~torch.tensor(still)].max() < 0.02


# Guesses


def test_guesses_worked_by_hand() -> None:
    images = dots([[(20, 9)], [(6, 25)]], (32, 40), light=0.5)
    images[:, :, 4:7, 30:33] = 0
    known = torch.tensor([[[2.0, 4], [6, 4]], [[NAN, NAN], [10, 10]]])
    boxes = torch.tensor([[0.0, 0, 1, 1], [10, 20, 12, 21]])
    found = baselines(images, known=known, boxes=boxes)
    assert list(found) == ["centre", "brightest", "darkest", "mean", "in the box"]
    assert found["centre"].tolist() == [[[19.5, 15.5]]] * 2
    assert found["brightest"].tolist() == [[[20, 9]], [[6, 25]]]
    assert found["darkest"].tolist() == [[[31, 5]]] * 2
    assert found["mean"].tolist() == [[[6, 6]]] * 2
    inside = found["in the box"][:, 0]
    assert ((inside >= boxes[:, :2] - 0.5) & (inside <= boxes[:, 2:] - 0.5)).all()
    assert torch.equal(inside, baselines(images, boxes=boxes)["in the box"][:, 0])
    assert list(baselines(images)) == ["centre", "brightest", "darkest"]
    with pytest.raises(ValueError, match=r"boxes are \(1, 4\); give one for each picture, \(2, 4\)"):
        baselines(images, boxes=boxes[:1])
    with pytest.raises(ValueError, match="no point is known"):
        baselines(images, known=known * NAN)
