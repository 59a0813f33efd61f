"""The interactive map: what the browser gets, the selection, the still. test_browser.py moves the mouse."""

import base64
import importlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image

from camlib import PointMap, show
from camlib.widgets.pointmap import _sheet
from tools import execute

VIEW = "application/vnd.jupyter.widget-view+json"
POINTS = torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0], [8.0, 9.0]])
SHADES = torch.linspace(0, 1, 5)
PICTURES = SHADES[:, None, None, None].expand(5, 3, 20, 20)
FACTS: dict[str, Any] = {
    "tree": ["elm", "ash", "elm", "oak", "ash"],
    "size": torch.tensor([0.25, 1, 2, 3, 4]),
    "tall": torch.tensor([False, True, True, False, True]),
}


@pytest.fixture
def it():
    return PointMap(POINTS, PICTURES, FACTS, title="Five shades")


def test_what_the_browser_gets(it):
    state = it.get_state()
    assert np.frombuffer(state["_points"], "<f4").tolist() == POINTS.flatten().tolist()
    tree, size, tall = state["_facts"]
    assert (tree["name"], tree["names"], tree["values"]) == ("tree", ("ash", "elm", "oak"), [1, 0, 1, 2, 0])
    assert len(tree["colours"]) == len(tree["marks"]) == 3
    assert (size["names"], size["values"]) == ((), [0.25, 1, 2, 3, 4])
    assert (tall["names"], tall["values"]) == (("yes", "no"), [1, 0, 0, 1, 0])
    assert it.by == "tree"
    sheet = Image.open(io.BytesIO(state["_sheet"]))
    assert sheet.format == "JPEG"
    assert sheet.size == (3 * 128, 2 * 128)  # three a row
    centres = [np.asarray(sheet)[128 * (n // 3) + 64, 128 * (n % 3) + 64, 0] / 255 for n in range(5)]
    assert centres == pytest.approx(SHADES.tolist(), abs=0.02)
    assert sheet.getpixel((340, 200)) == (255, 255, 255)  # an empty place
    assert "export default" in state["_esm"]
    assert ".camlib-map" in state["_css"]


def test_the_front_end_needs_no_network(it):
    text = f"{it._esm}{it._css}"
    assert [
        sign for sign in ("http:", "https:", "import(", "import {", "@import", "fetch(") if sign in text
    ] == []


def test_many_pictures_get_smaller_thumbnails():
    class Many:
        def __init__(self, count):
            self.count = count

        def __len__(self):
            return self.count

        def __getitem__(self, index):
            return torch.zeros(3, 4, 4)

    data, side = _sheet(Many(2500))
    assert side == 81  # 50 in a row of 4096 pixels
    assert Image.open(io.BytesIO(data)).size == (50 * 81, 50 * 81)
    with pytest.raises(ValueError, match="30000 pictures; a map shows at most 28900"):
        _sheet(Many(30_000))


def test_the_selection_is_in_order_and_there(it):
    assert it.selected == []
    it.selected = [3, 1, 3]
    assert it.selected == [1, 3]
    for wrong in ([5], [-1, 2]):
        with pytest.raises(ValueError, match="they are 0 to 4"):
            it.selected = wrong
    assert it.selected == [1, 3]
    seen = []
    it.observe(lambda change: seen.append(change.new), "selected")
    it.set_state({"selected": [4, 0]})  # as the browser does
    assert it.selected == [0, 4]
    assert seen[-1] == [0, 4]


def test_the_fact_that_colours_it(it):
    it.by = "size"
    with pytest.raises(
        ValueError, match=r"no fact 'siz' \(did you mean 'size'\?\); there are tree, size, tall"
    ):
        it.by = "siz"
    assert it.by == "size"


CELLS = torch.tensor([[3, 0, -1], [1, 2, 4]])
CODES = torch.tensor([[0.0, 0], [0, 1], [0, 3], [0, 6], [0, 2.1]])


def test_a_poster_and_what_is_nearest():
    state = PointMap(POINTS, PICTURES, FACTS, title="Five", cells=CELLS, codes=CODES).get_state()
    laid = np.frombuffer(state["_cells"], "<f4").reshape(5, 2)
    assert laid.tolist() == [[1, 0], [0, -1], [1, -1], [0, 0], [2, -1]]
    near = np.frombuffer(state["_nearest"], "<i4").reshape(5, 4)
    assert near[:, 0].tolist() == [1, 0, 4, 2, 2]
    assert near[3].tolist() == [2, 4, 1, 0]
    tree, size, _ = state["_facts"]
    assert sorted(word for word, _, _ in tree["spots"]) == ["ash", "ash", "elm", "oak"]
    assert ["oak", pytest.approx(1 / 6), 0.25] in tree["spots"]
    assert size["spots"] == []


def test_pictures_may_be_left_off_the_poster(it):
    some = PointMap(POINTS, PICTURES, FACTS, title="Five", cells=CELLS[1:])
    laid = np.frombuffer(some._cells, "<f4").reshape(5, 2)
    assert np.isnan(laid).all(1).tolist() == [True, False, False, True, False]
    assert it._cells == it._nearest == b""
    assert it._facts[0]["spots"] == []


def test_a_page_of_its_own(tmp_path):
    it = PointMap(POINTS, PICTURES, FACTS, title="Ash & <elm>", cells=CELLS, codes=CODES)
    it.selected = [2]
    it.save(tmp_path / "it.html")
    it.save(str(tmp_path / "it.html"))  # again
    assert [file.name for file in tmp_path.iterdir()] == ["it.html"]
    text = (tmp_path / "it.html").read_text("utf-8")
    assert "<title>Ash &amp; &lt;elm&gt;</title>" in text
    assert [
        sign
        for sign in ("http:", "https:", "import(", "import {", "@import", "fetch(", "src=")
        if sign in text
    ] == []
    told = json.loads(text.split('type="application/json">')[1].split("</script>")[0])
    assert (told["selected"], told["_title"]) == ([2], "Ash & <elm>")
    assert base64.b64decode(told["_sheet"]["base64"]) == it._sheet
    nowhere: list[Any] = [None, ""]
    for wrong in nowhere:
        with pytest.raises(ValueError, match="give a path"):
            it.save(wrong)
    with pytest.raises(FileNotFoundError):
        it.save(tmp_path / "nowhere" / "it.html")


def test_readers_see_the_still(it):
    data, metadata = it._repr_mimebundle_()
    assert data[VIEW]["model_id"] == it.model_id
    (kind,) = metadata
    assert metadata[kind]["alt"] == data["text/plain"] == it.still.alt
    assert it.still.alt.startswith("Five shades. 5 points of 3 classes")
    assert base64.b64decode(data["image/png"]) == show.png(it.still)
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[output])])
    kept = execute.clean(nb).cells[0].outputs[0].data
    assert set(kept) == {"image/png", "text/plain"}
    other = PointMap(POINTS, PICTURES, FACTS, title="Five", alt="Five squares from black to white.")
    assert other.still.alt == "Five squares from black to white."


