"""Which dimension of a layer's output counts its units: the second, or, in transformers, the last.

Numbers (N, units) and maps (N, units, H, W) have it second, tokens (N, tokens, units) last. Some networks, as
Swin, make maps (N, H, W, units): those that come, by their shape, out of a layer that works on the last
dimension, nn.Linear or nn.LayerNorm, and not of one that works on the second, a convolution or a batch norm.
"""

from collections.abc import Callable, Iterable

from torch import Tensor, nn
from torch.nn.modules import batchnorm, conv

from .net import Net, traced

__all__ = ["check_units_second", "unit_axis"]


def unit_axis(net: nn.Module, module: nn.Module) -> Callable[[Tensor], int]:
    """What tells the dimension of the units in a layer's output: 1 or the last.

    net: the whole network. Of a `Net` all that runs before the layer tells; of a plain module only what the
    layer is made of.
    """
    made: Iterable[nn.Module] = reversed(list(module.modules()))
    if isinstance(net, Net):
        calls = traced(net)[0]
        at = max((n for n, call in enumerate(calls) if call.module is module), default=-1)
        before = [call for call in reversed(calls[: at + 1]) if call.leaf]
        made = [call.module for call in before if _shape(call.output) == _shape(calls[at].output)]
    known = list(made)
    return lambda output: 2 if output.ndim == 3 else 3 if output.ndim == 4 and _last(known, output) else 1


def check_units_second(net: Net, layer: str, output: Tensor) -> None:
    """Raise ValueError for a layer with maps (N, H, W, units)."""
    if output.ndim == 4 and unit_axis(net, net.layer(layer))(output) != 1:
        raise ValueError(
            f"{layer!r} gives {tuple(output.shape)}, its units last; choose a layer of (N, units, H, W), "
            "such as one that permutes it"
        )


def _last(made: list[nn.Module], output: Tensor) -> bool:
    """Whether the first of these modules with weights of the output's size works on its last dimension."""
    for one in made:
        if type(one) is nn.Linear and one.out_features == output.shape[3]:
            return True
        if type(one) is nn.LayerNorm and one.normalized_shape == (output.shape[3],):
            return True
        if isinstance(one, conv._ConvNd | batchnorm._BatchNorm | nn.GroupNorm | nn.LayerNorm):
            return False
    return False


def _shape(output: object) -> tuple[int, ...] | None:
    return tuple(output.shape) if isinstance(output, Tensor) else None
