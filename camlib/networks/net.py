"""`Net`: any classifier, with its normalisation inside, its classes and its layers by name.

A network takes pictures in [0, 1] (checked in `images`); which answer is meant is a class's index or its name
(`targets`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..given import told, whole
from ..wording import listing, one_line
from .accepted import a_module, both_sides, class_names, normalisation
from .hookable import check_hookable
from .layers import find_layer, short_names
from .lock import alone
from .remembered import Remembering, remembered
from .trace import Call, trace

__all__ = ["MEAN", "STD", "Net", "check_net", "check_takes", "traced"]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, which most networks use


class Net(Remembering):
    """A classifier that normalises inside: `net(images)` → logits (N, C) for images (N, 3, H, W) in [0, 1].

    name: what it is called.  module: the network inside, which takes normalised pictures.
    classes: the C names.  size: the side of the square pictures it expects, of rectangles the
    shorter one; sides: both, (height, width).  channels: 3, or 1 for digits.
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
        size: int | tuple[int, int] = 224,
        resize: int | None = None,
    ) -> None:
        super().__init__()
        module, sides = a_module(module), both_sides(size)
        mean, std = normalisation(mean, std)
        _, logits = trace(module, len(mean), sides)
        if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != 1:
            given = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(f"a classifier gives (N, C) logits; for one picture this network gives {given}")
        if not logits.is_floating_point():
            kind = str(logits.dtype).removeprefix("torch.")
            raise ValueError(
                f"logits are floats; this network gives {kind}: let its forward return the scores"
            )
        self.classes = class_names(classes, logits.shape[1])
        self.name, self.module, self.channels = name, module, len(mean)
        self.sides, self.size = sides, min(sides)
        self.resize = round(self.size * 256 / 224) if resize is None else whole(resize, "resize", 1)
        like = next((one for one in module.parameters() if one.is_floating_point()), torch.zeros(()))
        for key, values in {"mean": mean, "std": std}.items():
            tensor = torch.tensor(values, dtype=like.dtype, device=like.device).view(-1, 1, 1)
            self.register_buffer(key, tensor, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, C) for images (N, channels, H, W) in [0, 1].

        Raises ValueError for anything that is no such batch of floats. Their range is looked at by the verbs,
        not here: a network may be asked about any numbers.
        """
        check_takes(self, images)
        normalised = (images.to(self.mean.dtype) - self.mean) / self.std
        try:
            with alone(self):
                logits: Tensor = self.module(normalised)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, AssertionError) as error:  # transformers assert their size
            if images.shape[2:] == self.sides:
                raise
            raise ValueError(f"{_wanted(self, images)}: {one_line(error)}") from error
        return logits

    @property
    def layers(self) -> dict[str, nn.Module]:
        """Short names → modules in forward order, as the network is now."""
        names = remembered(self, "layers", lambda: short_names(self.module, traced(self)[0]), hooks=False)
        return dict(names)

    def layer(self, name: str) -> nn.Module:
        """The layer of that short name, or dotted name in `module`. Raises ValueError listing near names."""
        return find_layer(self.module, name, self.layers, self.name)

    def __repr__(self) -> str:
        takes = " × ".join(map(str, (self.channels, *self.sides)))
        return (
            f"{self.name}: {takes} → {len(self.classes)} classes\n"
            f"classes: {listing(self.classes, 10)}\nlayers: {listing(self.layers)}\n"
            f"module: {type(self.module).__name__}, {sum(p.numel() for p in self.parameters()):,} parameters"
        )


def traced(net: Net) -> tuple[list[Call], object]:
    """All module calls of one run on a picture of its size, in order, and the output, without numbers.

    Raises ValueError for what is no `Net`.
    """
    check_net(net)

    def run() -> tuple[list[Call], object]:
        with torch.inference_mode(False):  # so that tensors count how often they are overwritten
            return trace(net.module, net.channels, net.sides)

    def empty(found: tuple[list[Call], object]) -> bool:  # with numbers they would take too much memory
        return not any(isinstance(call.output, Tensor) and not call.output.is_meta for call in found[0])

    return remembered(net, "calls", run, keep=empty, hooks=False)


def check_net(net: object) -> None:
    """Raise ValueError, with what to do, for what is no `Net`."""
    if isinstance(net, nn.Module) and not isinstance(net, Net):
        check_hookable(net)
        raise ValueError(
            f"this is a torch module, {type(net).__name__}, and no Net yet: net = wrap(your_network)"
        )
    if not isinstance(net, Net):
        raise ValueError(f"a network is what load or wrap gives; given {told(net)}")


def check_takes(net: Net, images: object) -> None:
    """Raise ValueError, with what to do, unless images are floats (N, channels, H, W), of whatever values."""
    channels = net.channels
    shape = tuple(images.shape) if isinstance(images, Tensor) else ()
    if len(shape) == 4 and shape[1] == channels and isinstance(images, Tensor) and images.is_floating_point():
        return
    advice = ""
    if len(shape) == 3 and shape[0] == channels:
        advice = "; one picture is a batch of one, image[None]"
    elif len(shape) in (3, 4) and shape[-1] == channels and channels not in shape[-3:-1]:
        advice = "; channels come before height and width, images.movedim(-1, -3)"
    elif shape and isinstance(images, Tensor) and images.dtype == torch.uint8:
        advice = "; bytes become such floats by images / 255"
    elif hasattr(images, "__array__") and not shape:
        advice = "; torch.from_numpy makes a tensor of it"
    raise ValueError(_wanted(net, images) + advice)


def _wanted(net: Net, images: object) -> str:
    wanted = f"images as floats in [0, 1], shape (N, {net.channels}, {net.sides[0]}, {net.sides[1]})"
    return f"{net.name} wants {wanted}; given {_described(images)}"


def _described(given: object) -> str:
    if not isinstance(given, Tensor):
        return "None" if given is None else f"a {type(given).__name__}"
    return f"{str(given.dtype).removeprefix('torch.')}, shape {tuple(given.shape)}"