def test_items_may_carry_labels_and_be_grey():
    items = [(shade.expand(1, 8, 8), 0) for shade in SHADES]
    sheet = Image.open(io.BytesIO(PointMap(POINTS.half(), items, FACTS, title="Grey")._sheet))
    assert sheet.getpixel((64 + 128, 64)) == pytest.approx((64, 64, 64), abs=5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"codes": CODES[:4]}, "4 codes for 5 points"),
        ({"codes": CODES / 0}, "finite"),
        ({"cells": torch.tensor([[5]])}, "the grid shows picture 5; there are 5"),
        ({"cells": torch.tensor([0, 1])}, "whole numbers \\(rows, columns\\)|a grid"),
        ({"cells": [[0, 1]]}, "cells"),
    ],
)
def test_cells_and_codes_that_do_not_fit_are_told(options, says):
    with pytest.raises(ValueError, match=says):
        PointMap(POINTS, PICTURES, FACTS, title="Wrong", **options)


@pytest.mark.parametrize(
    ("points", "pictures", "facts", "says"),
    [
        (POINTS, PICTURES, {}, "a map wants a fact"),
        (POINTS[:4], PICTURES, {"tree": FACTS["tree"][:4]}, "5 pictures for 4 points"),
        (POINTS, PICTURES, {"tree": ["elm"]}, "1 values for 5 points"),
        (POINTS, PICTURES, {"tree": FACTS["tree"], "size": torch.ones(4)}, "'size' is 4 values for 5 points"),
        (POINTS / 0, PICTURES, FACTS, "point 0 is not finite"),
        (POINTS.T, PICTURES, FACTS, r"points are \(N, 2\)"),
    ],
)
def test_bad_input_is_told(points, pictures, facts, says):
    with pytest.raises(ValueError, match=says):
        PointMap(points, pictures, facts, title="Wrong")


def test_the_wheel_has_the_front_end(tmp_path):
    wheel = importlib.import_module("hatchling.builders.wheel")
    (built,) = wheel.WheelBuilder(str(Path(__file__).parents[2])).build(directory=str(tmp_path))
    names = set(zipfile.ZipFile(built).namelist())
    package = Path(__file__).parents[2] / "camlib"
    front = {file.relative_to(package.parent).as_posix() for file in (package / "widgets").glob("*.[jc]s*")}
    assert "camlib/widgets/pointmap.js" in front
    assert front <= names
    assert "camlib/data/weights/critternet_gap.safetensors" in names
