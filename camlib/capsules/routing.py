"""Squash, votes and routing by agreement, as in Sabour, Frosst, Hinton (2017), arXiv 1710.09829.

    squash(s) = s/|s| · |s|² / (1 + |s|²)                              equation 1
    û_ij = u_i W_ij        s_j = Σ_i c_ij û_ij + b_j                    equation 2, with the authors' bias
    c_i = softmax over j of the logits of i                             equation 3
    v_j = squash(s_j)      logits_ij += û_ij · v_j                      procedure 1

The softmax runs over the *outputs* j: each capsule below divides one whole vote among those above. The bias
and the gradient, which flows through all iterations, are those of the authors' code (Sarasra/models).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ..given import tensor, told, whole

__all__ = ["Routed", "route", "squash", "votes"]

_TINY = 1e-8  # so that the gradient of a length is finite at 0


class Routed(NamedTuple):
    """poses (N, J, E) of the capsules above; couplings (N, I, J), which sum to 1 over the J."""

    poses: Tensor
    couplings: Tensor


def squash(vectors: Tensor) -> Tensor:
    """The same directions (…, D), lengths from 0 to 1: a length n becomes n² / (1 + n²)."""
    wide = vectors.float() if vectors.dtype.itemsize < 4 else vectors  # half precision has no _TINY
    squared = wide.square().sum(-1, keepdim=True)
    squashed = wide * (squared / (1 + squared)) * (squared + _TINY).rsqrt()
    return squashed.to(vectors.dtype)


def votes(poses: Tensor, weights: Tensor) -> Tensor:
    """What each of I capsules expects of each of J above: (N, I, J, E).

    poses: (N, I, D).  weights: (I, J, D, E), a matrix of its own for each pair.
    Raises ValueError where the two do not fit.
    """
    for name, given in {"poses": poses, "weights": weights}.items():
        _is_tensor(given, name)
    if poses.ndim != 3 or weights.ndim != 4 or poses.shape[1:] != (weights.shape[0], weights.shape[2]):
        raise ValueError(
            f"votes want poses (N, I, D) and weights (I, J, D, E); given {tuple(poses.shape)} and "
            f"{tuple(weights.shape)}"
        )
    return torch.einsum("nid,ijde->nije", poses, weights)


def route(
    votes: Tensor, *, bias: Tensor | None = None, iterations: int = 3, start: Tensor | None = None
) -> Routed:
    """Routing by agreement: votes (N, I, J, E) → what the J capsules above say, and who voted for whom.

    iterations: how often couplings are computed; with 1 they are those of `start`, and nothing is routed.
    bias: (J, E), added to each sum.  start: logits (N, I, J) or (I, J); None: 0, equal couplings of 1/J.
    Raises ValueError for other shapes, or fewer iterations than one.
    """
    _is_tensor(votes, "votes")
    if votes.ndim != 4:
        raise ValueError(f"votes are (N, I, J, E); given {tuple(votes.shape)}")
    iterations = whole(iterations, "iterations", 1)
    if start is not None:
        _is_tensor(start, "start")
    if start is not None and start.shape not in (votes.shape[:3], votes.shape[1:3]):
        wanted = f"(N, I, J) or (I, J), here {tuple(votes.shape[:3])}"
        raise ValueError(f"start is {wanted}; given {told(start)} of shape {tuple(start.shape)}")
    if bias is not None:
        _is_tensor(bias, "bias")
    if bias is not None and bias.shape != votes.shape[2:]:
        raise ValueError(f"bias is (J, E), here {tuple(votes.shape[2:])}; given shape {tuple(bias.shape)}")
    votes = votes.transpose(1, 2).contiguous()  # (N, J, I, E): so each step is one product of matrices
    logits = votes.new_zeros(votes.shape[:3]) if start is None else start.transpose(-1, -2)
    for step in range(iterations):
        couplings = logits.softmax(-2).expand(votes.shape[:3])  # over the capsules above
        sums = (couplings[:, :, None] @ votes)[:, :, 0]
        poses = squash(sums if bias is None else sums + bias)
        if step + 1 < iterations:  # after the last nobody asks for the logits
            logits = logits + (votes @ poses[..., None])[..., 0]
    return Routed(poses, couplings.transpose(1, 2))


def _is_tensor(given: object, what: str) -> None:
    """As `given.tensor`, but a tensor without numbers will do: so layers are looked at before any run."""
    if not isinstance(given, Tensor):
        tensor(given, what)
