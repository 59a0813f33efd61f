"""Does a network give each picture logits of its own? It is run on two, and on one of them alone."""

from typing import Any

import torch
from torch import Tensor, nn

from ..wording import one_line
from .attributes import numbers_kept
from .eval_mode import evaluating
from .seam import Seam
from .unhooked import unhooked

__all__ = ["check_logits"]

_ENDS: dict[type[nn.Module], str] = {
    nn.Softmax: "a softmax",
    nn.LogSoftmax: "a log-softmax",
    nn.Sigmoid: "a sigmoid",
}
_SLOPES = {f"{kind.__name__}Backward0": said for kind, said in _ENDS.items()}  # as torch calls them
_SAME = ("View", "Reshape", "Squeeze", "Unsqueeze", "ToCopy", "Clone")  # the same numbers after them


def check_logits(module: nn.Module, last: tuple[str, nn.Module] | None, pictures: Tensor) -> None:
    """Raise ValueError, with what to do, unless a network gives each picture logits of two classes or more.

    last: the name of the last module that runs, and the module.  pictures: two, normalised, of which the
    second has the more contrast.
    A softmax is known by the module that ends the network, by its slope, or by its numbers, which sum to 1.
    """
    seam = Seam()
    try:
        found = _run(module, pictures, last[1] if last else None, seam)
    except Exception as error:  # whatever a network makes of more pictures than one
        why = one_line(error)
        raise ValueError(f"the network takes one picture, but not two: {why}") from error
    logits = found.detach()
    if len(logits) != len(pictures):
        raise ValueError(f"the network gives {tuple(logits.shape)} for two pictures: one row is for each")
    _check_each_for_itself(module, pictures, logits)
    mixes = seam.mixes(found)
    if mixes:
        raise _mixing()
    if mixes is None:
        _check_each_for_itself(module, pictures.flip(0), logits.flip(0))
    ends = type(last[1]) if last else None
    if logits.shape[1] == 1:
        first = "take its sigmoid away and " if ends is nn.Sigmoid else ""
        raise ValueError(
            "this network gives one number for a picture, and heatmaps weigh a class against others: "
            f"{first}let its forward return torch.cat([-z, z], 1) / 2 for its logit z, two classes"
        )
    if (said := _ENDS.get(ends) if ends else None) and last:
        how = _replaced(last[0])
    elif said := _known_by_its_slope(found) or _known_by_its_numbers(
        logits, 2e-2 if pictures.element_size() == 2 else 1e-4
    ):
        how = "let its forward return what goes into it"
    else:
        return
    raise ValueError(
        f"this network ends in {said}, and a Net wants the logits before it: {how}, then wrap it"
    )


def _check_each_for_itself(module: nn.Module, pictures: Tensor, logits: Tensor) -> None:
    """Raise ValueError where the first picture has other logits alone: a maximum would be the second's."""
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
    raise _mixing()


def _mixing() -> ValueError:
    return ValueError(
        "this network gives other logits for a picture when it comes with another: it mixes the pictures of "
        "a batch (a BatchNorm without running statistics, a mean that goes on in eval mode, a maximum over "
        "the batch?); camlib takes each picture for itself"
    )


def _run(
    module: nn.Module, pictures: Tensor, last: nn.Module | None = None, seam: Seam | None = None
) -> Tensor:
    """The logits in float64, the network being left as it was.

    seam: a hook for the last module that runs; behind it the logits have slopes.
    """
    with evaluating(module), unhooked(module), numbers_kept(module), torch.no_grad():
        if last and seam:
            last.register_forward_hook(seam)  # gone at the block's end
        logits: Tensor = module(pictures)
    return logits.double()


def _known_by_its_slope(logits: Tensor) -> str | None:
    """What function came behind the last module, if torch kept how to go back; a sigmoid has no sum."""
    made: Any = logits.grad_fn
    while type(made).__name__.startswith(_SAME):
        made = made.next_functions[0][0]
    return _SLOPES.get(type(made).__name__)


def _known_by_its_numbers(logits: Tensor, near: float) -> str | None:
    if torch.allclose(logits[0], logits[1], rtol=1e-7, atol=0):  # what is the same for all tells nothing
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
