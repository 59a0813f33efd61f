"""Networks as others build them: sums of two, weights that are computed, layers called by name."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm
from torch.utils.checkpoint import checkpoint
from torchvision.ops import DeformConv2d

import camlib
from camlib.networks.net import Net
from tests.odd_calls.case import Case, right, told

cl: Any = camlib
SIZE = 16
DATA = torch.Generator().manual_seed(0)
X = torch.rand(2, 3, SIZE, SIZE, generator=DATA)
LABELLED: Any = [(image, n) for n, image in enumerate(X)]


class Wild(nn.Module):
    """A network whose parts are given, and in what way they run."""

    def __init__(self, way: Callable[..., Tensor], **parts: nn.Module) -> None:
        super().__init__()
        self.way = way
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor) -> Tensor:
        return self.way(self, x)


def pooled(self: Any, x: Tensor) -> Tensor:
    found: Tensor = self.fc(self.conv2(self.conv1(x).relu()).relu().mean((2, 3)))
    return found


def net(way: Callable[..., Tensor] = pooled, size: int = SIZE, **parts: nn.Module) -> Net:
    """Two convolutions and a linear layer, but for parts given besides, or in their place."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        own = {"conv1": nn.Conv2d(3, 8, 3, 2, 1), "conv2": nn.Conv2d(8, 8, 3, 1, 1), "fc": nn.Linear(8, 5)}
        return camlib.wrap(Wild(way, **(own | parts)), size=size)


def near(found: Tensor, wanted: Tensor) -> bool:
    return torch.allclose(found, wanted, rtol=1e-3, atol=1e-4 * float(wanted.abs().max()))


def silenced_by_hand(one: Net, layer: str, axis: int = 1) -> Tensor:
    """(N, units, C), by a mask on what the layer gives out."""
    found = []
    for unit in range(8):

        def without(_module: Any, _inputs: Any, output: Tensor, unit: int = unit) -> Tensor:
            mask = torch.ones(8)
            mask[unit] = 0
            return output * (mask if axis == -1 else mask[:, None, None])

        with one.layer(layer).register_forward_hook(without), torch.no_grad():
            found.append(one(X))
    return torch.stack(found, 1)


def as_by_hand(make: Callable[[], Net], layer: str) -> Case:
    return right(
        f"silenced_logits: {make.__name__}, {layer}",
        lambda: (cl.silenced_logits(make(), layer, X)[1], silenced_by_hand(make(), layer)),
        lambda two: near(*two),
    )


# A sum, and nothing after it.
@cache
def sum_of_two() -> Net:
    return net(lambda self, x: pooled(self, x) + 0.5 * pooled(self, x.flip(-1)), size=64)


LARGE = torch.rand(1, 3, 64, 64, generator=DATA)


def covered() -> Tensor:
    """The probability of class 1 behind a grey square of 16 pixels, at 49 places."""
    pictures = LARGE.repeat(49, 1, 1, 1)
    for n, picture in enumerate(pictures):
        y, x = n // 7 * 8, n % 7 * 8
        picture[:, y : y + 16, x : x + 16] = 0.5
    with torch.no_grad():
        shares: Tensor = sum_of_two()(pictures).softmax(1)[:, 1]
    return shares.view(1, 7, 7)


# What takes numbers for places in memory, or keeps them.
@cache
def deformable() -> Net:
    def way(self: Any, x: Tensor) -> Tensor:
        x = self.conv1(x).relu()
        found: Tensor = self.fc(self.deform(x, self.aside(x)).mean((2, 3)))
        return found

    return net(way, aside=nn.Conv2d(8, 18, 3, 1, 1), deform=DeformConv2d(8, 8, 3, padding=1))


@cache
def looked_up() -> Net:
    def way(self: Any, x: Tensor) -> Tensor:
        x = self.conv1(x).relu()
        x = x + self.table(x.mean((2, 3)).mul(9).long().clamp(0, 9))
        found: Tensor = self.fc(x.mean((2, 3)))
        return found

    class Table(nn.Embedding):
        def forward(self, numbers: Tensor) -> Tensor:
            found: Tensor = super().forward(numbers).squeeze(-1)[:, :, None, None]
            return found

    return net(way, table=Table(10, 1))


