"""Closed outlines as (n, 2) arrays of points, x to the right and y down."""

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


def ellipse(x: float, y: float, rx: float, ry: float, turn: float = 0.0, n: int = 28) -> Points:
    """An ellipse turned by `turn` radians."""
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    c, s = np.cos(turn), np.sin(turn)
    u, v = rx * np.cos(t), ry * np.sin(t)
    return np.stack([x + c * u - s * v, y + s * u + c * v], 1)


def smooth(corners: list[tuple[float, float]], rounds: int = 3) -> Points:
    """A closed curve inside the corners: Chaikin's corner cutting."""
    p = np.asarray(corners, float)
    for _ in range(rounds):
        q = np.concatenate([p[1:], p[:1]])
        p = np.stack([0.75 * p + 0.25 * q, 0.25 * p + 0.75 * q], 1).reshape(-1, 2)
    return p


def stroke(path: Points, width: float | Points) -> Points:
    """The outline of a line of the given half width, which may change along the line."""
    d = np.gradient(path, axis=0)
    normal = np.stack([-d[:, 1], d[:, 0]], 1) / (np.linalg.norm(d, axis=1, keepdims=True) + 1e-9)
    side = normal * np.reshape(width, (-1, 1))
    return np.concatenate([path + side, (path - side)[::-1]])


def grow(points: Points, by: float) -> Points:
    """The outline moved outwards by `by`."""
    after, before = np.concatenate([points[1:], points[:1]]), np.concatenate([points[-1:], points[:-1]])
    d = after - before
    normal = np.stack([d[:, 1], -d[:, 0]], 1) / (np.linalg.norm(d, axis=1, keepdims=True) + 1e-9)
    clockwise = np.sign(points[:, 0] @ after[:, 1] - points[:, 1] @ after[:, 0])
    grown: Points = points + by * clockwise * normal
    return grown
