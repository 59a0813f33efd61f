"""Pictures side by side on a page, as large as it allows, with their captions and a scale."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch import Tensor

from ..pictures.batches import in_unit
from .figure import PAD, WIDTH, Figure, breadth, page, place, wrapped

BAR = 0.62  # inches under the pictures, for a scale
_GAP, _LINE = 0.1, 0.23  # inches: between pictures, a line of a caption
_SIDE, _ALONE = 2.6, 4.2  # inches, how wide a picture is at most: among others, alone
_TALL = 10.5  # inches, how high: a strip one pixel wide would make a page of 25 m

Pixels = NDArray[np.float32]


def pixels(images: Tensor | Sequence[Tensor]) -> list[Pixels]:
    """Each picture as (H, W, 3) in [0, 1]. ValueError for what is none, or a hundredth and more beyond."""
    if isinstance(images, Tensor) and images.ndim == 3:
        images = images[None]
    if len(images) == 0:
        raise ValueError("no pictures to draw")
    for image in images:
        if image.ndim != 3 or image.shape[0] not in (1, 3):
            raise ValueError(f"a picture has shape {tuple(image.shape)}; give (1 or 3, H, W)")
    unit = [in_unit(image.detach()[None], range(i, i + 1))[0] for i, image in enumerate(images)]
    return [image.cpu().clamp(0, 1).expand(3, -1, -1).permute(1, 2, 0).numpy() for image in unit]


def fit_masks(masks: Tensor | Sequence[Tensor], pictures: Sequence[Pixels]) -> None:
    """Raise ValueError for a mask that is not as large as its picture."""
    for i, (mask, picture) in enumerate(zip(masks, pictures, strict=True)):
        if tuple(mask.shape) != picture.shape[:2]:
            raise ValueError(
                f"mask {i} is {tuple(mask.shape)}, its picture {picture.shape[:2]}; give one alike"
            )


def finite(maps: Tensor | Sequence[Tensor], what: str) -> None:
    """Raise ValueError, naming the map, for values that are NaN or infinite."""
    for i, one in enumerate(maps):
        if not one.isfinite().all():
            raise ValueError(f"{what} {i} holds values that are NaN or infinite")


def tiles(
    pictures: Sequence[Pixels],
    captions: Sequence[str] | None,
    title: str,
    alt: str | None,
    content: str,
    columns: int | None,
    below: float = 0,
) -> tuple[Figure, list[Axes]]:
    """One axes for each picture, as large as the page allows; `below` inches stay free.

    All are of one width, but for those that would be too high for a page.
    """
    columns = columns or fitting_columns(len(pictures), most=9)
    rows = math.ceil(len(pictures) / columns)
    side = (WIDTH - 2 * PAD - (columns - 1) * _GAP) / columns
    side = min(side, _ALONE if len(pictures) == 1 else _SIDE)
    texts = [wrapped(str(caption), side, 13) for caption in captions or []]
    caption = max((text.count("\n") + 1 for text in texts), default=0) * _LINE + (0.06 if texts else 0)
    tall = min(_TALL, side * max(picture.shape[0] / picture.shape[1] for picture in pictures))
    height = rows * (tall + caption) + (rows - 1) * _GAP
    figure = page(title, alt, content, height + below)
    size = min([13.0, *(13 * side / max(side, breadth(text, 13)) for text in texts)])
    axes = []
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        x, top = PAD + column * (side + _GAP), PAD + below + height - row * (tall + caption + _GAP) - caption
        own = min(tall, side * picture.shape[0] / picture.shape[1])
        wide = own * picture.shape[1] / picture.shape[0]
        ax = place(figure, x + (side - wide) / 2, top - own, wide, own)
        small = picture.shape[1] < side * 100  # on the screen: show the pixels that are there
        ax.imshow(picture, interpolation="nearest" if small else "antialiased")
        ax.set_axis_off()
        if texts:
            ax.set_title(texts[i], size=size, parse_math=False)
        axes.append(ax)
    return figure, axes


def heaviness(ax: Axes) -> float:
    """How heavy marks are: 1 on a picture that stands alone, down to a half on small ones."""
    return max(0.5, min(1.0, float(ax.get_position().width) * WIDTH / 3))


def fitting_columns(count: int, most: int) -> int:
    """All in one row while they are few, then rows about twice as wide as the grid is high."""
    return count if count <= 6 else min(most, math.ceil(math.sqrt(2 * count)))


def scale_bar(
    figure: Figure,
    colours: Pixels,
    ends: Sequence[str],
    x: float = PAD,
    y: float = PAD,
    width: float = 2.4,
) -> None:
    """The colours (n, 3) from low to high, and what the two ends are; by default in the lower left corner.

    ends: two, or more: then the others stand in between, evenly.
    x, y: its own lower left corner, width: its, in inches.
    """
    bar = place(figure, x, y + 0.28, width, 0.16)
    bar.imshow(colours[None], aspect="auto", extent=(0, 1, 0, 1))
    bar.set_xticks(np.linspace(0, 1, len(ends)).tolist(), ends)
    bar.set_yticks([])
    bar.get_xticklabels()[0].set_horizontalalignment("left")


def mosaic_of(cells: Pixels, columns: int, times: int, gap: int) -> Pixels:
    """Small pictures (N, h, w, 3) as one, each dot magnified `times` times, white gaps between them."""
    count, high, wide = cells.shape[:3]
    down, right = high * times + gap, wide * times + gap
    field = np.ones((math.ceil(count / columns) * down - gap, columns * right - gap, 3), np.float32)
    for i, cell in enumerate(cells):
        y, x = i // columns * down, i % columns * right
        field[y : y + high * times, x : x + wide * times] = cell.repeat(times, 0).repeat(times, 1)
    return field
