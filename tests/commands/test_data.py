"""`camlib data`: what is here, what is said of what is not, and the page of truth."""

from pathlib import Path

import pytest
from PIL import Image

from camlib.__main__ import main
from camlib.pictures import photo_downloads
from tests.pictures.test_photo_sets import make_imagenette, make_pets


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAMLIB_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("CAMLIB_SHARED", raising=False)
    monkeypatch.setattr(photo_downloads, "_LIST", "http://127.0.0.1:9/list")
    return tmp_path / "data"


def test_list(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_pets(home)
    assert main(["data", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["photos", "imagenette", "pets", "imagenet-sample"]
    assert lines[0].split()[1:] == ["14", "pictures", "comes", "with", "the", "packages"]
    assert lines[1].split()[1:3] == ["13394", "pictures"]  # as many as the set has
    assert lines[2].split()[1:3] == ["3", "pictures"]  # as many as are there
    assert lines[1].endswith("342 MB  not here: camlib data get imagenette")
    assert lines[2].endswith(f"811 MB  {home / 'oxford-iiit-pet'}")
    assert lines[4] == f"the data folder is {home}; CAMLIB_DATA moves it"


def test_get(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_imagenette(home)
    assert main(["data", "get", "imagenete", "imagenet-sample", "imagenette"]) == 1
    out, err = capsys.readouterr()
    assert out == f"imagenette: {home / 'imagenette2-320'}\n"  # the others' failures do not stop it
    first, second = err.splitlines()
    assert first.startswith("camlib: no set is called 'imagenete' (did you mean 'imagenette'")
    assert second.startswith("camlib: no network, or http://127.0.0.1:9/list cannot be reached")
    assert main(["data", "get", "imagenette"]) == 0


def test_show(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_pets(home)
    make_imagenette(home)
    monkeypatch.chdir(tmp_path)
    for arguments, name in [([], "photos-truth.png"), (["pets"], "pets-truth.png")]:
        assert main(["data", "show", *arguments]) == 0
        assert capsys.readouterr().out == f"{name}\n"
        assert Image.open(tmp_path / name).size[0] > 900
    assert main(["data", "show", "imagenette", "-o", "some.png"]) == 0
    assert (tmp_path / "some.png").is_file()
    capsys.readouterr()
    assert main(["data", "show", "unicorns"]) == 1
    assert main(["data", "show", "pets", "-o", "nowhere/page.png"]) == 1
    err = capsys.readouterr().err.splitlines()
    assert err[0].startswith("camlib: no set is called 'unicorns'; there are imagenette")
    assert err[1] == "camlib: -o nowhere/page.png: there is no folder nowhere"
    assert len(err) == 2
    Path("mine.jpg").write_text("precious")
    for output, said in {
        "page.gif": "-o page.gif: the file's name ends in .png, .jpg, .jpeg",
        "mine.jpg": "mine.jpg is there, and camlib did not write it",
        "": "-o is ''",
    }.items():
        assert main(["data", "show", "-o", output]) == 1
        assert capsys.readouterr().err.startswith(f"camlib: {said}")
    assert Path("mine.jpg").read_text() == "precious"
    assert main(["data", "show", "-o", "some.png"]) == 0  # its own page is made anew
