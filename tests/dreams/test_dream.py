"""Dreams: what they climb, that each is by itself, that a network is left as it was."""

import itertools

import pytest
import torch
from torch import Tensor, nn

from camlib import Net, critters, dream, invert, load, spectrum, wrap
from camlib.dreams.canvas import BASES, canvas
from camlib.dreams.climb import shaken
from camlib.dreams.spectrum import EDGE, Spectrum

CPU = torch.device("cpu")


def small(seed: int = 0) -> Net:
    """Two convolutions on 16 × 16 pixels."""
    torch.manual_seed(seed)
    layers = [nn.Conv2d(3, 6, 5, padding=2), nn.ReLU(), nn.Conv2d(6, 5, 3, stride=2), nn.ReLU()]
    ends = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4)]
    return wrap(nn.Sequential(*layers, *ends), mean=[0.5] * 3, std=[0.25] * 3, size=16)


def upto(net: Net, count: int) -> nn.Sequential:
    """Its first modules."""
    assert isinstance(net.module, nn.Sequential)
    return net.module[:count]


@pytest.fixture(scope="module")
def net() -> Net:
    return small()


@pytest.fixture(scope="module")
def world() -> Tensor:
    return critters(12, seed=3, size=32).images[:, :, 8:24, 8:24].contiguous()


@pytest.fixture(scope="module")
def like(world: Tensor) -> Spectrum:
    return spectrum(world)


def test_a_dream_is_brighter_than_noise_and_than_every_picture_of_the_data(net: Net, world: Tensor) -> None:
    found = dream(net, "conv2", [0, 1, 2], steps=60)
    rows = upto(net, 4)((world - 0.5) / 0.25).flatten(2).amax((0, 2))
    assert (found.values > rows[:3]).all()
    assert (found.course[:, -1] > found.course[:, 0]).all()
    assert not found.dead.any()
    assert found.pictures.shape == (3, 3, 16, 16)
    assert 0 <= found.pictures.min() <= found.pictures.max() <= 1


def test_values_are_what_the_layer_answers(net: Net) -> None:
    found = dream(net, "conv2", [4, 1], steps=5)
    with torch.no_grad():
        maps = upto(net, 4)((found.pictures - 0.5) / 0.25)
    torch.testing.assert_close(found.values, maps.flatten(2).amax(2)[[0, 1], [4, 1]])


def test_the_ascent_is_that_of_a_loop_written_out(net: Net) -> None:
    """Without shaking, on pixels: Adam on w, x = sigmoid(w), the mean of the map before its ReLU."""
    found = dream(net, "conv2", [2], basis="pixels", shake=0, steps=7, seed=5)
    w = (0.01 * torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(5))).requires_grad_()
    adam = torch.optim.Adam([w], lr=0.05)
    for _ in range(7):
        adam.zero_grad()
        (-upto(net, 3)((w.sigmoid() - 0.5) / 0.25)[:, 2].mean()).backward()
        adam.step()
    torch.testing.assert_close(found.pictures, w.sigmoid().detach(), atol=1e-4, rtol=0)


def test_each_dream_is_by_itself_and_seeded(net: Net) -> None:
    both, one = dream(net, "conv2", [3, 1], steps=8), dream(net, "conv2", 3, steps=8)
    torch.testing.assert_close(both.pictures[:1], one.pictures, atol=1e-4, rtol=0)
    assert not torch.equal(one.pictures, dream(net, "conv2", 3, steps=8, seed=1).pictures)
    twice = dream(net, "conv2", [3, 3], steps=8).pictures
    assert not torch.allclose(twice[0], twice[1], atol=1e-3)


def test_a_unit_is_a_direction_with_a_single_one(net: Net) -> None:
    axis = torch.eye(5)[[2]]
    torch.testing.assert_close(
        dream(net, "conv2", axis, steps=8).pictures, dream(net, "conv2", 2, steps=8).pictures
    )
    pair = dream(net, "conv2", torch.tensor([[1.0, 1, 0, 0, 0]]), steps=60)
    with torch.no_grad():
        maps = upto(net, 4)((pair.pictures - 0.5) / 0.25)
    torch.testing.assert_close(pair.values, (maps[:, 0] + maps[:, 1]).flatten(1).amax(1))


def test_a_cell_leaves_what_it_cannot_see_as_it_began(net: Net) -> None:
    found = dream(net, "conv2", 0, basis="pixels", shake=0, cell=True, steps=3).pictures
    noise = dream(net, "conv2", 0, basis="pixels", shake=0, cell=True, steps=1, rate=1e-12).pictures
    changed = (found - noise).abs().amax((0, 1)) > 1e-6
    rows, columns = changed.nonzero().T
    assert changed.any()
    assert max(rows.max() - rows.min(), columns.max() - columns.min()) < 7  # 3 cells of 5 pixels


