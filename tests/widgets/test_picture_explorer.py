"""The explorer shows what it says: the map, the patches and the answer of the unit that was chosen."""

from datetime import UTC, datetime
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from camlib import critters, load, record, silence, top_patches, wrap
from camlib.embeddings.codes import codes
from camlib.geometry.field import receptive_field, upsample
from camlib.show.overlay import blend
from camlib.widgets.picture_explorer import SearchBox, UnitExplorer

NET, SCENES = load("critternet", weights="random"), critters(3, seed=4)
BEST = {layer: top_patches(NET, layer, SCENES, k=2) for layer in ("conv1", "conv5")}
PICTURES = {"one": SCENES.images[0], "two": SCENES.images[1]}


def explorer():
    return UnitExplorer(NET, PICTURES, BEST, SCENES, start=("one", "conv5", 40))


def test_the_page_shows_map_patches_and_answer():
    it = explorer()
    with torch.inference_mode(), record(NET, "conv5") as acts:
        answer = NET(SCENES.images[:1]).softmax(1)[0]
    with torch.inference_mode(), silence(NET, "conv5", 40):
        silenced = NET(SCENES.images[:1]).softmax(1)[0]
    top = answer.argmax()
    words = (
        f"conv5, unit 40: without it {NET.classes[top]} goes from {answer[top]:.0%} to {silenced[top]:.0%}"
    )
    assert it.still.alt.startswith(words)
    assert it.picture.tooltip == it.still.alt
    drawn, _, first, second, _ = [
        np.asarray(ax.images[0].get_array() if ax.images else 0.0) for ax in it.still.axes
    ]
    heat = upsample(acts["conv5"][0, 40], receptive_field(NET, "conv5"))
    heat = (heat - heat.min()) / (heat.max() - heat.min())
    assert abs(drawn - blend(SCENES.images[0].permute(1, 2, 0).numpy(), heat.numpy())).max() < 1e-5
    for patch, want in zip((first, second), BEST["conv5"].pick(40).crops(SCENES)[0], strict=True):
        assert abs(patch - want.permute(1, 2, 0).numpy()).max() < 1e-6


def test_another_layer_has_its_own_units():
    it = explorer()
    it.controls["layer"].value = "conv1"
    assert it.controls["unit"].options == tuple(range(32))
    assert it.picture.tooltip.startswith("conv1, unit 0:")
    it.controls["unit"].value = 31
    it.controls["layer"].value = "conv5"
    it.controls["unit"].value = 63
    it.controls["picture"].value = "two"
    assert it.picture.tooltip.startswith("conv5, unit 63:")


def uploaded(name, content):
    """What a browser sends."""
    now = datetime.now(UTC)
    return (
        {
            "name": name,
            "type": "",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": now,
        },
    )


def test_ones_own_picture():
    it, file = explorer(), BytesIO()
    Image.new("RGB", (300, 200), "red").save(file, "png")
    before = it.picture.value
    it.upload.value = uploaded("red.png", file.getvalue())
    assert it.controls["picture"].value == "3: red.png"
    assert it.picture.value != before
    assert it.pictures["3: red.png"].shape == (3, 128, 128)
    it.upload.value = uploaded("no.png", b"text")
    assert it.said.value.startswith("no.png: cannot read the picture: it is no picture")
    assert it.controls["picture"].options == ("one", "two", "3: red.png")


def test_a_start_that_is_not_there():
    for start, said in [
        (("three", "conv5", 1), "start at one of one, two and one of conv1, conv5"),
        (("one", "conv3", 1), "start at one of one, two"),
        (("one", "conv5", 64), "no patches of unit 64"),
    ]:
        with pytest.raises(ValueError, match=said):
            UnitExplorer(NET, PICTURES, BEST, SCENES, start)
    with pytest.raises(ValueError, match=r"'small' is \(64, 64\); the data set has \(128, 128\)"):
        UnitExplorer(NET, {**PICTURES, "small": torch.zeros(3, 64, 64)}, BEST, SCENES, ("one", "conv5", 1))


def search_box(**options):
    known = {"fc7": codes(NET, "fc7", SCENES), "pixels": SCENES.images.flatten(1)}
    return SearchBox(NET, known, SCENES, PICTURES, start=("two", "fc7"), k=3, **options)


def test_the_search_box_finds_a_picture_by_itself():
    box = search_box()
    assert box.picture.tooltip == box.still.alt
    drawn = [np.asarray(ax.images[0].get_array()) for ax in box.still.axes]
    assert len(drawn) == 4
    two = SCENES.images[1].permute(1, 2, 0).numpy()
    assert abs(drawn[0] - two).max() == abs(drawn[1] - two).max() == 0
    captions = [ax.get_title(loc="left") for ax in box.still.axes]
    assert captions[0] == "query"
    name, distance = captions[1].rsplit(maxsplit=1)
    assert name == SCENES.classes[SCENES.labels[1]]
    assert float(distance) < 1e-3
    box.controls["layer"].value = "pixels"
    box.controls["metric"].value = "cosine"
    assert box.picture.tooltip.startswith("Nearest in pixels to two")


def test_a_picture_of_ones_own_is_searched_for():
    box = search_box()
    file = BytesIO()
    Image.new("RGB", (200, 120), "red").save(file, "png")
    box.upload.value = uploaded("cat.png", file.getvalue())
    assert box.controls["picture"].value == "3: cat.png"
    assert box.picture.tooltip.startswith("Nearest in fc7 to 3: cat.png")


def test_the_search_box_searches_pooled_codes():
    pooled = {"conv5": codes(NET, "conv5", SCENES, pool="mean")}
    box = SearchBox(NET, pooled, SCENES, PICTURES, start=("one", "conv5"), pool="mean", k=2)
    assert box.still.alt.startswith("Nearest in conv5 to one")


def test_the_search_box_refuses():
    with pytest.raises(ValueError, match="start at one of one, two and one of fc7; given"):
        SearchBox(NET, {"fc7": torch.eye(3)}, SCENES, PICTURES, start=("three", "fc7"))
    with pytest.raises(ValueError, match="2 codes of fc7 for 3 pictures"):
        SearchBox(NET, {"fc7": torch.eye(2)}, SCENES, PICTURES, start=("one", "fc7"))


def test_the_network_answers_in_eval_mode_and_keeps_its_own():
    torch.manual_seed(0)
    body = [torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Dropout(0.9)]
    net = wrap(torch.nn.Sequential(*body, torch.nn.Flatten(), torch.nn.Linear(4 * 128 * 128, 3)), size=128)
    best = {"conv1": top_patches(net, "conv1", SCENES, k=2)}
    before = UnitExplorer(net, PICTURES, best, SCENES, start=("one", "conv1", 1)).still.alt
    net.train()
    assert UnitExplorer(net, PICTURES, best, SCENES, start=("one", "conv1", 1)).still.alt == before
    assert all(module.training for module in net.modules())
