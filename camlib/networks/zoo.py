"""Networks that take pictures in [0, 1] and know their classes and layers: ours, torchvision's, yours.

net = load("critternet")            # or "alexnet", "resnet18", … by torchvision's names
net = wrap(my_network, classes=["cat", "dog"], mean=[0.5] * 3, std=[0.5] * 3)
net(images)                         # logits; the pictures are normalised inside
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from ..given import told
from ..scenes.scenes import CLASSES
from ..wording import listing, near
from .accepted import a_module, check_logits
from .course import COURSE, TRACKERS, build
from .net import MEAN, STD, Net, traced
from .weights import fetch, fill, find

__all__ = ["here", "known", "load", "wrap"]


@torch.inference_mode(False)  # else its numbers would never take part in a gradient
def load(name: str, *, weights: str | Path | None = None) -> Net:
    """A trained network by its name, in eval mode, on the CPU, in float32.

    name: one of the course's (`COURSE`), or of torchvision's classifiers ("alexnet", "resnet18", …).
    weights: None: the shipped ones, those in the folder CAMLIB_WEIGHTS, torch hub's, or a download;
        a path to a .safetensors or .pth file; "random": untrained, always the same.
    Raises ValueError for an unknown name or path, WeightsError where weights are missing or wrong.
    """
    recipe = _recipe(name)
    if weights == "random":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            module = recipe.make()
    else:
        if weights is not None and not (isinstance(weights, str | Path) and Path(weights).is_file()):
            given = repr(str(weights)) if isinstance(weights, str | Path) else told(weights)
            raise ValueError(f'weights={given} is no file; give a path, "random", or nothing')
        path = fetch(name, recipe.url) if weights is None else Path(weights)
        module = _empty(recipe.make)
        fill(module, path, recipe.url)
    return Net(module, name, *recipe[2:]).eval()


@torch.inference_mode(False)
def wrap(
    module: nn.Module,
    *,
    classes: Sequence[str] | None = None,
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
    size: int | tuple[int, int] = 224,
) -> Net:
    """A `Net` around your own classifier, which must give (N, C) logits; it is put into eval mode.

    classes: its C names; None: "class 0", "class 1", …
    mean, std: what its training pictures in [0, 1] were normalised with, one number a channel.
    size: the side of the square pictures it was trained on, or their (height, width).
    What `torch.compile` gave is taken for what it was given, into which one can look.
    Raises ValueError where the network does not take such pictures, where it gives anything but the logits of
    two classes or more (a softmax's shares, one number), and where it cannot be looked into (TorchScript).
    """
    if isinstance(module, Net):
        raise ValueError("this is a Net already; to give it other classes or sizes, wrap its .module")
    inside = a_module(module)
    net = Net(inside, type(inside).__name__, classes, mean, std, size)
    if not any(one.is_meta for one in inside.parameters()):  # else there is no number to be looked at
        leaves = [call for call in traced(net)[0] if call.leaf]
        pictures = torch.rand((2, net.channels, *net.sides), generator=torch.Generator().manual_seed(0))
        pictures = (pictures.to(net.mean) - net.mean) / net.std
        check_logits(inside, (leaves[-1].name, leaves[-1].module) if leaves else None, pictures)
    return net.eval()


def known() -> dict[str, str | None]:
    """Every name that `load` takes → the address of its weights; None for the course's own networks."""
    from torchvision import models  # takes a second, and the course's own networks do without

    theirs = {name: models.get_model_weights(name).DEFAULT.url for name in models.list_models(module=models)}
    return dict.fromkeys(COURSE) | theirs


def here(*names: str) -> list[str]:
    """Those of the networks whose weights are on this machine, in the order given; nothing is downloaded.

    Raises ValueError for an unknown name.
    """
    return [name for name in names if find(name, _recipe(name).url)]


class _Recipe(NamedTuple):
    make: Callable[[], nn.Module]
    url: str | None
    classes: Sequence[str]
    mean: Sequence[float]
    std: Sequence[float]
    size: int
    resize: int


def _recipe(name: Any) -> _Recipe:
    if not isinstance(name, str):
        more = "; your own network becomes a Net by wrap" if isinstance(name, nn.Module) else ""
        raise ValueError(f"load wants a network's name; given {told(name)}{more}")
    if name == "lenet":
        return _Recipe(lambda: build(name), None, [str(digit) for digit in range(10)], (0.0,), (1.0,), 28, 28)
    if name in COURSE:
        classes = ("eye",) if name in TRACKERS else CLASSES
        return _Recipe(lambda: build(name), None, classes, (0.5,) * 3, (0.25,) * 3, 128, 128)
    if name not in known():
        raise ValueError(
            f"no network is called {name!r}{near(name, known())}; there are {listing(known(), len(known()))}"
        )
    from torchvision import models

    entry = models.get_model_weights(name).DEFAULT
    seen = entry.transforms()
    size, resize = seen.crop_size[0], seen.resize_size[0]
    options: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):  # their weights are for pictures normalised another way
        options = {"transform_input": True, "aux_logits": False, "init_weights": True}
    elif name.startswith("vit_"):
        options = {"image_size": size}
    return _Recipe(
        lambda: models.get_model(name, weights=None, **options),
        *(entry.url, entry.meta["categories"], seen.mean, seen.std, size, resize),
    )


def _empty(make: Callable[[], nn.Module]) -> nn.Module:
    """The module without numbers, so that no time goes into weights that are replaced at once."""
    try:
        with torch.device("meta"):
            return make()
    except NotImplementedError:  # RegNet computes with numbers while it is built
        return make()
