"""A quick way is taken only where it gives what the whole network gives, but for rounding."""

import torch
from torch import Tensor

from ..networks.net import Net

__all__ = ["HALF", "close", "noise"]

HALF = {
    torch.float16: 2e-2,
    torch.bfloat16: 2e-2,
}  # so near, of the largest number, is near in half precision


def close(one: Tensor, other: Tensor, near: float = 1e-3) -> bool:
    """Whether numbers are the other ones but for rounding; of another shape, or on "meta", they are not.

    near: by how much they may differ, of the largest one; in half precision it is `HALF`.
    """
    if one.is_meta or one.shape != other.shape:
        return False
    near = HALF.get(other.dtype, near)
    return torch.equal(one, other) or _largest(one - other) <= near * _largest(other)


def noise(net: Net, size: tuple[int, int]) -> Tensor:
    """A picture (1, C, H, W) of noise, always the same, to try a quick way with."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand((1, net.channels, *size), generator=generator).to(net.mean.device)


def _largest(numbers: Tensor) -> float:
    """The largest |number|; NaN where there is one. By `aminmax`: a norm takes several times as long."""
    low, high = numbers.aminmax()
    return max(-low.item(), high.item())
