"""A comparison as it must be shown: each number with its spread, the untrained network, the base rates.

show.compare({"trained": right}, untrained=right_untrained, base=scores.base_rates(labels), title="…")
"""

from collections.abc import Callable, Mapping, Sequence

from ..scores.spread import Evidence, Spread, spread
from .charts import SHADES, Numbers, lines
from .figure import DARK, GREY, PAD, WIDTH, Figure, breadth, page, place, styled

__all__ = ["compare", "compare_along"]

_ROW, _LINE, _AXIS = 0.42, 0.24, 0.36  # inches: a row, a base rate's name, the axis' numbers
_CUT = 0.26  # inches: that the axis shows a part only
_PLAIN = "#b3560a"  # the untrained network
_UNTRAINED = "untrained"


@styled
def compare(
    measured: Mapping[str, Evidence],
    *,
    untrained: Evidence | None,
    base: Mapping[str, float],
    title: str,
    alt: str | None = None,
    form: str = ".0%",
    zoom: tuple[float, float] | None = None,
) -> Figure:
    """A row for each thing compared: its value, how far it would move, and the base rates as lines.

    measured: by name what was measured, as `scores.spread` takes it: a score, true or false for each picture
    (both with the 95 % interval over pictures), or one number for each seed, draw or network (all are drawn).
    untrained: the same of the untrained network; None only where nothing that is compared was trained.
    base: what answers that do not look score, by name: `scores.base_rates(labels)`, a box in the middle, the
    best that is possible.  form: how values are written.
    zoom: the two ends of the axis, where rows that are close together should be told apart; the axis says so,
    and an arrow at its edge stands for what lies outside.
    Raises ValueError for a number without a spread, where `measured` or `base` is empty, and for a zoom in
    which no row lies.
    """
    rows = _spreads(measured, untrained, base)
    written = {name: f"{one:{form}}".replace(" in ", "\nin ") for name, one in rows.items()}
    content = "; ".join(f"{name} {one:{form}}" for name, one in rows.items())
    against = ", ".join(f"{name} {value:{form}}" for name, value in base.items())
    over = " and ".join(dict.fromkeys(one.of for one in rows.values() if not one.points))
    note = f" The brackets are 95% intervals over {over}." if over else ""
    if any(one.points for one in rows.values()):
        note += " In a row with runs they hold the lowest and the highest run."
    left = PAD + 0.15 + max(breadth(name, 13) for name in rows)
    right = PAD + 0.2 + max(breadth(text, 12) for text in written.values())
    across = WIDTH - left - right
    ends = [*base.values(), *(end for one in rows.values() for end in (one.low, one.high))]
    lowest, highest = min(ends), max(ends)
    margin = 0.04 * (highest - lowest) or 0.5
    lowest, highest = lowest - margin, highest + margin
    if zoom is not None:
        lowest, highest = _zoomed(zoom, rows)
        cut = f"The axis shows {lowest:{form}} to {highest:{form}} only; arrows point to what lies outside."
        note += f" {cut}"
    named = {f"{_arrow(value, lowest, highest)}{name} {value:{form}}": value for name, value in base.items()}
    levels = _levels(named, lambda value: across * (value - lowest) / (highest - lowest), across)
    tall, under = _ROW * len(rows), _AXIS + (_CUT if zoom else 0)
    height = under + tall + _LINE * (max(level for _, level in levels.values()) + 1) + 0.06
    figure = page(title, alt, f"{content}. For comparison: {against}.{note}", height)
    figure.shades = SHADES
    ax = place(figure, left, PAD + under, across, tall)
    if zoom:
        ax.set_xlabel(cut, size=11, color=GREY, loc="right")
    ax.set(xlim=(lowest, highest), ylim=(len(rows) - 0.5, -0.5), yticks=range(len(rows)))
    ax.set_yticklabels(list(rows), size=13)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:{form}}")
    if zoom:  # no quarters, which a rounded number would tell wrongly
        ax.locator_params(axis="x", nbins=4, steps=[1, 2, 5, 10])
    else:
        ax.locator_params(axis="x", nbins=6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    for text, value in named.items():
        centre, level = levels[text]
        top = tall + 0.06 + _LINE * level
        if lowest <= value <= highest:
            ax.plot(
                [value, value],
                [0, (top + 0.02) / tall],
                ":",
                transform=ax.get_xaxis_transform(),
                color=GREY,
                lw=1.6,
                clip_on=False,
                zorder=1,
            )
        ax.text(
            centre / across,
            (top + 0.04) / tall,
            text,
            transform=ax.transAxes,
            ha="center",
            va="bottom",
            size=12,
            color=GREY,
            bbox={"fc": "white", "ec": "none", "pad": 0.5},  # over the lines of those above it
        )
    for row, (name, one) in enumerate(rows.items()):
        colour = _PLAIN if name == _UNTRAINED else DARK
        inside = 0.02 * (highest - lowest)
        if one.low < lowest:
            ax.plot([lowest + inside], [row], "<", color=colour, ms=10)
        if one.high > highest:
            ax.plot([highest - inside], [row], ">", color=colour, ms=10)
        if one.points:
            ax.plot(one.points, [row] * len(one.points), "o", color=colour, ms=6, alpha=0.45, mew=0)
            ax.plot([one.value] * 2, [row - 0.28, row + 0.28], "-", color=colour, lw=3)
        else:
            ax.plot([one.low, one.high], [row, row], "-", color=colour, lw=2.5, solid_capstyle="butt")
            ax.plot([one.value], [row], "D" if name == _UNTRAINED else "o", color=colour, ms=9)
        ax.annotate(
            written[name],
            (1, row),
            (8, 0),
            xycoords=ax.get_yaxis_transform(),
            textcoords="offset points",
            va="center",
            size=12,
            color=colour,
            annotation_clip=False,
        )
    return figure


@styled
def compare_along(
    x: Numbers | Sequence[str],
    measured: Mapping[str, Sequence[Evidence]],
    xlabel: str,
    ylabel: str,
    *,
    untrained: Sequence[Evidence] | None,
    base: Mapping[str, float],
    title: str,
    alt: str | None = None,
    form: str = ".0%",
    height: float = 3.4,
) -> Figure:
    """The same comparison at many places: a curve for each name in its band, base rates as thin level lines.

    x: numbers, or words, such as the names of layers.  measured, untrained: for each place what was measured
    there, as for `compare`; the band is the 95 % interval over pictures, or reaches from the lowest run to
    the highest. The untrained network is orange, however many curves there are.
    Raises ValueError as `compare` does, and where a curve lacks a place.
    """
    places = list(x)
    names = [one if isinstance(one, str) else f"{float(one):.4g}" for one in places]
    given = {**measured} if untrained is None else {**measured, _UNTRAINED: untrained}
    rows: dict[str, list[Spread]] = {}
    for name, curve in given.items():
        if len(curve) != len(places):
            raise ValueError(f"{name!r} has {len(curve)} measurements for {len(places)} places")
        rows[name] = [
            *_spreads(
                {f"{name}, {place}": one for place, one in zip(names, curve, strict=True)}, None, base
            ).values()
        ]
    if not rows:
        raise ValueError("nothing is compared: measured is empty")
    told = [
        f"{name}: " + ", ".join(f"{place} {one:{form}}" for place, one in zip(names, row, strict=True))
        for name, row in rows.items()
    ]
    against = ", ".join(f"{name} {value:{form}}" for name, value in base.items())
    content = (
        f"{title.strip().rstrip('.')}. {ylabel} over {xlabel}. {'; '.join(told)}. For comparison: {against}."
    )
    first = next(iter(rows))
    order = sorted(rows, key=lambda name: 0 if name == first else 1 if name == _UNTRAINED else 2)
    curves = {name: [one.value for one in rows[name]] for name in order}  # the second style is orange
    levels = {f"{name} {value:{form}}": [value] * len(places) for name, value in base.items()}
    figure = lines(x, curves | levels, xlabel, ylabel, title=title, alt=alt or content, height=height)
    (ax,) = figure.axes
    for line, row in zip(ax.lines, map(rows.__getitem__, order), strict=False):
        colour, across = line.get_color(), line.get_xdata()
        ax.fill_between(
            across, [one.low for one in row], [one.high for one in row], color=colour, alpha=0.18, lw=0
        )
    for line in ax.lines[len(rows) :]:
        line.set(color=GREY, lw=1.6, linestyle=":")
    for text in ax.texts:
        if text.get_text() in levels:
            text.set(color=GREY, weight="normal")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:{form}}")
    return figure


