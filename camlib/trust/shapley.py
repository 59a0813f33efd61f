"""What each part is worth when others may be gone too: exact, from the answers to all 2^P sets of parts.

    φ_p = Σ_S |S|! (P - |S| - 1)! / P! · (v(S ∪ p) - v(S)),   v(S): the logit with only the parts S drawn

Shapley (1953). And of two parts, how far the loss of both is more, or less, than the sum of the two alone:

    v(all) - v(all \\ pq) - [v(all) - v(all \\ p)] - [v(all) - v(all \\ q)]

above zero where one stands in for the other: neither alone is missed.
"""

from math import comb

import torch
from torch import Tensor

from ..given import tensor

__all__ = ["interactions", "shapley"]


def shapley(values: Tensor) -> Tensor:
    """Shapley's value of each part: double (N, P). They sum to v(all) - v(none).

    values: (N, 2^P), a logit without each set of parts: bit p of the column's number, part p is gone.
    Raises ValueError where the columns are no power of two.
    """
    parts = _parts(values)
    v = values.double()
    every = torch.arange(1 << parts)
    gone = ((every[:, None] >> torch.arange(parts)) & 1).sum(1)
    found = []
    for p in range(parts):
        without = every[(every >> p & 1) == 1]
        others = parts - gone[without]  # how many parts are drawn besides p
        weight = torch.tensor([1 / (parts * comb(parts - 1, int(k))) for k in others], dtype=v.dtype)
        found.append((v[:, without - (1 << p)] - v[:, without]) @ weight)
    return torch.stack(found, 1)


def interactions(values: Tensor) -> Tensor:
    """What losing two parts costs beyond the sum of losing each: double (N, P, P), its diagonal 0."""
    parts = _parts(values)
    v = values.double()
    alone = v[:, :1] - v[:, 1 << torch.arange(parts)]
    both = (1 << torch.arange(parts))[:, None] | (1 << torch.arange(parts))
    found = v[:, :1, None] - v[:, both] - alone[:, :, None] - alone[:, None]
    return found * (1 - torch.eye(parts, dtype=v.dtype))


def _parts(values: Tensor) -> int:
    columns = tensor(values, "values").shape[-1] if values.ndim == 2 else 0
    if columns < 2 or columns & (columns - 1):
        raise ValueError(f"values are {tuple(values.shape)}; give (N, 2^P), one for every set of parts")
    return columns.bit_length() - 1
