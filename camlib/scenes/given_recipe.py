"""Whether a recipe that somebody changed can be drawn. Apart from the drawing, which does without torch."""

from ..given import number, seeded, told, whole
from .drawing.recipe import SPECIES, Recipe

__all__ = ["check_recipe"]


def check_recipe(recipe: Recipe) -> None:
    """Raise ValueError, with what there is, where a number of a recipe is none, or none that can be drawn.

    A second critter's recipe is looked at, too. Names are checked where they are known.
    """
    whole(recipe.species, "a recipe's species", 0, len(SPECIES) - 1)
    for name in ("look", "backdrop", "clutter", "light"):
        seeded(getattr(recipe, name), f"a recipe's {name}, a seed,")
    whole(recipe.occluders, "a recipe's occluders", 0)
    for name in ("x", "y", "scale", "angle", "stride", "turned"):
        number(getattr(recipe, name), f"a recipe's {name}", "a number")
    for name, count in (("gaze", 2), ("coat", 3), ("pattern", 3), ("accent", 3)):
        given = getattr(recipe, name)
        if not isinstance(given, tuple | list) or len(given) != count:
            raise ValueError(f"a recipe's {name} is {told(given)}; give {count} numbers")
        for one in given:
            number(one, f"in a recipe's {name} there", f"{count} numbers")
    if recipe.tree is not None:
        number(recipe.tree, "a recipe's tree", "a number from 0 to 1, or None")
    if recipe.companion is not None:
        check_recipe(recipe.companion)
