"""Pictures changed too little to see: how far, what stays, what moves."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from camlib.heatmaps.cam import class_maps
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
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


def small(module: nn.Module) -> Net:
    return wrap(module, size=12)


def test_under_inference_mode_too() -> None:
    torch.manual_seed(0)
    net = small(nn.Sequential(nn.Conv2d(3, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 2)))
    images, wish = torch.rand(2, 3, 12, 12), torch.rand(10, 10)
    want = nudged(net, images, wish, steps=3)
    with torch.inference_mode():
        found = nudged(net, images.clone(), wish.clone(), steps=3)
    assert torch.equal(found, want)


def test_a_map_that_is_the_same_everywhere_is_moved_too() -> None:
    """Of grey pictures, whose map has no shape yet; its correlation with the wish is no 0 / 0."""
    torch.manual_seed(0)
    net = small(nn.Sequential(nn.Conv2d(3, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 2)))
    grey, wish = torch.full((2, 3, 12, 12), 0.5), torch.linspace(0, 1, 100).reshape(10, 10)
    changed = nudged(net, grey, wish, 0, steps=3)
    assert changed.isfinite().all()
    assert not torch.equal(changed, grey)
    assert alike(class_maps(net, changed, 0), wish) > 0.3


class Last(nn.Module):
    """A map whose channels are last, or that goes through a ReLU that is no layer, or is itself none."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.conv = how, nn.Conv2d(3, 5, 3)
        self.norm, self.linear = nn.LayerNorm(5), nn.Linear(5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.how == "channels last":
            pooled = self.norm(self.conv(x).permute(0, 2, 3, 1)).mean((1, 2))
        else:
            bare = self.how == "no layer"
            pooled = (functional.conv2d(x, self.conv.weight) if bare else self.conv(x)).relu().mean((2, 3))
        logits: torch.Tensor = self.linear(pooled)
        return logits


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("channels last", "what Last pools is not what its layer"),
        ("a bare relu", "what Last pools is not what its layer conv gives out"),
        ("no layer", "Last has no layer that gives out"),
    ],
)
def test_the_layer_gives_out_what_is_pooled(how: str, says: str) -> None:
    torch.manual_seed(0)
    last = Last(how)
    with pytest.raises(ValueError, match=says):
        nudged(small(last), torch.rand(2, 3, 12, 12), torch.rand(10, 10), steps=2)
    assert not any(module._forward_hooks for module in last.modules())


def test_no_class_activation_map_no_nudge() -> None:
    with pytest.raises(ValueError, match="use gradcam"):
        nudged(load("critternet"), critters(1, seed=9).images, WISH)
