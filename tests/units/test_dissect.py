"""Network Dissection's rule: against brute force, on a unit that is right by design, and on noise."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from camlib.geometry.field import receptive_field, upsample
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.running.record import record
from camlib.scenes.scenes import PARTS, Scenes, critters
from camlib.units.dissect import dissect, random_rotation
from camlib.units.dissection import CONCEPTS


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return critters(20, seed=5, size=64)


@pytest.fixture(scope="module")
def net() -> Net:
    """Maps of 16 × 16 for pictures of 64 × 64, six units."""
    torch.manual_seed(3)
    trunk = nn.Conv2d(3, 8, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 6, 3, padding=1)
    return wrap(nn.Sequential(*trunk, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), size=64)


def pixelwise(weight: Tensor) -> Net:
    """Each unit is a mixture of the three colours of one pixel."""
    conv = nn.Conv2d(3, len(weight), 1, bias=False)
    conv.weight.data = weight[:, :, None, None].clone()
    module = nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return wrap(module, mean=[0.0] * 3, std=[1.0] * 3, size=64)


def concept(scenes: Scenes, name: str) -> Tensor:
    if name == "critter":
        return scenes.masks
    if name == "whole head":
        return torch.stack([scenes.part(part) for part in ("head", "eye", "ear", "nose", "horn")]).any(0)
    return scenes.part(name)


@pytest.mark.parametrize("quantile", [0.005, 0.05])
@pytest.mark.parametrize("turned", [False, True])
def test_equals_brute_force(net: Net, scenes: Scenes, quantile: float, turned: bool) -> None:
    turn = random_rotation(6, seed=1) if turned else None
    found = dissect(net, "conv2", scenes, rotation=turn, quantile=quantile)
    with torch.inference_mode(), record(net, "conv2") as acts:
        net(scenes.images)
    maps = acts["conv2"] if turn is None else torch.einsum("kj,njhw->nkhw", turn, acts["conv2"])
    field = receptive_field(net, "conv2", size=64)
    for unit in range(6):
        cells = maps[:, unit].flatten().sort(descending=True).values
        threshold = cells[int(len(cells) * quantile)]  # 20 · 16² · .005 = 25.6: 25 cells are above the 26th
        assert found.thresholds[unit] == threshold
        lit = upsample(maps[:, unit], field, size=64) > threshold
        for c, name in enumerate(CONCEPTS):
            mask = concept(scenes, name)
            iou = (lit & mask).sum() / (lit | mask).sum()
            assert found.iou[unit, c] == pytest.approx(iou.item(), abs=1e-7), (unit, name)
    assert [round(a, 6) for a in found.areas.tolist()] == [
        round(concept(scenes, name).float().mean().item(), 6) for name in CONCEPTS
    ]


def test_no_more_than_the_quantile_is_lit(net: Net, scenes: Scenes) -> None:
    found = dissect(net, "conv2", scenes, quantile=0.01)
    with torch.inference_mode(), record(net, "conv2") as acts:
        net(scenes.images)
    above = (acts["conv2"] > found.thresholds[:, None, None]).float().mean((0, 2, 3))
    assert ((above <= 0.01) & (above > 0.009)).all()


def test_a_perfect_detector(scenes: Scenes) -> None:
    """Eyes painted red, noses green: the red unit detects eyes, the green one noses, the blue one nothing."""
    painted = torch.stack([scenes.part("eye"), scenes.part("nose"), torch.zeros_like(scenes.masks)], 1)
    made_up = replace(scenes, pixels=painted.to(torch.uint8) * 255)
    net = pixelwise(torch.eye(3))
    # A unit is lit on exactly its part if the part is no larger than the quantile and the rest is zero.
    found = dissect(net, "conv1", made_up, quantile=0.02)
    assert found.areas[[CONCEPTS.index("eye"), CONCEPTS.index("nose")]].max() < 0.02
    assert found.iou[0, CONCEPTS.index("eye")] == 1
    assert found.iou[1, CONCEPTS.index("nose")] == 1
    assert found.names == ["eye", "nose", ""]
    assert found.detectors.tolist() == [True, True, False]
    assert found.iou[2].tolist() == [0.0] * len(CONCEPTS)  # a dead unit is never lit
    assert found.unique == 2
    twice = dissect(pixelwise(torch.eye(3)[[0, 0, 2]]), "conv1", made_up, quantile=0.02)
    assert (int(twice.detectors.sum()), twice.unique) == (2, 1)


def test_noise_detects_nothing(scenes: Scenes) -> None:
    """A unit lit at random on a share q covers a part of area p with IoU q p / (q + p − q p), below q."""
    noise = torch.randint(256, scenes.pixels.shape, generator=torch.Generator().manual_seed(0))
    noisy, net = replace(scenes, pixels=noise.to(torch.uint8)), pixelwise(torch.eye(3))
    found = dissect(net, "conv1", noisy, quantile=0.02)
    p = found.areas
    chance = 0.02 * p / (0.02 + p - 0.02 * p)
    assert torch.allclose(found.iou, chance.expand(3, -1), atol=0.005)
    assert chance.max() > 0.015
    found = dissect(net, "conv1", noisy)
    assert not found.detectors.any()
    assert (found.names, found.unique) == ([""] * 3, 0)


def test_the_ceiling_is_the_ratio_of_areas(net: Net, scenes: Scenes) -> None:
    found = dissect(net, "conv2", scenes, quantile=0.01)
    for area, ceiling in zip(found.areas.tolist(), found.ceiling.tolist(), strict=True):
        assert ceiling == pytest.approx(area / 0.01 if area < 0.01 else 0.01 / area)


def test_a_rotation_that_swaps_units_swaps_the_rows(net: Net, scenes: Scenes) -> None:
    plain = dissect(net, "conv2", scenes)
    order = [3, 0, 1, 5, 4, 2]
    turned = dissect(net, "conv2", scenes, rotation=torch.eye(6)[order])
    assert torch.equal(turned.iou, plain.iou[order])
    assert torch.equal(turned.thresholds, plain.thresholds[order])


def test_random_rotations_are_orthogonal_and_even() -> None:
    turn = random_rotation(64)
    assert torch.allclose(turn @ turn.T, torch.eye(64), atol=1e-5)
    assert torch.equal(turn, random_rotation(64, seed=0))
    assert not torch.equal(turn, random_rotation(64, seed=1))
    # With every matrix equally likely each entry is 0 on average, its square 1 / n.
    many = torch.stack([random_rotation(3, seed=seed) for seed in range(2000)])
    assert many.mean(0).abs().max() < 0.06  # 4.6 standard errors
    assert (many.square().mean(0) - 1 / 3).abs().max() < 0.03


def test_the_network_is_left_as_it_was(net: Net, scenes: Scenes) -> None:
    before = {name: value.clone() for name, value in net.state_dict().items()}
    dissect(net, "conv1", scenes[:3])
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(inner._forward_hooks for inner in net.modules())


def test_wrong_input(net: Net, scenes: Scenes) -> None:
    with pytest.raises(ValueError, match="no layer 'conv7'"):
        dissect(net, "conv7", scenes)
    with pytest.raises(ValueError, match="'fc7' has no map, it gives 256 numbers"):
        dissect(load("critternet", weights="random"), "fc7", scenes)
    with pytest.raises(ValueError, match=r"a rotation of shape \(5, 5\) for 6 units"):
        dissect(net, "conv2", scenes, rotation=torch.eye(5))
    with pytest.raises(ValueError, match="this rotation is none"):
        dissect(net, "conv2", scenes, rotation=2 * torch.eye(6))
    with pytest.raises(ValueError, match="quantile is 1"):
        dissect(net, "conv2", scenes, quantile=1)
    with pytest.raises(ValueError, match="two critters each"):
        dissect(net, "conv2", critters(2, size=64, pair=True))


def test_concepts_are_the_parts_and_two_wholes() -> None:
    assert (*PARTS[1:], "whole head", "critter") == CONCEPTS
