"""What the capsules of a network say of pictures, and which of them speak for which class.

A network with capsules (`load("capsnet")`) is a chain: convolutions, "primary" capsules, T at each place of a
grid, and "routing", a capsule for each class. Here a run is laid out by places, so that lengths and couplings
are maps.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..capsules.layers import ClassCapsules
from ..geometry.field import ReceptiveField, receptive_field
from ..given import seeded, tensor, told, whole
from ..networks.net import Net
from ..networks.unit_axis import unit_axis
from ..pictures.batches import batches, data_set
from ..running.extractor import FeatureExtractor
from ..wording import in_short

__all__ = ["Coupled", "coupled"]


@dataclass(frozen=True, repr=False)
class Coupled:
    """Of N pictures: T primary capsules of D numbers at each of h × w places, C class capsules of E numbers.

    primary: (N, T, h, w, D), squashed.  couplings: (N, T, h, w, C), which sum to 1 over the C.
    poses: (N, C, E).  field: where each place looks.
    """

    primary: Tensor
    couplings: Tensor
    poses: Tensor
    field: ReceptiveField

    __repr__ = in_short

    @property
    def seen(self) -> Tensor:
        """The primary capsules' lengths, maps (N, T, h, w) in [0, 1]."""
        lengths: Tensor = self.primary.norm(dim=-1)
        return lengths

    @property
    def lengths(self) -> Tensor:
        """The class capsules' lengths, (N, C) in [0, 1]."""
        lengths: Tensor = self.poses.norm(dim=-1)
        return lengths

    @property
    def answers(self) -> Tensor:
        """The class with the longest capsule, (N,)."""
        return self.lengths.argmax(1)

    def heat(self, targets: Tensor | None = None, *, coupled: bool = True) -> Tensor:
        """Maps (N, h, w): at each place Σ over its capsules of length × coupling to the class.

        targets: int64 (N,), a class for each picture; None: the longest class capsule's.
        coupled: False leaves the coupling out.
        Raises ValueError for other targets: a row of capsules knows no names.
        """
        wanted = self.answers if targets is None else self._classes(targets)
        if not coupled:
            return self.seen.sum(1)
        own = self.couplings[torch.arange(len(wanted)), ..., wanted]
        return (self.seen * own).sum(1)

    def _classes(self, targets: Tensor) -> Tensor:
        pictures, classes = self.poses.shape[:2]
        found = tensor(targets, "targets").cpu()
        if found.dtype != torch.int64 or found.shape != (pictures,):
            raise ValueError(
                f"targets are int64 ({pictures},), a class for each picture; given {told(found)}"
            )
        if (wrong := (found < 0) | (found >= classes)).any():
            raise ValueError(
                f"targets hold {found[wrong][0]}; there are {classes} classes, 0 to {classes - 1}"
            )
        return found


def coupled(
    net: Net, data: Any, *, iterations: int | None = None, random: int | None = None, batch_size: int = 64
) -> Coupled:
    """Run a network with capsules on anything `batches` takes, and keep what its capsules say, on the CPU.

    iterations: of the routing; None: as many as it was trained with; 1: equal couplings.
    random: a seed; couplings are then drawn, once for all pictures, from the softmax of standard normal
    numbers, and not changed by routing unless `iterations` says so.
    Raises ValueError for a network without capsules, and fewer iterations than one.
    """
    routing = _routing(net)
    steps = routing.iterations if iterations is None else whole(iterations, "iterations", 1)
    start = None
    if random is not None:
        generator = torch.Generator().manual_seed(seeded(random, "random"))
        start = torch.randn(routing.weight.shape[:2], generator=generator).to(routing.weight)
        steps = 1 if iterations is None else steps
    data, found = data_set(data), []
    extract, axis = FeatureExtractor(net, "maps", "primary"), unit_axis(net, net.layer("primary"))
    for images, _, _ in batches(data, batch_size=batch_size, progress="capsules"):
        acts = extract(images)
        primary = acts["primary"].movedim(1, axis(acts["primary"]))  # as routing takes them, (N, I, D)
        with torch.inference_mode():
            said = routing.routed(primary, steps, start)
        size = acts["maps"].shape[-2:]
        found.append([*(_laid(one, size) for one in (primary, said.couplings)), said.poses.cpu()])
    laid, couplings, poses = (torch.cat(column) for column in zip(*found, strict=True))
    return Coupled(laid, couplings, poses, receptive_field(net, "maps"))


def _routing(net: Net) -> ClassCapsules:
    routing = getattr(net.module, "routing", None) if isinstance(net, Net) else None
    if not isinstance(routing, ClassCapsules):
        name = net.name if isinstance(net, Net) else type(net).__name__
        raise ValueError(f'{name} has no capsules; load("capsnet") and load("capsnet_digits") have')
    return routing


def _laid(rows: Tensor, size: torch.Size) -> Tensor:
    """(N, h · w · T, K), as `grouped` orders them, → (N, T, h, w, K), on the CPU."""
    return rows.reshape(len(rows), *size, -1, rows.shape[-1]).movedim(3, 1).cpu()
