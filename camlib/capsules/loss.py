"""The margin loss: a capsule of a class that is there should be long, all others short."""

import torch
from torch import Tensor

from ..given import tensor, told

__all__ = ["margin_loss"]


def margin_loss(lengths: Tensor, present: Tensor, down: float = 0.5) -> Tensor:
    """Mean over pictures of Σ_k T_k max(0, .9 − |v_k|)² + down · (1 − T_k) max(0, |v_k| − .1)².

    Sabour, Frosst, Hinton (2017), equation 4 (the authors' code halves it).
    lengths: (N, C), from 0 to 1.  present: bool (N, C), or the classes' indices (N,). Where several classes
    agree with a picture (a critter without ears), the longest of them should reach .9, and none of them is
    punished for being long; with one class that is the paper's.
    Raises ValueError for other shapes and types, and for a class that is not there.
    """
    tensor(lengths, "lengths")
    yes_no = tensor(present, "present").dtype == torch.bool
    numbers = present.ndim == 1 and not yes_no
    if lengths.ndim != 2 or present.shape != lengths.shape[: 1 if numbers else 2]:
        raise ValueError(
            f"lengths are (N, C), and present is bool (N, C) or classes (N,); given {tuple(lengths.shape)} "
            f"and {str(present.dtype).removeprefix('torch.')} {tuple(present.shape)}"
        )
    if numbers:
        present = _one_hot(present, lengths)
    elif not yes_no:
        raise ValueError(f"present (N, C) is bool; given {told(present)}: give present.bool()")
    longest = lengths.masked_fill(~present, 0).amax(1)
    missed = (0.9 - longest).clamp_min(0).square() * present.any(1)
    wrong = (lengths - 0.1).clamp_min(0).square().masked_fill(present, 0).sum(1)
    return (missed + down * wrong).mean()


def _one_hot(classes: Tensor, lengths: Tensor) -> Tensor:
    """Bool (N, C), of classes (N,)."""
    count = lengths.shape[1]
    whole = not (classes.is_floating_point() or classes.is_complex())
    classes = classes.long() if whole else classes  # `count` might not fit into bytes
    if not whole or (wrong := (classes < 0) | (classes >= count)).any():
        what = classes[wrong][0].item() if whole else classes.dtype
        raise ValueError(f"present holds {what}; classes are whole numbers from 0 to {count - 1}")
    return torch.zeros_like(lengths, dtype=torch.bool).scatter_(1, classes[:, None], value=True)