def dead_behind() -> Net:
    """A unit that is below 0 on faint noise and above it only on bright pictures."""
    one = nn.Conv2d(3, 2, 3, padding=1)
    with torch.no_grad():
        one.weight.fill_(0.1)
        assert one.bias is not None
        one.bias.copy_(torch.tensor([-1e6, -1.6]))
    chain = nn.Sequential(one, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    return wrap(chain, mean=[0.0] * 3, std=[1.0] * 3, size=8)


def test_a_dead_start_is_told_behind_the_relu_and_none_before_it() -> None:
    net = dead_behind()
    behind = dream(net, "conv1", [0, 1], basis="pixels", behind=True, steps=40)
    assert behind.dead.tolist() == [True, False]  # the second one is roused by louder noise
    assert behind.values[0] == 0
    assert not dream(net, "conv1", [0, 1], steps=3).dead.any()
    assert dream(net, "conv1", 1, steps=80).values > 0


def test_from_a_picture_without_steps_to_speak_of_it_comes_back(
    net: Net, world: Tensor, like: Spectrum
) -> None:
    for basis, own in itertools.product(("pixels", "fourier"), (None, like)):
        same = dream(net, "conv2", start=world[:2], basis=basis, like=own, shake=0, steps=1, rate=1e-9)
        torch.testing.assert_close(same.pictures, world[:2].clamp(EDGE, 1 - EDGE), atol=2e-4, rtol=0)
    deep = dream(net, "conv2", start=world[:2], shake=0, steps=20)
    assert (deep.course[:, -1] > deep.course[:, 0]).all()
    assert deep.values.shape == (2,)


def test_diversity_pushes_dreams_of_one_unit_apart(net: Net) -> None:
    def alike(apart: float) -> float:
        pictures = dream(net, "conv2", [2, 2, 2], apart=apart, shake=0, steps=60).pictures
        with torch.no_grad():
            maps = upto(net, 3)((pictures - 0.5) / 0.25).flatten(2)
        gram = nn.functional.normalize((maps @ maps.transpose(1, 2)).flatten(1), dim=1)
        return float((gram @ gram.T).sum() - 3) / 6

    assert alike(1.0) < alike(0.0) - 0.01


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was(training: bool, world: Tensor) -> None:
    net = small(4).train(training)
    before = [one.detach().clone() for one in net.parameters()]
    state = torch.random.get_rng_state()
    dream(net, "conv2", 1, steps=3)
    invert(net, "conv2", world[:1], steps=3)
    with pytest.raises(ValueError, match="0 to 4"):
        dream(net, "conv2", 5)
    assert net.training is training
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert all(one.grad is None and one.requires_grad for one in net.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert torch.equal(state, torch.random.get_rng_state())


def test_it_works_where_no_gradients_are_kept(net: Net, world: Tensor) -> None:
    want = dream(net, "conv2", 1, steps=3).pictures
    with torch.inference_mode():
        torch.testing.assert_close(dream(net, "conv2", 1, steps=3).pictures, want)
        assert invert(net, "conv2", world[:1], steps=3).errors.isfinite().all()


def test_logits_and_timm_layers_dream_too() -> None:
    gap = load("critternet_gap")
    found = dream(gap, "fc", [0, 7], steps=12)
    with torch.no_grad():
        torch.testing.assert_close(found.values, gap(found.pictures)[[0, 1], [0, 7]], atol=1e-3, rtol=0)
    assert (found.course[:, -1] > found.course[:, 0]).all()


def test_a_spectrum_is_the_datas_own(world: Tensor, like: Spectrum) -> None:
    z = world.logit(EDGE).double()
    each = z.transpose(0, 1).flatten(1)
    torch.testing.assert_close(like.mean.double(), each.mean(1), atol=1e-5, rtol=0)
    covariance = torch.cov(each, correction=0)
    torch.testing.assert_close((like.colours @ like.colours.T).double(), covariance, atol=1e-4, rtol=1e-4)
    w = torch.linalg.solve(like.colours.double(), (z - each.mean(1)[:, None, None]).flatten(2)).view_as(z)
    torch.testing.assert_close(
        torch.cov(w.transpose(0, 1).flatten(1), correction=0), torch.eye(3).double(), atol=1e-4, rtol=0
    )
    magnitude = torch.fft.rfft2(w, norm="ortho").abs().mean(0)
    torch.testing.assert_close(like.magnitude.double(), magnitude, atol=1e-3, rtol=1e-3)


def test_the_phase_basis_keeps_the_magnitudes(like: Spectrum) -> None:
    page = canvas("phase", (3, 16, 16), like, CPU)
    for numbers in (page.start(2, 0), page.start(2, 1) * 7 + 1):
        z = page.paint(numbers).logit() - page.mean
        w = torch.einsum("dc,nchw->ndhw", page.colours.inverse(), z)
        got = torch.fft.rfft2(w, norm="ortho").abs()
        torch.testing.assert_close(got, like.magnitude.expand_as(got), atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("basis", BASES)
def test_a_canvas_starts_alike_for_any_number(basis: str, like: Spectrum) -> None:
    page = canvas(basis, (3, 16, 16), like, CPU)
    assert torch.equal(page.start(3, 9)[:2], page.start(2, 9))


def test_not_shaken_is_the_same_and_shaken_is_moved(world: Tensor) -> None:
    random = torch.Generator().manual_seed(0)
    assert shaken(world, 0.0, random) is world
    torch.testing.assert_close(shaken(world, 1e-7, random), world, atol=1e-3, rtol=0)
    assert not torch.allclose(shaken(world, 1.0, random), world, atol=0.05)


def test_a_code_is_inverted_and_a_whole_one_gives_the_picture_back(net: Net, world: Tensor) -> None:
    some = world[:2]
    found = invert(net, "conv1", some, basis="pixels", steps=300)
    assert (found.errors < 0.05 * found.starts).all()
    with torch.no_grad():
        codes = [upto(net, 2)((one - 0.5) / 0.25).flatten(1) for one in (found.pictures, some)]
    want = (codes[0] - codes[1]).square().sum(1) / codes[1].square().sum(1)
    torch.testing.assert_close(found.errors, want, atol=1e-4, rtol=1e-3)
    away = (found.pictures - some).abs().mean()
    assert away < 0.5 * (0.5 - some).abs().mean()


def test_an_empty_code_leads_nowhere() -> None:
    with pytest.raises(ValueError, match="all 0: nothing leads back"):
        invert(dead_behind(), "conv1", torch.zeros(1, 3, 8, 8))
