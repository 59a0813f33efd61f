"""Draw where torch's own code draws: from the random state that the whole process shares.

A fresh layer's numbers, or captum's noise, come from there, and no generator can be handed to them. Two
threads that both seed it would draw each other's numbers, so one at a time does.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["drawing"]

_ALONE = threading.RLock()


@contextmanager
def drawing(seed: int, *devices: torch.device) -> Iterator[None]:
    """Within the block torch draws what comes after `seed`; then its random state is as it was before.

    devices: those on which is drawn, besides the CPU. Take no network's lock in the block that is not held
    already: whoever holds it may be waiting to draw.
    """
    gpus = sorted({one.index for one in devices if one.type == "cuda"})
    with _ALONE, torch.random.fork_rng(gpus):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU, too
        for gpu in gpus:
            torch.cuda.default_generators[gpu].manual_seed(seed)
        yield
