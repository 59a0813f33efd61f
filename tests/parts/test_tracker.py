"""The tracker: its heat map by hand, its training on pictures of dots, and that it leaves all as it was."""

import math

import pytest
import torch
from torch import Tensor, nn

from camlib.geometry.field import ReceptiveField, receptive_field
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.parts.feature_maps import feature_maps
from camlib.parts.find import locate
from camlib.parts.heat_map import finer, heat_loss, heat_map, mean_points
from camlib.parts.tracker import Tracker, track
from camlib.running.record import record
from camlib.scores.keypoints import keypoint_errors

NAN = math.nan


def grid(rows: int, columns: int, stride: int = 8, start: float = 0.0) -> ReceptiveField:
    return ReceptiveField(
        size=(3, 3),
        stride=(stride, stride),
        start=(start, start),
        shape=(rows, columns),
        picture=(stride * rows, stride * columns),
        gated=False,
        rows=tuple((n, n + 1) for n in range(rows)),
        columns=tuple((n, n + 1) for n in range(columns)),
    )


def dots(n: int, seed: int = 0, both: bool = False) -> tuple[Tensor, Tensor]:
    """Pictures with a red dot among blue ones, and where the red one is: (n, 3, 40, 40), (n, 1 or 2, 2)."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.stack([torch.randperm(8, generator=generator) for _ in range(2 * n)]).view(n, 2, 8)
    places = places.transpose(1, 2) * 4 + 5  # no two in a row or column
    images = torch.zeros(n, 3, 40, 40)
    for image, spots in zip(images, places.tolist(), strict=True):
        for rank, (x, y) in enumerate(spots[:5]):
            image[0 if rank < 1 + both else 2, y - 1 : y + 2, x - 1 : x + 2] = 1
    return images, places[:, : 1 + both].float()


@pytest.fixture(scope="module")
def net() -> Net:
    """Two convolutions with random weights: enough to tell red from blue."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [nn.Conv2d(3, 8, 5, 2, padding=2), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)]
        return wrap(nn.Sequential(*layers, *head), mean=(0.0,) * 3, std=(1.0,) * 3, size=40)


LAYERS = ("conv1", "conv2")


# The heat map


