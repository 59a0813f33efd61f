"""An explorer draws again when a control moves, on any thread, and puts out a still beside the widget."""

import base64
import threading
from io import BytesIO

import nbformat
import pytest
import torch
from nbconvert import HTMLExporter
from PIL import Image

from camlib import show, widgets
from tools import execute, lesson, slides

VIEW = "application/vnd.jupyter.widget-view+json"
SNAPSHOTS = {
    epoch: torch.randn(9, 3, 7, 7, generator=torch.Generator().manual_seed(epoch)) for epoch in (4, 0, 1)
}


def draw(shade, word="a"):
    picture = torch.full((3, 4, 4), float(shade))
    return show.images(picture, title=f"{word} {shade}", alt=f"A grey square of shade {shade}, said {word}.")


def grey(png):
    image = Image.open(BytesIO(png)).convert("L")
    return image.getpixel((image.width // 4, image.height * 3 // 4))


def test_a_control_draws_again():
    it = widgets.explorer(draw, shade=[0.0, 0.5, 1.0], word=["a", "b"])
    assert [type(c).__name__ for c in it.controls.values()] == ["SelectionSlider", "Dropdown"]
    assert grey(it.picture.value) == 0
    it.controls["shade"].value = 0.5
    assert grey(it.picture.value) in (127, 128)
    assert it.picture.tooltip == "A grey square of shade 0.5, said a."
    before = it.picture.value
    it.controls["word"].value = "b"
    assert it.picture.value != before
    assert it.picture.tooltip == "A grey square of shade 0.5, said b."
    assert it.picture.layout.width == "800px"
    with pytest.raises(ValueError, match="shade has 1 values to choose from"):
        widgets.explorer(draw, shade=[1])


def test_it_draws_the_same_on_other_threads():
    its = [widgets.explorer(draw, shade=[0.0, 0.5, 1.0]) for _ in range(4)]

    def move(it):
        for shade in (0.5, 1.0, 0.5):
            it.controls["shade"].value = shade

    threads = [threading.Thread(target=move, args=(it,)) for it in its]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {it.picture.value for it in its} == {show.png(draw(0.5))}


def test_one_bundle_holds_the_widget_and_the_still():
    it = widgets.explorer(draw, shade=[0.0, 1.0])
    data, metadata = it._repr_mimebundle_()
    assert set(data) == {VIEW, "image/png", "text/plain"}
    assert data[VIEW]["model_id"] == it.model_id
    assert data["text/plain"] == metadata["image/png"]["alt"] == "A grey square of shade 0.0, said a."
    assert metadata["image/png"]["live"]  # a deck tells its readers
    it.controls["shade"].value = 1.0
    assert it._repr_mimebundle_()[0]["image/png"] == data["image/png"]  # the still stays
    other = widgets.explorer(draw, still=draw(0.25), shade=[0.0, 1.0])
    assert "shade 0.25" in other._repr_mimebundle_()[1]["image/png"]["alt"]


def test_readers_see_the_still(tmp_path):
    data, metadata = widgets.explorer(draw, shade=[0.0, 1.0])._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    cell = nbformat.v4.new_code_cell("x", outputs=[output], metadata={"slideshow": {"slide_type": "slide"}})
    heading = nbformat.v4.new_markdown_cell("# T", metadata={"slideshow": {"slide_type": "slide"}})
    nb = nbformat.v4.new_notebook(cells=[heading, cell])
    page, _ = HTMLExporter().from_notebook_node(nb)  # no widget state is kept, so nbconvert takes the PNG
    assert data["image/png"][:100] in page.replace("\n", "")
    deck = slides.build(nb, tmp_path, "t").read_text("utf-8")
    assert 'alt="A grey square of shade 0.0, said a."' in deck
    assert "widget-view" not in deck
    assert "In the notebook this picture answers" in deck
    clean = execute.clean(nb).cells[1].outputs[0]
    assert VIEW not in clean.data
    assert lesson.alt(clean, "image/png") == "A grey square of shade 0.0, said a."


def test_filters_over_epochs():
    it = widgets.filters_over_epochs(SNAPSHOTS)
    slider = it.controls["epoch"]
    assert slider.options == (0, 1, 4)
    assert slider.description == "epoch"
    for epoch, words in [(0, "Before training"), (1, "After 1 epoch:"), (4, "After 4 epochs:")]:
        slider.value = epoch
        assert words in it.picture.tooltip
    assert base64.b64decode(it._repr_mimebundle_()[0]["image/png"]) == show.png(it.still)
    assert "left to right after 0, 1, 4 epochs" in it.still.alt
    assert "15 filters" in it.still.alt
