"""The borrowed methods: by hand where that is possible, and against captum called directly."""

import pytest
import torch
from captum.attr import DeepLift, GuidedBackprop, IntegratedGradients, NoiseTunnel, Saliency
from torch import nn

from camlib.heatmaps.by_captum import deep_lift, guided_backprop, integrated_gradients, smoothgrad
from camlib.heatmaps.saliency import saliency
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap

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
    with pytest.raises(ValueError, match=r"no torch\.nn\.ReLU"):
        guided_backprop(wrap(smooth, size=16), torch.zeros(1, 3, 16, 16))
