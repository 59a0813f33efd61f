"""A new head on old features, and what a few units of a class are worth."""

import pytest
import torch
from torch.utils.data import TensorDataset

from camlib import (
    cam,
    class_maps,
    class_units,
    codes,
    critters,
    find_classifier,
    linear_svm,
    load,
    silence,
    with_head,
)
from camlib.embeddings.readout import Readout
from camlib.networks.net import Net
from camlib.scenes.scenes import Scenes


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return critters(96, seed=31)


@pytest.fixture(scope="module")
def net() -> Net:
    return load("critternet_gap")


def test_the_new_heads_logits_are_the_readouts_scores_and_its_maps_average_to_them(
    net: Net, scenes: Scenes
) -> None:
    features = codes(net, "conv5", scenes, pool="mean")
    asleep = scenes.labels == 8
    readout = linear_svm(features, asleep | (scenes.labels == 7))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    new = with_head(net, readout)
    assert list(new.classes) == ["no", "yes"]
    with torch.inference_mode():
        logits = new(scenes.images)
    torch.testing.assert_close(logits, readout.scores(features), atol=1e-3, rtol=1e-4)
    maps = class_maps(new, scenes.images, "yes")
    torch.testing.assert_close(maps.mean((1, 2)) + readout.bias[1], logits[:, 1], atol=1e-3, rtol=1e-4)
    assert cam(new, scenes.images[:2]).shape == (2, 128, 128)
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    assert net.classes[0] == "bramble"


def test_the_networks_own_weights_as_a_head_change_nothing(net: Net, scenes: Scenes) -> None:
    found = find_classifier(net, scenes.images[:8])
    same = with_head(net, Readout(found.weight, found.bias, tuple(net.classes)))
    torch.testing.assert_close(cam(same, scenes.images[:8]), cam(net, scenes.images[:8]))


def test_heads_that_do_not_fit(net: Net) -> None:
    readout = Readout(torch.zeros(2, 5), torch.zeros(2), ("a", "b"))
    with pytest.raises(ValueError, match="the readout takes 5 features; critternet_gap gives 64"):
        with_head(net, readout)
    with pytest.raises(ValueError, match="critternet has no class activation maps"):
        with_head(load("critternet"), readout)
    with pytest.raises(ValueError, match="a readout is what linear_svm gives; given a tensor"):
        with_head(net, torch.zeros(2))  # type: ignore[arg-type]


def test_closed_form_equals_silencing(net: Net, scenes: Scenes) -> None:
    units = class_units(net, scenes)
    with torch.inference_mode():
        torch.testing.assert_close(units.only(_all(units.weight)), net(scenes.images), atol=1e-3, rtol=1e-4)
    three = units.top()[4]
    with silence(net, "conv5", three.tolist()), torch.inference_mode():
        torch.testing.assert_close(units.without(three), net(scenes.images), atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(
        units.only(_all(units.weight)), units.only(_all(units.weight), "mean"), atol=1e-3, rtol=1e-4
    )


def _all(weight: torch.Tensor) -> torch.Tensor:
    return torch.arange(weight.shape[1]).expand(len(weight), -1)


def test_by_hand() -> None:
    """Two units, two classes, two pictures of one cell's width: every number on paper."""
    from camlib.heatmaps.class_units import ClassUnits

    pooled, weight = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, -1.0], [0.5, 2.0]])
    units = ClassUnits(pooled, weight, torch.tensor([0.0, 1.0]), torch.tensor([0, 1]))
    assert units.worth.tolist() == [[1.0, -2.0], [1.5, 8.0]]
    assert units.top(1).tolist() == [[0], [1]]
    assert units.only(units.top(1)).tolist() == [[1.0, 5.0], [3.0, 9.0]]
    # the others at their mean: unit 1 says -3 for class 0, unit 0 says 1 for class 1
    assert units.only(units.top(1), "mean").tolist() == [[-2.0, 6.0], [0.0, 10.0]]
    assert units.without(torch.tensor([1])).tolist() == [[1.0, 1.5], [3.0, 2.5]]


def test_wrong_units(net: Net, scenes: Scenes) -> None:
    units = class_units(net, scenes[:20])
    with pytest.raises(ValueError, match=r"give whole numbers \(9, k\)"):
        units.only(torch.tensor([1, 2]))
    with pytest.raises(ValueError, match=r"give whole numbers \(k,\)"):
        units.without(torch.tensor([0.5]))
    with pytest.raises(ValueError, match="units reach from 64 to 64; there are 64"):
        units.without(torch.tensor([64]))
    with pytest.raises(ValueError, match="others is 'none'; they are 'silent' or at their 'mean'"):
        units.only(units.top(), "none")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="count is 65"):
        units.top(65)
    with pytest.raises(ValueError, match="the data set has no labels"):
        class_units(net, scenes.images[:2])
    with pytest.raises(
        ValueError, match=r"labels are class indices, 0 to 8 for critternet_gap; given int64 .*, 0 to 9"
    ):
        class_units(net, TensorDataset(scenes.images[:2], torch.tensor([0, 9])))
