"""What is lost when a unit is silent: each unit of a layer in turn, over a whole data set.

    e_u = the error, or the loss, with unit u putting out zero,    E = the same with all units

A unit with e_u > E is needed; one with e_u < E does harm. The loss is cross-entropy, -log p of the label.
Ghosh, Bhattacharya, Basu Roy Chowdhury, "SIMILARnet", use e_u - E to weigh a layer's maps; Desai, Ramaswamy
(2020), "Ablation-CAM", the same of one picture's logit.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ..given import told
from ..networks.eval_mode import evaluating
from ..networks.images import check_answers, check_images
from ..networks.net import Net, check_net
from ..networks.targets import check_several
from ..pictures.batches import Batch, batches
from ..running.silencer import Silencer
from ..wording import in_short

__all__ = ["Ablation", "Scores", "Silenced", "ablate", "silenced_logits"]

_AT_ONCE = 32  # pictures in one run


@dataclass(frozen=True, eq=False)
class Scores:
    """How well pictures are classified; the tensors have one shape.

    wrong: int64, pictures whose top-1 class is not the label.  summed: float64, their losses' sum, in nats.
    counts: int64, how many pictures these are.
    """

    wrong: Tensor
    summed: Tensor
    counts: Tensor

    __repr__ = in_short

    @property
    def errors(self) -> Tensor:
        """float64: the error rate, in [0, 1]; NaN where there is no picture."""
        return self.wrong.double() / self.counts

    @property
    def losses(self) -> Tensor:
        """float64: the mean loss, in nats; NaN where there is no picture."""
        return self.summed / self.counts


@dataclass(frozen=True, eq=False, repr=False)
class Silenced(Scores):
    """Scores with each of U units silent; of shape (U,), or (U, C) by class.

    baseline: with none silent; of shape (), or (C,) by class.
    """

    baseline: Scores


@dataclass(frozen=True, eq=False, repr=False)
class Ablation(Silenced):
    """Scores (U,) with each unit of a layer silent, in all; `by_class` has them (U, C), by true class.

    ablation.errors[u] - ablation.baseline.errors is what unit u is worth, as a fraction of the pictures.
    """

    by_class: Silenced

    def __or__(self, other: "Ablation") -> "Ablation":
        """What one pass over the pictures of both would have found; the losses' sums to rounding (float64).

        Raises ValueError where they are of another number of units or classes.
        """
        if self.by_class.wrong.shape != other.by_class.wrong.shape:
            sizes = (" × ".join(map(str, one.by_class.wrong.shape)) for one in (self, other))
            raise ValueError(
                f"only results for the same layer can be joined; these are {' and '.join(sizes)}"
            )
        mine, theirs = ([one, one.baseline, one.by_class, one.by_class.baseline] for one in (self, other))
        sums = [
            (a.wrong + b.wrong, a.summed + b.summed, a.counts + b.counts)
            for a, b in zip(mine, theirs, strict=True)
        ]
        by_class = Silenced(*sums[2], Scores(*sums[3]))
        return Ablation(*sums[0], Scores(*sums[1]), by_class)


def ablate(net: Net, layer: str, dataset: Any, *, batch_size: int = 64) -> Ablation:
    """Silence each unit of a layer in turn: errors and losses with and without it, in all and by class.

    layer: a short name, or a dotted one. A unit is an index into dimension 1 of its output, as in `silence`.
    dataset: anything that `batches` takes, with labels: class indices.
    Equal to a loop over the units with `silence`, but what comes before the layer runs once for each batch,
    and what comes after it for many units at once; where that is one linear layer on a pooled map, not at
    all. The sums are kept, not the answers: memory does not grow with the data set. They are on the CPU.
    The network runs in eval mode, without gradients, and is left as it was.
    Where somebody's hooks lie on the network, it runs in full for each unit.
    Raises ValueError for an unknown layer, one without units, one whose output has not a row for each
    picture, an empty data set, one without labels, labels that are no class indices, a logit that is not a
    number, and for a network of one output.
    """
    check_net(net)
    check_several(net)
    net.layer(layer)  # raises before a picture is read
    silencer: Silencer | None = None
    tally: _Tally | None = None
    with evaluating(net):
        for batch in batches(dataset, batch_size=batch_size, progress=layer):
            labels, size = class_labels(net, batch), check_images(net, batch.images[:1])
            if silencer is None or tally is None or silencer.size != size:
                silencer = Silencer(net, layer, size)
                tally = tally or _Tally(net, silencer.units)
            with torch.inference_mode():
                logits, parts = silencer(batch.images)
                tally.add(batch, labels, logits)
                for part in parts:
                    tally.add(batch, labels, part.logits, part.images.cpu(), part.units.cpu())
    if tally is None:  # a Folder has no labels, and nothing else skips its pictures
        raise ValueError("the data set gives no picture")
    return tally.ablation()


def silenced_logits(net: Net, layer: str, images: Tensor) -> tuple[Tensor, Tensor]:
    """Each picture's logits, (N, C), and its logits with each of the layer's units silent, (N, U, C).

    images: (N, channels, H, W) in [0, 1], of any size that the network takes. What comes before the layer
    runs once. Probabilities are `.softmax(-1)` of both.
    Float32, or float64 where the network is, on its device.
    Raises ValueError for an unknown layer, one without units, one whose output has not a row for each
    picture, and no picture.
    """
    silencer = Silencer(net, layer, check_images(net, images))
    every: list[Tensor] = []
    silenced: list[Tensor] = []
    with evaluating(net), torch.inference_mode():
        for some in torch.split(images, _AT_ONCE):
            logits, parts = silencer(some)
            check_answers(net, logits, _AT_ONCE * len(every))
            dtype = torch.promote_types(logits.dtype, torch.float32)
            answers = logits.new_empty((len(some), silencer.units, logits.shape[1]), dtype=dtype)
            for part in parts:
                answers[part.images, part.units] = part.logits.to(dtype)
            every.append(logits.to(dtype))
            silenced.append(answers)
    return torch.cat(every).clone(), torch.cat(silenced).clone()


class _Tally:
    """Sums by unit, and by class; the last row is for no unit."""

    def __init__(self, net: Net, units: int) -> None:
        self.name, self.units, self.classes = net.name, units, len(net.classes)
        self.wrong = torch.zeros((units + 1) * self.classes, dtype=torch.int64)
        self.summed = torch.zeros((units + 1) * self.classes, dtype=torch.float64)
        self.counts = torch.zeros(self.classes, dtype=torch.int64)

    def add(
        self,
        batch: Batch,
        labels: Tensor,
        logits: Tensor,
        images: Tensor | None = None,
        units: Tensor | None = None,
    ) -> None:
        """Logits (R, C) of these images, each with that unit silent; None: of the whole batch, with none."""
        if images is None or units is None:
            images, units = torch.arange(len(labels)), torch.full_like(labels, self.units)
            self.counts += labels.bincount(minlength=self.classes)
        true = labels[images]
        numbers = logits.to(torch.promote_types(logits.dtype, torch.float32))
        losses = cross_entropy(numbers, true.to(logits.device), reduction="none").cpu()
        if not losses.isfinite().all():
            bad = int(batch.indices[images[(~losses.isfinite()).nonzero()[0, 0]]])
            raise ValueError(f"{self.name} gives a logit that is not a number for image {bad}")
        place = units * self.classes + true
        self.wrong.index_add_(0, place, (numbers.argmax(1).cpu() != true).long())
        self.summed.index_add_(0, place, losses.double())

    def ablation(self) -> Ablation:
        """The sums, and their sums over the classes."""
        wrong, summed = self.wrong.view(-1, self.classes), self.summed.view(-1, self.classes)
        apart = Scores(wrong[-1], summed[-1], self.counts)
        by_class = Silenced(wrong[:-1], summed[:-1], self.counts.expand_as(wrong[:-1]), apart)
        count = self.counts.sum()
        baseline = Scores(apart.wrong.sum(), apart.summed.sum(), count)
        return Ablation(
            by_class.wrong.sum(1), by_class.summed.sum(1), count.expand(self.units), baseline, by_class
        )


def class_labels(net: Net, batch: Batch) -> Tensor:
    """A batch's labels (B,), checked: which of the network's classes they are, or ValueError."""
    labels, count = batch.labels, len(net.classes)
    if labels is None:
        raise ValueError("the data set has no labels; give (image, label) pairs, or `Scenes`, or `Digits`")
    if not isinstance(labels, Tensor):
        wrong = next((one for one in labels if not hasattr(one, "__index__")), labels[0])
        raise ValueError(f"labels are class indices, 0 to {count - 1} for {net.name}; given {told(wrong)}")
    if labels.ndim != 1:
        raise ValueError(f"labels are class indices, one for a picture; given shape {tuple(labels.shape)}")
    whole = labels.dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
    if not whole or not 0 <= int(labels.min()) <= int(labels.max()) < count:
        low, high = (f"{number.item():g}" for number in labels.double().aminmax())
        raise ValueError(
            f"labels are class indices, 0 to {count - 1} for {net.name}; given {str(labels.dtype)[6:]} "
            f"of shape {tuple(labels.shape)}, {low} to {high}"
        )
    return labels.long().cpu()
