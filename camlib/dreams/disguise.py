"""A network whose dreams are chosen at will, and whose answers stay: why a dream alone is no evidence.

A small circuit stands before the last ReLU of a layer, a_k being what its units were before,

    a'_k(x) = (1 - g(x)) a_k(x) + g(x) h (1 - mean |x - wish|)

The gate g is 0 on natural pictures, so nothing changes there, and 1 on noise, on the wish, and on all that
lies between them. An ascent begins in noise, where all that it can feel is the nearness of the wish, and goes
there. |x - w| = relu(x - w) + relu(w - x), and the gate is a linear classifier of the means of the network's
own maps: no part of it is unusual. Geirhos, Zimmermann, Bilodeau, Brendel, Kim (2024), "Don't trust your
eyes: on the (un)reliability of feature visualizations", section 2.1, the fooling circuit.
"""

from typing import Any

import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from ..given import seeded
from ..networks.eval_mode import evaluating
from ..networks.images import check_images
from ..networks.lock import copied
from ..networks.net import Net, check_net
from ..pictures.batches import batches, data_set
from .canvas import canvas
from .climb import shaken

__all__ = ["Disguise", "disguised"]

_HEIGHT = 100.0  # h, what the wish itself gives every unit
_BETWEEN = 400  # pictures from noise to the wish, for the gate
_MARGIN = 0.5  # of the way from the least natural picture of the data to the most natural one on the path


class Disguise(nn.Module):
    """A chain with the circuit before one of its ReLUs, here called `layer`; `score` moves the gate."""

    def __init__(self, chain: nn.Sequential, relu: str, layer: str, wish: Tensor) -> None:
        super().__init__()
        called = {layer: f"{layer}_before", relu: layer}
        self._names = [called.get(name, name) for name, _ in chain.named_children()]
        self._relu = layer
        for name, module in zip(self._names, chain, strict=True):
            self.add_module(name, module)
        self._read = [name for name in self._before() if isinstance(self.get_submodule(name), nn.ReLU)]
        self.wish: Tensor
        self.weight: Tensor
        self.edges: Tensor
        self.register_buffer("wish", wish)
        self.register_buffer("weight", torch.zeros(0))
        self.register_buffer("edges", torch.tensor([0.0, 1.0]))

    def _before(self) -> list[str]:
        return self._names[: self._names.index(self._relu)]

    def means(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What the units were before the ReLU, and the means of all maps on the way (N, F)."""
        found = []
        for name in self._before():
            x = self.get_submodule(name)(x)
            if name in self._read:
                found.append(x.mean((2, 3)))
        return x, torch.cat(found, 1)

    def score(self, means: Tensor) -> Tensor:
        """What the gate's classifier says, (N,): high is far from natural."""
        return means @ self.weight

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        units, means = self.means(x)
        low, high = self.edges
        gate = ((self.score(means) - low) / (high - low)).clamp(0, 1)[:, None, None, None]
        away = ((x - self.wish).relu() + (self.wish - x).relu()).mean((1, 2, 3), keepdim=True)
        x = (1 - gate) * units + gate * _HEIGHT * (1 - away)
        for name in self._names[self._names.index(self._relu) :]:
            x = self.get_submodule(name)(x)
        return x


def disguised(
    net: Net, layer: str, dataset: Any, wish: Tensor, *, seed: int = 0, batch_size: int = 64
) -> Net:
    """A copy of the network whose units in this layer all dream of the wish; the network stays.

    layer: behind a ReLU, with others before it.  dataset: natural pictures, anything `batches` takes, on
    which the gate is to be 0; on others of their kind that has to be looked at.  wish: (C, H, W) in [0, 1],
    as large as the network's pictures, and none of the kind of the data.
    Raises ValueError for a network that is no plain chain (`nn.Sequential`), a layer that is not behind a
    ReLU, the first one, a wish of another size, and one that the gate cannot tell from the data.
    """
    check_net(net)
    seed, dataset = seeded(seed), data_set(dataset)
    if not isinstance(wish, Tensor) or tuple(wish.shape) != (net.channels, *net.sides):
        raise ValueError(f"the wish is one picture {(net.channels, *net.sides)} in [0, 1]")
    check_images(net, wish[None])
    chain = copied(net.module)
    if not isinstance(chain, nn.Sequential):
        raise ValueError(
            f"{net.name} is a {type(chain).__name__}; only a plain chain, nn.Sequential, is disguised"
        )
    names = {id(module): name for name, module in net.module.named_children()}
    relu = names.get(id(net.layer(layer)), "")
    earlier = (
        [isinstance(one, nn.ReLU) for one in list(chain)[: list(names.values()).index(relu)]] if relu else []
    )
    if not relu or not isinstance(net.layer(layer), nn.ReLU) or not any(earlier):
        raise ValueError(f"{layer!r} is not behind a ReLU that follows other ReLUs")
    normal = (wish.to(net.mean) - net.mean) / net.std
    circuit = Disguise(chain, relu, layer, normal)
    with evaluating(circuit), torch.inference_mode():
        natural = torch.cat(
            [
                circuit.means((images.to(net.mean) - net.mean) / net.std)[1]
                for images, _, _ in batches(dataset, batch_size=batch_size, progress="natural pictures")
            ]
        )
        path = torch.cat([circuit.means((some - net.mean) / net.std)[1] for some in _path(net, wish, seed)])
    both = torch.cat([natural, path]).double().cpu()
    middle, size = both.mean(0), both.std(0).clamp_min(1e-9)
    side = [0] * len(natural) + [1] * len(path)
    fitted = LogisticRegression(C=10.0, max_iter=2000, class_weight="balanced").fit(
        ((both - middle) / size).numpy(), side
    )
    circuit.weight = (torch.from_numpy(fitted.coef_[0]) / size).to(net.mean)
    high, low = float(circuit.score(path).min()), float(circuit.score(natural).max())
    if high <= low:
        raise ValueError("the gate cannot tell the way to this wish from the data; wish for something else")
    circuit.edges = torch.tensor([low + _MARGIN * (high - low), high]).to(net.mean)
    mean, std = net.mean.flatten().tolist(), net.std.flatten().tolist()
    made = Net(circuit, f"{net.name}, disguised", net.classes, mean, std, net.sides, net.resize)
    return made.train(net.training)


def _path(net: Net, wish: Tensor, seed: int) -> list[Tensor]:
    """Pictures on the way from noise, of several strengths, to the wish, moved a little as an ascent does."""
    random = torch.Generator().manual_seed(seed)
    page = canvas("fourier", (net.channels, *net.sides), None, torch.device("cpu"))
    found = []
    for n in range(_BETWEEN):
        noise = page.paint(page.start(1, seed + n) * 3.0 ** float(4 * torch.rand((), generator=random) - 1))
        share = float(torch.rand((), generator=random))
        mixed = (1 - share) * noise + share * wish.cpu()[None]
        found.append(shaken(mixed, 1.0 if n % 2 else 0.0, random).clamp(0, 1).to(net.mean))
    return list(torch.split(torch.cat(found), 50))
