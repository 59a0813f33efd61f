"""Photographs that come with the packages the course needs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import skimage.data
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torchvision.transforms.v2 import functional as transform

from ..given import whole
from ..wording import listing, near
from .files import square
from .pixels import Pixels

__all__ = ["Photos", "photos"]


@dataclass(frozen=True, repr=False)
class Photos(Pixels):
    """Photographs with names. pixels: uint8 (N, 3, size, size), RGB.  names: one for each."""

    names: tuple[str, ...]

    def __getitem__(self, index: Any) -> Any:
        """As in `Pixels`, with no label; a name gives the `Photos` of that one."""
        if isinstance(index, str):
            if index not in self.names:
                close = near(index, self.names)
                raise ValueError(f"no photograph {index!r}{close}; there are {listing(self.names)}")
            index = [self.names.index(index)]
        return super().__getitem__(index)


def photos(*, size: int = 224) -> Photos:
    """The colour photographs that come with scikit-image and scikit-learn, in squares cut from their middle.

    In order: astronaut (Eileen Collins), cat (Chelsea), coffee, rocket, motorcycle, temple (the Summer Palace
    in Beijing), flower.
    """
    size = whole(size, "size", 1)
    sources: dict[str, Callable[[], Any]] = {
        "astronaut": skimage.data.astronaut,
        "cat": skimage.data.cat,
        "coffee": skimage.data.coffee,
        "rocket": skimage.data.rocket,
        "motorcycle": lambda: skimage.data.stereo_motorcycle()[0],  # type: ignore[no-untyped-call]
        "temple": lambda: load_sample_image("china.jpg"),
        "flower": lambda: load_sample_image("flower.jpg"),
    }
    squares = [square(Image.fromarray(read()), size, size) for read in sources.values()]
    return Photos(torch.stack([transform.pil_to_tensor(one) for one in squares]), tuple(sources))
