"""Run a network as far as one layer: what comes after it is never computed."""

import torch
from torch import Tensor, nn

from .layers import trace
from .modes import evaluating
from .nets import Net

__all__ = ["Upto"]


class Upto:
    """`Upto(net, "conv3")(images)` is what conv3 gives out for a batch, (B, units, …), without gradients.

    shape: (units, …), what the layer gives out for a picture of `net.size`.
    The network runs in eval mode and on its own device; its hooks and modes are afterwards as they were. Of a
    layer that is called several times it is the last call, as in `record`.
    Raises ValueError for an unknown layer, one that does not run, and one that gives out no tensor of units.
    """

    def __init__(self, net: Net, layer: str) -> None:
        self.net, self.layer, self.module = net, layer, net.layer(layer)
        outputs = [
            call.output for call in trace(net.module, net.channels, net.size)[0] if call.module is self.module
        ]
        if not outputs:
            raise ValueError(f"{layer!r} does not run when {net.name} classifies a picture")
        last, self._calls = outputs[-1], len(outputs)
        if not isinstance(last, Tensor) or last.ndim not in (2, 4):
            given = tuple(last.shape) if isinstance(last, Tensor) else type(last).__name__
            raise ValueError(f"{layer!r} gives {given}; choose a layer of (N, units) or (N, units, H, W)")
        self.shape = tuple(last.shape[1:])

    def __call__(self, images: Tensor) -> Tensor:
        """What the layer gives out for these pictures in [0, 1]."""
        left = self._calls

        def stop(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise _Reached(output)

        try:
            with evaluating(self.net), torch.inference_mode(), self.module.register_forward_hook(stop):
                self.net(images.to(self.net.mean.device))
        except _Reached as reached:
            return reached.output
        raise ValueError(f"{self.layer!r} ran {self._calls - left} times, not {self._calls} as before")


class _Reached(BaseException):
    """Carries the layer's output out; no Exception, so that no `except Exception` on the way holds it up."""

    def __init__(self, output: Tensor) -> None:
        self.output = output
