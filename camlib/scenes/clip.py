"""A short clip: a critter walks past a tree, looks about, turns round and walks back, with its exact truth.

Each frame is a scene, and as much is known of it: an eye behind the tree is not `visible`, but its place is
still there. The land, the light and the grain are the same in all frames.
"""

from dataclasses import replace

import numpy as np

from ..given import seeded, whole
from .drawing.paint import placed
from .drawing.recipe import SPECIES, Recipe, sample
from .scenes import Scenes, draw

__all__ = ["walk"]

_LONG, _FEET, _MARGIN = 0.42, 0.94, 0.02  # the critter, where its feet are, and the border; of the frame
_TREE = 0.53  # of the frame: its head begins on one side, and turns close to the other
_STEP = 0.5  # units: how far it comes while its legs swing there and back
_START, _STAND, _TURN, _BACK = 0.03, 0.36, 0.51, 0.7  # of the clip: it sets off, stops, turns, walks back
_BLINKS = (0.06, 0.04), (0.44, 0.06), (0.85, 0.04)  # of the clip: when, and how long
_WHEN = (0, 0.32, 0.37, 0.41, 0.43, 0.47, 0.5, 0.7, 1)  # of the clip: between these the gaze moves evenly
_ACROSS = (0.4, 0.6, -0.9, -0.9, 0.2, 0.2, 0, 0, 0.4)
_DOWN = (0, 0.1, -0.3, -0.3, -0.9, -0.9, 0.2, 0, 0)


def walk(*, frames: int = 72, seed: int = 0, size: int = 128) -> Scenes:
    """Draw one critter's walk as `frames` scenes, in order; twelve in a second look natural.

    It walks to the right behind a tree, stops and looks about, turns round through facing you, and walks back
    behind the tree. It blinks three times: `recipes[i].blink`. Its label is its species throughout, also in
    these frames, which look like a sleeper's.
    seed: which critter, and in which land.  size: side of the picture in pixels.
    Raises ValueError for fewer than 24 frames, in which it would leap, and a size below 32.
    """
    seed, size = seeded(seed), whole(size, "size", 32)
    if (frames := whole(frames, "frames", 1)) < 24:
        raise ValueError(f"{frames} frames; a walk there and back takes 24 or more")
    one = sample(seed, 0)
    species = one.look % len(SPECIES) if one.asleep else one.species
    one = replace(one, species=species, asleep=False, angle=0.0, mirrored=False, occluders=0, tree=_TREE)
    return draw([_frame(one, number / (frames - 1), size) for number in range(frames)], size=size)


def _frame(one: Recipe, t: float, size: int) -> Recipe:
    """The recipe at time t, from 0 to 1."""
    _, _, _, low, high = placed(one)
    unit = _LONG / (high - low).max()
    reach = unit * max(-low[0], high[0]) + _MARGIN  # how near the border the middle of its body may come
    there, back = _eased((t - _START) / (_STAND - _START)), _eased((t - _BACK) / (1 - _BACK))
    way = (1 - 2 * reach) * (there - back)
    swing = 2 * np.pi * (1 - 2 * reach) * (there + back) / unit / _STEP
    bounce = np.sin(np.pi * (there - back)) * np.sin(swing)  # none where it stands
    turn = 180 * _eased((t - _TURN) / (_BACK - _TURN))
    posed = replace(
        one,
        angle=float(1.5 * bounce),
        mirrored=turn > 90,
        turned=float(min(turn, 180 - turn)),
        stride=float(one.stride - swing),
        gaze=(float(np.interp(t, _WHEN, _ACROSS)), float(np.interp(t, _WHEN, _DOWN))),
        blink=any(0 <= t - begin < long for begin, long in _BLINKS),
    )
    return _stood(posed, unit, reach + way, _FEET - unit * (high[1] + 0.02 * abs(bounce)), size)


def _stood(recipe: Recipe, unit: float, x: float, y: float, size: int) -> Recipe:
    """The recipe with the middle of its body at (x, y), and its unit, in fractions of the frame.

    A recipe lays and scales the box of all that is drawn, so legs that step would shake the critter.
    """
    _, _, _, low, high = placed(recipe)
    room = size - 2 - (high - low) * unit * size
    left, top = (((x, y) + low * unit) * size - 1) / room
    return replace(recipe, scale=float(unit * (high - low).max()), x=float(left), y=float(top))


def _eased(t: float) -> float:
    """From 0 to 1 with t, off gently and gently to rest; 0 before, and 1 after."""
    t = min(max(t, 0.0), 1.0)
    return float(t - np.sin(2 * np.pi * t) / (4 * np.pi))
