"""Maps that are there already are ranked as `find_units` ranks a network's units."""

import pytest
import torch

from camlib.geometry.field import receptive_field
from camlib.networks.zoo import load
from camlib.parts.find import find_units
from camlib.parts.map_table import find_maps
from camlib.running.record import record
from camlib.scenes.scenes import critters


def test_a_layers_maps_get_its_units_table():
    net, scenes = load("critternet_gmp"), critters(12, seed=3)
    with torch.inference_mode(), record(net, "conv4") as acts:
        net(scenes.images)
    wanted = find_units(net, scenes, "eye", layers=["conv4"])
    found = find_maps({"conv4": acts["conv4"]}, receptive_field(net, "conv4"), scenes, "eye")
    assert found.best == wanted.best
    torch.testing.assert_close(found.pck, wanted.pck)
    with pytest.raises(ValueError, match=r"maps 'conv4' are .*; give \(12, K, h, w\)"):
        find_maps({"conv4": acts["conv4"][:3]}, receptive_field(net, "conv4"), scenes, "eye")
    with pytest.raises(ValueError, match="there are no maps"):
        find_maps({}, receptive_field(net, "conv4"), scenes, "eye")
