"""Pictures in tar files: what is one, what belongs to one, and a class that is no number."""

import io
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from camlib import tars


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            head = tarfile.TarInfo(name)
            head.size = len(content)
            tar.addfile(head, io.BytesIO(content))
    return path


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    return file.getvalue()


def test_a_pictures_mask_is_no_picture(tmp_path: Path) -> None:
    files = {
        "a.png": png(),
        "a.mask.png": png(),
        "a.cls": b"3\n",
        "b.seg.png": png(),
        "b.PNG": png(),
        "b.cls": b"1",
    }
    there = packed(tmp_path / "some.tar", files)
    found = tars(there, size=8)
    assert found.paths == (there / "a.png", there / "b.PNG")
    assert found.labels is not None
    assert found.labels.tolist() == [3, 1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"tabby\ncat", r"some\.tar/set/a\.cls holds 'tabby\\ncat'; it is a class's number"),
        (b"", r"a\.cls holds ''"),
        (b"\xff" * 99, "a\\.cls holds '\ufffd{40}'"),
    ],
    ids=["words", "nothing", "bytes"],
)
def test_a_class_that_is_no_number_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    there = packed(tmp_path / "some.tar", {"set/a.png": png(), "set/a.cls": content})
    with pytest.raises(ValueError, match=words) as found:
        tars(there, size=8)
    assert "\n" not in str(found.value)
