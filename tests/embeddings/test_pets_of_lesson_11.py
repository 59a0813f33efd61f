"""What lesson 11 says to run on the pets runs: here on a small set in their format, made from colours."""

import colorsys
import re
from functools import partial
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image

import camlib
from camlib.pictures.pet_breeds import BREEDS
from camlib.pictures.photo_downloads import SOURCES

EACH = 24  # photographs of a breed: the lesson takes every fourth, and learns from half of these


def make_pets(root: Path) -> None:
    """One colour for each breed, on a ground that varies; the animal is the middle of the picture."""
    for folder in ("images", "annotations/trimaps"):
        (root / folder).mkdir(parents=True)
    random, lines = np.random.default_rng(0), []
    for number, breed in enumerate(BREEDS):
        colour = [int(255 * part) for part in colorsys.hsv_to_rgb(number / len(BREEDS), 1, 1)]
        for k in range(EACH):
            stem = f"{breed.replace(' ', '_')}_{k}"
            pixels = random.integers(0, 255, (48, 48, 3), np.uint8)
            pixels[12:36, 12:36] = colour
            Image.fromarray(pixels).save(root / "images" / f"{stem}.jpg")
            trimap = np.full((48, 48), 2, np.uint8)
            trimap[12:36, 12:36] = 1
            Image.fromarray(trimap).save(root / "annotations/trimaps" / f"{stem}.png")
            lines.append(f"{stem} {number + 1} 1 1\n")
    (root / "annotations/trainval.txt").write_text("".join(lines))


def pasted() -> str:
    """The block of the lesson that is to be pasted into a new cell."""
    lesson = nbformat.read(Path(__file__).parents[2] / "notebooks/11_beyond_objects.ipynb", 4)
    (text,) = [cell.source for cell in lesson.cells if "camlib data get pets" in cell.source]
    return str(text.split("```python\n")[1].split("```")[0])


def test_what_lesson_11_says_to_run_on_pets_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAMLIB_DATA", str(tmp_path))
    make_pets(tmp_path / "oxford-iiit-pet")
    verbs = ("cam", "codes", "linear_svm", "load", "pointing_game", "scores", "with_head")
    names = {verb: getattr(camlib, verb) for verb in verbs} | {"torch": torch}
    small = partial(camlib.photos, size=64)  # in a twelfth of the time
    exec(pasted(), names | {"photos": small, "big": camlib.load("efficientnet_lite0")})
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 7
    rights = [int(share) for share in re.findall(r"right where breeds .*? (\d+)% \[", "\n".join(told))]
    assert len(rights) == 4
    assert min(rights[:2]) > 20  # the trained network, where guessing gives 3
    # each picture's middle 42 of 48 pixels are kept, and 24 of these are the animal
    assert told[-1] == f"always the same breed: 3%; a random pixel is on the animal in {(24 / 42) ** 2:.0%}"


def test_where_the_pets_are_not_it_says_in_one_line_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMLIB_DATA", str(tmp_path))
    closed = {f"http://127.0.0.1:9/{k}.tar.gz": "0" for k in range(2)}
    monkeypatch.setitem(SOURCES, "pets", SOURCES["pets"]._replace(archives=closed))
    with pytest.raises(
        OSError, match="put its folder oxford-iiit-pet into a folder and set CAMLIB_DATA"
    ) as caught:
        exec(pasted(), {"photos": camlib.photos})
    assert "\n" not in str(caught.value)
