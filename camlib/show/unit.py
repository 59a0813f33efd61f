"""One unit on one page: where it lights up, what excites it most, and what the answer owes to it."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from torch import Tensor

from .figure import DARK, GREY, PAD, PALE, WIDTH, Figure, page, place, styled
from .overlay import blend, ramp
from .tiles import BAR, finite, pixels, scale_bar

_SIDE, _BETWEEN, _HEAD = 2.7, 0.28, 0.29  # inches: the picture's side, between the blocks, over each
_ROWS, _COLUMNS, _GAP = 3, 2, 0.06  # of patches
_CLASSES = 4
_ROUNDED = 1e-3  # so far beyond [0, 1] a probability may be


@styled
def unit(
    image: Tensor,
    heatmap: Tensor,
    patches: Tensor,
    answer: Tensor,
    silenced: Tensor,
    classes: Sequence[str],
    *,
    title: str,
    alt: str | None = None,
) -> Figure:
    """A unit's map over a picture, its best patches, and the answer with the unit and without.

    image: (C, H, W) in [0, 1].  heatmap: (H, W).  patches: (K, C, h, w); up to six are drawn.
    answer, silenced: probabilities (C,), as they are and with the unit silent.  classes: their C names.
    Raises ValueError for numbers that do not match, what are no probabilities, and a heatmap that is not
    finite.
    """
    if not len(answer) == len(silenced) == len(classes):
        raise ValueError(f"{len(answer)} and {len(silenced)} probabilities for {len(classes)} classes")
    (picture,) = pixels(image)
    if picture.shape[:2] != tuple(heatmap.shape):
        raise ValueError(f"a heatmap of {tuple(heatmap.shape)} over a picture of {picture.shape[:2]}")
    finite([heatmap], "heatmap")
    for what, chances in {"answer": answer, "silenced": silenced}.items():
        if not ((chances >= -_ROUNDED) & (chances <= 1 + _ROUNDED)).all():
            span = f"{float(chances.min()):.3g} to {float(chances.max()):.3g}"
            raise ValueError(f"{what} holds {span}; give probabilities: logits.softmax(1)[0]")
    low, high = heatmap.min().item(), heatmap.max().item()
    heat = ((heatmap - low) / max(high - low, 1e-12)).float().cpu().numpy()
    shown = answer.maximum(silenced).argsort(descending=True, stable=True)[:_CLASSES].tolist()
    said = ", ".join(f"{classes[c]} {answer[c]:.0%}, silenced {silenced[c]:.0%}" for c in shown)
    content = f"A heatmap over a picture, {low:.3g} to {high:.3g}; the unit's best patches; bars: {said}."
    figure = page(title, alt, content, BAR + _SIDE + _HEAD)
    bottom, x = PAD + BAR, PAD
    ax = place(figure, x, bottom, _SIDE, _SIDE)
    ax.imshow(blend(picture, heat))
    ax.set_axis_off()
    ax.set_title("its map")
    scale_bar(figure, ramp(), (f"{low:.3g}", f"{high:.3g}"))

    x += _SIDE + _BETWEEN
    side = (_SIDE - (_ROWS - 1) * _GAP) / _ROWS
    for n, patch in enumerate(pixels(patches[: _ROWS * _COLUMNS])):
        row, column = divmod(n, _COLUMNS)
        at = x + column * (side + _GAP), bottom + _SIDE - side - row * (side + _GAP)
        ax = place(figure, *at, side, side)
        ax.imshow(patch, interpolation="nearest" if patch.shape[1] < 100 * side else "antialiased")
        ax.set_axis_off()
        if n == 0:
            ax.set_title("its best patches")

    x += _COLUMNS * (side + _GAP) + _BETWEEN
    ax = place(figure, x, bottom, WIDTH - PAD - x, _SIDE)
    ax.set_title("the answer")
    _pairs(ax, [classes[c] for c in shown], answer[shown], silenced[shown])
    figure.text(x / WIDTH, (PAD + 0.28) / figure.get_figheight(), "with the unit", color=DARK, weight="bold")
    figure.text((x + 1.5) / WIDTH, (PAD + 0.28) / figure.get_figheight(), "without", color=GREY)
    return figure


def _pairs(ax: Axes, names: Sequence[str], before: Tensor, after: Tensor) -> None:
    """For each class its name and under it two bars, each with its value."""
    ax.set(xlim=(0, 1.3), ylim=(len(names) - 0.02, 0))
    ax.set_axis_off()
    for n, name in enumerate(names):
        ax.text(0, n + 0.16, name if len(name) < 24 else f"{name[:22]}…", va="center_baseline", size=12)
        for value, y, colour in ((before[n].item(), n + 0.48, DARK), (after[n].item(), n + 0.77, PALE)):
            ax.barh(y, value, color=colour, height=0.27)
            ax.text(value + 0.03, y, f"{value:.0%}", va="center", size=11)
