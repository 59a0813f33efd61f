"""Codes near 1: scikit-learn squares them, and squares of very large or small numbers overflow or vanish."""

import torch
from torch import Tensor

__all__ = ["centred", "near_one"]

_FAR = 20  # powers of two


def near_one(rows: Tensor) -> tuple[Tensor, float]:
    """Rows that are ordinary as they are, on the CPU, float32 or float64; else, rows / scale, and the scale.

    The scale is a power of two, so that nothing is rounded; rows whose largest number lies from 2⁻²⁰ to 2²⁰
    have 1, and the others come as float64.
    """
    rows = rows.detach().cpu()
    rows = rows.to(torch.promote_types(rows.dtype, torch.float32))
    largest = max(abs(edge.item()) for edge in rows.aminmax()) if rows.numel() else 0.0
    power = int(torch.frexp(torch.tensor(largest, dtype=torch.float64)).exponent)
    if not largest or abs(power) <= _FAR:
        return rows, 1.0
    return torch.ldexp(rows.double(), torch.tensor(-power)), 2.0**power


def centred(rows: Tensor) -> tuple[Tensor, float, Tensor]:
    """As `near_one`, and rows of float64 less their mean, which comes third (of others, 0 is taken off).

    A distance is computed from squares: what all rows have in common would drown what they differ in. Rows of
    single precision, which scikit-learn squares in double, do not hold what would be drowned.
    """
    rows, scale = near_one(rows)
    middle = rows.mean(0) if rows.dtype == torch.float64 else rows.new_zeros(())
    return rows - middle, scale, middle
