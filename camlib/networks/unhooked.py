"""Run a network without the hooks that somebody has put on it, and put them back as they were."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

__all__ = ["unhooked"]


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
            if not str(getattr(hook, "__module__", "")).startswith("torch."):
                del table[number]
    try:
        yield
    finally:
        for table, hooks in zip(tables, before, strict=True):
            table.clear()  # the same dict, to which the handles hold on
            table.update(hooks)
