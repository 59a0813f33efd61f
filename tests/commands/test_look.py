"""`camlib look`: the page, its numbers, and one line for whatever is wrong."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from camlib import show
from camlib.__main__ import main
from camlib.commands.look import look
from camlib.heatmaps.cam import cam
from camlib.heatmaps.gradcam import gradcam
from camlib.networks.course import build
from camlib.networks.net import Net
from camlib.networks.zoo import load
from camlib.scenes.scenes import critters


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in, and no weights but the course's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("CAMLIB_WEIGHTS", raising=False)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A scene as a photograph, wider than high."""
    path = tmp_path / "in" / "critter.jpg"
    path.parent.mkdir()
    scene = critters(1, seed=5, size=160).pixels[0].permute(1, 2, 0).numpy()
    Image.fromarray(np.pad(scene, ((0, 0), (40, 40), (0, 0)))).save(path, quality=95)
    return path


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What stderr says of a wrong command line: one line, and exit status 2."""
    before = sorted(Path.cwd().rglob("*"))
    try:
        code = main(["look", *arguments])
    except SystemExit as stopped:
        code = stopped.code  # type: ignore[assignment]
    assert code == 2
    assert sorted(Path.cwd().rglob("*")) == before, "something was written"
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("\n")
    assert captured.err.count("\n") == 1
    return captured.err


def image() -> Tensor:
    return critters(1, seed=5).images[0]


# The work


def test_cam_where_it_is_defined() -> None:
    net, picture = load("critternet_gap"), image()
    found = look(net, picture, top=4)
    shares = net(picture[None]).softmax(1)[0]
    order = shares.argsort(descending=True)[:4]
    assert found.method == "cam"
    assert found.classes == tuple(net.classes[c] for c in order)
    torch.testing.assert_close(found.probabilities, shares[order].detach())
    expected = cam(net, picture.expand(4, -1, -1, -1), order)
    torch.testing.assert_close(found.heatmaps, expected)
    assert "16 × 16 cells" in found.note
    assert "mean over the cells" in found.note
    assert "128 × 128 pixels" in found.note
    assert "highest cell" in look(load("critternet_gmp"), picture).note


def test_gradcam_where_it_is_not_and_says_so() -> None:
    net, picture = load("critternet"), image()
    found = look(net, picture, top=3)
    assert found.method == "gradcam"
    assert "critternet has no class activation maps" in found.note
    order = net(picture[None])[0].argsort(descending=True)[:3]
    expected = gradcam(net, picture.expand(3, -1, -1, -1), order)
    torch.testing.assert_close(found.heatmaps, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="use gradcam"):
        look(net, picture, "cam")


def test_occlusion_loses_what_the_class_needs() -> None:
    net, picture = load("critternet_gap"), image()
    found = look(net, picture, "occlusion", top=2)
    assert found.heatmaps.shape == (2, 128, 128)
    assert found.heatmaps[0].max() <= found.probabilities[0] + 1e-5  # no more than all of it can be lost
    assert found.heatmaps[0].max() > 0.05
    assert "32 × 32 pixels, moved by 16" in found.note


def test_the_network_is_left_as_it_was() -> None:
    net = load("critternet_gap").train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    look(net, image(), "gradcam", top=2)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert net.training


@pytest.mark.parametrize("top", [0, 10, -1])
def test_more_answers_than_there_are(top: int) -> None:
    with pytest.raises(ValueError, match=rf"top is {top}; critternet_gap has 1 to 9 answers"):
        look(load("critternet_gap"), image(), top=top)


# The page


def test_the_page_has_one_scale_for_all_maps() -> None:
    heat = torch.zeros(2, 8, 8)
    heat[0, 2, 2], heat[1, 5, 5] = 4.0, 1.0
    figure = show.look(torch.ones(3, 8, 8), heat, ["a 90%", "b 5%"], "In logits.", title="It is a")
    photograph, first, second, bar = figure.axes
    assert [ax.get_title("left") for ax in figure.axes[:3]] == ["the photograph", "a 90%", "b 5%"]
    assert [label.get_text() for label in bar.get_xticklabels()] == ["0", "4"]
    brightness = [np.asarray(ax.images[0].get_array()).sum(2) for ax in (first, second)]
    assert brightness[0][2, 2] == brightness[0].max() > brightness[1][5, 5] > brightness[1][0, 0]
    assert np.asarray(photograph.images[0].get_array()).min() == 1
    assert "In logits." in figure.alt
    assert "from 0 to 4" in figure.alt
    assert figure.texts[-1].get_text() == "In logits."


def test_a_long_note_and_long_names_stay_on_the_page() -> None:
    note = "A note of many words, for whoever wants to know how this was made. " * 6
    names = ["a name that will not fit into one line 12.3%"] * 5
    figure = show.look(torch.rand(3, 16, 16), torch.rand(5, 16, 16), names, note, title="Long")
    figure.canvas.draw()
    for text in (*figure.texts, *(ax.title for ax in figure.axes)):
        extent = text.get_window_extent()
        assert extent.x0 > -1
        assert extent.x1 < figure.bbox.x1 + 1
        assert extent.y0 > -1
        assert extent.y1 < figure.bbox.y1 + 1
    assert figure.texts[-1].get_window_extent().y1 < figure.axes[5].get_window_extent().y0


def test_a_page_that_does_not_fit_is_refused() -> None:
    picture, heat = torch.ones(3, 8, 8), torch.ones(2, 8, 8)
    with pytest.raises(ValueError, match="1 captions for 2 heatmaps"):
        show.look(picture, heat, ["a"], "n", title="t")
    with pytest.raises(ValueError, match=r"heatmaps are \(2, 8, 7\), the photograph \(8, 8\)"):
        show.look(picture, heat[:, :, :7], ["a", "b"], "n", title="t")


# The command


def test_it_writes_a_page_and_prints_the_answers(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["look", str(photo), "--net", "critternet_gap", "--top", "3"]) == 0
    page = Image.open(tmp_path / "critter-look.png")
    assert (page.format, page.size[0]) == ("PNG", 1200)
    first, *answers = capsys.readouterr().out.splitlines()
    assert first == f"{photo}: critternet_gap, cam, in critter-look.png"
    assert len(answers) == 3
    shares = [float(line.split("%")[0]) for line in answers]
    assert shares == sorted(shares, reverse=True)
    assert answers[0].split()[-1] in load("critternet_gap").classes


def test_output_of_every_kind(photo: Path, tmp_path: Path) -> None:
    other = photo.with_name("other.png")
    Image.open(photo).save(other)
    net = ["--net", "critternet_gap", "--top", "1"]
    assert main(["look", str(photo), *net, "-o", "page.JPG"]) == 0
    assert Image.open("page.JPG").format == "JPEG"
    assert main(["look", str(photo), *net, "-o", "page.JPG"]) == 0  # its own page may be made again
    (tmp_path / "out").mkdir()
    assert main(["look", str(photo), str(other), *net, "-o", "out"]) == 0
    assert files(tmp_path / "out") == {"critter-look.png", "other-look.png"}


def test_own_weights(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(3)
    state = build("critternet_gap").state_dict()
    save_file(state, "critternet_gap-mine.safetensors")
    save_file(state, "mine.safetensors")
    expected = load("critternet_gap", weights="mine.safetensors")
    assert main(["look", str(photo), "--weights", "critternet_gap-mine.safetensors", "--top", "1"]) == 0
    named = capsys.readouterr().out.splitlines()
    both = ["--weights", "mine.safetensors", "--net", "critternet_gap"]
    assert main(["look", str(photo), *both, "--top", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == named
    assert named[1].split()[1] in expected.classes
    os.remove("critter-look.png")
    assert "which network is mine.safetensors for? say --net" in said(
        capsys, str(photo), "--weights", "mine.safetensors"
    )
    wrong = ["--weights", "mine.safetensors", "--net", "critternet"]
    assert "mine.safetensors is for another network" in said(capsys, str(photo), *wrong)
    assert "there is no weight file nowhere.pth" in said(capsys, str(photo), "--weights", "nowhere.pth")


def test_the_network_that_is_here(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no ImageNet network is here: camlib weights get mobilenet_v2" in said(capsys, str(photo))
    own = tmp_path / "weights"
    own.mkdir()
    torch.save(load("squeezenet1_1", weights="random").module.state_dict(), own / "squeezenet1_1.pth")
    monkeypatch.setenv("CAMLIB_WEIGHTS", str(own))
    assert main(["look", str(photo), "--top", "2"]) == 0
    assert "squeezenet1_1, cam" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.jpg"], "camlib: nowhere.jpg is not there"),
        (["."], "camlib: . is a folder: name photographs"),
        (["text.jpg"], "camlib: cannot read text.jpg: UnidentifiedImageError"),
        (["cut.jpg"], "camlib: cannot read cut.jpg: OSError"),
        (["PHOTO", "nowhere.jpg"], "camlib: nowhere.jpg is not there"),
        (["PHOTO", "--net", "critternet_gop"], "no network is called 'critternet_gop' (did you mean"),
        (["PHOTO", "--net", "lenet"], "lenet reads pictures of 1 channel, no photographs"),
        (
            ["PHOTO", "--method", "gradcm"],
            "no method 'gradcm' (did you mean 'gradcam'?); there are cam, gradcam",
        ),
        (["PHOTO", "--method", "cam", "--net", "critternet"], "critternet has no class activation maps"),
        (["PHOTO", "--top", "10"], "top is 10; critternet_gap has 1 to 9"),
        (["PHOTO", "--top", "many"], "argument --top: invalid int value: 'many'"),
        (["PHOTO", "-o", "page.pdf"], "-o page.pdf: the file's name ends in .png, .jpg, .jpeg"),
        (["PHOTO", "-o", "none/page.png"], "-o none/page.png: there is no folder none"),
        (["PHOTO", "-o", "PHOTO"], "would overwrite the photograph"),
        (["PHOTO", "PHOTO"], "two photographs would both become critter-look.png"),
        (["PHOTO", "PHOTO", "-o", "page.png"], "-o page.png is no folder; 2 photographs make a file each"),
        (["PHOTO", "--colour"], "unrecognized arguments: --colour"),
        ([], "the following arguments are required: PHOTO"),
    ],
)
def test_what_is_wrong_takes_one_line(
    arguments: list[str], message: str, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut.jpg").write_bytes(photo.read_bytes()[:2000])
    net = [] if "--net" in arguments else ["--net", "critternet_gap"]
    assert message in said(capsys, *(a.replace("PHOTO", str(photo)) for a in arguments), *net)


def test_a_page_that_cannot_be_written_leaves_nothing(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    assert "No space left on device" in said(capsys, str(photo), "--net", "critternet_gap", "--top", "1")


def test_an_interruption_leaves_nothing(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = photo.with_name("other.jpg")
    other.write_bytes(photo.read_bytes())
    calls: list[Net] = []

    def interrupted(net: Net, *_: object, **__: object) -> object:
        calls.append(net)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return look(net, image(), top=1)

    monkeypatch.setattr("camlib.commands.look.look", interrupted)
    before = files(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        main(["look", str(photo), str(other), "--net", "critternet_gap"])
    assert len(calls) == 2
    assert files(tmp_path) == before
