"""Who did which shard of a run, and when."""

from collections.abc import Mapping
from pathlib import Path

from ..cluster.log import shard_log
from .figure import DARK, PAD, PALE, WIDTH, Figure, breadth, page, place, styled

__all__ = ["shards"]

_ROW, _AXIS = 0.62, 0.62  # inches
_MARK = "#b3560a"


@styled
def shards(
    folder: str | Path,
    *,
    title: str,
    alt: str | None = None,
    begin: float | None = None,
    marks: Mapping[str, float] | None = None,
) -> Figure:
    """A row for each worker of a run, a bar for each shard that it brought back, named by its first picture.

    folder: the run's, as `map_shards` was given it.  begin: what counts as second 0, in seconds since 1970;
    None: when the first shard began.  marks: what happened, by name, and when: upright lines.
    Raises ValueError where the folder has no log.
    """
    log = sorted(shard_log(folder), key=lambda line: line.began)
    zero = log[0].began if begin is None else begin
    events = {text: when - zero for text, when in (marks or {}).items()}
    workers = list(dict.fromkeys(line.worker for line in log))
    names = [f"worker {n + 1}" for n in range(len(workers))]
    end = max([line.ended - zero for line in log] + list(events.values()))
    done = [[line for line in log if line.worker == worker] for worker in workers]
    told = [
        f"{name} does {len(each)} shard{'s' * (len(each) > 1)}, "
        f"from {each[0].began - zero:.1f} to {each[-1].ended - zero:.1f} s"
        for name, each in zip(names, done, strict=True)
    ]
    told += [f"{text} at {when:.1f} s" for text, when in events.items()]
    tall = _ROW * len(workers)
    above = 0.3 if events else 0.05
    figure = page(title, alt, "; ".join(told) + ".", _AXIS + tall + above)
    left = PAD + 0.15 + max(breadth(name, 13) for name in names)
    ax = place(figure, left, PAD + _AXIS, WIDTH - left - PAD - 0.1, tall)
    for row, each in enumerate(done):
        for n, line in enumerate(each):
            start, seconds = line.began - zero, line.ended - line.began
            ax.barh(row, seconds, 0.74, start, color=(DARK, PALE)[n % 2], edgecolor="white", lw=1.5)
            colour = ("white", "black")[n % 2]
            if breadth(str(line.first), 11) < 0.9 * seconds / (1.02 * end) * (WIDTH - left - PAD):
                ax.text(
                    start + seconds / 2, row, str(line.first), size=11, color=colour, ha="center", va="center"
                )
    for text, when in events.items():
        ax.axvline(when, color=_MARK, lw=2.5, linestyle="--", zorder=3)
        side = "left" if when < 0.6 * end else "right"
        across = ax.get_xaxis_transform()
        ax.text(when, 1.02, text, transform=across, color=_MARK, size=12, weight="bold", ha=side, va="bottom")
    ax.set(
        xlim=(0, 1.02 * end), ylim=(len(workers) - 0.5, -0.5), yticks=range(len(workers)), xlabel="seconds"
    )
    ax.set_yticklabels(names, size=13)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return figure
