"""The strip of film: its frames, its marks, its curve."""

import numpy as np
import pytest
import torch

from camlib.show import png, strip

NAN = torch.nan
IMAGES = torch.linspace(0, 1, 9)[:, None, None, None].expand(9, 3, 16, 20)
TRACK = torch.stack([torch.arange(9.0), torch.full((9,), 5.0)], 1)
TRUTH = torch.stack([TRACK + torch.tensor([3.0, 4.0]), TRACK + 100], 1)
TRUTH[4] = NAN


def test_frames_marks_and_curve() -> None:
    gap = TRACK.clone()
    gap[2] = NAN
    figure = strip(IMAGES, {"peak": gap, "steady": TRACK + 3}, TRUTH, [0, 2, 8], title="It follows")
    assert figure.alt == (
        "It follows. Frames 0, 2, 8 of 9 with peak, steady marked, and the errors of all frames, in the mean "
        "peak 5.0 pixels off, steady 1.0 pixels off."
    )
    first, second, last, key, curve = figure.axes
    assert [ax.get_title(loc="left") for ax in (first, second, last)] == ["frame 0", "frame 2", "frame 8"]
    assert np.asarray(last.images[0].get_array()).max() == 1
    peak, steady = first.lines[-2:]
    assert np.ravel(peak.get_xydata()).tolist() == [0, 5]
    assert np.ravel(steady.get_xydata()).tolist() == [3, 8]
    assert np.isnan(second.lines[-2].get_xydata()).all()
    rings = np.asarray(last.lines[0].get_xydata())
    assert rings.tolist() == [[11, 9], [108, 105]]
    assert [text.get_text() for text in key.texts] == ["true", "peak", "steady", "grey: hidden"]
    drawn = np.asarray(curve.lines[0].get_ydata(), float)
    assert np.isnan(drawn[[2, 4]]).all()
    assert drawn[[0, 1, 3, 5, 6, 7, 8]].tolist() == [5.0] * 7
    assert png(figure).startswith(b"\x89PNG")


def test_without_truth_there_is_no_curve() -> None:
    figure = strip(IMAGES, {"peak": TRACK}, title="Six of nine")
    assert len(figure.axes) == 7
    assert figure.alt == "Six of nine. Frames 0, 2, 3, 5, 6, 8 of 9 with peak marked."
    assert [text.get_text() for text in figure.axes[-1].texts] == ["peak"]


@pytest.mark.parametrize(
    ("tracks", "truth", "frames", "says"),
    [
        ({}, None, None, "0 tracks; give one to three"),
        (dict.fromkeys("abcd", TRACK), None, None, "4 tracks"),
        ({"peak": TRACK[:5]}, None, None, r"'peak' is \(5, 2\); a track of 9 frames is \(9, 2\)"),
        ({"peak": TRACK}, TRUTH[:5], None, r"truth is \(5, 2, 2\) for 9 frames"),
        ({"peak": TRACK}, None, [0, 9], r"frames \[0, 9\]; the clip has 0 to 8"),
        ({"peak": TRACK}, None, [], "frames"),
    ],
)
def test_bad_input_is_told(tracks, truth, frames, says) -> None:
    with pytest.raises(ValueError, match=says):
        strip(IMAGES, tracks, truth, frames, title="Wrong")
