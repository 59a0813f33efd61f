"""timm's classifiers, as "timm/NAME" or "timm/NAME.TAG": each with its own weights, classes and size.

A tag says which of several weights, by timm's own names ("resnet26d.bt_in1k"); without one they are those
that timm takes itself. The file of "timm/resnet26d" in the folder CAMLIB_WEIGHTS: timm/resnet26d.safetensors
(or .pth), the state dict of timm's network, or its file on Hugging Face's hub.
"""

import math
from functools import cache
from pathlib import Path
from typing import Any

from torch import nn

from ..wording import near
from .from_torchvision import imagenet_classes
from .hub import page
from .recipe import Recipe
from .weights import bare, read, wrong_network

__all__ = ["PREFIX", "addresses", "is_known", "recipe"]

PREFIX = "timm/"


@cache
def addresses() -> dict[str, str | None]:
    """Every classifier, "timm/NAME" and with each further tag → the address of its weights, if it has any.

    A name without its tag stands for the first of its weights; that tag is not listed once more.
    """
    import timm

    found: dict[str, str | None] = {}
    for name in _names():
        entry: Any = timm.get_pretrained_cfg(name)
        architecture, _, tag = name.partition(".")
        first = found.get(PREFIX + architecture)
        if entry.num_classes > 1 and not (tag and first and first == _address(entry)):
            found[PREFIX + name] = _address(entry)
    return found


def is_known(name: str) -> bool:
    """Is this "timm/NAME", or "timm/NAME.TAG", one of timm's networks, classifier or not?"""
    return name.startswith(PREFIX) and name.removeprefix(PREFIX) in _names()


def recipe(name: str) -> Recipe:
    """How "timm/NAME" is made. Raises ValueError for an unknown name, and for what is no classifier."""
    import timm

    if not is_known(name):
        raise ValueError(
            f"no network is called {name!r}{near(name, addresses())}; timm's are listed by timm.list_models()"
        )
    theirs = name.removeprefix(PREFIX)
    entry: Any = timm.get_pretrained_cfg(theirs)
    if entry.num_classes < 2:
        raise ValueError(f"{name} is no classifier: its weights give a code and no classes")
    height, width = entry.input_size[1:]

    def make() -> nn.Module:
        return timm.create_model(theirs, pretrained=False)

    def filled(path: Path, url: str | None) -> nn.Module:
        return _filled(theirs, path, url)

    return Recipe(
        *(make, filled, _address(entry), imagenet_classes() if _of_imagenet(entry) else None),
        *(entry.mean, entry.std, height if height == width else (height, width)),
        # timm rounds so; three of its networks want a border, of which nothing can be cut out
        math.floor(min(height, width) / min(entry.crop_pct, 1)),
    )


@cache
def _names() -> list[str]:
    """By timm's spelling, those without a tag first."""
    import timm

    return list(dict.fromkeys(timm.list_models() + timm.list_models(pretrained=True)))


def _address(entry: Any) -> str | None:
    return page(entry.hf_hub_id) if entry.hf_hub_id else entry.url or None


def _of_imagenet(entry: Any) -> bool:
    """A tag is made of words such as "a1", "in21k", "ft", "in1k"; what no weights are for can be anything."""
    return entry.num_classes == 1000 and "in1k" in (entry.tag or "").split("_")


def _filled(theirs: str, path: Path, url: str | None) -> nn.Module:
    """timm's own loading, which knows its files' older names; the file is read, and checked, by `read`."""
    import timm

    state = bare(read(path, url))
    try:
        module: Any = timm.create_model(theirs, pretrained=True, pretrained_cfg_overlay={"state_dict": state})
    except Exception as error:  # its renaming of a strange file's names can fail in any way
        raise wrong_network(path, error) from error
    module.pretrained_cfg.pop("state_dict")  # timm would keep every number twice
    return module  # type: ignore[no-any-return]
