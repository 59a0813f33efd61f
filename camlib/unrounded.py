"""camlib's own sums in full precision, also where the caller runs networks under `torch.autocast`.

Autocast halves the numbers of every matrix product in its block. For a network that is the caller's wish; a
bootstrap's counts, say, would be rounded to three digits with it, and nobody would know.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

__all__ = ["unrounded"]

_KINDS = ("cpu", "cuda", "mps", "xpu")


@contextmanager
def unrounded() -> Iterator[None]:
    """Within the block, or the function that it decorates, autocast is off; no network is to run there."""
    if on := [kind for kind in _KINDS if torch.is_autocast_enabled(kind)]:
        with ExitStack() as stack:
            for kind in on:
                stack.enter_context(torch.autocast(kind, enabled=False))
            yield
    else:
        yield