def _spreads(
    measured: Mapping[str, Evidence], untrained: Evidence | None, base: Mapping[str, float]
) -> dict[str, Spread]:
    """Every row's spread, the untrained network's last."""
    if not measured:
        raise ValueError("nothing is compared: measured is empty")
    if not base:
        raise ValueError(
            "base is empty: what would a constant answer score, and guessing? See scores.base_rates"
        )
    if untrained is not None and _UNTRAINED in measured:
        raise ValueError(f"{_UNTRAINED!r} stands in measured and is given again as untrained")
    rows = {}
    for name, evidence in [*measured.items(), *([] if untrained is None else [(_UNTRAINED, untrained)])]:
        try:
            rows[name] = spread(evidence)
        except ValueError as error:
            raise ValueError(f"{name!r}: {error}") from None
    return rows


def _zoomed(zoom: tuple[float, float], rows: Mapping[str, Spread]) -> tuple[float, float]:
    """The ends of the axis, looked at."""
    lowest, highest = zoom
    if not lowest < highest:
        raise ValueError(f"zoom is {zoom}; give the lower end of the axis, and the upper one")
    if not any(lowest <= one.value <= highest for one in rows.values()):
        raise ValueError(f"zoom is {zoom}, and no row lies there")
    return lowest, highest


def _arrow(value: float, lowest: float, highest: float) -> str:
    """What stands before the name of a base rate: which way it lies, where it is outside the axis."""
    return "◂ " if value < lowest else "▸ " if value > highest else ""


def _levels(
    named: Mapping[str, float], at: Callable[[float], float], across: float
) -> dict[str, tuple[float, int]]:
    """Where each base rate's name stands above its line: its centre in inches, and how many lines up."""
    placed: dict[str, tuple[float, int]] = {}
    taken: list[float] = []  # each level's right end so far
    for text, value in sorted(named.items(), key=lambda pair: pair[1]):
        half = breadth(text, 12) / 2
        centre = min(max(at(value), half), max(across - half, half))
        level = next((i for i, end in enumerate(taken) if centre - half > end + 0.12), len(taken))
        taken[level : level + 1] = [centre + half]
        placed[text] = centre, level
    return placed
