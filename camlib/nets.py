"""Networks that take pictures in [0, 1] and know their classes and layers: ours, torchvision's, yours.

net = load("critternet")            # or "alexnet", "resnet18", … by torchvision's names
net = wrap(my_network, classes=["cat", "dog"], mean=[0.5] * 3, std=[0.5] * 3)
net(images)                         # logits; the pictures are normalised inside
"""

import operator
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from .course import COURSE, TRACKERS, build
from .layers import find_layer, listing, near, short_names, trace
from .scenes import CLASSES
from .weights import fetch, fill, find

__all__ = ["COURSE", "Net", "Targets", "build", "here", "known", "load", "targets", "wrap"]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, which most networks use

Target: TypeAlias = int | str
Targets: TypeAlias = Target | Sequence[Target] | Tensor | None


class Net(nn.Module):
    """A classifier that normalises inside: `net(images)` → logits (N, C) for images (N, 3, H, W) in [0, 1].

    name: what it is called.  module: the network inside, which takes normalised pictures.
    classes: the C names.  size: the side of the square pictures it expects.  channels: 3, or 1 for digits.
    layers: short names → modules in forward order; "conv5" is the map after its ReLU (`camlib.layers`).
    resize: the short side to which a photograph is scaled before its middle, size × size, is cut out.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        module: nn.Module,
        name: str,
        classes: Sequence[str] | None = None,
        mean: Sequence[float] = MEAN,
        std: Sequence[float] = STD,
        size: int = 224,
        resize: int | None = None,
    ) -> None:
        super().__init__()
        if len(mean) != len(std) or not len(mean) or min(std) <= 0:
            raise ValueError(f"mean and std want one number a channel, std > 0; given {mean} and {std}")
        calls, logits = trace(module, len(mean), size)
        if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != 1:
            given = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(f"a classifier gives (N, C) logits; for one picture this network gives {given}")
        count = logits.shape[1]
        self.classes = [f"class {index}" for index in range(count)] if classes is None else list(classes)
        if len(self.classes) != count:
            raise ValueError(f"{len(self.classes)} class names for a network with {count} outputs")
        self.name, self.module, self.size, self.channels = name, module, size, len(mean)
        self.resize = round(size * 256 / 224) if resize is None else resize
        self.layers = short_names(module, calls)
        like = next((one for one in module.parameters() if one.is_floating_point()), torch.zeros(()))
        for key, values in {"mean": mean, "std": std}.items():
            tensor = torch.tensor(values, dtype=like.dtype, device=like.device).view(-1, 1, 1)
            self.register_buffer(key, tensor, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, C) for images (N, channels, H, W) in [0, 1]. Raises ValueError for anything else."""
        fits = isinstance(images, Tensor) and images.ndim == 4 and images.shape[1] == self.channels
        if not fits or not images.is_floating_point():
            raise ValueError(f"{self.name} wants {self._wanted()}; given {_described(images)}")
        normalised = (images.to(self.mean.dtype) - self.mean) / self.std
        try:
            logits: Tensor = self.module(normalised)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            if images.shape[2:] == (self.size, self.size):
                raise
            raise ValueError(
                f"{self.name} wants {self._wanted()}; given {_described(images)}: {error}"
            ) from error
        return logits

    def layer(self, name: str) -> nn.Module:
        """The layer of that short name, or dotted name in `module`. Raises ValueError listing near names."""
        return find_layer(self.module, name, self.layers, self.name)

    def extra_repr(self) -> str:
        """The line that `print(net)` begins with."""
        return f"{self.name}: {self.channels} × {self.size} × {self.size} → {len(self.classes)} classes"

    def _wanted(self) -> str:
        return f"images as floats in [0, 1], shape (N, {self.channels}, {self.size}, {self.size})"


def load(name: str, weights: str | Path | None = None) -> Net:
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
        if weights is not None and not Path(weights).is_file():
            raise ValueError(f'weights={str(weights)!r} is no file; give a path, "random", or nothing')
        path = fetch(name, recipe.url) if weights is None else Path(weights)
        module = _empty(recipe.make)
        fill(module, path, recipe.url)
    return Net(module, name, *recipe[2:]).eval()


def wrap(
    module: nn.Module,
    classes: Sequence[str] | None = None,
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
    size: int = 224,
) -> Net:
    """A `Net` around your own classifier, which must give (N, C) logits; it is put into eval mode.

    classes: its C names; None: "class 0", "class 1", …
    mean, std: what its training pictures in [0, 1] were normalised with, one number a channel.
    size: the side of the square pictures it was trained on.
    Raises ValueError where the network does not take such pictures, or gives anything but logits.
    """
    if isinstance(module, Net):
        raise ValueError("this is a Net already; to give it other classes or sizes, wrap its .module")
    return Net(module, type(module).__name__, classes, mean, std, size).eval()


def targets(net: Net, wanted: Target | Sequence[Target] | Tensor, n: int) -> Tensor:
    """Class indices (n,), int64, on the net's device, for one class or one per image, by index or by name.

    Raises ValueError for an unknown class (with near names), or when there is not one per image.
    """
    given: Any = wanted.tolist() if hasattr(wanted, "tolist") else wanted
    each = list(given) if isinstance(given, list | tuple | range) else [given] * n
    if len(each) != n:
        raise ValueError(f"{len(each)} targets for {n} images: give one, or one per image")
    return torch.tensor([_class_index(net, one) for one in each], dtype=torch.int64, device=net.mean.device)


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


def _recipe(name: str) -> _Recipe:
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


def _class_index(net: Net, wanted: object) -> int:
    names = net.classes
    if isinstance(wanted, str):
        found = [index for index, name in enumerate(names) if name == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(
                f"{net.name} calls several classes {wanted!r}: {listing(map(str, found))}; give one"
            )
        raise ValueError(f"{net.name} has no class {wanted!r}{near(wanted, names)}; it has {listing(names)}")
    if isinstance(wanted, bool) or not hasattr(wanted, "__index__"):
        raise ValueError(f"a class is an index or a name; given {wanted!r}")
    index = operator.index(wanted)
    if not 0 <= index < len(names):
        raise ValueError(f"class {index}: {net.name} has {len(names)} classes, 0 to {len(names) - 1}")
    return index


def _described(images: object) -> str:
    if not isinstance(images, Tensor):
        return f"a {type(images).__name__}"
    return f"{str(images.dtype).removeprefix('torch.')}, shape {tuple(images.shape)}"
