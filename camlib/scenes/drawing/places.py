"""Landscapes of six kinds of place: which things stand in them, and how many, tells the place; nothing else.

Colours, horizon, hills and light are drawn without looking at the place, and so is the critter. Each thing
occurs in every place, only more or less often, as objects do in photographs of scenes.
"""

import numpy as np

from .backdrop import (
    air,
    berry,
    cloud,
    drifting,
    flower,
    grass,
    land,
    leaf,
    mushroom,
    pine,
    shell,
    stone,
    sun,
    tree,
)
from .recipe import Colour
from .things import Thing

# how many there are on average (Poisson; one sun at most); where a place says nothing, as many as everywhere
EVERYWHERE = {
    "sun": 0.4, "cloud": 1.5, "tree": 0.4, "pine": 0.4, "grass": 5.0, "flower": 0.5, "stone": 1.0,
    "mushroom": 0.4, "leaf": 0.6, "berry": 0.4, "shell": 0.4,
}  # fmt: skip
# what there is more of in each
PLACES: dict[str, dict[str, float]] = {
    "forest": {"pine": 3.5, "mushroom": 1.5},
    "park": {"tree": 3.0, "leaf": 2.5},
    "meadow": {"flower": 5.0, "grass": 8.0},
    "shore": {"shell": 5.0, "stone": 2.0, "sun": 0.8},
    "quarry": {"stone": 6.0},
    "thicket": {"berry": 5.0, "leaf": 2.5},
}
_PAINTERS = {p.__name__: p for p in (grass, flower, stone, mushroom, leaf, berry, shell)}


def usual(place: str) -> dict[str, float]:
    """How many things of each kind a place has on average: `usual("forest")["pine"] == 3.5`."""
    return EVERYWHERE | PLACES[place]


def landscape(seed: int, place: str) -> tuple[tuple[Colour, Colour], list[Thing], float]:
    """As `backdrop`, of one of `PLACES`: the sky's colours, the things from far to near, and the horizon."""
    rng, mean = np.random.default_rng([seed, 2]), usual(place)
    sky, ground, horizon = air(rng)
    low = sky[1]
    count = {kind: int(rng.poisson(mean[kind])) for kind in EVERYWHERE}
    things = [Thing("sun", sun(rng, horizon, low)) for _ in range(min(count["sun"], 1))]
    things += [Thing("cloud", cloud(rng, horizon, low)) for _ in range(count["cloud"])]
    things += land(rng, horizon, low, ground)
    standing = [tree] * count["tree"] + [pine] * count["pine"]
    for k in rng.permutation(len(standing)).tolist():
        far = rng.uniform(0, 0.5)
        x, y = rng.uniform(-0.05, 1.05), horizon + 0.05 + 0.3 * far
        size = rng.uniform(0.26, 0.42) * (0.7 + far)
        things.append(Thing(standing[k].__name__, standing[k](rng, x, y, size)))
    small = [kind for kind in _PAINTERS for _ in range(count[kind])]
    spots = rng.uniform((-0.03, horizon + 0.02), (1.03, 1.03), (len(small), 2)).tolist()
    for kind, (x, y) in sorted(zip(small, spots, strict=True), key=lambda one: one[1][1]):
        near = (y - horizon) / (1 - horizon)
        size = rng.uniform(0.09, 0.17) * (0.55 + 0.7 * near)
        things.append(Thing(kind, _PAINTERS[kind](rng, x, y, size)))
    return sky, [*things, *drifting(rng, sky[0])], horizon
