"""The borrowed methods: by hand where that is possible, and against captum called directly."""

import pytest
import torch
from captum.attr import DeepLift, GuidedBackprop, IntegratedGradients, NoiseTunnel, Saliency
from torch import nn
from torch.nn import functional

from camlib.heatmaps.by_captum import deep_lift, guided_backprop, integrated_gradients, smoothgrad
from camlib.heatmaps.saliency import saliency
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.scenes.scenes import critters

METHODS = (integrated_gradients, deep_lift, smoothgrad, guided_backprop)
PICTURES = torch.rand(3, 3, 128, 128, generator=torch.Generator().manual_seed(0))
WANTED = torch.tensor([0, 4, 8])


def weighs_pixels() -> Net:
    """Two logits that weigh the four pixels of red light."""
    linear = nn.Linear(12, 2, bias=False)
    linear.weight.data = torch.zeros(2, 12)
    linear.weight.data[:, :4] = torch.tensor([[1.0, 2, 3, 4], [0, 0, -1, 0]])
    return wrap(nn.Sequential(nn.Flatten(), nn.ReLU(), linear), mean=[0.0] * 3, std=[1.0] * 3, size=2)


def test_by_hand() -> None:
    """Of a linear network every such map is the weight times the light, or the weight's size alone."""
    picture = torch.full((1, 3, 2, 2), 0.5)
    net = weighs_pixels()
    for method in (integrated_gradients, deep_lift):
        assert torch.allclose(method(net, picture, 0), torch.tensor([[[0.5, 1], [1.5, 2]]]), atol=1e-5)
        assert torch.allclose(method(net, picture, 1), torch.tensor([[[0.0, 0], [-0.5, 0]]]), atol=1e-5)
        assert method(net, picture, [[0, 1]]).shape == (1, 2, 2, 2)
    half = integrated_gradients(net, picture, 0, baseline=0.5)
    assert half.abs().max() < 1e-6  # nothing differs from that grey
    assert torch.allclose(smoothgrad(net, picture, 0, noise=0.0), torch.tensor([[[1.0, 2], [3, 4]]]))
    assert guided_backprop(net, picture, 1).abs().max() == 0  # its only slope is negative


def test_without_noise_smoothgrad_is_saliency() -> None:
    net = load("critternet_gap", weights="random")
    got = smoothgrad(net, PICTURES, WANTED, samples=2, noise=0.0)
    assert torch.allclose(got, saliency(net, PICTURES, WANTED), rtol=1e-4, atol=1e-9)


def test_against_captum() -> None:
    net = load("critternet_gap", weights="random")
    x = PICTURES.clone().requires_grad_()
    zero = torch.zeros_like(x)
    want = IntegratedGradients(net).attribute(x, zero, WANTED, n_steps=20).sum(1)
    assert torch.allclose(integrated_gradients(net, PICTURES, WANTED, steps=20), want.float(), atol=1e-6)
    want = DeepLift(net).attribute(x, zero, WANTED).sum(1)
    assert torch.allclose(deep_lift(net, PICTURES, WANTED), want, atol=1e-7)
    want = GuidedBackprop(net).attribute(x, WANTED).abs().amax(1)
    assert torch.allclose(guided_backprop(net, PICTURES, WANTED), want, atol=1e-7)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        spread = 0.1 * float(PICTURES[0].max() - PICTURES[0].min())
        noisy = NoiseTunnel(Saliency(net)).attribute(
            x[:1], nt_samples=16, nt_samples_batch_size=16, stdevs=spread, target=WANTED[:1], abs=False
        )
    got = smoothgrad(net, PICTURES[:1], WANTED[:1], samples=16, noise=0.1, seed=5)
    assert torch.allclose(got, noisy.abs().amax(1), atol=1e-7)


