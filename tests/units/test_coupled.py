"""What the capsules of a network say is what it computed, laid out by places."""

import pytest
import torch

from camlib.networks.zoo import load
from camlib.running.record import record
from camlib.scenes.scenes import critters
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
