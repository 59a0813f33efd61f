"""Which answer is meant: a class by index or name, one for all pictures, one for each, or several each."""

import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ..given import told
from ..wording import listing, near
from .net import Net, check_net

__all__ = ["Target", "Targets", "check_several", "class_indices", "class_labels"]

Target: TypeAlias = int | str
Targets: TypeAlias = Target | Sequence[Target] | Sequence[Sequence[Target]] | Tensor | None


def class_indices(net: Net, targets: Targets, n: int) -> Tensor | None:
    """Class indices on the net's device: int64 (n,), or (n, K) where each picture has several; None for None.

    targets: one index or name for all; one for each picture; or a row of K for each.
    Raises ValueError for an unknown class (with near names), where there is not one target, or one row of
    them, for each picture, and for rows of 0 and 1 with a single 1, which are no indices.
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
    if several and all(_one_hot(net, row) for row in several):
        raise ValueError("targets are class indices or names, no rows of 0 and 1: give targets.argmax(1)")
    found = (
        [[_class_index(net, one) for one in row] for row in several]
        if several
        else [_class_index(net, one) for one in rows]
    )
    return torch.tensor(found, dtype=torch.int64, device=net.mean.device)


def class_labels(net: Net, labels: Tensor | list[Any] | None) -> Tensor:
    """The labels of a batch of B pictures, as `batches` gives them: int64 (B,), on the CPU.

    Raises ValueError for none, and for what are not classes of the network.
    """
    if labels is None:
        raise ValueError("the data set has no labels; give (image, label) pairs, or `Scenes`, or `Digits`")
    wanted = f"labels are class indices, 0 to {len(net.classes) - 1} for {net.name}"
    if not isinstance(labels, Tensor):
        wrong = next((one for one in labels if not hasattr(one, "__index__")), labels[0])
        raise ValueError(f"{wanted}; given {told(wrong)}")
    if labels.ndim != 1:
        raise ValueError(f"labels are class indices, one for a picture; given shape {tuple(labels.shape)}")
    whole = labels.dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
    if not whole or not 0 <= int(labels.min()) <= int(labels.max()) < len(net.classes):
        low, high = (f"{number.item():g}" for number in labels.double().aminmax())
        kind = str(labels.dtype).removeprefix("torch.")
        raise ValueError(f"{wanted}; given {kind} of shape {tuple(labels.shape)}, {low} to {high}")
    return labels.long().cpu()


def check_several(net: Net) -> None:
    """Raise ValueError for a network of one output: among classes its probability is 1, whatever it sees.

    And for what is no `Net`.
    """
    check_net(net)
    if len(net.classes) == 1:
        raise ValueError(
            f"{net.name} has one output, {net.classes[0]!r}, whose share among classes is always 1; cam, "
            "gradcam and saliency work on the output itself"
        )


def _one_hot(net: Net, row: Sequence[object]) -> bool:
    """Whether a row is one number a class, a single 1 among 0; of two classes it may be both, in turn."""
    numbers = all(isinstance(one, int | float) and one in (0, 1) for one in row)
    return len(row) == len(net.classes) > 2 and numbers and sum(one == 1 for one in row) == 1


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
