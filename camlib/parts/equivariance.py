"""Which units mark a thing, told without any label: do they move with the picture?

Turn, shift or mirror a picture: what marks a thing moves along. With τ such a move and p(·) a unit's answer,

    e = ‖τ⁻¹(p(τ(picture))) - p(picture)‖, in picture sides

(the equivariance from which Thewlis, Bilen, Vedaldi 2017, "Unsupervised learning of object landmarks", learn
points). A unit that answers with the picture's middle would agree under turns, so an answer that the move
leaves where it was says nothing. That a unit moves along does not say *what* it marks: only labels do.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transform

from ..given import number
from ..networks.net import Net
from ..pictures.batches import Batch, batches, measured
from ..unrounded import unrounded
from .unit_peaks import AllPeaks
from .unit_table import UnitTable

__all__ = ["MOVES", "Move", "equivariance"]


class Move(NamedTuple):
    """A change of a picture: mirrored or not, turned clockwise by degrees, shifted by shares of its sides."""

    mirror: bool = False
    angle: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    def picture(self, images: Tensor) -> Tensor:
        """The moved pictures (N, C, H, W); what comes in at the border repeats the border's pixels."""
        height, width = images.shape[2:]
        x, y = self._pixels(height, width)
        margin = math.ceil(max(height, width) * 0.21) + max(abs(x), abs(y))  # (√2 - 1) / 2: a turn's corners
        seen = transform.horizontal_flip(images) if self.mirror else images
        wide = transform.pad(seen, [margin], padding_mode="edge")
        moved: Tensor = transform.affine(
            wide, self.angle, [x, y], 1.0, [0.0, 0.0], interpolation=transform.InterpolationMode.BILINEAR
        )
        cut: Tensor = transform.center_crop(moved, [height, width])
        return cut

    @unrounded()
    def points(self, points: Tensor, size: tuple[int, int]) -> Tensor:
        """Where points (…, 2) of a picture of (height, width) are in the moved one."""
        height, width = size
        middle = torch.tensor([(width - 1) / 2, (height - 1) / 2])
        turn = math.radians(self.angle)
        clockwise = torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        about = (points - middle) * torch.tensor([-1.0 if self.mirror else 1.0, 1.0])
        return about @ clockwise.T + middle + torch.tensor(self._pixels(height, width))

    def back(self, points: Tensor, size: tuple[int, int]) -> Tensor:
        """Where points (…, 2) of the moved picture were before."""
        height, width = size
        shifted = points - torch.tensor(self._pixels(height, width))
        turned = Move(angle=-self.angle).points(shifted, size)
        return Move(mirror=self.mirror).points(turned, size)

    def _pixels(self, height: int, width: int) -> tuple[int, int]:
        return round(self.shift[0] * width), round(self.shift[1] * height)


MOVES = (
    Move(mirror=True),
    Move(shift=(0.1, 0.06)),
    Move(shift=(-0.06, -0.1)),
    Move(angle=12),
    Move(angle=-12),
)


def equivariance(net: Net, images: Any, *, tolerance: float = 0.04, batch_size: int = 32) -> UnitTable:
    """How well each unit's answers move along with the pictures, best first: errors (len(MOVES) · N, U).

    images: anything `batches` takes: N pictures of one size, without labels.
    tolerance: in picture sides; the table's alpha.  batch_size: as in `find_units`.
    An error is inf where the unit is silent in either picture: a dead unit agrees with nobody. It is NaN
    where the answer is not moved by more than twice the tolerance, or out of the picture, and where a file
    cannot be read. Rows go picture by picture, in the moves' order. So a unit that
    always answers with the same place, be it the middle or a corner, is always wrong.
    Network runs: len(MOVES) + 1 for each picture. Raises ValueError for a tolerance that is not above 0, and
    as `find_units`.
    """
    if not number(tolerance, "tolerance", "a share of the picture's side above 0") > 0:
        raise ValueError(f"tolerance is {tolerance}; it is a share of the picture's side above 0")
    (first,) = next(batches(images, batch_size=1)).images
    size = first.shape[1], first.shape[2]
    units = AllPeaks(net, None, size)

    def errors(batch: Batch) -> Tensor:
        before, moved = units(batch.images).points, []
        for move in MOVES:
            after = move.back(units(move.picture(batch.images)).points, size)
            there = move.points(before, size)
            away = (after - before).norm(dim=2).nan_to_num(nan=torch.inf) / max(size)
            still = (there - before).norm(dim=2) <= 2 * tolerance * max(size)
            out = (there < 0).any(2) | (there > torch.tensor([size[1] - 1, size[0] - 1])).any(2)
            moved.append(away.masked_fill(still | out, torch.nan))
        return torch.stack(moved, 1)

    every = measured(errors, images, batch_size=batch_size, progress="moves")
    return UnitTable.ranked(units.keys, every.flatten(0, 1), tolerance)
