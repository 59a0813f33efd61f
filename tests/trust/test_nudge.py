"""Pictures changed too little to see: how far, what stays, what moves."""

import pytest
import torch

from camlib.heatmaps.cam import class_maps
from camlib.networks.zoo import load
from camlib.scenes.scenes import critters
from camlib.trust.nudge import nudged

ROWS = torch.linspace(1, -1, 16)
WISH = torch.exp(-((ROWS[:, None] - 0.5) ** 2 + (ROWS - 0.5) ** 2) / 0.1)  # a hill at the upper left


def alike(maps: torch.Tensor, wish: torch.Tensor) -> float:
    pairs = [torch.corrcoef(torch.stack([one.flatten(), wish.flatten()]))[0, 1] for one in maps]
    return float(torch.stack(pairs).mean())


def test_the_map_goes_where_it_is_wished_and_the_answer_stays() -> None:
    net, scenes = load("critternet_gap"), critters(3, seed=9)
    images, own = scenes.images, scenes.labels
    state = torch.get_rng_state()
    changed = nudged(net, images, WISH, own, most=4, steps=12)
    assert torch.equal(torch.get_rng_state(), state)
    steps = (changed - images) * 255
    assert float(steps.abs().max()) <= 4 + 1e-3
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)  # as a file would keep it
    assert changed.min() >= 0
    assert changed.max() <= 1
    with torch.inference_mode():
        before, after = net(images), net(changed)
    assert torch.equal(before.argmax(1), after.argmax(1))
    random = images + 4 / 255 * torch.randn(images.shape, generator=torch.Generator().manual_seed(0)).sign()
    maps = [class_maps(net, some, own) for some in (images, changed, random.clamp(0, 1))]
    at_first, then, by_chance = (alike(one, WISH) for one in maps)
    assert then > at_first + 0.1
    assert abs(by_chance - at_first) < 0.05
    assert all(p.grad is None for p in net.parameters())
    assert not net.layer("conv5")._forward_hooks


def test_no_class_activation_map_no_nudge() -> None:
    with pytest.raises(ValueError, match="use gradcam"):
        nudged(load("critternet"), critters(1, seed=9).images, WISH)