def test_a_cell_is_split_in_four() -> None:
    field = finer(grid(2, 3))
    assert (field.start, field.stride, field.shape) == ((-2, -2), (4, 4), (4, 6))
    assert field.box(3, 5) == grid(2, 3).box(1, 2)
    centres = [[grid(2, 3).centre(i // 2, j // 2) for j in range(6)] for i in range(4)]
    offsets = {(field.centre(i, j)[0] - centres[i][j][0], field.centre(i, j)[1] - centres[i][j][1])
               for i in range(4) for j in range(6)}  # fmt: skip
    assert offsets == {(-2, -2), (2, -2), (-2, 2), (2, 2)}
    numbers = torch.arange(4.0)[None, :, None, None] + 10 * torch.arange(3)
    assert heat_map(numbers.expand(1, 4, 2, 3))[0, :2].tolist() == [
        [0, 1, 10, 11, 20, 21],
        [2, 3, 12, 13, 22, 23],
    ]
    odd = grid(2, 3, stride=5)
    assert finer(odd) == odd
    assert torch.equal(heat_map(numbers[:, :1]), numbers[:, 0])


def test_the_loss_worked_by_hand() -> None:
    field = grid(1, 2, stride=4)
    heat = torch.tensor([[[math.log(2), math.log(5)]]])  # of 1 + 2 + 5 parts: nowhere, the left, the right
    near = math.exp(-16 / (2 * 3**2))  # a cell of 4 pixels away, sigma being 3
    left = [-(math.log(2 / 8) + near * math.log(5 / 8)) / (1 + near)]
    assert heat_loss(heat, torch.tensor([[[0.0, 0]]]), field).item() == pytest.approx(left[0])
    both = torch.tensor([[[0.0, 0], [4, 0]]])
    assert heat_loss(heat, both, field).item() == pytest.approx(-(math.log(2 / 8) + math.log(5 / 8)) / 2)
    one = torch.tensor([[[NAN, NAN], [0.0, 0]]])
    assert heat_loss(heat, one, field).item() == pytest.approx(left[0])
    nowhere = heat_loss(heat, torch.full((1, 2, 2), NAN), field)
    assert nowhere.item() == pytest.approx(math.log(8))
    twice = heat_loss(heat.expand(2, 1, 2), torch.cat([both, torch.full((1, 2, 2), NAN)]), field)
    assert twice.item() == pytest.approx((-(math.log(2 / 8) + math.log(5 / 8)) / 2 + math.log(8)) / 2)


def test_the_mean_of_a_heat_map() -> None:
    heat = torch.tensor([[[0, math.log(3)]], [[-2, -2]]])
    points, strengths = mean_points(heat, grid(1, 2, stride=4, start=1.0))
    assert points.tolist() == [[[pytest.approx(4), 1]], [[pytest.approx(3), 1]]]
    assert strengths[:, 0].tolist() == pytest.approx([math.log(4), -2 + math.log(2)])


# Features


def test_features_are_what_the_layers_give_out(net: Net) -> None:
    images, _ = dots(5)
    features = feature_maps(net, LAYERS, images)
    with torch.inference_mode(), record(net, *LAYERS) as acts:
        net(images)
    wanted = torch.cat([acts["conv1"], acts["conv2"]], 1)
    assert features.maps.dtype == torch.float16
    assert features.maps.shape == (5, 16, 20, 20)
    torch.testing.assert_close(features.maps.float(), wanted, atol=2e-3, rtol=2e-3)
    assert features.field == receptive_field(net, "conv2")
    assert torch.equal(features[[3, 1]].maps, features.maps[[3, 1]])
    assert len(features[:2]) == 2
    turned = feature_maps(net, LAYERS[::-1], images).maps
    assert torch.equal(turned, torch.cat([features.maps[:, 8:], features.maps[:, :8]], 1))


def test_layers_that_do_not_fit_are_refused() -> None:
    critternet, images = load("critternet", weights="random"), torch.rand(1, 3, 128, 128)
    with pytest.raises(ValueError, match="the cells of conv1, conv3 lie in different places"):
        feature_maps(critternet, ["conv1", "conv3"], images)
    with pytest.raises(ValueError, match="'fc6' has no map"):
        feature_maps(critternet, ["fc6"], images)
    with pytest.raises(ValueError, match="layers is a list of names; given 'conv5'"):
        feature_maps(critternet, "conv5", images)


# Training


def test_a_head_learns_where_the_red_dot_is(net: Net) -> None:
    images, points = dots(120)
    fresh, truth = dots(60, seed=1)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    state = torch.get_rng_state()
    features = feature_maps(net, LAYERS, images)
    tracker = track(features, points, steps=120)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in net.parameters())
    assert not any(module._forward_hooks for module in net.modules())
    sizes = torch.full((60,), 10.0)
    found = tracker.locate(fresh)
    assert found.points.shape == (60, 1, 2)
    assert keypoint_errors(found.points, truth, sizes).pck(0.1) > 0.95  # within a pixel
    assert keypoint_errors(tracker.locate(fresh, mean=True).points, truth, sizes).pck(0.2) > 0.9
    again = track(features, points, steps=120)
    assert torch.equal(again.locate(fresh).points, found.points)
    assert not torch.equal(track(features, points, steps=120, seed=1).locate(fresh).points, found.points)
    kept = tracker.locate(feature_maps(net, LAYERS, fresh))
    torch.testing.assert_close(kept.points, found.points)


def test_two_red_dots_and_none(net: Net) -> None:
    images, points = dots(120, both=True)
    images[::4, 0], points[::4] = 0, NAN
    fresh, truth = dots(60, seed=1, both=True)
    with torch.inference_mode():  # wherever it is called from
        tracker = track(feature_maps(net, LAYERS, images), points, steps=120)
    sizes = torch.full((60,), 10.0)
    assert keypoint_errors(tracker.locate(fresh, 2).points, truth, sizes).pck(0.2) > 0.9
    fresh[:, 0] = 0
    assert tracker.locate(fresh).points.isnan().float().mean() > 0.9
    # the mean of two lies between them
    middle = truth.mean(1, keepdim=True)
    between = keypoint_errors(tracker.locate(dots(60, 1, both=True)[0], mean=True).points, middle, sizes)
    assert between.nme < 0.35


def test_only_the_most_confident_labels_are_learnt(net: Net) -> None:
    images, points = dots(120)
    features = feature_maps(net, LAYERS, images)
    strengths = torch.rand(120, 1, generator=torch.Generator().manual_seed(2))
    sure = (strengths[:, 0] >= strengths[:, 0].sort(descending=True).values[35]).nonzero()[:, 0]
    wrong = points.clone()
    wrong[strengths[:, 0] < strengths[sure].min()] = 0
    tracker = track(features, wrong, strengths=strengths, keep=0.3, steps=20)
    only = track(features[sure], points[sure], steps=20)
    assert len(sure) == 36
    assert torch.equal(tracker.locate(images).points, only.locate(images).points)


def test_what_track_refuses(net: Net) -> None:
    images, points = dots(4)
    features = feature_maps(net, LAYERS, images)
    with pytest.raises(ValueError, match=r"points are \(3, 1, 2\) for 4 pictures; give \(4, P, 2\)"):
        track(features, points[:3])
    with pytest.raises(ValueError, match="there is no point to learn from"):
        track(features, points * NAN)
    with pytest.raises(ValueError, match="keep is 0; it is a share"):
        track(features, points, strengths=torch.ones(4, 1), keep=0)
    with pytest.raises(ValueError, match="give strengths"):
        track(features, points, keep=0.5)
    with pytest.raises(ValueError, match=r"strengths are \(4,\) for points \(4, 1, 2\)"):
        track(features, points, strengths=torch.ones(4), keep=0.5)
    tracker = track(features, points, steps=1)
    with pytest.raises(ValueError, match="a heat map has one mean, not 2"):
        tracker.locate(images, 2, mean=True)
    with pytest.raises(ValueError, match="these features are not those of"):
        tracker.locate(feature_maps(net, ["conv2"], images))


# The course's own trackers


def test_a_network_of_the_courses_is_a_tracker() -> None:
    net, images = load("critternet_eye", weights="random"), torch.rand(2, 3, 128, 128)
    heat, field = Tracker.of(net).heat(images)
    assert heat.shape == (2, 32, 32)
    assert (field.start, field.stride) == ((-2, -2), (4, 4))
    with torch.inference_mode():
        torch.testing.assert_close(heat.amax((1, 2)), net(images)[:, 0], atol=1e-2, rtol=1e-2)
    wide = Tracker.of(net).locate(torch.rand(1, 3, 160, 192), 2)
    assert wide.points.shape == (1, 2, 2)
    with pytest.raises(ValueError, match="critternet_gap is no tracker: it has no layer 'heat'"):
        Tracker.of(load("critternet_gap"))
    assert locate(net, ("heat", 3), images).points.shape == (2, 1, 2)
