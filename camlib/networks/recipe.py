"""How one of the networks that have a name is made: what each family of networks tells `load`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from .weights import fill

__all__ = ["Recipe", "empty", "into_empty"]


class Recipe(NamedTuple):
    """make: the network, untrained.  filled: the same with a file's numbers, told the file and `url`.

    url: the address of its weights; None where there is none.
    classes, mean, std, size, resize: as `Net` takes them.
    """

    make: Callable[[], nn.Module]
    filled: Callable[[Path, str | None], nn.Module]
    url: str | None
    classes: Sequence[str] | None
    mean: Sequence[float]
    std: Sequence[float]
    size: int | tuple[int, int]
    resize: int


def empty(make: Callable[[], nn.Module]) -> nn.Module:
    """The module without numbers, so that no time goes into weights that are replaced at once."""
    try:
        with torch.device("meta"):
            return make()
    except NotImplementedError:  # RegNet computes with numbers while it is built
        return make()


def into_empty(make: Callable[[], nn.Module]) -> Callable[[Path, str | None], nn.Module]:
    """`Recipe.filled` for a network whose files have its own names."""

    def filled(path: Path, url: str | None) -> nn.Module:
        module = empty(make)
        fill(module, path, url)
        return module

    return filled
