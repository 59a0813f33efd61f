"""Whether what follows a network's last module keeps the pictures of a batch apart.

`z / z.max()` over a batch changes every picture's logits but those of the one that holds the maximum; so a
picture that runs alone may well have the same ones. Slopes tell for sure: no logit may depend on what the
last module gave out for another picture. The way from the logits back to there is all that is computed.
"""

import torch
from torch import Tensor, nn

__all__ = ["Seam"]


class Seam:
    """A forward hook for the last module of a network that runs on two pictures; then ask `mixes`."""

    def __init__(self) -> None:
        self._values: Tensor | None = None

    def __call__(self, _module: nn.Module, _inputs: object, output: object) -> Tensor | None:
        """The output, from which on what is computed has slopes, until the caller's `no_grad` block ends."""
        if not isinstance(output, Tensor) or output.ndim not in (2, 4) or not output.is_floating_point():
            return None
        torch.set_grad_enabled(True)
        self._values = output.detach().requires_grad_()
        return self._values.clone()  # which the network may overwrite

    def mixes(self, logits: Tensor) -> bool | None:
        """Whether a picture's logits (2, C) depend on the other's values; None where no slopes tell."""
        if self._values is None or not logits.requires_grad or len(self._values) != len(logits):
            return None
        each = torch.linspace(1, 2, logits.shape[1], dtype=logits.dtype, device=logits.device)
        for row in range(len(logits)):
            try:
                back: tuple[Tensor | None, ...] = torch.autograd.grad(
                    (logits[row] * each).sum(), self._values, retain_graph=True, allow_unused=True
                )
            except RuntimeError:  # something on the way was overwritten
                return None
            if (slope := back[0]) is None:
                return None
            if slope[1 - row].abs().max() > 1e-6 * slope.abs().max():
                return True
        return False
