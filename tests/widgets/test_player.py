"""The player: what the browser gets, its frame, what readers see. test_browser.py plays it."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from camlib.widgets.player import Player, _sheet

VIEW = "application/vnd.jupyter.widget-view+json"
IMAGES = torch.linspace(0, 1, 9)[:, None, None, None].expand(9, 3, 16, 24)
TRACK = torch.stack([torch.arange(9.0), torch.full((9,), 5.125)], 1)
TRUTH = torch.stack([TRACK + torch.tensor([3.0, 4.0]), TRACK + 100], 1)
TRUTH[4], TRUTH[5, 0] = torch.nan, torch.nan


@pytest.fixture
def it() -> Player:
    gap = TRACK.clone()
    gap[2] = torch.nan
    return Player(IMAGES, {"peak": gap, "steady": TRACK + 3}, TRUTH, title="It follows")


def test_what_the_browser_gets(it: Player) -> None:
    state = it.get_state()
    assert state["_size"] == [16, 24, 9, 9]
    sheet = Image.open(io.BytesIO(state["_sheet"]))
    assert (sheet.format, sheet.size) == ("JPEG", (9 * 24, 16))
    shades = np.asarray(sheet)[8, 12::24, 0] / 255
    assert shades == pytest.approx(IMAGES[:, 0, 0, 0].tolist(), abs=0.02)
    peak, steady = state["_tracks"]
    assert (peak["name"], steady["name"]) == ("peak", "steady")
    assert peak["colour"] != steady["colour"]
    assert peak["mark"] != steady["mark"]
    assert peak["points"][:3] == [[0.0, 5.12], [1.0, 5.12], [None, None]]
    assert peak["errors"][:5] == [5.0, 5.0, None, 5.0, None]
    assert peak["errors"][5] == 141.42  # only the far one is to be seen
    assert [len(points) for points in state["_truth"]] == [2, 2, 2, 2, 0, 1, 2, 2, 2]
    assert state["_truth"][0][0] == [3.0, 9.12]
    assert "export default" in state["_esm"]
    assert ".camlib-player" in state["_css"]


def test_the_front_end_needs_no_network(it: Player) -> None:
    signs = ("http:", "https:", "import(", "import {", "@import", "fetch(")
    assert [sign for sign in signs if sign in f"{it._esm}{it._css}"] == []


def test_many_frames_lie_in_rows() -> None:
    data, columns = _sheet(torch.zeros(50, 1, 100, 200))
    assert columns == 20
    assert Image.open(io.BytesIO(data)).size == (4000, 300)
    with pytest.raises(ValueError, match="50 frames of 1000 × 1000 pixels; they must fit on 4096"):
        _sheet(torch.zeros(1, 1, 1, 1).expand(50, 1, 1000, 1000))
    with pytest.raises(ValueError, match="1 frames of 2 × 5000 pixels"):
        _sheet(torch.zeros(1, 1, 2, 5000))


def test_the_frame_can_be_set(it: Player) -> None:
    assert it.frame == 0
    it.frame = 8
    it.set_state({"frame": 3})  # as the browser does
    assert it.frame == 3
    for wrong in (-1, 9):
        with pytest.raises(ValueError, match=f"no frame {wrong}; they are 0 to 8"):
            it.frame = wrong
    assert it.frame == 3


def test_readers_see_the_strip(it: Player) -> None:
    data, metadata = it._repr_mimebundle_()
    assert data[VIEW]["model_id"] == it.model_id
    (kind,) = metadata
    assert metadata[kind]["alt"] == data["text/plain"] == it.still.alt
    assert it.still.alt.startswith("It follows. Frames 0, 2, 3, 5, 6, 8 of 9")
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")


def test_without_truth() -> None:
    it = Player(IMAGES, {"peak": TRACK}, title="It goes", alt="A square gets lighter.", rate=5)
    assert it._truth == []
    assert it._tracks[0]["errors"] == []
    assert it._rate == 5
    assert it.still.alt == "A square gets lighter."


def test_bad_input_is_told() -> None:
    for call, says in (
        (lambda: Player(IMAGES[0], {"peak": TRACK}, title="No"), r"images are \(3, 16, 24\)"),
        (lambda: Player(IMAGES[:1], {"peak": TRACK[:1]}, title="No"), "two frames or more"),
        (lambda: Player(IMAGES, {"peak": TRACK}, title="No", rate=0), "rate is 0"),
        (lambda: Player(IMAGES, {"peak": TRACK[:3]}, title="No"), r"'peak' is \(3, 2\)"),
    ):
        with pytest.raises(ValueError, match=says):
            call()
