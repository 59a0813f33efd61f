from .scenes import CLASSES, FEATURES, KEYPOINTS, PARTS, SPECIES, Recipe, Scenes, draw, features

__all__ = ["CLASSES", "FEATURES", "KEYPOINTS", "PARTS", "SPECIES", "Recipe", "Scenes", "draw", "features"]
