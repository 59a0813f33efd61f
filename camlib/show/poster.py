"""One wide picture over the whole page, such as a thousand small ones in a grid."""

from collections.abc import Sequence

from matplotlib import patheffects
from matplotlib.colors import to_rgb
from torch import Tensor, tensor
from torchvision.transforms.v2 import functional as transform

from .colouring import Fact, colouring
from .figure import DOTS, PAD, WIDTH, Figure, page, place, styled
from .tiles import pixels

_QUALITY = 65  # of the JPEG: what is seen are many small things, which weigh much


@styled
def poster(
    picture: Tensor,
    *,
    title: str,
    alt: str | None = None,
    names: Sequence[tuple[str, float, float]] = (),
) -> Figure:
    """A picture as wide as the page.

    picture: (C, H, W), floats in [0, 1] or bytes, C = 1 or 3, such as `mosaic` makes. It is reduced, and
    compressed further than other figures; `print_poster` writes one for the wall.
    names: what is written over it, and where: (name, x, y), in shares of the picture from its upper left
    corner, as `regions` gives them.
    """
    if picture.ndim != 3:
        raise ValueError(f"a poster is one picture (C, H, W); given {tuple(picture.shape)}")
    wide = WIDTH - 2 * PAD
    (shown,) = pixels(_reduced(picture, round(wide * DOTS)))
    high = wide * shown.shape[0] / shown.shape[1]
    content = f"A picture of {picture.shape[2]} × {picture.shape[1]} pixels."
    figure = page(title, alt, content, high)
    figure.quality = _QUALITY
    ax = place(figure, PAD, PAD, wide, high)
    ax.imshow(shown, interpolation="antialiased")
    ax.set_axis_off()
    for name, x, y in names:
        text = ax.text(x, 1 - y, name, transform=ax.transAxes, ha="center", va="center")
        text.set(size=15, weight="bold", color="white")
        text.set_path_effects([patheffects.withStroke(linewidth=3.5, foreground="black")])
    return figure


def tints(fact: Fact) -> Tensor:
    """The colour in which charts draw each of N points by a fact: float32 (N, 3), RGB in [0, 1].

    fact: words, whole numbers, bools or floats, one for each, as for `scatter`; for `mosaic(…, tints=…)`.
    """
    return tensor([to_rgb(colour) for colour in colouring(fact, len(fact)).each()])


def _reduced(picture: Tensor, across: int) -> Tensor:
    """No wider than the page has dots: many times faster than letting matplotlib reduce it."""
    if picture.shape[2] <= across:
        return picture
    high = max(1, round(picture.shape[1] * across / picture.shape[2]))
    small: Tensor = transform.resize(picture, [high, across], antialias=True)
    return small
