"""A picture back from its code: what a layer keeps of a picture, and what it has dropped.

    x* = argmin_x |Φ(x) - Φ(x₀)|² / |Φ(x₀)|²

from noise, by the same ascent as a dream's. Where x* differs from x₀ and the codes agree, the layer does not
tell the two apart. Mahendran, Vedaldi (2015), "Understanding deep image representations by inverting them".
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..given import number, seeded, whole
from ..networks.images import check_images
from ..networks.net import Net
from ..running.extractor import FeatureExtractor
from ..wording import in_short
from .before import values
from .canvas import canvas
from .climb import climb, roused
from .spectrum import Spectrum

__all__ = ["Inverted", "invert"]


@dataclass(frozen=True, eq=False)
class Inverted:
    """pictures: float32 (N, C, H, W).  errors: (N,), |Φ(x) - Φ(x₀)|² / |Φ(x₀)|² in the end; 0 is the same
    code, and an empty code, all 0, has error 1.  starts: (N,), the same of the noise at the beginning.
    """

    pictures: Tensor
    errors: Tensor
    starts: Tensor

    __repr__ = in_short


def invert(
    net: Net,
    layer: str,
    images: Tensor,
    *,
    basis: str = "fourier",
    like: Spectrum | None = None,
    steps: int = 200,
    rate: float = 0.05,
    seed: int = 0,
) -> Inverted:
    """Pictures, found from noise, whose code in the layer is that of each image.

    images: (N, C, H, W) in [0, 1]; all are in memory together.  basis, like: as for `dream`.
    Raises ValueError for an unknown layer, images that are none, a code that is all 0, and options out of
    range.
    """
    size = check_images(net, images)
    steps, seed = whole(steps, "steps", 1), seeded(seed)
    if number(rate, "rate", "a number above 0") <= 0:
        raise ValueError(f"rate is {rate}; give a number above 0")
    page = canvas(basis, (net.channels, *size), like, net.mean.device)
    extract = FeatureExtractor(net, layer)
    wanted = extract(images)[layer].float().flatten(1)
    if (empty := (wanted.norm(dim=1) == 0).nonzero()).numel():
        raise ValueError(f"the code of image {int(empty[0])} in {layer!r} is all 0: nothing leads back")
    with values(net, layer, behind=True) as run:
        wanted = wanted.clone()  # outside inference mode

        def height(pictures: Tensor, rows: Tensor | None = None) -> Tensor:
            aim = wanted if rows is None else wanted[rows]
            return -(run(pictures).flatten(1) - aim).square().sum(1) / aim.square().sum(1)

        numbers = roused(page, page.start(len(images), seed), height)
        pictures, course, _ = climb(page, numbers, height, shake=0, steps=steps, rate=rate, seed=seed + 1)
        with torch.no_grad():
            errors = -height(pictures)
    return Inverted(pictures.float().cpu(), errors.float().cpu(), -course[:, 0].float())
