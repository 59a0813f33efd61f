"""torchvision's classifiers, by its names."""

from typing import Any

from ..pictures.imagenet_names import imagenet_classes
from .recipe import Recipe, into_empty

__all__ = ["addresses", "imagenet_classes", "recipe"]


def addresses() -> dict[str, str]:
    """Every name → the address of its weights."""
    from torchvision import models  # takes a second, and the course's own networks do without

    return {name: models.get_model_weights(name).DEFAULT.url for name in models.list_models(module=models)}


def recipe(name: str) -> Recipe:
    """How one of `addresses` is made."""
    from torchvision import models

    entry = models.get_model_weights(name).DEFAULT
    seen = entry.transforms()
    size, resize = seen.crop_size[0], seen.resize_size[0]
    options: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):  # their weights are for pictures normalised another way
        options = {"transform_input": True, "aux_logits": False, "init_weights": True}
    elif name.startswith("vit_"):
        options = {"image_size": size}

    def make() -> Any:
        return models.get_model(name, weights=None, **options)

    classes = entry.meta["categories"]
    return Recipe(make, into_empty(make), entry.url, classes, seen.mean, seen.std, size, resize)
