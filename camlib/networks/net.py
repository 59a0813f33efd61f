"""`Net`: any classifier, with its normalisation inside, its classes and its layers by name.

A network takes pictures in [0, 1]; which answer is meant is a class's index or its name (`targets`).
"""

import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from ..wording import listing, near
from .layers import find_layer, short_names
from .lock import alone
from .remembered import Remembering, remembered
from .trace import Call, trace

__all__ = ["MEAN", "STD", "Net", "Target", "Targets", "class_indices", "picture_size", "traced"]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, which most networks use


Target: TypeAlias = int | str
Targets: TypeAlias = Target | Sequence[Target] | Sequence[Sequence[Target]] | Tensor | None


class Net(Remembering):
    """A classifier that normalises inside: `net(images)` → logits (N, C) for images (N, 3, H, W) in [0, 1].

    name: what it is called.  module: the network inside, which takes normalised pictures.
    classes: the C names.  size: the side of the square pictures it expects.  channels: 3, or 1 for digits.
    layers: short names → modules in forward order; "conv5" is the map after its ReLU (`layers`).
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
        _, logits = trace(module, len(mean), size)
        if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != 1:
            given = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(f"a classifier gives (N, C) logits; for one picture this network gives {given}")
        count = logits.shape[1]
        self.classes = [f"class {index}" for index in range(count)] if classes is None else list(classes)
        if len(self.classes) != count:
            raise ValueError(f"{len(self.classes)} class names for a network with {count} outputs")
        self.name, self.module, self.size, self.channels = name, module, size, len(mean)
        self.resize = round(size * 256 / 224) if resize is None else resize
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
            with alone(self):
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

    @property
    def layers(self) -> dict[str, nn.Module]:
        """Short names → modules in forward order, as the network is now."""
        names = remembered(self, "layers", lambda: short_names(self.module, traced(self)[0]), hooks=False)
        return dict(names)

    def layer(self, name: str) -> nn.Module:
        """The layer of that short name, or dotted name in `module`. Raises ValueError listing near names."""
        return find_layer(self.module, name, self.layers, self.name)

    def extra_repr(self) -> str:
        """The line that `print(net)` begins with."""
        return f"{self.name}: {self.channels} × {self.size} × {self.size} → {len(self.classes)} classes"

    def _wanted(self) -> str:
        return f"images as floats in [0, 1], shape (N, {self.channels}, {self.size}, {self.size})"


def traced(net: Net) -> tuple[list[Call], object]:
    """All module calls of one run on a picture of its size, in order, and the output, without numbers."""

    def run() -> tuple[list[Call], object]:
        with torch.inference_mode(False):  # so that tensors count how often they are overwritten
            return trace(net.module, net.channels, net.size)

    def empty(found: tuple[list[Call], object]) -> bool:  # with numbers they would take too much memory
        return not any(isinstance(call.output, Tensor) and not call.output.is_meta for call in found[0])

    return remembered(net, "calls", run, keep=empty, hooks=False)


def class_indices(net: Net, targets: Targets, n: int) -> Tensor | None:
    """Class indices on the net's device: int64 (n,), or (n, K) where each picture has several; None for None.

    targets: one index or name for all; one for each picture; or a row of K for each.
    Raises ValueError for an unknown class (with near names), and where there is not one target, or one row of
    them, for each picture.
    """
    given: Any = targets
    given = given.tolist() if hasattr(given, "tolist") else given
    if given is None:
        return None
    each = list(given) if isinstance(given, list | tuple | range) else [given] * n
    if len(each) != n:
        raise ValueError(f"{len(each)} targets for {n} images: give one, or one (or a row of them) per image")
    rows = [row.tolist() if hasattr(row, "tolist") else row for row in each]
    several = [row for row in rows if isinstance(row, list | tuple | range)]
    if several and (len(several) != n or len(set(map(len, several))) > 1 or not len(several[0])):
        raise ValueError(f"targets for {n} images are {given}: give each image a row of the same length")
    found = (
        [[_class_index(net, one) for one in row] for row in several]
        if several
        else [_class_index(net, one) for one in rows]
    )
    return torch.tensor(found, dtype=torch.int64, device=net.mean.device)


def picture_size(net: Net, images: Tensor) -> tuple[int, int]:
    """(H, W) of the pictures. Raises ValueError unless they are a batch (N, C, H, W) of one or more."""
    if not isinstance(images, Tensor) or images.ndim != 4:
        net(images)  # says what it wants
    if not len(images):
        raise ValueError("there is no picture")
    return images.shape[2], images.shape[3]


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
