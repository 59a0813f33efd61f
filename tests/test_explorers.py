"""The explorer shows what it says: the map, the patches and the answer of the unit that was chosen."""

from datetime import UTC, datetime
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from camlib import critters, load, record, silence, top_patches
from camlib.explorers import UnitExplorer
from camlib.geometry import receptive_field, upsample
from camlib.show.overlay import blend

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
    assert it.said.value.startswith("no.png: cannot read the picture: UnidentifiedImageError")
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
