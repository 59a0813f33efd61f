"""What `wrap` is given, checked: each slip in one line that says what to give instead."""

import math
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from ..given import told, whole
from ..wording import one_line
from .attributes import attributes_kept
from .buffers import numbers_kept
from .eval_mode import evaluating
from .hookable import check_floating, check_hookable, check_not_exported, uncompiled
from .unhooked import unhooked

__all__ = ["a_module", "both_sides", "check_logits", "class_names", "normalisation"]

_ENDS: dict[type[nn.Module], str] = {
    nn.Softmax: "a softmax",
    nn.LogSoftmax: "a log-softmax",
    nn.Sigmoid: "a sigmoid",
}
_SLOPES = {f"{kind.__name__}Backward0": said for kind, said in _ENDS.items()}  # as torch calls them
_SAME = ("View", "Reshape", "Squeeze", "Unsqueeze", "ToCopy", "Clone")  # the same numbers after them


def a_module(given: object) -> nn.Module:
    """The network itself, not compiled. Raises ValueError for what is none, or cannot be looked into."""
    if isinstance(given, type) and issubclass(given, nn.Module):
        raise ValueError(f"wrap wants a network, not its class: wrap({given.__name__}(…))")
    check_not_exported(given)
    if not isinstance(given, nn.Module):
        more = f"; a network by its name is load({given!r})" if isinstance(given, str) else ""
        raise ValueError(f"a Net is made of a torch.nn.Module; given {told(given)}{more}")
    module = uncompiled(given)
    check_hookable(module)
    check_floating(module)
    return module


def both_sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) of the pictures that a network expects."""
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2:
        raise ValueError(f"size is a side, or (height, width); given {told(size)}")
    return whole(sides[0], "size", 1), whole(sides[1], "size", 1)


def normalisation(mean: Any, std: Any) -> tuple[list[float], list[float]]:
    """Both as lists, one number a channel. Raises ValueError where they are no such numbers.

    They are of pictures in [0, 1]: no mean lies outside, and no std is far above 1.
    """
    both = []
    for given in (mean, std):
        values = given.tolist() if hasattr(given, "tolist") else given
        numbers = [_number(one) for one in values] if isinstance(values, list | tuple) else []
        both.append(numbers if all(map(math.isfinite, numbers)) else [])
    means, stds = both
    if not means or len(means) != len(stds) or min(stds) <= 0:
        raise ValueError(
            f"mean and std want one number a channel, std > 0; given {told(mean)} and {told(std)}"
        )
    if min(means) < 0 or max(means) > 1 or max(stds) > 2:
        raise ValueError(
            f"mean and std are those of pictures in [0, 1]; given {told(mean)} and {told(std)}: of pictures "
            "in 0…255, divide both by 255"
        )
    return means, stds


def class_names(given: object, count: int) -> list[str]:
    """The names, one for each output; None: "class 0", …  Raises ValueError where they are no such names."""
    if given is None:
        return [f"class {index}" for index in range(count)]
    if (
        isinstance(given, str | bytes | dict | set)
        or getattr(given, "ndim", 1) != 1
        or not isinstance(given, Iterable)
    ):
        raise ValueError(f"classes is a list of names in the order of the outputs; given {told(given)}")
    names = list(given)
    if wrong := [one for one in names if not isinstance(one, str)]:
        raise ValueError(f"classes are names, in quotes; given {told(wrong[0])}")
    if len(names) != count:
        raise ValueError(f"{len(names)} class names for a network with {count} outputs")
    return [str(one) for one in names]


def check_logits(module: nn.Module, last: tuple[str, nn.Module] | None, pictures: Tensor) -> None:
    """Raise ValueError, with what to do, unless a network gives each picture logits of two classes or more.

    last: the name of the last module that runs, and the module.  pictures: two, normalised, of which the
    second has the more contrast.
    A softmax is known by the module that ends the network, by its slope, or by its numbers, which sum to 1.
    """
    try:
        logits = _run(module, pictures)
    except Exception as error:  # whatever a network makes of more pictures than one
        why = one_line(error)
        raise ValueError(f"the network takes one picture, but not two: {why}") from error
    if len(logits) != len(pictures):
        raise ValueError(f"the network gives {tuple(logits.shape)} for two pictures: one row is for each")
    _check_each_for_itself(module, pictures, logits)
    ends = type(last[1]) if last else None
    if logits.shape[1] == 1:
        first = "take its sigmoid away and " if ends is nn.Sigmoid else ""
        raise ValueError(
            "this network gives one number for a picture, and heatmaps weigh a class against others: "
            f"{first}let its forward return torch.cat([-z, z], 1) / 2 for its logit z, two classes"
        )
    if (said := _ENDS.get(ends) if ends else None) and last:
        how = _replaced(last[0])
    elif said := _known_by_its_slope(module, pictures[:1]) or _known_by_its_numbers(
        logits, 2e-2 if pictures.element_size() == 2 else 1e-4
    ):
        how = "let its forward return what goes into it"
    else:
        return
    raise ValueError(
        f"this network ends in {said}, and a Net wants the logits before it: {how}, then wrap it"
    )


def _check_each_for_itself(module: nn.Module, pictures: Tensor, logits: Tensor) -> None:
    """Raise ValueError where the first picture, alone, has other logits: a maximum would be the second's."""
    # The sums of another batch are rounded in another way, on a GPU the products too.
    near = 5e-2 if pictures.element_size() == 2 else 2e-4 if pictures.device.type == "cpu" else 5e-3
    near *= float(logits.abs().max())
    alone = _run(module, pictures[:1])[0]
    if not (alone - logits[0]).abs().max() > near:  # nor where one is not a number
        return
    if (alone - _run(module, pictures[:1])[0]).abs().max() > near / 100:
        raise ValueError(
            "this network gives other logits each time for the same picture: something random runs in eval "
            "mode (F.dropout without training=self.training?), and what is found would be chance"
        )
    raise ValueError(
        "this network gives other logits for a picture when it comes with another: it mixes the pictures of "
        "a batch (a BatchNorm without running statistics, a mean that goes on in eval mode, a maximum over "
        "the batch?); camlib takes each picture for itself"
    )


