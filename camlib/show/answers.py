"""One picture and where a network saw each of its answers: `camlib look`'s page."""

from collections.abc import Sequence

from torch import Tensor

from .figure import GREY, PAD, WIDTH, Figure, styled, wrapped
from .overlay import LIGHT
from .signed import blend_signed, ramp_signed
from .tiles import BAR, pixels, scale_bar, tiles

_SIZE, _LINE = 10.0, 0.19  # of the note: points, inches
_LEFT = 3.0  # inches from the page's edge to the note, past the scale
_HIGH = 1.6  # a photograph so many times as high as wide: all in one row


@styled
def look(
    image: Tensor,
    heatmaps: Tensor,
    captions: Sequence[str],
    note: str,
    *,
    title: str,
    alt: str | None = None,
    columns: int | None = None,
) -> Figure:
    """The picture, then a heatmap over it for each answer, all on one scale with its bar; a note.

    image: (C, H, W) in [0, 1].  heatmaps: (K, H, W), in one unit; not a number where nothing was looked at.
    captions: K.  note: what the maps are, in which unit, and how they were made.
    columns: None: three, or all in a row where the picture is high.
    Zero is the picture in grey. Where values lie below it, the scale goes as far down as up, and zero is
    in its middle.
    Raises ValueError where captions and heatmaps do not match, or the heatmaps' size is not the picture's.
    """
    (picture,) = pixels(image)
    if len(captions) != len(heatmaps):
        raise ValueError(f"{len(captions)} captions for {len(heatmaps)} heatmaps")
    if heatmaps.ndim != 3 or not len(heatmaps) or tuple(heatmaps.shape[1:]) != picture.shape[:2]:
        raise ValueError(f"heatmaps are {tuple(heatmaps.shape)}, the picture {picture.shape[:2]}")
    heat = heatmaps.detach().float().cpu()
    seen = heat[heat.isfinite()]
    if not seen.numel():
        raise ValueError("the heatmaps have no number")
    low, high = float(seen.min()), float(seen.max())
    most = max(abs(low), abs(high))
    lines = wrapped(note, WIDTH - PAD - _LEFT, _SIZE)
    below = max(BAR, (lines.count("\n") + 1) * _LINE + 0.12)
    drawn = [picture, *(blend_signed(picture, one) for one in (heat / max(most, 1e-12)).numpy())]
    content = f"A picture, and heatmaps over it from {low:.3g} to {high:.3g}: {', '.join(captions)}. {note}"
    row = len(drawn) if picture.shape[0] > _HIGH * picture.shape[1] else 3
    across = min(columns or row, len(drawn))
    figure, _ = tiles(drawn, ["the picture", *captions], title, alt, content, across, below)
    figure.quality = LIGHT
    if low < 0:
        scale_bar(figure, ramp_signed(), (f"−{most:.3g}", "0", f"+{most:.3g}"))
        figure.axes[-1].axvline(0.5, color="white", linewidth=1.5)
    else:
        scale_bar(figure, ramp_signed(0), ("0", f"{most:.3g}") if most else ("0 everywhere",))
    where = _LEFT / WIDTH, PAD / figure.get_figheight()
    figure.text(*where, lines, color=GREY, size=_SIZE, va="bottom", linespacing=1.3, parse_math=False)
    return figure
