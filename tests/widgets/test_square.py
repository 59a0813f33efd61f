"""The square to drag: what it answers, what it refuses, what readers see."""

import io

import pytest
import torch
from PIL import Image
from torchvision.transforms.v2.functional import pil_to_tensor

from camlib.networks.net import Net
from camlib.networks.zoo import load
from camlib.widgets.square import SquareExplorer


@pytest.fixture(scope="module")
def net() -> Net:
    return load("critternet")


@pytest.fixture
def explorer(net: Net) -> SquareExplorer:
    pictures = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    return SquareExplorer(net, {"one": pictures[0], "two": pictures[1]}, side=30)


def covered(explorer: SquareExplorer, y: slice, x: slice, value: float) -> list[list[object]]:
    """The rows as they should be, with these rows and columns of the picture filled."""
    image = explorer._images[explorer.picture]
    other = image.clone()
    other[:, y, x] = value
    with torch.inference_mode():
        was, now = (explorer.net(one[None]).softmax(1)[0].tolist() for one in (image, other))
    names = explorer.net.classes
    return [
        [name, pytest.approx(a, abs=1e-5), pytest.approx(b, abs=1e-5)]
        for name, a, b in zip(names, was, now, strict=True)
    ]


def test_rows_are_the_networks_answers(explorer: SquareExplorer) -> None:
    assert (explorer.picture, explorer.x, explorer.y, explorer.side, explorer.fill) == (
        "one",
        49,
        49,
        30,
        "grey",
    )
    assert explorer.rows == covered(explorer, slice(49, 79), slice(49, 79), 0.5)
    explorer.set_state({"x": 5, "y": 90, "side": 20})
    assert explorer.rows == covered(explorer, slice(90, 110), slice(5, 25), 0.5)
    explorer.fill = "white"
    assert explorer.rows == covered(explorer, slice(90, 110), slice(5, 25), 1.0)
    explorer.picture = "two"
    assert explorer.rows == covered(explorer, slice(90, 110), slice(5, 25), 1.0)
    explorer.x = -12  # it may hang over the border
    assert explorer.rows == covered(explorer, slice(90, 110), slice(0, 8), 1.0)


def test_a_move_asks_once(explorer: SquareExplorer) -> None:
    runs: list[int] = []
    with explorer.net.register_forward_hook(lambda _, inputs, __: runs.append(len(inputs[0]))):
        explorer.set_state({"x": 7, "y": 8})
        assert runs == [1]
        explorer.set_state({"x": 7, "y": 8})
        assert runs == [1]
        explorer.picture = "two"
        assert runs == [1, 1, 1]  # as it is, and with the square


def test_what_is_sent(explorer: SquareExplorer) -> None:
    def seen(png: bytes) -> torch.Tensor:
        found: torch.Tensor = pil_to_tensor(Image.open(io.BytesIO(png)))
        return found

    assert torch.equal(seen(explorer._shown), (explorer._images["one"] * 255).byte())
    assert seen(explorer._behind).unique().tolist() == [127]
    explorer.fill = "blur"
    wide = explorer._behind
    explorer.side = 6
    assert explorer._behind != wide


def test_places_are_kept_inside_and_names_checked(explorer: SquareExplorer) -> None:
    explorer.x, explorer.y = 500, -500
    assert (explorer.x, explorer.y) == (127, -29)
    explorer.side = 1000
    assert explorer.side == 128
    with pytest.raises(ValueError, match="no fill 'gray'; there are grey, black, white, mean, blur, noise"):
        explorer.fill = "gray"
    with pytest.raises(ValueError, match="no picture 'three'; there are one, two"):
        explorer.picture = "three"


def test_wrong_pictures(net: Net) -> None:
    with pytest.raises(ValueError, match="no pictures; give one or more"):
        SquareExplorer(net, {})
    with pytest.raises(ValueError, match=r"pictures of \(3, 4, 4\), \(3, 4, 5\); give"):
        SquareExplorer(net, {"a": torch.zeros(3, 4, 4), "b": torch.zeros(3, 4, 5)})


def test_many_classes_show_the_first_and_who_leads() -> None:
    net = load("squeezenet1_1", weights="random")
    explorer = SquareExplorer(net, {"one": torch.rand(3, 64, 64)})
    with torch.inference_mode():
        was = net(explorer._images["one"][None]).softmax(1)[0]
    names = [net.classes[c] for c in was.argsort(descending=True)[:5].tolist()]
    assert [row[0] for row in explorer.rows[:5]] == names
    assert len(explorer.rows) == 6


def test_readers_see_a_still(explorer: SquareExplorer) -> None:
    data, metadata = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    kind = next(key for key in data if key.startswith("image/"))
    assert metadata[kind]["alt"].startswith("With the square: ")
