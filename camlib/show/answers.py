"""One photograph and where a network saw each of its answers: `camlib look`'s page."""

from collections.abc import Sequence

from torch import Tensor

from .figure import GREY, PAD, WIDTH, Figure, styled, wrapped
from .overlay import blend, ramp
from .tiles import BAR, pixels, scale_bar, tiles

_SIZE, _LINE = 10.0, 0.19  # of the note: points, inches
_LEFT = 3.0  # inches from the page's edge to the note, past the scale


@styled
def look(
    image: Tensor,
    heatmaps: Tensor,
    captions: Sequence[str],
    note: str,
    *,
    title: str,
    alt: str | None = None,
    columns: int = 3,
) -> Figure:
    """The photograph, then a heatmap over it for each answer, all on one scale with its bar; a note.

    image: (C, H, W) in [0, 1].  heatmaps: (K, H, W), in one unit.  captions: K.
    note: what the maps are, in which unit, and how they were made.
    Raises ValueError where captions and heatmaps do not match, or the heatmaps' size is not the photograph's.
    """
    (picture,) = pixels(image)
    if len(captions) != len(heatmaps):
        raise ValueError(f"{len(captions)} captions for {len(heatmaps)} heatmaps")
    if heatmaps.ndim != 3 or not len(heatmaps) or tuple(heatmaps.shape[1:]) != picture.shape[:2]:
        raise ValueError(f"heatmaps are {tuple(heatmaps.shape)}, the photograph {picture.shape[:2]}")
    heat = heatmaps.detach().float().cpu()
    low, high = heat.min(), heat.max()
    warmth = ((heat - low) / (high - low).clamp_min(1e-12)).numpy()
    lines = wrapped(note, WIDTH - PAD - _LEFT, _SIZE)
    below = max(BAR, (lines.count("\n") + 1) * _LINE + 0.12)
    drawn = [picture, *(blend(picture, warm) for warm in warmth)]
    content = (
        f"A photograph, and heatmaps over it from {low:.3g} to {high:.3g}: {', '.join(captions)}. {note}"
    )
    figure, _ = tiles(
        drawn, ["the photograph", *captions], title, alt, content, min(columns, len(drawn)), below
    )
    scale_bar(figure, ramp(), (f"{low:.3g}", f"{high:.3g}"))
    where = _LEFT / WIDTH, PAD / figure.get_figheight()
    figure.text(*where, lines, color=GREY, size=_SIZE, va="bottom", linespacing=1.3, parse_math=False)
    return figure
