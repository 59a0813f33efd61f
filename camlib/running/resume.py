"""Resume a network behind one of its modules: what comes before it is not computed.

What comes before is run on the "meta" device, on tensors that have a shape but no numbers: nothing is
computed, and nothing may leak from there. (One thing would: where a tensor without numbers is added in place
to one with numbers, `out += identity`, torch leaves that one as it is, and says nothing. So each operation is
looked at.) If the logits come out with numbers all the same, they depend on a picture through the module's
output alone, whatever the network's code looks like.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode

from ..networks.attributes import attributes_kept
from ..networks.net import Net
from ..networks.trace import Call

__all__ = ["Cut", "kept_of", "tensors"]


class Cut:
    """The network from the output of calls[at] on; what is before runs without numbers."""

    def __init__(self, net: Net, calls: list[Call], at: int) -> None:
        self.net, self.module, self.at = net, calls[at].module, at
        done = {call.name for call in calls[: at + 1]} - {call.name for call in calls[at + 1 :]}
        self.empty = {
            f"{path}.{key}": tensor.to("meta")
            for path, inner in net.module.named_modules()
            if any(path == name or path.startswith(f"{name}.") for name in done)
            for own in (inner.named_parameters, inner.named_buffers)
            for key, tensor in own(recurse=False)
        }

    def __call__(self, values: Tensor, size: tuple[int, int], *hooks: Any) -> Tensor:
        """The logits (R, C) for R rows of what the module would have given out."""
        logits = self.run(len(values), size, [self._given(values), *hooks])
        if logits.is_meta:
            raise ValueError("the logits depend on more than this module's output")
        return logits

    def into(self, module: nn.Module, values: Tensor, size: tuple[int, int], *hooks: Any) -> Tensor:
        """What goes into another module, further on, for such rows; what follows it does not run."""
        found: list[Tensor] = []

        def stop(_module: nn.Module, inputs: tuple[Tensor]) -> None:
            found.append(inputs[0])
            raise _ReachedError

        with module.register_forward_pre_hook(stop), suppress(_ReachedError):
            self.run(len(values), size, [self._given(values), *hooks])
        if not found or found[0].is_meta:
            raise ValueError("what goes in depends on more than this module's output")
        return found[0]

    def _given(self, values: Tensor) -> Any:
        given = [values]
        return self.module, lambda _m, _i, output: given.pop() if given else output

    def run(self, rows: int, size: tuple[int, int], hooks: list[Any]) -> Tensor:
        """What the network gives out for so many pictures without numbers, with these hooks on modules.

        What the network's code keeps of such a run, in its modules, is forgotten after it.
        """
        picture = torch.empty((rows, self.net.channels, *size), dtype=self.net.mean.dtype, device="meta")
        with attributes_kept(self.net.module), _Sealed(), ExitStack() as stack:  # type: ignore[no-untyped-call]
            for module, hook in hooks:
                stack.enter_context(module.register_forward_hook(hook))
            logits: Tensor = functional_call(self.net.module, self.empty, (picture,), tie_weights=False)
        return logits


@contextmanager
def kept_of(module: nn.Module, *, inputs: bool = False) -> Iterator[list[Tensor]]:
    """Within the block, copies of what the module gives out at each call, or of what goes in."""
    kept: list[Tensor] = []
    with module.register_forward_hook(
        lambda _m, given, output: kept.append((given[0] if inputs else output).clone()), prepend=True
    ):
        yield kept


class _ReachedError(Exception):
    """The module is reached: what follows is not needed."""


class _Sealed(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lets no operation make numbers out of tensors without; else one that works in place would."""

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        given = func(*args, **(kwargs or {}))
        real = any(not one.is_meta for one in tensors([given]))
        if real and any(one.is_meta for one in tensors([*args, *(kwargs or {}).values()])):
            raise ValueError(f"{func} would leave out what has no numbers")
        return given


def tensors(values: Iterable[object]) -> Iterator[Tensor]:
    """Those among an operation's arguments, those in lists too."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors(value)