def test_a_sum_is_the_difference_of_logits() -> None:
    net = load("critternet_gap", weights="random")
    with torch.no_grad():
        rows = torch.arange(3)
        want = net(PICTURES)[rows, WANTED] - net(torch.zeros_like(PICTURES))[rows, WANTED]
    assert torch.allclose(integrated_gradients(net, PICTURES, WANTED).sum((1, 2)), want, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_the_network_is_left_as_it_was(method) -> None:
    net = load("critternet_gap", weights="random").train()
    state = torch.random.get_rng_state()
    with torch.inference_mode():
        found = method(net, PICTURES[:1])
    assert found.shape == (1, 128, 128)
    assert not found.requires_grad
    assert net.training
    assert all(one.training for one in net.modules())
    assert all(one.grad is None for one in net.parameters())
    assert not any(
        one._forward_hooks or one._forward_pre_hooks or one._backward_hooks for one in net.modules()
    )
    assert torch.equal(state, torch.random.get_rng_state())


def test_refusals() -> None:
    net = load("critternet_gap", weights="random")
    with pytest.raises(ValueError, match="it is a grey in"):
        integrated_gradients(net, PICTURES, 0, baseline=2.0)
    with pytest.raises(ValueError, match="no class"):
        deep_lift(net, PICTURES, "unicorn")
    with pytest.raises(ValueError, match="noise is -1"):
        smoothgrad(net, PICTURES, 0, noise=-1)
    smooth = nn.Sequential(nn.Conv2d(3, 2, 3), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ValueError, match=r"runs no torch\.nn\.ReLU.*use saliency"):
        guided_backprop(wrap(smooth, size=16), torch.zeros(1, 3, 16, 16))


class Functions(nn.Module):
    """An idle nn.ReLU beside functions; or only functions of some kind."""

    def __init__(self, act) -> None:
        super().__init__()
        self.one, self.two, self.end = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Linear(8, 5)
        self.idle, self.act = nn.ReLU(), act

    def forward(self, x):
        return self.end(self.act(self.two(self.act(self.one(x)))).mean((2, 3)))


@pytest.mark.parametrize(
    ("act", "guided", "lifted"),
    [
        (functional.relu, "runs relu as a function", "runs relu as a function"),
        (lambda x: x.clamp(min=0), "runs clamp as", "runs clamp as"),
        (lambda x: torch.clamp(input=x, min=0), "runs clamp as", "runs clamp as"),
        (lambda x: x.clone().clip_(0), "runs clip as", "runs clip as"),
        (nn.ReLU6(), "runs relu6 as|runs hardtanh as", "runs relu6 as|runs hardtanh as"),
        (nn.SiLU(), "runs no torch.nn.ReLU", "runs silu as"),
        (nn.ReLU(), None, "one ReLU module 2 times in a pass.*use integrated_gradients"),
    ],
)
def test_where_a_rule_does_not_reach(act, guided, lifted) -> None:
    """Captum would give the plain gradient there, and say nothing."""
    net, pictures = wrap(Functions(act), size=32), torch.rand(2, 3, 32, 32)
    for method, why in ((guided_backprop, guided), (deep_lift, lifted)):
        if why is None:
            assert not torch.allclose(method(net, pictures, 1), saliency(net, pictures, 1))
            continue
        with pytest.raises(ValueError, match=why):
            method(net, pictures, 1)
        assert not any(one._forward_hooks or one._forward_pre_hooks for one in net.modules())


def test_deep_lift_without_activations_is_the_slope_times_the_difference() -> None:
    net, pictures = wrap(Functions(nn.Identity()), size=32), torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        want = (net(pictures) - net(torch.zeros_like(pictures)))[:, 1]
    assert torch.allclose(deep_lift(net, pictures, 1).sum((1, 2)), want, atol=1e-5)


def test_numbers_lost_in_half_precision_are_said() -> None:
    net, scenes = load("critternet_gap").half(), critters(4, seed=1).images
    assert integrated_gradients(net, scenes, 0).isfinite().all()
    with pytest.raises(ValueError, match=r"maps that are no numbers, in float16; use net\.float\(\)"):
        deep_lift(net, scenes, 0)


def test_deep_lift_adds_up_or_is_refused() -> None:
    """Gates are products of two activations, which have no rule: the sums tell."""

    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.gate, self.end = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3), nn.Linear(8, 5)
            self.act, self.open = nn.ReLU(), nn.Sigmoid()

        def forward(self, x):
            return self.end((self.act(5 * self.one(x)) * self.open(20 * self.gate(x))).mean((2, 3)))

    torch.manual_seed(0)
    with pytest.raises(ValueError, match=r"misses the difference of the logits by .*integrated_gradients"):
        deep_lift(wrap(Gated(), size=32), torch.rand(2, 3, 32, 32), 1)
    net, scenes = load("critternet_gap"), critters(4, seed=3).images
    with torch.no_grad():
        want = (net(scenes) - net(torch.zeros_like(scenes)))[:, 2]
    assert torch.allclose(deep_lift(net, scenes, 2).sum((1, 2)), want, atol=0.05 * float(want.abs().max()))
