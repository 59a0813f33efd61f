"""A sparse autoencoder: every cell as a sum of a few of many learned directions.

    z = top_k(relu(E (x - b) + e)),   x̂ = b + zᵀ W,   min mean |x - x̂|²,   |w_d| = 1

where top_k keeps the k largest and sets all others to 0: Makhzani, Frey (2014), "k-sparse autoencoders"; Gao
et al. (2024), "Scaling and evaluating sparse autoencoders". An atom that no cell uses gets no gradient and
stays dead; it is laid on the cell that is explained worst, and begins again.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..wording import in_short

__all__ = ["Autoencoder", "autoencoder"]

_STEPS, _BATCH, _RATE, _LOOK = 1500, 1024, 3e-3, 250


@dataclass(frozen=True, eq=False)
class Autoencoder:
    """atoms: float32 (D, U), rows of length 1.  encoder: (D, U).  bias: (D,).  centre: (U,).  active: k."""

    atoms: Tensor
    encoder: Tensor
    bias: Tensor
    centre: Tensor
    active: int

    __repr__ = in_short

    def code(self, cells: Tensor) -> Tensor:
        """(N, U) to (N, D): at most `active` numbers of each row are above 0, the others are 0."""
        return _sparse((cells - self.centre) @ self.encoder.T + self.bias, self.active)

    def decode(self, codes: Tensor) -> Tensor:
        """(N, D) to (N, U)."""
        return self.centre + codes @ self.atoms

    def explained(self, cells: Tensor) -> float:
        """The share of the cells' variance that the sums keep; 1 is all."""
        lost = (cells - self.decode(self.code(cells))).square().sum()
        return float(1 - lost / (cells - cells.mean(0)).square().sum())


def autoencoder(cells: Tensor, count: int, *, active: int, seed: int) -> Autoencoder:
    """Fit one to float cells (N, U) by Adam. The caller's random state stays."""
    random = torch.Generator().manual_seed(seed)
    centre = cells.mean(0)
    scale = (cells - centre).norm(dim=1).mean().clamp_min(1e-12)  # so that one rate serves every layer
    x = (cells - centre) / scale
    atoms = functional.normalize(torch.randn(count, cells.shape[1], generator=random), dim=1)
    encoder, bias, shift = atoms.clone(), torch.zeros(count), torch.zeros(cells.shape[1])
    free = [one.requires_grad_() for one in (atoms, encoder, bias, shift)]
    adam = torch.optim.Adam(free, lr=_RATE)
    used = torch.zeros(count)
    with torch.inference_mode(False), torch.enable_grad():
        for step in range(_STEPS):
            some = x[torch.randint(len(x), (_BATCH,), generator=random)]
            z = _sparse((some - shift) @ encoder.T + bias, active)
            lost = (some - shift - z @ atoms).square().sum(1)
            adam.zero_grad()
            lost.mean().backward()
            adam.step()
            with torch.no_grad():
                used += (z > 0).sum(0)
                atoms.div_(atoms.norm(dim=1, keepdim=True).clamp_min(1e-12))
                if step % _LOOK == _LOOK - 1 and step < _STEPS * 2 // 3:  # the last ones need time to learn
                    dead = (used == 0).nonzero()[:, 0]
                    worst = lost.topk(min(len(dead), len(lost))).indices
                    dead = dead[: len(worst)]
                    atoms[dead] = functional.normalize(some[worst] - shift, dim=1)
                    encoder[dead], bias[dead] = atoms[dead], 0
                    used.zero_()
    done = [one.detach() for one in free]
    return Autoencoder(done[0], done[1], done[2] * scale, centre + done[3] * scale, active)


def _sparse(before: Tensor, active: int) -> Tensor:
    best = before.relu().topk(active, dim=1)
    return torch.zeros_like(before).scatter(1, best.indices, best.values)
