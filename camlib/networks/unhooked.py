"""The hooks that somebody has put on a network: whether there are any, and how to run it without them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from .lock import every

__all__ = ["bears_hooks", "hooked", "unhooked"]


def hooked(module: nn.Module) -> bool:
    """Whether somebody's hooks lie on the module, or on one in it; torch's own do not count."""
    return any(map(bears_hooks, every(module)))


def bears_hooks(module: nn.Module) -> bool:
    """Whether somebody's hooks lie on this very module."""
    return any(map(_somebodys, (*module._forward_pre_hooks.values(), *module._forward_hooks.values())))


@contextmanager
def unhooked(module: nn.Module) -> Iterator[None]:
    """Within the block no one's hooks are called, before a module or after it; then they are back, in order.

    Torch's own stay, which compute weights (pruning, spectral norm) or make them (lazy modules). What is
    registered within the block is gone after it.
    """
    tables: list[dict[int, Any]] = [
        table for inner in module.modules() for table in (inner._forward_pre_hooks, inner._forward_hooks)
    ]
    before = [dict(table) for table in tables]
    for table in tables:
        for number, hook in list(table.items()):
            if _somebodys(hook):
                del table[number]
    try:
        yield
    finally:
        for table, hooks in zip(tables, before, strict=True):
            table.clear()  # the same dict, to which the handles hold on
            table.update(hooks)


def _somebodys(hook: Any) -> bool:
    return not str(getattr(hook, "__module__", "")).startswith("torch.")
