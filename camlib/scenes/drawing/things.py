"""What there is in a scene besides the parts of a critter, by kind."""

from typing import NamedTuple

from .outline import Shape

# each pixel of a scene shows one of these; the order is that of `Things.kinds`
THINGS = (
    *("sky", "ground", "hill", "sun", "cloud", "tree", "pine", "grass", "flower", "stone", "mushroom"),
    *("leaf", "berry", "shell", "seed", "sunflower", "trunk", "butterfly", "stamp", "critter", "moon"),
)
CLEARABLE = tuple(kind for kind in THINGS if kind not in ("sky", "ground", "stamp", "critter"))


class Thing(NamedTuple):
    """One thing: its kind, a name from `THINGS`, and its shapes from back to front."""

    kind: str
    shapes: list[Shape]
