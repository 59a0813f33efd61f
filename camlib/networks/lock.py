"""One thread at a time in a network: a re-entrant lock for each.

A widget computes on another thread while a cell runs. A hook that one of them puts on a network would be met
by the other's pictures, and while one runs it without numbers the other's would come out empty. So whoever
puts hooks on one, changes its mode or runs it, holds its lock; a thread may do so as often as it likes.

The lock belongs to the module inside: two `Net`s around one module share it. It is not part of the module,
so a network is copied, saved and compiled as if there were none.
"""

import copy
import threading
from contextlib import AbstractContextManager
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

__all__ = ["alone", "copied", "every"]

M = TypeVar("M", bound=nn.Module)
_LOCKS: "WeakKeyDictionary[nn.Module, threading.RLock]" = WeakKeyDictionary()
_MAKING = threading.Lock()


def every(net: nn.Module) -> list[nn.Module]:
    """All modules in a network, each once: `net.modules()` without the names, which take most of its time."""
    found, left = dict[nn.Module, None](), [net]
    while left:
        module = left.pop()
        if module not in found:
            found[module] = None
            left.extend(child for child in module._modules.values() if child is not None)
    return list(found)


def alone(net: nn.Module) -> AbstractContextManager[object]:
    """Within the block no other thread runs the network, or looks into it, through camlib.

    net: a `Net`, or any module; a plain module that somebody runs by itself, past camlib, is not held up.
    """
    inside = net
    while (within := inside._modules.get("module")) is not None:  # getattr takes ten times as long
        inside = within
    if lock := _LOCKS.get(inside):
        return lock
    with _MAKING:
        return _LOCKS.setdefault(inside, threading.RLock())


def copied(net: M) -> M:
    """A copy, made while no other thread's hooks lie on the network and its numbers are its own.

    Torch copies no tensor that is computed, such as a pruned weight, or a bias that an attention keeps in a
    dict; here its numbers are copied. Under `torch.inference_mode()`, too, it is a copy that can be changed
    and keeps gradients.
    """
    with alone(net), torch.inference_mode(False):
        values = [value for inner in every(net) for value in vars(inner).values()]
        held = [
            one for value in values if isinstance(value, dict) for one in value.values()
        ]  # such as buffers
        computed = (one for one in (*values, *held) if isinstance(one, Tensor) and not one.is_leaf)
        return copy.deepcopy(net, {id(one): one.detach().clone() for one in computed})
