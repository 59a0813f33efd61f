"""The margin loss: a capsule of a class that is there should be long, all others short."""

from torch import Tensor

from ..given import tensor

__all__ = ["margin_loss"]


def margin_loss(lengths: Tensor, present: Tensor, down: float = 0.5) -> Tensor:
    """Mean over pictures of Σ_k T_k max(0, .9 − |v_k|)² + down · (1 − T_k) max(0, |v_k| − .1)².

    Sabour, Frosst, Hinton (2017), equation 4 (the authors' code halves it).
    lengths: (N, C), from 0 to 1.  present: bool (N, C), or the classes' indices (N,). Where several classes
    agree with a picture (a critter without ears), the longest of them should reach .9, and none of them is
    punished for being long; with one class that is the paper's.
    Raises ValueError where the shapes do not fit, and for a class that is not there.
    """
    tensor(lengths, "lengths")
    if tensor(present, "present").ndim == 1 and len(present) == len(lengths):
        if present.is_floating_point() or (wrong := (present < 0) | (present >= lengths.shape[1])).any():
            what = present.dtype if present.is_floating_point() else present[wrong][0].item()
            raise ValueError(
                f"present holds {what}; classes are whole numbers from 0 to {lengths.shape[1] - 1}"
            )
        present = lengths.new_zeros(lengths.shape).scatter_(1, present[:, None], 1).bool()
    if lengths.ndim != 2 or present.shape != lengths.shape:
        raise ValueError(
            f"lengths are (N, C), and present is bool (N, C) or classes (N,); given {tuple(lengths.shape)} "
            f"and {tuple(present.shape)}"
        )
    longest = lengths.masked_fill(~present, 0).amax(1)
    missed = (0.9 - longest).clamp_min(0).square() * present.any(1)
    wrong = (lengths - 0.1).clamp_min(0).square().masked_fill(present, 0).sum(1)
    return (missed + down * wrong).mean()
