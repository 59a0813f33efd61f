"""Run a network as far as the last of several layers, and keep what each of them gives out."""

from collections.abc import Iterable

from torch import Tensor

from .layers import trace
from .nets import Net
from .record import record
from .upto import Upto

__all__ = ["Several"]


class Several:
    """`Several(net, ["conv3", "conv5"])(images)["conv3"]` is what conv3 gives out for a batch.

    layers: names, in any order. Raises ValueError for an unknown layer, and one that does not run.
    """

    def __init__(self, net: Net, layers: Iterable[str]) -> None:
        self.net, self.layers = net, tuple(layers)
        calls = trace(net.module, net.channels, net.size)[0]
        order = {call.module: n for n, call in enumerate(calls)}  # of a module that is called twice, the last
        for name in self.layers:
            if net.layer(name) not in order:
                raise ValueError(f"{name!r} does not run when {net.name} classifies a picture")
        self._upto = Upto(net, max(self.layers, key=lambda name: order[net.layer(name)]))

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        """The layers' outputs for these pictures in [0, 1], without gradients."""
        with record(self.net, *self.layers) as acts:
            self._upto(images)
        return {name: acts[name] for name in self.layers}
