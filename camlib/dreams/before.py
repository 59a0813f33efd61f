"""What a layer gives out while gradients are kept, and before its ReLU, where there is one.

Behind a ReLU a unit that a picture does not excite is 0, and so is its gradient: an ascent that begins there
never begins. In front of it the number is negative and has a slope.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..networks.called import check_rows, check_times
from ..networks.eval_mode import evaluating
from ..networks.hookable import check_differentiable, check_floating, check_hookable
from ..networks.net import Net, traced
from ..networks.unit_axis import unit_axis, units_second
from ..running.extractor import FeatureExtractor

__all__ = ["Values", "values"]

_DEADLY = (nn.ReLU, nn.ReLU6)


class Values:
    """`Values(pictures)` is what the layer gives out, (N, units, …), in the pictures' graph."""

    def __init__(self, net: Net, layer: str, behind: bool) -> None:
        for check in (check_differentiable, check_floating, check_hookable):
            check(net)
        self.shape = FeatureExtractor(net, layer).shapes[layer]
        self._net, self._layer = net, layer
        module = net.layer(layer)
        self._axis = unit_axis(net, module)
        inner = getattr(module, "act", module)  # timm's batch norm has its activation inside
        self.before = isinstance(inner, _DEADLY) and not behind
        self._at = inner if self.before else module
        self._times = sum(call.module is self._at for call in traced(net)[0]) or 1

    def __call__(self, pictures: Tensor) -> Tensor:
        """Run the network on pictures in [0, 1], no further than the layer."""
        left, found = self._times, []

        def stop(output: Tensor) -> None:
            nonlocal left
            left -= 1
            if not left:
                found.append(output)
                raise _Reached

        def first(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            stop(inputs[0])

        def last(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            stop(output)

        hook = (
            self._at.register_forward_pre_hook(first) if self.before else self._at.register_forward_hook(last)
        )
        try:
            self._net(pictures)
        except _Reached:
            pass
        finally:
            hook.remove()
        check_times(self._layer, self._times - left, self._times)
        check_rows(self._layer, found[0], len(pictures))
        return units_second(found[0], self._axis(found[0]))


@contextmanager
def values(net: Net, layer: str, *, behind: bool = False) -> Iterator[Values]:
    """Within the block, a layer's values with gradients, the network in eval mode; it is left as it was.

    behind: behind the layer's ReLU, where it ends in one, in place of before it.
    Raises ValueError for an unknown layer, one that gives out no units, and a network without gradients.
    """
    found = Values(net, layer, behind)
    with evaluating(net), torch.inference_mode(False), torch.enable_grad():
        yield found


class _Reached(BaseException):
    """The layer has run; no Exception, so that no `except Exception` on the way holds it up."""
