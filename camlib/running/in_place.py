"""A layer with units silent, also where it works in place and what it gives back is ignored.

A hook's answer takes the place of what a module gives back. But with `nn.ReLU(inplace=True)` a network may
call `self.relu(x)` and go on with x: then the numbers have to change there, where the layer has changed them.
"""

from collections.abc import Callable

from torch import Tensor, nn

__all__ = ["put_out"]


def put_out(module: nn.Module, output: Tensor, silenced: Callable[[Tensor], Tensor]) -> Tensor:
    """What a forward hook is to answer, so that the module puts out `silenced(output)`.

    silenced: a copy of a tensor of the output's shape in which some numbers are 0; the same befalls slopes.
    A layer is known to work in place by its attribute `inplace`, as torch's have it.
    """
    silent = silenced(output)
    if getattr(module, "inplace", False):
        output.data.copy_(silent.detach())  # unknown to autograd, which may keep the layer's own numbers
        if output.requires_grad:
            output.register_hook(silenced)  # type: ignore[no-untyped-call]
    return silent