def _run(module: nn.Module, pictures: Tensor) -> Tensor:
    """The logits in float64, the network being left as it was."""
    with (
        evaluating(module),
        unhooked(module),
        attributes_kept(module),
        numbers_kept(module),
        torch.no_grad(),
    ):
        logits: Tensor = module(pictures)
    return logits.double()


def _known_by_its_slope(module: nn.Module, picture: Tensor) -> str | None:
    """What the last function was, of which torch keeps how to go back through it; a sigmoid has no sum."""
    with (
        evaluating(module),
        unhooked(module),
        attributes_kept(module),
        numbers_kept(module),
        torch.enable_grad(),
        suppress(Exception),  # made under inference_mode, a network keeps nothing
    ):
        made = module(picture.clone().requires_grad_()).grad_fn
        while type(made).__name__.startswith(_SAME):
            made = made.next_functions[0][0]
        return _SLOPES.get(type(made).__name__)
    return None


def _known_by_its_numbers(logits: Tensor, near: float) -> str | None:
    if torch.allclose(
        logits[0], logits[1], rtol=1e-7, atol=0
    ):  # numbers that are the same for all tell nothing
        return None
    if bool((logits >= 0).all()) and bool(((logits.sum(1) - 1).abs() < near).all()):
        return "a softmax"
    return "a log-softmax" if bool((logits.logsumexp(1).abs() < near).all()) else None


def _replaced(name: str) -> str:
    """The line that puts nn.Identity() in a module's place."""
    owner = "network"
    *path, own = name.split(".")
    for part in path:
        owner += f"[{part}]" if part.isdigit() else f".{part}"
    return f"{owner}[{own}] = nn.Identity()" if own.isdigit() else f"{owner}.{own} = nn.Identity()"


def _number(given: Any) -> float:
    try:
        return float(given) if not isinstance(given, str) else math.nan
    except (TypeError, ValueError, RuntimeError):
        return math.nan
