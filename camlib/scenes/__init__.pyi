from .scenes import (
    CLASSES,
    FEATURES,
    KEYPOINTS,
    MARKINGS,
    PARTS,
    PLACES,
    REMOVABLE,
    SPECIES,
    Recipe,
    Scenes,
    draw,
    features,
)
from .things import CLEARABLE, THINGS, Things, things

__all__ = [
    "CLASSES",
    "CLEARABLE",
    "FEATURES",
    "KEYPOINTS",
    "MARKINGS",
    "PARTS",
    "PLACES",
    "REMOVABLE",
    "SPECIES",
    "THINGS",
    "Recipe",
    "Scenes",
    "Things",
    "draw",
    "features",
    "things",
]
