"""Whether one can look into a network: not where hooks are passed by, or no gradient is kept.

A compiled network runs the code that was made of it when it first ran; a hook that comes later is passed by,
and nothing says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from torch import nn
from torch.jit import ScriptModule

from ..wording import one_line
from .lock import alone

__all__ = [
    "check_differentiable",
    "check_floating",
    "check_hookable",
    "check_not_exported",
    "sloping",
    "uncompiled",
]

_QUANTISED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized")
_NO_SLOPE = "not require grad", "n't require gradient", "not have been used in the graph"  # torch's words
_NO_WAY_BACK = "modified by an inplace operation", "use_reentrant=True"  # likewise
_INSIDE = "_orig_mod"  # under this name torch.compile's module holds what it was given


def uncompiled(module: nn.Module) -> nn.Module:
    """What `torch.compile` was given, where this is what it gave back; else the module itself."""
    while _INSIDE in module._modules:
        module = cast(nn.Module, module._modules[_INSIDE])
    return module


def check_hookable(module: nn.Module) -> None:
    """Raise ValueError, with what to do, for a network that is compiled or scripted, or in part so."""
    for name, inner in module.named_modules():
        check_not_exported(inner)
        what = f"{type(module).__name__}'s part {name!r}" if name else f"this {type(module).__name__}"
        if _INSIDE in inner._modules:
            raise ValueError(
                f"{what} is compiled, and runs past whatever is to look into it: give the network that "
                f"torch.compile was given, which is its .{_INSIDE}"
            )
        if getattr(inner, "_compiled_call_impl", None) is not None:
            raise ValueError(
                f"{what} is compiled in place, and runs past whatever is to look into it: give "
                "copy.deepcopy(network), which is not compiled"
            )
        if isinstance(inner, ScriptModule):
            raise ValueError(
                f"{what} is TorchScript, into which nobody can look: give the network that it was made of"
            )


def check_not_exported(given: object) -> None:
    """Raise ValueError, with what to do, for what `torch.export` gave, or made a module of."""
    if any(kind.__module__.startswith("torch.export.") for kind in type(given).__mro__):
        raise ValueError(
            "an exported program is one list of operations, and no module to look into: give the network "
            "that torch.export was given"
        )


def check_floating(module: nn.Module) -> None:
    """Raise ValueError, with what to do, for a network that is quantised, or in part so."""
    for name, inner in module.named_modules():
        if type(inner).__module__.startswith(_QUANTISED):
            raise ValueError(
                f"{name or type(module).__name__!r} is quantised: its whole numbers have no gradients and "
                "cannot be silenced; give the network that it was made of"
            )


@contextmanager
def sloping(name: str) -> Iterator[None]:
    """Within the block a gradient goes to the pixels. Raises ValueError where none comes through."""
    try:
        yield
    except RuntimeError as error:
        if any(sign in str(error) for sign in _NO_WAY_BACK):
            raise ValueError(
                f"torch cannot go back through {name}: {one_line(error)}; "
                "cam, occlusion and rise need no gradient"
            ) from error
        if not any(sign in str(error) for sign in _NO_SLOPE):
            raise
        raise ValueError(
            f"no gradient reaches the pixels through {name}: does its forward run under torch.no_grad() or "
            "torch.inference_mode(), or detach its input? use cam, occlusion or rise"
        ) from error


def check_differentiable(module: nn.Module) -> None:
    """Raise ValueError, with what to do, for a network made under `torch.inference_mode()`."""
    with alone(module):  # else another thread might just run it without numbers
        frozen = any(one.is_inference() for one in (*module.parameters(), *module.buffers()))
    if frozen:
        raise ValueError(
            "this network was made under torch.inference_mode(), and so keeps no gradients: make it outside, "
            "or take copy.deepcopy(network) there"
        )
