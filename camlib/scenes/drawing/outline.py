"""Closed outlines as (n, 2) arrays of points, x to the right and y down."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


class Shape(NamedTuple):
    """A filled outline: the part it belongs to, its points, its colour in [0, 1], its dark rim, its coat."""

    part: int
    points: Points
    colour: tuple[float, float, float]
    rim: float = 0.0
    coated: bool = False


def paired(x: Points, y: Points) -> Points:
    """Points from their coordinates (n,); `np.stack` takes three times as long for so few."""
    points = np.empty((len(x), 2))
    points[:, 0], points[:, 1] = x, y
    return points


def ellipse(x: float, y: float, rx: float, ry: float, turn: float = 0.0, n: int = 28) -> Points:
    """An ellipse turned by `turn` radians."""
    across, down = _circle(n)
    c, s = np.cos(turn), np.sin(turn)
    u, v = rx * across, ry * down
    return paired(x + c * u - s * v, y + s * u + c * v)


@cache
def _circle(n: int) -> tuple[Points, Points]:
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.cos(t), np.sin(t)


def smooth(corners: list[tuple[float, float]], rounds: int = 3) -> Points:
    """A closed curve inside the corners: Chaikin's corner cutting."""
    p = np.asarray(corners, float)
    for _ in range(rounds):
        q = np.concatenate([p[1:], p[:1]])
        p = np.stack([0.75 * p + 0.25 * q, 0.25 * p + 0.75 * q], 1).reshape(-1, 2)
    return p


def stroke(path: Points, width: float | Points) -> Points:
    """The outline of a line of the given half width, which may change along the line."""
    d = np.empty(path.shape)
    d[1:-1], d[0], d[-1] = (path[2:] - path[:-2]) / 2, path[1] - path[0], path[-1] - path[-2]
    side = _across(d) * np.reshape(width, (-1, 1))
    return np.concatenate([path - side, (path + side)[::-1]])


def grow(points: Points, by: float) -> Points:
    """The outline moved outwards by `by`."""
    after, before = np.concatenate([points[1:], points[:1]]), np.concatenate([points[-1:], points[:-1]])
    clockwise = np.sign(points[:, 0] @ after[:, 1] - points[:, 1] @ after[:, 0])
    grown: Points = points + by * clockwise * _across(after - before)
    return grown


def _across(d: Points) -> Points:
    """Unit vectors at right angles to these, to the left of each."""
    x, y = d[:, 0], d[:, 1]
    length = np.sqrt(x * x + y * y) + 1e-9
    return paired(y / length, -x / length)
