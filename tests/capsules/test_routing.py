"""Routing by agreement, against a layer computed by hand, the authors' loop and finite differences."""

import math

import pytest
import torch
from torch.nn import functional

from camlib.capsules.layers import ClassCapsules, LogOdds, PrimaryCapsules, grouped
from camlib.capsules.loss import margin_loss
from camlib.capsules.routing import route, squash, votes


def test_a_length_n_becomes_n2_over_1_plus_n2():
    long = squash(torch.tensor([[3.0, 4.0], [0.0, 0.5], [0.0, 0.0]]))
    wanted = torch.tensor([[0.6 * 25 / 26, 0.8 * 25 / 26], [0.0, 0.2], [0.0, 0.0]])
    torch.testing.assert_close(long, wanted, atol=1e-6, rtol=1e-6)


def test_the_gradient_at_nothing_is_a_number():
    nothing = torch.zeros(1, 4, requires_grad=True)
    squash(nothing).sum().backward()
    assert nothing.grad is not None
    assert nothing.grad.isfinite().all()
    poses = torch.zeros(1, 3, 4, requires_grad=True)
    LogOdds()(poses).sigmoid().sum().backward()
    assert poses.grad is not None
    assert poses.grad.isfinite().all()


def test_votes_are_each_capsules_own_matrix():
    generator = torch.Generator().manual_seed(0)
    poses, weights = torch.randn(2, 3, 4, generator=generator), torch.randn(3, 2, 4, 5, generator=generator)
    found = votes(poses, weights)
    for n, i, j in ((0, 0, 0), (1, 2, 1), (0, 1, 1)):
        torch.testing.assert_close(found[n, i, j], poses[n, i] @ weights[i, j])
    with pytest.raises(ValueError, match=r"votes want poses \(N, I, D\) and weights"):
        votes(poses[:, :2], weights)


# Three capsules below, two above, votes of two numbers. The first two agree on the first above; the third
# opposes them there. All three say little of the second.
HAND = torch.tensor([[[1.0, 0.0], [0.0, 0.4]], [[1.0, 0.0], [0.0, -0.4]], [[-1.0, 0.0], [0.0, 0.4]]])[None]


def test_one_iteration_by_hand():
    """Equal couplings of ½: s = (½, 0) and (0, .2); squashed to lengths ¼ / 1¼ = .2 and .04 / 1.04."""
    found = route(HAND, iterations=1)
    assert (found.couplings == 0.5).all()
    wanted = torch.tensor([[[0.2, 0.0], [0.0, 0.04 / 1.04]]])
    torch.testing.assert_close(found.poses, wanted, atol=1e-6, rtol=1e-5)


def test_two_iterations_by_hand():
    """Agreement adds .2, .2, −.2 for the first above, and .4 · .04 / 1.04, its negative, and it again."""
    first, second = [0.2, 0.2, -0.2], [0.4 * v * 0.04 / 1.04 for v in (1, -1, 1)]
    shares = [math.exp(a) / (math.exp(a) + math.exp(b)) for a, b in zip(first, second, strict=True)]
    found = route(HAND, iterations=2)
    torch.testing.assert_close(found.couplings[0, :, 0], torch.tensor(shares))
    along = shares[0] + shares[1] - shares[2]
    across = 0.4 * ((1 - shares[0]) - (1 - shares[1]) + (1 - shares[2]))
    wanted = [along**2 / (1 + along**2), across**2 / (1 + across**2)]
    torch.testing.assert_close(found.poses[0].norm(dim=1), torch.tensor(wanted), atol=1e-6, rtol=1e-5)
    assert found.couplings[0, 0, 0] > 0.5 > found.couplings[0, 2, 0]


@pytest.mark.parametrize("iterations", [1, 2, 3, 5])
def test_couplings_sum_to_1_over_the_outputs(iterations):
    given = torch.randn(4, 7, 3, 5, generator=torch.Generator().manual_seed(1))
    found = route(given, iterations=iterations)
    torch.testing.assert_close(found.couplings.sum(2), torch.ones(4, 7))
    if iterations > 1:
        assert (found.couplings.sum(1) - 7 / 3).abs().max() > 0.1  # and over the inputs they do not


