"""Sanity checks: which layers are drawn anew, and the measures of likeness against scipy and by hand."""

import math

import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from camlib.networks.zoo import load, wrap
from camlib.trust.alike import complexity, rank_correlation, similarity
from camlib.trust.baselines import blob, edges, noise
from camlib.trust.method import explained
from camlib.trust.randomise import fresh, randomised

NET = load("critternet_gap", weights="random", seed=3)
LAYERS = ["fc", "conv5", "conv4", "conv3", "conv2", "conv1"]


def changed(other: nn.Module) -> list[str]:
    """The layers whose weights are not those of NET."""
    return [
        name
        for name in LAYERS
        if not torch.equal(
            NET.module.get_parameter(f"{name}.weight"),
            other.get_submodule("module").get_parameter(f"{name}.weight"),
        )
    ]


def test_cascading_and_independent() -> None:
    before = {key: value.clone() for key, value in NET.state_dict().items()}
    state = torch.random.get_rng_state()
    steps = list(randomised(NET))
    assert [name for name, _ in steps] == LAYERS
    assert [changed(one) for _, one in steps] == [LAYERS[: k + 1] for k in range(6)]
    assert [changed(one) for _, one in randomised(NET, order="independent")] == [[name] for name in LAYERS]
    assert len(changed(fresh(NET))) == 6
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(before[key], value) for key, value in NET.state_dict().items())


def test_the_same_seed_draws_the_same() -> None:
    one, other, third = fresh(NET), fresh(NET), fresh(NET, seed=1)
    assert all(map(torch.equal, one.parameters(), other.parameters()))
    assert not any(map(torch.equal, one.parameters(), third.parameters()))


class Attending(nn.Module):
    """What `reset_parameters` does not reach: a token, a scale, an attention and its uncalled last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.cut, self.token = nn.Conv2d(3, 8, 4, stride=4), nn.Parameter(torch.randn(1, 1, 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.scale, self.fc = nn.Parameter(torch.rand(8)), nn.Linear(8, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seen = self.cut(images).flatten(2).transpose(1, 2)
        seen = torch.cat([self.token.expand(len(seen), -1, -1), seen], 1)
        logits: torch.Tensor = self.fc((seen + self.scale * self.attention(seen, seen, seen)[0])[:, 0])
        return logits


def test_nothing_stays_as_it_was_learned() -> None:
    module = Attending()
    for own in module.parameters():  # as if trained: no two numbers are the same
        nn.init.normal_(own)
    net = wrap(module, mean=[0.0] * 3, std=[1.0] * 3, size=16)
    other = dict(fresh(net).module.named_parameters())
    assert [name for name, own in net.module.named_parameters() if torch.equal(own, other[name])] == []
    assert torch.equal(other["scale"].sort().values, module.scale.sort().values)  # shuffled
    steps = [name for name, _ in randomised(net)]
    assert steps == ["", "fc", "attention", "cut"]  # "": token and scale, the module's own
    (alone,) = [one for name, one in randomised(net, order="independent") if name == "attention"]
    before = net.module.state_dict()
    moved = {name for name, own in alone.module.state_dict().items() if not torch.equal(own, before[name])}
    assert moved == {name for name in before if name.startswith("attention.")}


def test_refusals() -> None:
    with pytest.raises(ValueError, match="no order 'upwards'"):
        randomised(NET, order="upwards")  # type: ignore[arg-type]
    bare = wrap(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), mean=[0.0] * 3, std=[1.0] * 3, size=4)
    with pytest.raises(ValueError, match="no layer"):
        randomised(bare)
    with pytest.raises(ValueError, match="one heatmap for each picture"):
        explained(lambda net, images, targets: images, NET, torch.zeros(1, 3, 8, 8), torch.tensor([0]))


def test_likeness_by_hand() -> None:
    one = torch.tensor([[[1.0, 2], [3, 4]]])
    assert rank_correlation(one, 2 * one + 7).tolist() == [1]
    assert rank_correlation(one, -one).tolist() == [-1]
    assert rank_correlation(one, -one, signed=False).tolist() == [1]
    assert rank_correlation(one, torch.ones(1, 2, 2)).tolist() == [0]  # a blank map is like no other
    random = torch.Generator().manual_seed(0)
    a, b = (torch.randn(2, 16, 16, generator=random) for _ in range(2))
    want = [spearmanr(x.flatten(), y.flatten()).statistic for x, y in zip(a, b, strict=True)]
    assert rank_correlation(a, b).tolist() == pytest.approx(want)
    assert similarity(a, 3 * a).tolist() == pytest.approx([1, 1])
    assert similarity(a, -a, signed=False).tolist() == pytest.approx([1, 1])
    assert (similarity(a, -a) < 0.9).all()


def test_complexity_by_hand() -> None:
    assert complexity(torch.zeros(1, 10, 10)).tolist() == [0]
    assert complexity(torch.arange(100.0).reshape(1, 10, 10)).tolist() == pytest.approx([math.log(100)])
    half = torch.cat([torch.zeros(50), torch.ones(50)]).reshape(1, 10, 10)
    assert complexity(half).tolist() == pytest.approx([math.log(2)])


def test_baselines_do_not_look_at_the_network() -> None:
    pictures, none = (
        torch.rand(3, 3, 24, 32, generator=torch.Generator().manual_seed(1)),
        torch.zeros(3).long(),
    )
    for method in (edges, blob, noise):
        found = explained(method, NET, pictures, none)
        assert torch.equal(found, explained(method, fresh(NET), pictures, none))
        other = explained(method, NET, pictures, none + 1)
        assert torch.equal(found, other) == (method is not noise)  # noise is drawn for each class anew
    rows = torch.tensor([[0, 1], [2, 3], [4, 4]])
    for method in (edges, blob, noise):  # as any method: classes by name, one for all, a row for each
        three = method(NET, pictures, rows)
        assert three.shape == (3, 2, 24, 32)
        assert all(torch.equal(three[:, k], method(NET, pictures, rows[:, k])) for k in range(2))
        assert torch.equal(method(NET, pictures, NET.classes[2]), method(NET, pictures, [2, 2, 2]))
        with pytest.raises(ValueError, match="has no class 'dragon'"):
            method(NET, pictures, "dragon")
        with pytest.raises(ValueError, match="give a batch of them"):
            method(NET, pictures[0])
    assert edges(NET, torch.full((1, 3, 8, 8), 0.5)).abs().max() < 1e-6
    middle = blob(NET, pictures)[0]
    assert int(middle.argmax()) in {11 * 32 + 15, 11 * 32 + 16, 12 * 32 + 15, 12 * 32 + 16}
    assert torch.allclose(middle, middle.flip(0, 1))
    assert not torch.equal(noise(NET, pictures)[0], noise(NET, pictures)[1])
    many = noise(NET, torch.zeros(400, 3, 32, 32)).flatten(1).argmax(1)
    row, column = many // 32, many % 32
    inside = ((row >= 4) & (row < 28) & (column >= 4) & (column < 28)).float().mean()
    assert abs(inside - (24 / 32) ** 2) < 0.08  # its highest point is as likely everywhere
