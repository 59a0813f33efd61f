"""What lesson 13 asks capsules about scenes is asked rightly; how a training from the first layer begins."""

import torch
from torch import nn

from camlib.networks.zoo import load
from camlib.scenes.scenes import critters
from camlib.units.coupled import coupled
from tools.capsules_first_layer import network
from tools.capsules_scenes import ASLEEP, awake, maps_of, of_all, removed


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
    net = network(0)
    kinds = [type(layer) for layer in net]
    convolutions = [i for i, kind in enumerate(kinds) if kind is nn.Conv2d]
    assert len(convolutions) == 5
    assert all(kinds[i + 1] is nn.BatchNorm2d for i in convolutions)
    assert all(one.requires_grad for one in net.parameters())
    assert net(torch.zeros(2, 3, 128, 128)).shape == (2, 9)
