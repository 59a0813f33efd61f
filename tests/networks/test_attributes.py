"""A network that keeps something in `forward` is what it was, after camlib's runs without numbers."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

import camlib
from camlib.networks.attributes import attributes_kept
from camlib.running.silencer import Silencer

X = torch.rand((2, 3, 16, 16), generator=torch.Generator().manual_seed(0))


def plain() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
    return nn.Sequential(*layers).eval()


class Grid(nn.Module):
    """Adds a ramp, which it makes for the first picture and keeps."""

    grid: Tensor | None

    def __init__(self, where: str) -> None:
        super().__init__()
        self.n, self.where = plain(), where
        self.pe: Tensor | None = None
        self.cache: dict[int, Tensor] = {}
        self.seen: list[Tensor] = []
        self.register_buffer("grid", None)

    def forward(self, x: Tensor) -> Any:
        side = x.shape[-1]
        known: Any = {
            "attribute": lambda: self.pe,
            "buffer": lambda: self.grid,
            "dictionary": lambda: self.cache.get(side),
            "list": lambda: next(iter(self.seen), None),
            "new attribute": lambda: getattr(self, "late", None),
        }[self.where]()
        if known is None:
            known = torch.linspace(0, 1, side, device=x.device)
            if self.where == "attribute":
                self.pe = known
            elif self.where == "buffer":
                self.grid = known
            elif self.where == "dictionary":
                self.cache[side] = known
            elif self.where == "list":
                self.seen.append(known)
            else:
                self.late = known
        return self.n(x + known)


@pytest.mark.parametrize("where", ["attribute", "buffer", "dictionary", "list", "new attribute"])
def test_a_grid_that_is_kept_is_kept_with_numbers(where):
    module = Grid(where).eval()
    want = copy.deepcopy(module)(X)
    net = camlib.wrap(module, size=16, mean=[0.0] * 3, std=[1.0] * 3)
    assert net.layers
    assert camlib.receptive_field(net, "n.0").size == (3, 3)
    assert [module.pe, module.grid, module.cache, module.seen] == [None, None, {}, []]
    assert not hasattr(module, "late")
    assert torch.equal(module(X), want)
    assert torch.equal(net(X), want)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda conv: prune.l1_unstructured(conv, "weight", 0.5),
        weight_norm,
        spectral_norm,
        parametrizations.weight_norm,
    ],
    ids=["prune", "weight_norm", "spectral_norm", "parametrized"],
)
@pytest.mark.filterwarnings("ignore")
def test_a_weight_that_is_computed_anew_keeps_its_numbers(spoil: Callable[[nn.Module], Any]):
    module: Any = plain()
    spoil(module[0])
    want = module(X)
    weight = module[0].weight
    net = camlib.wrap(module, size=16, mean=[0.0] * 3, std=[1.0] * 3)
    assert net.layers
    assert torch.equal(module[0].weight, weight)
    assert torch.equal(camlib.filters(net), weight.detach())
    assert torch.equal(net(X), want)


def test_what_was_there_is_put_back_as_it_was():
    module: Any = plain()
    module[0].kept, module[0].often = [1, 2], {"a": 1}
    kept, often, weight = module[0].kept, module[0].often, module[0].weight
    hook = module[1].register_forward_hook(lambda *_: None)

    def spoils() -> None:
        module[0].kept.append(3)
        module[0].often = {}
        module[0].weight = nn.Parameter(torch.zeros(1))
        module[2].new, module[3] = 1, nn.Identity()
        del module[0].bias
        module.train()
        hook.remove()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), attributes_kept(module):
        spoils()
    assert (module[0].kept, module[0].often) == ([1, 2], {"a": 1})
    assert module[0].kept is kept
    assert module[0].often is often
    assert module[0].weight is weight
    assert isinstance(module[0].bias, Tensor)
    assert isinstance(module[3], nn.Flatten)
    assert not hasattr(module[2], "new")
    assert not any(inner.training for inner in module.modules())
    assert len(module[1]._forward_hooks) == 1


class Running(nn.Module):
    """Takes away the mean of all pictures before, in eval mode too."""

    mean: Tensor
    count: Tensor

    def __init__(self, real: bool) -> None:
        super().__init__()
        self.n, self.real, self.last = plain(), real, torch.zeros(3, 1, 1)
        self.register_buffer("mean", torch.zeros(3, 1, 1))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x: Tensor) -> Any:
        if self.real:  # looks at a number: there is no run without
            assert x.sum().item() > -1e9
        before = self.mean.clone()
        self.mean.mul_(0.9).add_(0.1 * x.mean((0, 2, 3))[:, None, None])
        self.count += 1
        if not x.is_meta:
            self.last.copy_(x[0].mean((1, 2), keepdim=True))
        return self.n(x - before)


@pytest.mark.parametrize("real", [False, True])
def test_a_mean_that_is_kept_counts_no_picture_of_ours(real):
    module = Running(real).eval()
    module(X)
    before = [one.clone() for one in (module.mean, module.count, module.last)]
    net = camlib.wrap(module, size=16)
    assert camlib.receptive_field(net, "n.0").size == (3, 3)
    assert len(camlib.costs(net)) == len(net.layers)
    with pytest.raises(ValueError, match="no layer"):
        net.layer("nothing")
    assert all(map(torch.equal, (module.mean, module.count, module.last), before))
    camlib.cam(net, X)  # finds out first where the map is, on an empty picture
    assert module.count == 2
    Silencer(net, "n.1", (16, 16))  # tries its ways on noise
    assert module.count == 2
