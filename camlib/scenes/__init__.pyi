from .scenes import (
    CLASSES,
    FEATURES,
    KEYPOINTS,
    MARKINGS,
    PARTS,
    REMOVABLE,
    SPECIES,
    Recipe,
    Scenes,
    draw,
    features,
)

__all__ = [
    "CLASSES",
    "FEATURES",
    "KEYPOINTS",
    "MARKINGS",
    "PARTS",
    "REMOVABLE",
    "SPECIES",
    "Recipe",
    "Scenes",
    "draw",
    "features",
]
