"""The live page's drawn clip: a critter walks past a tree and back, as in lesson 10, with its true outlines.

The land stands still, so a frame is what moves, cut out, and laid over the land; all are one small WebP.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from camlib import walk

FRAMES, SEED = 24, 2  # the seed of lesson 10's clip
MOVES = 6  # of 255: by how much a pixel that moves differs from the land
AROUND = 8  # pixels kept around each cut: a WebP smears the grey beyond into its neighbours


class Clip(NamedTuple):
    """cells: (1 + N, 3, H, W), uint8, the land and then each frame's cut, the rest of it grey.

    boxes: each cut's x, y, width and height.  masks: (N, H, W), the critter.  label: its class.
    """

    cells: Tensor
    boxes: list[list[int]]
    masks: Tensor
    label: int

    def told(self) -> dict[str, Any]:
        """What the page is told beside the cells and the masks."""
        return {"boxes": self.boxes, "label": self.label}


def clip(frames: int = FRAMES, seed: int = SEED) -> Clip:
    """Draw the clip and cut it up."""
    walked = walk(frames=frames, seed=seed)
    pixels = walked.pixels
    land = pixels.median(0).values
    moves = (pixels.int() - land.int()).abs().amax(1) > MOVES
    cells = torch.full_like(pixels, 128)
    boxes = []
    for cell, frame, moving in zip(cells, pixels, moves, strict=True):
        (y, high), (x, wide) = (_ends(moving.any(axis)) for axis in (1, 0))
        top, left = max(y - AROUND, 0), max(x - AROUND, 0)
        kept = (slice(None), slice(top, y + high + AROUND), slice(left, x + wide + AROUND))
        cell[kept] = frame[kept]
        boxes.append([x, y, wide, high])
    return Clip(torch.cat([land[None], cells]), boxes, walked.masks, int(walked.labels[0]))


def _ends(moving: Tensor) -> tuple[int, int]:
    """Where what moves begins, and how long it is."""
    at = moving.nonzero().flatten().tolist() or [0]
    return at[0], at[-1] + 1 - at[0]
