"""The file of a page: whole or not there, and never in the place of a picture that camlib did not write.

A page says in its own metadata who wrote it: its Exif's "Software" is "camlib", in a PNG as in a JPEG.
"""

import os
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.ExifTags import Base

from ..pictures.files import Unreadable, reading
from ..show.figure import Figure, drawn

__all__ = ["KINDS", "check_page", "is_page", "write"]

# Photographs: more effort takes zlib ten times as long for 3 % less.
KINDS: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG", "compress_level": 4},
    ".jpg": {"format": "JPEG", "quality": 92, "subsampling": 0},
}
KINDS[".jpeg"] = KINDS[".jpg"]
_MARK = "camlib"
_DAY = 24 * 60 * 60  # seconds


def is_page(path: Path) -> bool:
    """Whether camlib wrote this picture; only its head is read."""
    if path.suffix.lower() not in KINDS:
        return False
    try:
        with reading(path) as file:
            return "exif" in file.info and file.getexif().get(Base.Software) == _MARK
    except Unreadable:
        return False


def check_page(path: Path) -> None:
    """Raise ValueError where a page cannot be written: something else lies there, or its folder is closed."""
    if path.suffix.lower() not in KINDS:
        raise ValueError(f"-o {path}: the file's name ends in {', '.join(KINDS)}")
    if os.path.isdir(path):
        raise ValueError(f"{path} is a folder: name another with -o")
    if os.path.lexists(path) and not is_page(path):
        raise ValueError(f"{path} is there, and camlib did not write it: move it, or name another with -o")
    folder = next(one for one in (path.parent, *path.parent.parents) if one.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"in {folder} nothing can be written: name another folder with -o")


def write(path: Path, figure: Figure) -> None:
    """The page, in its folder, which is made where it is not there.

    Under another name first, so that the file is whole or not there. OSErrors name the page.
    """
    data, exif = BytesIO(), Image.Exif()
    exif[Base.Software] = _MARK
    drawn(figure).save(data, exif=exif, **KINDS[path.suffix.lower()])
    temporary = path.with_name(f".camlib-{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path.parent)
        temporary.write_bytes(data.getvalue())
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        temporary.unlink(missing_ok=True)


def _clear(folder: Path) -> None:
    """What runs left behind that were killed, a day ago or earlier."""
    for left in folder.glob(".camlib-*.tmp"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _DAY:
                left.unlink()