def test_it_is_the_authors_loop_and_so_is_its_gradient():
    """Sarasra/models, `_update_routing`, as it stands: no gradient is stopped in any iteration."""

    def theirs(given, bias, count):
        logits = torch.zeros(given.shape[:3], dtype=given.dtype)
        for _ in range(count):
            route = logits.softmax(2)
            found = (route[..., None] * given).sum(1) + bias
            norm = found.norm(dim=2, keepdim=True)
            found = found / norm * (norm**2 / (1 + norm**2))
            logits = logits + (given * found[:, None]).sum(3)
        return found

    generator = torch.Generator().manual_seed(2)
    given = torch.randn(2, 6, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    one, other = route(given, bias=bias).poses, theirs(given, bias, 3)
    torch.testing.assert_close(one, other, atol=1e-7, rtol=1e-6)
    weights = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64)
    slopes = [torch.autograd.grad((poses * weights).sum(), given)[0] for poses in (one, other)]
    torch.testing.assert_close(*slopes, atol=1e-7, rtol=1e-6)
    assert torch.autograd.gradcheck(lambda v: route(v, bias=bias).poses, (given,), atol=1e-5)


def test_routing_begins_where_it_is_told():
    start = torch.randn(6, 3, generator=torch.Generator().manual_seed(3))
    given = torch.randn(2, 6, 3, 4, generator=torch.Generator().manual_seed(4))
    found = route(given, iterations=1, start=start)
    torch.testing.assert_close(found.couplings, start.softmax(1).expand(2, 6, 3))
    with pytest.raises(ValueError, match=r"start is \(N, I, J\) or \(I, J\), here \(2, 6, 3\)"):
        route(given, start=start.T)
    with pytest.raises(ValueError, match="iterations"):
        route(given, iterations=0)
    with pytest.raises(ValueError, match=r"votes are \(N, I, J, E\); given \(2, 6, 3\)"):
        route(given[..., 0])
    for bias in (torch.zeros(4), torch.zeros(3, 1), torch.zeros(4, 3)):
        with pytest.raises(ValueError, match=r"bias is \(J, E\), here \(3, 4\); given shape"):
            route(given, bias=bias)


def test_a_capsules_numbers_come_from_one_place():
    maps = torch.arange(2 * 6 * 2 * 3).view(2, 6, 2, 3).float()
    found = grouped(maps, 3)
    assert found.shape == (2, 12, 3)
    for number in range(12):
        place, kind = divmod(number, 2)
        i, j = divmod(place, 3)
        assert torch.equal(found[1, number], maps[1, 3 * kind : 3 * kind + 3, i, j])
    torch.testing.assert_close(PrimaryCapsules(3)(maps), squash(found))


def test_a_length_comes_back_out_of_its_log_odds():
    poses = squash(torch.randn(5, 4, 8, generator=torch.Generator().manual_seed(5)))
    torch.testing.assert_close(LogOdds()(poses).sigmoid(), poses.norm(dim=2), atol=1e-5, rtol=1e-4)


def test_the_margin_loss_by_hand():
    lengths = torch.tensor([[0.7, 0.3, 0.05], [0.95, 0.1, 0.6]])
    wanted = ((0.2**2 + 0.5 * 0.2**2) + (0.8**2 + 0.5 * (0.85**2 + 0.5**2))) / 2
    assert margin_loss(lengths, torch.tensor([0, 1])).item() == pytest.approx(wanted)
    one = functional.one_hot(torch.tensor([0, 1]), 3).bool()
    assert margin_loss(lengths, one).item() == pytest.approx(wanted)
    both = torch.tensor([[True, True, False], [False, True, True]])
    wanted = (0.2**2 + (0.3**2 + 0.5 * 0.85**2)) / 2  # the longest of those that agree
    assert margin_loss(lengths, both).item() == pytest.approx(wanted)
    assert margin_loss(lengths, torch.tensor([1, 2]).int()) == margin_loss(lengths, torch.tensor([1, 2]))
    shapes = r"lengths are \(N, C\), and present is bool \(N, C\) or classes \(N,\); given "
    for given, present, line in (
        (lengths, torch.tensor([0, 1, 2]), shapes + r"\(2, 3\) and int64 \(3,\)"),
        (lengths[:, 0], torch.tensor([0, 1]), shapes + r"\(2,\) and int64 \(2,\)"),
        (lengths, torch.tensor([True, False]), shapes + r"\(2, 3\) and bool \(2,\)"),
        (lengths, one.long(), r"present \(N, C\) is bool; given a tensor int64 \(2, 3\): give present"),
    ):
        with pytest.raises(ValueError, match=line):
            margin_loss(given, present)


def test_the_layers_route_as_the_functions_do():
    layer = ClassCapsules(6, 4, 3, 5)
    poses = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(6))
    wanted = route(votes(poses, layer.weight), bias=layer.bias, iterations=3).poses
    torch.testing.assert_close(layer(poses), wanted)
    equal = layer.routed(poses, 1)
    assert (equal.couplings - 1 / 3).abs().max() < 1e-6
    assert not torch.allclose(equal.poses, wanted)
    with pytest.raises(ValueError, match="iterations is 0; it is a whole number, at least 1"):
        layer.routed(poses, 0)
