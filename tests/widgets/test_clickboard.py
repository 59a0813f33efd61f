"""The board of pictures to click in: its points, what the browser gets, what readers see."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from camlib.widgets.clickboard import ClickBoard

VIEW = "application/vnd.jupyter.widget-view+json"
NAN = torch.nan
PICTURES = [torch.full((3, 30, 40), 0.25), torch.full((1, 1280, 960), 0.75), torch.zeros(3, 20, 20)]
SOME = torch.tensor([[12.5, 7.0], [NAN, NAN], [0.0, 19.0]])


@pytest.fixture
def it() -> ClickBoard:
    return ClickBoard(PICTURES, "Where is the nose?")


def test_points_start_unknown_and_can_be_set(it: ClickBoard) -> None:
    assert it.points.shape == (3, 2)
    assert it.points.isnan().all()
    it.points = SOME
    assert torch.equal(it.points[[0, 2]], SOME[[0, 2]])
    assert it.points[1].isnan().all()
    assert it.get_state()["_points"] == [[12.5, 7.0], [], [0.0, 19.0]]
    assert torch.equal(ClickBoard(PICTURES, "?", SOME).points[[0, 2]], SOME[[0, 2]])


def test_who_listens_is_told_of_each_change() -> None:
    heard: list[torch.Tensor] = []
    it = ClickBoard(torch.zeros(2, 3, 8, 9), "Where?", on_points=heard.append)
    assert heard == []
    it.set_state({"_points": [[8.4, 3], []]})  # as the browser does
    assert len(heard) == 1
    assert heard[0][0].tolist() == pytest.approx([8.4, 3])
    assert heard[0][1].isnan().all()
    it.points = torch.tensor([[1.0, 2], [3, 4]])
    assert heard[1].tolist() == [[1, 2], [3, 4]]


def test_what_the_browser_gets(it: ClickBoard) -> None:
    state = it.get_state()
    assert state["_sizes"] == [[30, 40], [1280, 960], [20, 20]]
    shown = [Image.open(io.BytesIO(picture)) for picture in state["_pictures"]]
    assert [picture.size for picture in shown] == [(40, 30), (480, 640), (20, 20)]
    assert [int(np.asarray(picture).mean()) for picture in shown] == pytest.approx([64, 191, 0], abs=2)
    assert state["_question"] == "Where is the nose?"
    assert "export default" in state["_esm"]
    assert ".camlib-clicks" in state["_css"]
    signs = ("http:", "https:", "import(", "import {", "@import", "fetch(")
    assert [sign for sign in signs if sign in f"{it._esm}{it._css}"] == []


def test_readers_see_the_pictures_with_the_points(it: ClickBoard) -> None:
    data, metadata = it._repr_mimebundle_()
    assert data[VIEW]["model_id"] == it.model_id
    (kind,) = metadata
    assert metadata[kind]["alt"] == "Where is the nose? 3 pictures, with a point in 0."
    it.points = SOME
    assert it.still.alt == "Where is the nose? 3 pictures, with a point in 2."
    drawn = [np.asarray(ax.lines[0].get_xydata()) for ax in it.still.axes]
    assert drawn[0].tolist() == [[12.5, 7.0]]
    assert np.isnan(drawn[1]).all()


@pytest.mark.parametrize(
    ("pictures", "points", "says"),
    [
        ([], None, "no pictures; give"),
        (torch.zeros(2, 4, 8, 8), None, r"a picture of shape \(4, 8, 8\)"),
        (torch.zeros(3, 8, 8), None, r"a picture of shape \(8, 8\)"),
        (PICTURES, SOME[:2], r"points are \(2, 2\); give \(3, 2\)"),
        (PICTURES, SOME + 10, r"\(10, 29\) is outside picture 2, 20 × 20 pixels"),
        (PICTURES, -SOME, r"\(-12.5, -7\) is outside picture 0, 40 × 30 pixels"),
    ],
)
def test_bad_input_is_told(pictures, points, says) -> None:
    with pytest.raises(ValueError, match=says):
        ClickBoard(pictures, "Where?", points)
