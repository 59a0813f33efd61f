"""Capsules as layers of a plain `nn.Sequential`: convolution, `PrimaryCapsules`, `ClassCapsules`, `LogOdds`.

The authors' layers (Sarasra/models, research/capsules): primary capsules are a convolution's channels in
groups; the numbers of one come from one place. Routing runs in float32 also where convolutions run in less.
"""

import torch
from torch import Tensor, nn

from .routing import Routed, route, squash, votes

__all__ = ["ClassCapsules", "LogOdds", "PrimaryCapsules", "grouped"]

_START = 0.05  # standard deviation of the weights at the start: at a tenth of it nothing moves for long


def grouped(maps: Tensor, atoms: int) -> Tensor:
    """Maps (N, T · atoms, H, W) → capsules (N, H · W · T, atoms): T at each place, row by row.

    Raises ValueError where the channels are no whole number of capsules.
    """
    if maps.ndim != 4 or atoms < 1 or maps.shape[1] % atoms:
        raise ValueError(f"maps {tuple(maps.shape)} are no (N, T · {atoms}, H, W)")
    n, _, height, width = maps.shape
    return maps.reshape(n, -1, atoms, height, width).permute(0, 3, 4, 1, 2).flatten(1, 3)


class PrimaryCapsules(nn.Module):
    """Maps (N, T · atoms, H, W) → squashed poses (N, H · W · T, atoms)."""

    def __init__(self, atoms: int) -> None:
        super().__init__()
        self.atoms = atoms

    def forward(self, maps: Tensor) -> Tensor:
        """(N, T · atoms, H, W) → (N, H · W · T, atoms), in float32."""
        return squash(grouped(maps.float(), self.atoms))


class ClassCapsules(nn.Module):
    """Poses (N, inputs, atoms) → poses (N, classes, dims), by votes and routing by agreement."""

    def __init__(self, inputs: int, atoms: int, classes: int, dims: int, iterations: int = 3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, classes, atoms, dims) * _START)
        self.bias = nn.Parameter(torch.full((classes, dims), 0.1))
        self.iterations = iterations

    def routed(self, poses: Tensor, iterations: int | None = None, start: Tensor | None = None) -> Routed:
        """What the class capsules say, and the couplings; as `route` has them, and what it raises.

        iterations: None: the layer's own.
        """
        steps = self.iterations if iterations is None else iterations
        with torch.autocast("cpu" if poses.is_meta else poses.device.type, enabled=False):
            given = votes(poses.float(), self.weight)
            return route(given, bias=self.bias, iterations=steps, start=start)

    def forward(self, poses: Tensor) -> Tensor:
        """(N, inputs, atoms) → (N, classes, dims)."""
        return self.routed(poses).poses


class LogOdds(nn.Module):
    """Poses (N, C, dims) → log |v| / (1 − |v|) (N, C), of which a sigmoid makes the lengths again.

    So a network of capsules gives logits, as all classifiers here do; but its classes do not compete: each
    length is the chance that its class is there, whichever others are.
    """

    def forward(self, poses: Tensor) -> Tensor:
        """(N, C, dims) → (N, C)."""
        return (poses.square().sum(-1) + 1e-8).sqrt().logit(1e-6)
