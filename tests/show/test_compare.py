"""A comparison shows what it is measured against, and how far each number would move."""

import pytest
import torch

from camlib import show

RIGHT = torch.arange(100) < 60
UNTRAINED = torch.arange(100) < 20
BASE = {"guessing": 0.125, "always fox": 0.5}


def compare(measured=None, **of):
    of = {"untrained": UNTRAINED, "base": BASE, "title": "Trained is better", **of}
    return show.compare(measured or {"trained": RIGHT, "five seeds": [0.5, 0.6, 0.7, 0.6, 0.6]}, **of)


def along(measured=None, **of):
    of = {"untrained": [UNTRAINED, [0.1, 0.3]], "base": BASE, "title": "Deeper is better", **of}
    return show.compare_along(["conv1", "conv2"], measured or {"trained": [RIGHT] * 2}, "layer", "hits", **of)


def test_the_alt_text_says_every_number_with_its_spread_and_the_base_rates():
    assert compare().alt == (
        "Trained is better. trained 60% [50%, 69%]; five seeds 60% [50%, 70%] in 5 runs; "
        "untrained 20% [12%, 28%]. For comparison: guessing 12%, always fox 50%. "
        "The brackets are 95% intervals over 100 pictures. "
        "In a row with runs they hold the lowest and the highest run."
    )
    assert along().alt == (
        "Deeper is better. hits over layer. trained: conv1 60% [50%, 69%], conv2 60% [50%, 69%]; "
        "untrained: conv1 20% [12%, 28%], conv2 20% [10%, 30%] in 2 runs. "
        "For comparison: guessing 12%, always fox 50%."
    )
    assert compare(alt="Two rows and a line.").alt == "Two rows and a line."


def test_intervals_runs_and_base_rates_are_drawn_where_they_are():
    figure = compare(form=".2f", untrained=None)
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["trained", "five seeds"]
    drawn = [line.get_xdata() for line in ax.lines]
    assert [list(x) for x in drawn[:2]] == [[0.125, 0.125], [0.5, 0.5]]
    assert list(drawn[2]) == pytest.approx([0.51, 0.70], abs=0.02)
    assert list(drawn[3]) == pytest.approx([0.6])
    assert list(drawn[4]) == [0.5, 0.6, 0.7, 0.6, 0.6]
    low, high = ax.get_xlim()
    assert low < 0.125
    assert high > 0.7
    same = compare({"a": [1.0, 1.0]}, untrained=None, base={"all": 1.0})
    assert same.axes[0].get_xlim() == (0.5, 1.5)


def test_a_zoomed_axis_says_so_and_arrows_stand_for_what_lies_outside():
    figure = compare(zoom=(0.5, 0.65))
    (ax,) = figure.axes
    said = "The axis shows 50% to 65% only; arrows point to what lies outside."
    assert ax.get_xlim() == (0.5, 0.65)
    assert ax.get_xlabel() == said
    assert figure.alt.endswith(said)
    arrows = {(line.get_marker(), int(line.get_ydata()[0])) for line in ax.lines if line.get_marker() in "<>"}
    assert arrows == {(">", 0), (">", 1), ("<", 2)}  # intervals to 69% and 70%, and the untrained network
    names = [text.get_text() for text in ax.texts]
    assert "◂ guessing 12%" in names
    assert "always fox 50%" in names
    assert sum(line.get_linestyle() == ":" for line in ax.lines) == 1  # 50% lies on the axis


def test_base_rates_names_do_not_cover_each_other():
    base = {f"rule number {n}": 0.4 + 0.01 * n for n in range(6)}
    figure = compare(base=base)
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if "rule" in text.get_text()]
    assert len(boxes) == 6
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_the_untrained_network_has_one_colour_beside_one_curve_and_beside_three():
    three = {"a": [RIGHT] * 2, "b": [RIGHT] * 2, "c": [RIGHT] * 2}
    for measured in ({"a": [RIGHT] * 2}, three):
        (ax,) = along(measured).axes
        colour = {text.get_text(): text.get_color() for text in ax.texts}
        assert colour["untrained"] == "#dc770f"
        assert len({colour[name] for name in (*measured, "untrained")}) == len(measured) + 1
        (curve,) = (line for line in ax.lines if line.get_color() == "#dc770f")
        assert list(curve.get_ydata()) == pytest.approx([0.2, 0.2])


def test_bands_reach_from_the_lowest_to_the_highest():
    (ax,) = along().axes
    bands = [band.get_paths()[0].get_extents() for band in ax.collections]
    assert (bands[1].y0, bands[1].y1) == pytest.approx((0.1, 0.3), abs=0.01)
    assert [text.get_text() for text in ax.texts] == [
        "guessing 12%",
        "untrained",
        "always fox 50%",
        "trained",
    ]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: compare({"one": 0.6}), "'one': one number has no spread; give a score, true or false"),
        (lambda: compare({"one": [0.6]}), "'one': one number has no spread"),
        (lambda: compare(base={}), "base is empty: what would a constant answer score"),
        (lambda: show.compare({}, untrained=None, base=BASE, title="x"), "nothing is compared"),
        (lambda: compare(zoom=(0.7, 0.6)), "zoom is \\(0.7, 0.6\\); give the lower end"),
        (lambda: compare(zoom=(0.9, 1.0)), "zoom is \\(0.9, 1.0\\), and no row lies there"),
        (lambda: compare({"untrained": RIGHT}), "'untrained' stands in measured"),
        (lambda: along({"a": [RIGHT]}), "'a' has 1 measurements for 2 places"),
        (lambda: along({"a": [RIGHT, 0.5]}), "'a, conv2': one number has no spread"),
        (lambda: along(base={}), "base is empty"),
        (
            lambda: show.compare_along([1], {}, "x", "y", untrained=None, base=BASE, title="x"),
            "nothing is compared",
        ),
    ],
)
def test_what_is_missing_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_the_untrained_network_and_the_base_rates_cannot_be_forgotten():
    with pytest.raises(TypeError, match="untrained"):
        show.compare({"trained": RIGHT}, base=BASE, title="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="base"):
        show.compare({"trained": RIGHT}, untrained=UNTRAINED, title="x")  # type: ignore[call-arg]
