"""ImageNet's thousand classes: their names, as torchvision spells them, and their WordNet numbers.

Networks for ImageNet-1k share the order of both.
"""

from functools import cache

__all__ = ["imagenet_classes", "wordnet_numbers"]


def imagenet_classes() -> list[str]:
    """The 1000 classes' names; no two are the same."""
    from torchvision import models  # takes a second, and the course's own networks do without

    return list(models.get_model_weights("alexnet").DEFAULT.meta["categories"])


@cache
def wordnet_numbers() -> dict[str, int]:
    """A class's WordNet number, "n01440764", which data sets name their files by → its index."""
    from timm.data import ImageNetInfo  # type: ignore[attr-defined]

    numbers = ImageNetInfo("imagenet-1k").label_names()  # type: ignore[no-untyped-call]
    return {number: index for index, number in enumerate(numbers)}
