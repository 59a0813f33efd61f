"""A clip as a strip of film: some of its frames in a row, the tracks on them, and how far off they are."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from ..scores.tracks import track_errors
from .figure import GREY, PAD, WIDTH, Figure, breadth, place, styled
from .marks import dots
from .tiles import heaviness, pixels, tiles

# Of the tracks, in order: smaller ones lie on larger ones, so that all are seen where they agree.
MARKS = (("#dc770f", "o", 8.0), ("#2a79b6", "D", 4.5), ("#941d5c", "s", 3.0))  # colour, mark, points across
_CURVE, _KEY = 1.5, 0.34  # inches: the curve of errors, and the row that says what the marks are


@styled
def strip(
    images: Tensor | Sequence[Tensor],
    tracks: Mapping[str, Tensor],
    truth: Tensor | None = None,
    frames: Sequence[int] | None = None,
    *,
    title: str,
    alt: str | None = None,
) -> Figure:
    """Frames of a clip in a row, each track's point on them; below, each track's error over the whole clip.

    images: the clip, (N, C, H, W) in [0, 1].  tracks: up to three, name → (N, 2), (x, y); NaN where there is
    no point.  truth: (N, 2) or (N, K, 2), drawn as rings, NaN where it is hidden; without it there is no
    curve. Where all is hidden the curve's ground is grey.
    frames: which frames to draw; six, evenly, if none are named.
    Raises ValueError for more than three tracks or none, other numbers of points, a frame that is not there.
    """
    count, true = len(images), known(tracks, truth, len(images))
    chosen = (
        list(frames)
        if frames is not None
        else np.linspace(0, count - 1, min(count, 6)).round().astype(int).tolist()
    )
    if not chosen or any(not 0 <= number < count for number in chosen):
        raise ValueError(f"frames {chosen}; the clip has 0 to {count - 1}")
    off = {name: track_errors(track, true) for name, track in tracks.items()} if true is not None else {}
    said = [f"{name} {error.nanmean():.1f} pixels off" for name, error in off.items()]
    content = f"Frames {', '.join(map(str, chosen))} of {count} with {', '.join(tracks)} marked"
    content += f", and the errors of all frames, in the mean {', '.join(said)}." if said else "."
    below = _KEY + (_CURVE + 0.55 if off else 0)
    shown = pixels([images[number] for number in chosen])
    figure, axes = tiles(shown, [f"frame {number}" for number in chosen], title, alt, content, None, below)
    for ax, number in zip(axes, chosen, strict=True):
        if true is not None:
            dots(ax, true[number], heaviness(ax), hollow=True)
        for look, track in zip(MARKS, tracks.values(), strict=False):
            _mark(ax, track[number].tolist(), *look)
    _key(figure, list(tracks), true, below - _KEY)
    if true is not None:
        _curve(figure, off, true, chosen)
    return figure


def known(tracks: Mapping[str, Tensor], truth: Tensor | None, count: int) -> Tensor | None:
    """The truth as (N, K, 2). Raises ValueError where tracks and truth are not those of `count` frames."""
    if not 1 <= len(tracks) <= len(MARKS):
        raise ValueError(f"{len(tracks)} tracks; give one to three, name → points")
    for name, track in tracks.items():
        if tuple(track.shape) != (count, 2):
            raise ValueError(f"{name!r} is {tuple(track.shape)}; a track of {count} frames is ({count}, 2)")
    if truth is None:
        return None
    true = truth[:, None] if truth.ndim == 2 else truth
    if true.ndim != 3 or len(true) != count or true.shape[2] != 2:
        raise ValueError(f"truth is {tuple(truth.shape)} for {count} frames; give (N, 2) or (N, K, 2)")
    return true.detach().cpu().float()


def _mark(ax: Axes, point: list[float], colour: str, mark: str, size: float) -> None:
    ax.plot(*([at] for at in point), mark, ms=size, mfc=colour, mec="white", mew=0.8)


def _key(figure: Figure, names: list[str], true: Tensor | None, y: float) -> None:
    """What the marks are, in a row."""
    ax = place(figure, PAD, PAD + y, WIDTH - 2 * PAD, _KEY)
    ax.set(xlim=(0, WIDTH - 2 * PAD), ylim=(0, 1))
    ax.set_axis_off()
    x, rows = 0.08, [*zip(names, MARKS, strict=False)]
    if true is not None:
        dots(ax, torch.tensor([x, 0.4]), 0.9, hollow=True)
        ax.text(x + 0.12, 0.4, "true", va="center_baseline")
        x += 0.12 + breadth("true", 13) + 0.35
    for name, look in rows:
        _mark(ax, [x, 0.4], *look)
        ax.text(x + 0.12, 0.4, name, va="center_baseline", parse_math=False)
        x += 0.12 + breadth(name, 13) + 0.35
    if true is not None and _hidden(true).any():
        ax.text(WIDTH - 2 * PAD, 0.4, "grey: hidden", va="center_baseline", ha="right", color=GREY, size=11)


def _hidden(true: Tensor) -> Tensor:
    """The frames without a true point: bool (N,)."""
    return true.isnan().any(2).all(1)


def _curve(figure: Figure, off: Mapping[str, Tensor], true: Tensor, chosen: Sequence[int]) -> None:
    """The errors over the frames; grey where there is nothing to be right about."""
    ax = place(figure, PAD + 0.62, PAD + 0.5, WIDTH - 2 * PAD - 0.75, _CURVE)
    for (colour, _, _), error in zip(MARKS, off.values(), strict=False):
        ax.plot(np.arange(len(error)), error.numpy(), color=colour, linestyle="-")
    hidden = _hidden(true).numpy()
    ax.fill_between(
        np.arange(len(hidden)),
        0,
        1,
        where=hidden,
        transform=ax.get_xaxis_transform(),
        color="0.88",
        step="mid",
        lw=0,
    )
    for number in chosen:
        ax.axvline(number, color="0.6", lw=0.8, ls=":", zorder=0)
    ax.set(xlabel="frame", ylabel="pixels off", xlim=(-0.5, len(hidden) - 0.5))
    ax.set_ylim(bottom=0)
