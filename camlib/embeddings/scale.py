"""Codes near 0 and 1: scikit-learn squares them, and squares of large or small numbers overflow or vanish."""

import torch
from torch import Tensor

__all__ = ["centred"]

_FAR = 20  # powers of two


def centred(rows: Tensor) -> tuple[Tensor, float, Tensor]:
    """Rows (N, D) as rows / scale - middle, on the CPU, in float32 or float64; then scale and middle.

    scale: 1 for rows whose largest number lies from 2⁻²⁰ to 2²⁰; else a power of two, so that nothing is
    rounded, and the rows come as float64.
    middle: the mean of rows of float64, (D,): a distance is computed from squares, in which what all have
    in common would drown what they differ in. For rows of single precision, which scikit-learn squares in
    double, and which do not hold what would be drowned, it is 0.
    """
    rows, scale = rows.detach().cpu(), 1.0
    rows = rows.to(torch.promote_types(rows.dtype, torch.float32))
    largest = max(abs(edge.item()) for edge in rows.aminmax()) if rows.numel() else 0.0
    power = int(torch.frexp(torch.tensor(largest, dtype=torch.float64)).exponent)
    if largest and abs(power) > _FAR:
        rows, scale = torch.ldexp(rows.double(), torch.tensor(-power)), 2.0**power
    if rows.dtype != torch.float64:
        return rows, scale, rows.new_zeros(())
    middle = rows.mean(0)
    return rows - middle, scale, middle
