"""What the capsules of a network say is what it computed, laid out by places."""

import re
from collections import OrderedDict

import pytest
import torch
from torch import nn

from camlib.capsules.layers import ClassCapsules, LogOdds, PrimaryCapsules
from camlib.networks.zoo import load, wrap
from camlib.running.record import record
from camlib.scenes.scenes import critters
from camlib.training.batchnorm import batch_normed
from camlib.units.coupled import coupled


@pytest.fixture(scope="module")
def net():
    return load("capsnet", weights="random")


def test_lengths_are_the_networks_answers_and_couplings_sum_to_1(net):
    scenes = critters(5, seed=1)
    said = coupled(net, scenes, batch_size=2)
    with torch.inference_mode(), record(net, "maps") as acts:
        logits = net(scenes.images)
    torch.testing.assert_close(said.lengths, logits.sigmoid(), atol=1e-5, rtol=1e-4)
    assert said.primary.shape == (5, 6, 8, 8, 4)
    torch.testing.assert_close(said.couplings.sum(-1), torch.ones(5, 6, 8, 8))
    maps = acts["maps"].unflatten(1, (6, 4)).movedim(2, -1)
    squared = maps.square().sum(-1)
    torch.testing.assert_close(said.seen, squared / (1 + squared), atol=1e-5, rtol=1e-4)
    assert said.field.shape == (8, 8)


def test_heat_is_length_times_coupling(net):
    said = coupled(net, critters(3, seed=1))
    heat = said.heat(torch.tensor([2, 0, 1]))
    wanted = (said.seen[1] * said.couplings[1, ..., 0]).sum(0)
    torch.testing.assert_close(heat[1], wanted)
    torch.testing.assert_close(said.heat(coupled=False), said.seen.sum(1))
    torch.testing.assert_close(said.heat(), said.heat(said.answers))
    rows = "targets are int64 (3,), a class for each picture; given "
    for targets, line in (
        (torch.tensor([0, -1, 2]), "targets hold -1; there are 9 classes, 0 to 8"),
        (torch.tensor([0, 9, 2]), "targets hold 9; there are 9 classes, 0 to 8"),
        (torch.zeros(3, 3, dtype=torch.int64), f"{rows}a tensor int64 (3, 3)"),
        (torch.zeros(1, dtype=torch.int64), f"{rows}a tensor int64 (1,)"),
        (torch.zeros(3), f"{rows}a tensor float32 (3,)"),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
            said.heat(targets)


def test_couplings_may_be_equal_or_random(net):
    scenes = critters(3, seed=1)
    assert (coupled(net, scenes, iterations=1).couplings - 1 / 9).abs().max() < 1e-6
    random = coupled(net, scenes, random=0)
    assert torch.equal(random.couplings[0], random.couplings[1])  # whatever the picture
    assert not torch.equal(random.couplings, coupled(net, scenes, random=1).couplings)
    with pytest.raises(ValueError, match="critternet_gap has no capsules; load"):
        coupled(load("critternet_gap", weights="random"), scenes)
    with pytest.raises(ValueError, match="iterations"):
        coupled(net, scenes, iterations=0)


def test_a_network_is_run_in_eval_mode_and_stays_as_it_was():
    """Of 8 capsules from 8 channels: which dimension counts them, its shape does not say."""
    torch.manual_seed(0)
    layers = OrderedDict[str, nn.Module](
        maps=nn.Conv2d(3, 8, 2, stride=2),
        primary=PrimaryCapsules(4),
        routing=ClassCapsules(8, 4, 3, 5),
        odds=LogOdds(),
    )
    module = batch_normed(nn.Sequential(layers))
    net = wrap(module, mean=[0.5] * 3, std=[0.1] * 3, size=4)
    nn.init.constant_(module.get_buffer("norm_maps.running_var"), 0.3)
    net.train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    images = torch.rand(4, 3, 4, 4)
    said = coupled(net, images, batch_size=2)
    assert all(one.training for one in net.modules())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    with torch.inference_mode():
        logits = net.eval()(images)
    torch.testing.assert_close(said.lengths, logits.sigmoid(), atol=1e-5, rtol=1e-4)


def test_each_batch_is_routed_once(net, monkeypatch):
    ran = []
    routed = ClassCapsules.routed

    def counted(self, poses, *options):
        ran.append(len(poses))
        return routed(self, poses, *options)

    scenes = critters(3, seed=1)
    coupled(net, scenes)  # what is found out of a network when it is new is known from here on
    monkeypatch.setattr(ClassCapsules, "routed", counted)
    coupled(net, scenes, batch_size=2)
    assert ran == [2, 1]
