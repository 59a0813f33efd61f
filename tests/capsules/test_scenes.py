"""What lesson 13 asks capsules about scenes is asked rightly; the trainings that do not ship."""

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from camlib.capsules.trained import Asked
from camlib.networks.zoo import load
from camlib.parts.find import find_units
from camlib.scenes.scenes import critters
from camlib.shipped import rows_of
from camlib.training.augment import varied
from camlib.units.coupled import coupled
from tools import capsules_first_layer, capsules_scenes
from tools.capsules_first_layer import FINER, FIRST_LAYER, kept, network, train, untrained
from tools.capsules_scenes import ASLEEP, SHIPPED, awake, maps_of, of_all, of_heads, removed


def test_one_part_is_removed_and_its_place_is_known():
    before, after, gone = removed(critters(6, seed=1317))
    assert len(before) == len(after) == len(gone) > 0
    assert gone.any((1, 2)).all()
    for old, new, where, recipe in zip(before.pixels, after.pixels, gone, after.recipes, strict=True):
        changed = (old != new).any(0)
        assert changed.any()
        assert (changed & where).sum() > 0.4 * where.sum()  # the mask reaches two pixels farther
        assert changed[where].float().mean() > 2 * changed[~where].float().mean()  # a shadow may go, too
        assert len(recipe.without) == 1


def test_a_detector_is_stronger_on_the_awake_or_it_is_not():
    labels = torch.tensor([0, ASLEEP, 3, ASLEEP])
    assert awake(torch.tensor([0.9, 0.1, 0.5, 0.2]), labels) == 1
    assert awake(torch.tensor([0.1, 0.9, 0.15, 0.8]), labels) == 0
    assert awake(torch.tensor([0.9, 0.1, 0.15, 0.2]), labels) == 0.75


def test_lengths_know_no_class_and_couplings_do():
    two = critters(3, seed=1315, pair=True)
    assert two.companion is not None
    said = coupled(load("capsnet"), two)
    for how, same in (("lengths", True), ("couplings", False), ("heat", False)):
        maps = [maps_of(said, classes, how) for classes in (two.labels, two.companion.labels)]
        assert torch.equal(*maps) == same
    before, after, gone = removed(critters(3, seed=1317))
    for name in ("capsnet", "critternet_gap"):
        found = dict(of_all(load(name), two, before, after, gone))
        assert all(0 <= score <= 1 for score in found.values())
        assert found["one critter of two"] >= found["both critters of two"]
    assert "couplings on its own critter of two" not in found  # critternet_gap has none


def test_every_convolution_learns_behind_a_batch_norm():
    net = network(FIRST_LAYER, 0)
    kinds = [type(layer) for layer in net]
    convolutions = [i for i, kind in enumerate(kinds) if kind is nn.Conv2d]
    assert len(convolutions) == 5
    assert all(kinds[i + 1] is nn.BatchNorm2d for i in convolutions)
    assert all(one.requires_grad for one in net.parameters())
    assert net(torch.zeros(2, 3, 128, 128)).shape == (2, 9)


def test_on_a_finer_grid_only_what_is_new_learns():
    net, trunk = network(FINER, 1), load("critternet_gap", seed=1).module
    for name in ("conv1", "conv2", "conv3", "conv4"):
        one, other = getattr(net, name), getattr(trunk, name)
        assert torch.equal(one.weight, other.weight)
        assert torch.equal(one.bias, other.bias)
        assert not one.weight.requires_grad
    learns = {key.split(".")[0] for key, one in net.named_parameters() if one.requires_grad}
    assert learns == {"maps", "norm_maps", "routing"}
    fine, coarse = (coupled(one, critters(2)) for one in (untrained(FINER, 1), load("capsnet")))
    assert [one.seen.shape[1:] for one in (fine, coarse)] == [(6, 16, 16), (6, 8, 8)]
    assert [one.field.stride for one in (fine, coarse)] == [(8, 8), (16, 16)]


def test_heads_are_asked_of_capsules_on_either_grid_and_of_units():
    few, crowd = critters(12, seed=1), critters(12, seed=2)
    for net, kinds in (
        (load("capsnet"), {"heads by length", "heads by coupling × length"}),
        (untrained(FINER, 0), {"heads by length", "heads by coupling × length"}),
        (load("critternet_gap"), {"heads by unit", "eyes by unit"}),
    ):
        found = dict(of_heads(net, few, crowd))
        assert found.keys() == {
            "heat in the head's box",
            *(f"{one}, PCK@{a}" for one in kinds for a in (0.2, 0.1)),
        }
        assert all(0 <= score <= 1 for score in found.values())
    unit = find_units(load("critternet_gap"), few, "eye", layers=["conv4"]).best
    held = find_units(load("critternet_gap"), crowd, "eye", layers=["conv4"]).of(unit)
    assert found["eyes by unit, PCK@0.2"] == held.pck()


@pytest.mark.parametrize("kind", [FIRST_LAYER, FINER])
def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path, monkeypatch, kind):
    whole, file, calls = tmp_path / f"{kind}-0.safetensors", tmp_path / "again.safetensors", []

    def stops(*given):
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return varied(*given)

    train(kind, 0, whole, tmp_path, epochs=2, n=64)
    with monkeypatch.context() as patched:
        patched.setattr(capsules_first_layer, "varied", stops)
        with pytest.raises(KeyboardInterrupt):
            train(kind, 0, file, tmp_path, epochs=2, n=64)
    assert not file.exists()
    train(kind, 0, file, tmp_path, epochs=2, n=64)
    one, other = load_file(whole), load_file(file)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["scenes-64-1001-0.5.pt"]
    net, minutes = kept(kind, 0, tmp_path, tmp_path)
    assert minutes >= 0
    torch.testing.assert_close(net.module.get_parameter("routing.weight"), one["routing.weight"].float())


def test_a_network_that_answered_is_not_asked_again(tmp_path, monkeypatch):
    class Asking:
        def __init__(self, checkpoints):
            pass

        def by_chance(self):
            return "chance", 0.25

    asked = []

    def answered(name, seed, asking, folder, checkpoints):
        asked.append((name, seed))
        return [Asked(name, seed, "how?", 0.5)]

    monkeypatch.setattr(capsules_scenes, "Asking", Asking)
    monkeypatch.setattr(capsules_scenes, "answered", answered)
    told = ["--folder", str(tmp_path), "--output", str(tmp_path / "scenes.csv")]
    capsules_scenes.main(told)
    assert len(asked) == 3 * (3 + len(SHIPPED))
    assert rows_of(tmp_path / "scenes.csv", Asked)[-1] == Asked("a random place", 0, "chance", 0.25)
    (tmp_path / "capsules-1.csv").unlink()
    asked.clear()
    capsules_scenes.main(told)
    assert asked == [("capsules", 1)]
    assert len(rows_of(tmp_path / "scenes.csv", Asked)) == 3 * (3 + len(SHIPPED)) + 1
