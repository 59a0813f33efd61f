"""Networks that take pictures in [0, 1] and know their classes and layers: ours, torchvision's, yours.

net = load("critternet")            # or "efficientnet_lite0"; "alexnet", …, torchvision's; "timm/…", timm's
net = wrap(my_network, classes=["cat", "dog"], mean=[0.5] * 3, std=[0.5] * 3)
net(images)                         # logits; the pictures are normalised inside
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..chance import drawing
from ..given import seeded, told
from ..scenes.scenes import CLASSES
from ..wording import listing, near
from . import from_timm, from_torchvision, imagenet
from .accepted import a_module
from .course import COURSE, DIGITS, TRACKERS, TRUNKS, begun, build, run_name, take_over
from .logits import check_logits
from .net import MEAN, STD, Net, traced
from .packaged import ADDRESS
from .recipe import Recipe, into_empty
from .weights import fetch, find

__all__ = ["here", "is_known", "known", "load", "source", "unknown", "wrap"]


@torch.inference_mode(False)  # else its numbers would never take part in a gradient
def load(name: str, *, weights: str | Path | None = None, seed: int = 0) -> Net:
    """A trained network by its name, in eval mode, on the CPU, in float32.

    name: one of the course's (`COURSE`); "efficientnet_lite0", the ImageNet network that every installation
        has; one of torchvision's classifiers ("alexnet", …) or of timm's ("timm/resnet26d", …).
    weights: None: those in the folder CAMLIB_WEIGHTS, the shipped ones, the hubs' caches', or a download;
        a path to a .safetensors or .pth file; "random": those a fresh network has; "untrained": those with
        which the training of one of the course's networks began.
    seed: of the random weights; of the course's networks, which training: `RUNS` has how many there are.
    Raises ValueError for an unknown name or path, and for a seed of which there are no weights; WeightsError
    where weights are missing or wrong.
    """
    recipe, seed = _recipe(name), seeded(seed)
    if weights == "random":
        with drawing(seed):
            module = recipe.make()
    elif weights == "untrained":
        if name not in COURSE:
            raise ValueError(f'how {name}\'s training began nobody kept; weights="random" is a fresh network')
        run_name(name, seed)
        module = begun(name, seed)
        if name in TRUNKS:
            take_over(module, load(TRUNKS[name], seed=seed).module)
    else:
        if weights is not None and not (isinstance(weights, str | Path) and Path(weights).is_file()):
            given = repr(str(weights)) if isinstance(weights, str | Path) else told(weights)
            raise ValueError(f'weights={given} is no file; give a path, "random", "untrained", or nothing')
        if seed and (weights is not None or name not in COURSE):
            which = name if weights is None else "a file"
            raise ValueError(f"seed={seed}: of {which} there is one set of weights; leave the seed out")
        path = fetch(run_name(name, seed) if seed else name, recipe.url) if weights is None else Path(weights)
        module = recipe.filled(path, recipe.url)
    return Net(module, name, *recipe[3:]).eval()


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
    two classes or more (a softmax's shares, one number), where a picture's logits depend on the others in its
    batch, or on chance, and where it cannot be looked into (TorchScript).
    """
    if isinstance(module, Net):
        raise ValueError("this is a Net already; to give it other classes or sizes, wrap its .module")
    inside = a_module(module)
    net = Net(inside, type(inside).__name__, classes, mean, std, size)
    if not any(one.is_meta for one in inside.parameters()):  # else there is no number to be looked at
        leaves = [call for call in traced(net)[0] if call.leaf]
        pictures = torch.rand((2, net.channels, *net.sides), generator=torch.Generator().manual_seed(0))
        pictures[0] = 0.375 + pictures[0] / 4  # of less contrast than the other
        pictures = (pictures.to(net.mean) - net.mean) / net.std
        check_logits(inside, (leaves[-1].name, leaves[-1].module) if leaves else None, pictures)
    return net.eval()


def known() -> dict[str, str | None]:
    """Every name that `load` takes → the address of its weights; None where they can be had nowhere else."""
    ours: dict[str, str | None] = dict.fromkeys(COURSE) | {imagenet.NAME: ADDRESS}
    return ours | from_torchvision.addresses() | from_timm.addresses()


def is_known(name: str) -> bool:
    """Does `load` take this name? timm is asked only for names that begin with "timm/"."""
    if name.startswith(from_timm.PREFIX):
        return from_timm.is_known(name)
    return name in (*COURSE, imagenet.NAME) or name in from_torchvision.addresses()


def source(name: str) -> str | None:
    """The address of a network's weights, as `known` has it. Raises ValueError for an unknown name."""
    return _recipe(name).url


def here(*names: str) -> list[str]:
    """Those of the networks whose weights are on this machine, in the order given; nothing is downloaded.

    Raises ValueError for an unknown name.
    """
    return [name for name in names if find(name, source(name))]


def unknown(name: str) -> str:
    """What is said of a name that `load` does not take: timm's of that name, the near ones, or ours."""
    theirs = from_timm.PREFIX + name
    if from_timm.is_known(theirs):
        return f"no network is called {name!r}; timm's is {theirs!r}"
    ours = f"; there are {listing([imagenet.NAME, *COURSE], 6)}, torchvision's, and timm's as timm/NAME"
    return f"no network is called {name!r}{near(name, known()) or ours}"


def _recipe(name: Any) -> Recipe:
    if not isinstance(name, str):
        more = "; your own network becomes a Net by wrap" if isinstance(name, nn.Module) else ""
        raise ValueError(f"load wants a network's name; given {told(name)}{more}")
    if name in COURSE:
        return _of_the_course(name)
    if name == imagenet.NAME:
        return imagenet.recipe()
    if name.startswith(from_timm.PREFIX):
        return from_timm.recipe(name)
    if name in from_torchvision.addresses():
        return from_torchvision.recipe(name)
    names = [one for one in known() if not one.startswith(from_timm.PREFIX)]
    raise ValueError(f"{unknown(name)}; there are {listing(names, len(names))}, and timm's as 'timm/NAME'")


def _of_the_course(name: str) -> Recipe:
    def make() -> nn.Module:
        return build(name)

    filled = into_empty(make)
    if name in DIGITS:
        return Recipe(make, filled, None, [str(digit) for digit in range(10)], (0.0,), (1.0,), 28, 28)
    classes = ("eye",) if name in TRACKERS else CLASSES
    return Recipe(make, filled, None, classes, (0.5,) * 3, (0.25,) * 3, 128, 128)