class Counted(nn.Module):
    """Keeps a mean of what passes, and passes it on."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(8))

    def forward(self, x: Tensor) -> Tensor:
        self.mean.lerp_(x.mean((0, 2, 3)), 0.1)
        return x


def kept_after(verb: Callable[[Net], object]) -> Tensor:
    one = net(lambda self, x: self.fc(self.count(self.conv1(x).relu()).mean((2, 3))), count=Counted())
    verb(one)
    return one.module.get_buffer("count.mean")


# Weights that are made of others.
class LowRank(nn.Linear):
    def __init__(self) -> None:
        super().__init__(8, 5)
        self.down, self.up = nn.Parameter(torch.randn(2, 8)), nn.Parameter(torch.randn(5, 2))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + x @ self.down.T @ self.up.T


def pruned() -> nn.Module:
    layer = nn.Conv2d(8, 8, 3, 1, 1)
    prune.l1_unstructured(layer, "weight", 0.5)
    return layer


COMPUTED: dict[str, Callable[[], Net]] = {
    "spectral_norm": lambda: net(conv2=spectral_norm(nn.Conv2d(8, 8, 3, 1, 1))),
    "weight_norm": lambda: net(conv2=weight_norm(nn.Conv2d(8, 8, 3, 1, 1))),
    "weight_norm as a parametrization": lambda: net(
        conv2=parametrizations.weight_norm(nn.Conv2d(8, 8, 3, 1, 1))
    ),
    "pruning": lambda: net(conv2=pruned()),
    "a low rank": lambda: net(fc=LowRank()),
}


class Keeps(nn.Conv2d):
    """Keeps what it computes of its weight, as timm's LeViT does of its biases, for the next picture."""

    def __init__(self) -> None:
        super().__init__(8, 8, 3, 1, 1)
        self.kept: dict[str, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = super().forward(x)
        self.kept["twice"] = self.weight.sum() * 2
        return found


def keeping() -> Net:
    one = net(conv2=Keeps())
    one(X)  # with gradients
    return one


COMPUTED["what forward keeps in a dict"] = keeping


def drawn_anew(make: Callable[[], Net]) -> list[str]:
    """The parameters that `fresh` leaves as they were."""
    one = make()
    other = dict(camlib.trust.fresh(one).named_parameters())
    return [name for name, own in one.named_parameters() if torch.equal(own, other[name])]


# Layers called by name, or twice.
@cache
def by_name() -> Net:
    return net(lambda self, x: self.fc(input=self.conv2(input=self.conv1(input=x).relu()).mean((2, 3))))


def in_order() -> Net:
    return net(lambda self, x: self.fc(self.conv2(self.conv1(x).relu()).mean((2, 3))))


@cache
def both_ways() -> Net:
    return net(lambda self, x: (pooled(self, x) + pooled(self, x.flip(-1))) / 2)


# No way back to the pixels.
def frozen(self: Any, x: Tensor) -> Tensor:
    with torch.no_grad():
        x = self.conv1(x).relu()
    found: Tensor = self.fc(self.conv2(x).relu().mean((2, 3)))
    return found


def detached(self: Any, x: Tensor) -> Tensor:
    found: Tensor = self.fc(self.conv2(self.conv1(x).relu().detach()).relu().mean((2, 3)))
    return found


def checked(self: Any, x: Tensor) -> Tensor:
    found: Tensor = self.fc(checkpoint(self.act, self.conv1(x), use_reentrant=True).mean((2, 3)))
    return found


def left_by_deep_lift() -> set[str]:
    """What stays on a module where captum fails half way."""
    one = net(checked, act=nn.ReLU())
    act = one.module.get_submodule("act")
    before = set(vars(act))
    try:
        camlib.deep_lift(one, X)
    except ValueError:
        return set(vars(act)) - before
    raise AssertionError("it did not fail")


# Where other code has set something for all of torch.
def in_inference_mode(verb: Callable[[Net], Any]) -> Any:
    one = net()
    with torch.inference_mode():
        return verb(one)


def new_head(one: Net) -> Tensor:
    numbers = torch.rand(12, 8, generator=torch.Generator().manual_seed(0))
    with_head = cl.with_head(one, cl.linear_svm(numbers, torch.arange(12) % 2))
    found: Tensor = cl.saliency(with_head, X)
    return found


HOT = X[:, 0]
WITHIN: dict[str, Callable[[Net], Any]] = {
    "fresh": lambda one: camlib.trust.fresh(one)(X).detach(),
    "quick": lambda one: camlib.trust.quick(cl.saliency, one, X).weights,
    "with_head": new_head,
    "dream": lambda one: cl.dream(one, "conv2", [0], steps=2).values.isfinite().float(),
    "road": lambda one: camlib.trust.road(one, X, HOT, 1, shares=[0.3]).scores,
}


def loud() -> Net:
    one = net()
    with torch.no_grad():
        one.layer("conv2").weight.mul_(1e6)  # type: ignore[operator]
    return one


# As many units as places on a side.
class Block(nn.Module):
    """ConvNeXt's: the units are last inside, and second again at its end."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.LayerNorm(8)
        self.wide, self.narrow = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        found = self.narrow(functional.gelu(self.wide(self.norm(self.conv(x).permute(0, 2, 3, 1)))))
        out: Tensor = x + found.permute(0, 3, 1, 2)
        return out


@cache
def block() -> Net:
    return net(lambda self, x: self.fc(self.block(self.conv1(x)).mean((2, 3))), block=Block())


TWO_WAYS = "conv1, conv2, fc"


def by_forward(self: Any, x: Tensor) -> Tensor:
    """Past the hooks of its first layer."""
    found: Tensor = self.fc(self.conv2(self.conv1.forward(x).relu()).relu().mean((2, 3)))
    return found


def overwritten(self: Any, x: Tensor) -> Tensor:
    """What a gradient would have needed."""
    first = self.conv1(x).relu()
    second = self.conv2(first).exp()
    second[:, 0] = 0
    found: Tensor = self.fc(second.mean((2, 3)))
    return found


def reentrant(self: Any, x: Tensor) -> Tensor:
    first = checkpoint(self.conv1, x, use_reentrant=True).relu()
    found: Tensor = self.fc(self.conv2(first).relu().mean((2, 3)))
    return found


def silenced(way: Callable[..., Tensor], layer: str) -> Tensor:
    one = net(way)
    with cl.silence(one, layer, [0]), torch.inference_mode():
        found: Tensor = one(X)
    return found


CASES: list[Case] = [
    told(
        "silence: a layer whose forward is called by itself",
        lambda: silenced(by_forward, "conv1"),
        "never called 'conv1'",
    ),
    told(
        "gradcam: a layer inside what is computed twice",
        lambda: cl.gradcam(net(reentrant), X, layer="conv1"),
        "no gradient reaches the logits from there; name another layer",
    ),
    right("silence: beside such a layer", lambda: silenced(by_forward, "conv2"), lambda z: z.shape == (2, 5)),
    *(
        told(
            f"{name}: {kind}",
            partial(lambda way, verb: verb(net(way)), way, verb),
            "torch cannot go back through",
        )
        for kind, way in (("what a gradient needs is overwritten", overwritten), ("reentrant", reentrant))
        for name, verb in {
            "saliency": lambda one: cl.saliency(one, X),
            "smoothgrad": lambda one: cl.smoothgrad(one, X, samples=2),
            "gradcam": lambda one: cl.gradcam(one, X, layer="conv1"),
            "dream": lambda one: cl.dream(one, "fc", [0], steps=1),
        }.items()
        if (kind, name) != ("reentrant", "gradcam")  # it has a row of its own
    ),
    right(
        "occlude: a sum ends the network",
        lambda: (cl.occlude(sum_of_two(), LARGE, 1, window=16, stride=8).after, covered()),
        lambda two: near(*two),
    ),
    as_by_hand(deformable, "conv1"),
    as_by_hand(looked_up, "conv1"),
    as_by_hand(block, "block"),
    right(
        "silenced_logits: units last, as many as places",
        lambda: (
            cl.silenced_logits(block(), "block.norm", X)[1],
            silenced_by_hand(block(), "block.norm", axis=-1),
        ),
        lambda two: near(*two),
    ),
    *(
        right(
            f"{name}: a buffer that keeps a mean",
            partial(kept_after, verb),
            lambda mean: bool(mean.isfinite().all()),
        )
        for name, verb in {
            "ablate": lambda one: cl.ablate(one, "conv1", LABELLED),
            "silenced_logits": lambda one: cl.silenced_logits(one, "conv1", X),
        }.items()
    ),
    *(
        right(f"fresh: {name}", partial(drawn_anew, make), lambda same: same == [])
        for name, make in COMPUTED.items()
    ),
    *(
        right(
            f"randomised: {name}",
            partial(lambda make: [name for name, _ in camlib.trust.randomised(make())][-1], make),
            lambda first: first == "conv1",
        )
        for name, make in COMPUTED.items()
    ),
    *(
        told(
            f"wrap: a sigmoid in forward{where}",
            partial(net, end),
            "ends in a sigmoid.*let its forward return",
        )
        for where, end in {
            "": lambda self, x: pooled(self, x).sigmoid(),
            ", by a function": lambda self, x: torch.sigmoid(pooled(self, x)),
            ", in another shape": lambda self, x: pooled(self, x)[:, :, None].sigmoid().squeeze(-1).float(),
        }.items()
    ),
    right(
        "wrap: a sigmoid before the logits",
        lambda: net(lambda self, x: self.fc(self.conv1(x).sigmoid().mean((2, 3)))),
        lambda one: len(one.classes) == 5,
    ),
    right(
        "class_maps: layers called by name",
        lambda: (cl.class_maps(by_name(), X, 1), cl.class_maps(in_order(), X, 1)),
        lambda two: near(*two),
    ),
    right(
        "costs: all runs twice",
        lambda: cl.costs(both_ways()),
        lambda rows: (
            [tuple(row[2:]) for row in rows]
            == [
                (
                    sum(p.numel() for p in net().parameters()),
                    2 * sum(row.multiplications for row in cl.costs(net())),
                )
            ]
        ),
    ),
    told("gradcam: all runs twice", lambda: cl.gradcam(both_ways(), X), f"name a layer: {TWO_WAYS}$"),
    told("equivariance: all runs twice", lambda: cl.equivariance(both_ways(), X), "none that runs just once"),
    *(
        told(
            f"ablation_cam: a logit of 0, {kind}",
            partial(cl.ablation_cam, net(lambda self, x: pooled(self, x) * 0), "conv2", X, targets),
            "a logit of 0 for image 0: no share of it can be lost",
        )
        for kind, targets in (("one target", 1), ("several", [[0, 1], [1, 2]]))
    ),
    *(
        told(
            f"{name}: {kind}",
            partial(lambda way, verb: verb(net(way)), way, verb),
            "no gradient reaches the pixels",
        )
        for kind, way in (("a trunk under no_grad", frozen), ("a trunk that is detached", detached))
        for name, verb in {
            "saliency": lambda one: cl.saliency(one, X),
            "dream": lambda one: cl.dream(one, "conv2", [0], steps=1),
            "invert": lambda one: cl.invert(one, "conv2", X, steps=1),
        }.items()
    ),
    *(
        right(
            f"{name}: in inference mode",
            partial(lambda verb: (in_inference_mode(verb), verb(net())), verb),
            lambda two: near(*two),
        )
        for name, verb in WITHIN.items()
    ),
    told(
        "feature_maps: beyond half precision",
        lambda: cl.feature_maps(loud(), ["conv2"], X),
        "activations for picture 0 are .* beyond half precision",
    ),
    right("deep_lift: what fails half way leaves nothing", left_by_deep_lift, lambda left: left == set()),
    *(
        told(
            f"{name}: labels of which one is {wrong!r}",
            partial(verb, net(), [(X[0], 0), (X[1], wrong)]),
            f"labels are class indices.*given {wrong!r}",
        )
        for name, verb in {"cam_sums": cl.cam_sums, "class_units": cl.class_units}.items()
        for wrong in (None, "1")
    ),
]
