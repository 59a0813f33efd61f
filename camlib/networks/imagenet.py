"""efficientnet_lite0, the ImageNet network that every installation has: its weights come as a package.

Tan, Le 2019, without squeeze-and-excitation and with ReLU6; 4.7 million parameters, trained in TensorFlow.
"""

from pathlib import Path

from torch import nn

from . import from_timm
from .packaged import ADDRESS
from .recipe import Recipe, empty
from .weights import bare, place, read

__all__ = ["NAME", "recipe"]

NAME = "efficientnet_lite0"


def recipe() -> Recipe:
    """timm's network, with the package's weights."""
    theirs = from_timm.recipe(f"{from_timm.PREFIX}tf_{NAME}")

    def filled(path: Path, url: str | None) -> nn.Module:
        module, state = empty(theirs.make), bare(read(path, url))
        own = list(module.state_dict())
        if "_conv_stem.weight" in state and len(state) == len(own):  # other names, in the same order
            # and TensorFlow's order of dimensions in memory, for which torch computes in another way
            state = {name: value.contiguous() for name, value in zip(own, state.values(), strict=True)}
        place(module, state, path)
        return module

    return theirs._replace(filled=filled, url=ADDRESS)
