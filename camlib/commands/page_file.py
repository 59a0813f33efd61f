"""The file of a page: whole or not there, and never in the place of a picture that camlib did not write.

A page says in its own metadata who wrote it: its Exif's "Software" is "camlib", in a PNG as in a JPEG.
"""

import os
from pathlib import Path

from PIL import Image
from PIL.ExifTags import Base

from ..pictures.files import Unreadable, reading

__all__ = ["KINDS", "is_page", "marked", "may_write", "write"]

KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_MARK = "camlib"


def marked() -> Image.Exif:
    """What a page is saved with: `image.save(…, exif=marked())`."""
    exif = Image.Exif()
    exif[Base.Software] = _MARK
    return exif


def is_page(path: Path) -> bool:
    """Whether camlib wrote this picture; only its head is read."""
    if path.suffix.lower() not in KINDS:
        return False
    try:
        with reading(path) as file:
            return "exif" in file.info and file.getexif().get(Base.Software) == _MARK
    except Unreadable:
        return False


def may_write(path: Path) -> None:
    """Raise ValueError where something lies there that camlib did not write."""
    if os.path.lexists(path) and not is_page(path):
        raise ValueError(f"{path} is there, and camlib did not write it: move it, or name another with -o")


def write(path: Path, data: bytes) -> None:
    """Under another name first, so that the file is whole or not there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
