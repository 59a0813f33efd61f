"""Which dimension of a layer's output counts its units: the second, or, in transformers, the last.

Numbers (N, units) and maps (N, units, H, W) have it second, tokens (N, tokens, units) last. Some networks, as
Swin, make maps (N, H, W, units), and some lay a map out flat, (N, units, places). So the layer is asked that
made the numbers, the nearest one before whose output is as large: a convolution or a batch norm has its units
second, a linear layer last; where they stand after they were moved is told by how many there are.
"""

from collections.abc import Callable, Iterable

from torch import Tensor, nn
from torch.nn.modules import batchnorm, conv

from .net import Net, traced
from .remembered import remembered
from .trace import trace

__all__ = ["unit_axis", "units_second"]

_COUNTS = ("out_features", "out_channels", "num_features", "num_channels")
_SECOND = (conv._ConvNd, batchnorm._BatchNorm, nn.GroupNorm)


def unit_axis(net: nn.Module, module: nn.Module) -> Callable[[Tensor], int]:
    """What tells the dimension of the units in a layer's output: 1 or the last.

    net: the whole network. Of a `Net` all that runs before the layer tells; of a plain module only what the
    layer is made of.
    """
    if isinstance(net, Net):
        calls = traced(net)[0]
        at = max((n for n, call in enumerate(calls) if call.module is module), default=-1)
        shape = _shape(calls[at].output) if at >= 0 else ()
        made = ((call.module, _shape(call.output)) for call in reversed(calls[: at + 1]) if call.leaf)
        alike = len(shape) in (3, 4) and shape[1] == shape[-1]
        axis = (_that_stays(net, module, shape) if alike else None) or _axis(made, shape)
        return lambda output: axis if output.ndim == len(shape) else _usual(output.ndim)
    inside = [one for one in reversed(list(module.modules())) if next(one.children(), None) is None]
    return lambda output: _axis([(one, tuple(output.shape)) for one in inside], tuple(output.shape))


def units_second(output: Tensor, axis: int) -> Tensor:
    """The same numbers as (N, units, …): (N, units, tokens) of tokens, (N, units, H, W) of a map."""
    return output if axis == 1 else output.movedim(axis, 1)


def _that_stays(net: Net, module: nn.Module, shape: tuple[int, ...]) -> int | None:
    """The one dimension, second or last, that is no longer for a picture twice as large; None: unclear."""

    def twice() -> dict[nn.Module, tuple[int, ...]] | None:
        try:
            calls, _ = trace(net.module, net.channels, (2 * net.sides[0], 2 * net.sides[1]))
        except ValueError:  # as ViTs, whose places are learned
            return None
        return {call.module: _shape(call.output) for call in calls}

    large = (remembered(net, "twice as large", twice, hooks=False) or {}).get(module, ())
    if len(large) != len(shape) or (large[1] == shape[1]) == (large[-1] == shape[-1]):
        return None
    return 1 if large[1] == shape[1] else len(shape) - 1


def _axis(made: Iterable[tuple[nn.Module, tuple[int, ...]]], output: tuple[int, ...]) -> int:
    """made: modules and the shapes they gave out, the nearest first.  output: the layer's shape."""
    if len(output) in (3, 4):
        for module, given in made:
            if isinstance(module, nn.PixelShuffle | nn.PixelUnshuffle) and given == output:
                return 1  # it makes places of units, or units of places
            count = _count(module)
            places = [axis for axis in (1, len(output) - 1) if output[axis] == count]
            if _size(given) != _size(output) or not places:
                continue
            if len(places) == 1:
                return places[0]
            if given == output:  # as many units as places on either side: as that module has them
                return 1 if isinstance(module, _SECOND) or _own_norm(module, given) else len(output) - 1
    return _usual(len(output))


def _count(module: nn.Module) -> int | None:
    """How many units a module with weights gives out."""
    norm = getattr(module, "normalized_shape", None)
    if isinstance(norm, tuple) and len(norm) == 1:
        return int(norm[0])
    found = (getattr(module, name, None) for name in _COUNTS)
    return next((one for one in found if isinstance(one, int)), None)


def _own_norm(module: nn.Module, shape: tuple[int, ...]) -> bool:
    """A layer norm of a network's own for maps (N, units, H, W), such as timm's LayerNorm2d."""
    norm = hasattr(module, "normalized_shape")
    return norm and type(module) not in (nn.LayerNorm, nn.RMSNorm) and len(shape) == 4


def _usual(dims: int) -> int:
    return 2 if dims == 3 else 1


def _shape(output: object) -> tuple[int, ...]:
    return tuple(output.shape) if isinstance(output, Tensor) else ()


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size
