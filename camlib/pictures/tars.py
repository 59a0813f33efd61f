"""Pictures in tar files, as WebDataset lays them out: beside `key.jpg` lies `key.cls`, its class's number.

Large sets travel and are kept so: a few large files in place of a million small ones. A plain tar has no
table of contents, but each file lies in one piece, so the heads are read once, and then any picture is a seek
away. https://github.com/webdataset/webdataset
"""

import tarfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..given import path_of, told
from ..wording import one_line
from .files import SUFFIXES, Folder, load_picture, sides
from .pixels import picked, single

__all__ = ["Tars", "tars"]


class Tars(Folder):
    """A `Folder` whose pictures lie in tar files: `paths[i]` is the tar's path with the name inside.

    archives: the tar files.  places: int64 (N, 3), for each picture its tar, first byte and length.
    """

    def __init__(
        self, paths: Any, archives: tuple[Path, ...], places: Tensor, size: int, labels: Any, resize: Any
    ) -> None:
        super().__init__(paths, size, labels, resize=resize)
        self.archives, self.places = archives, places

    def __getitem__(self, index: Any) -> Any:
        if (one := single(index)) is None:
            part = super().__getitem__(index)
            part.places = self.places[picked(len(self), index)]
            return part
        archive, first, length = self.places[one].tolist()
        with self.archives[archive].open("rb") as file:
            file.seek(first)
            picture = BytesIO(file.read(length))
        label = None if self.labels is None else int(self.labels[one])
        return load_picture(picture, size=self.size, resize=self.resize), label


def tars(paths: str | Path | Iterable[str | Path], *, size: int = 224, resize: int | None = None) -> Tars:
    """The pictures in tar files, tar by tar, in the order in which they lie there.

    paths: a tar file, several, or a folder with them, which are taken by name.  size, resize: as for
    `load_picture`. Labels are the numbers in `key.cls`; None where one is missing. A key ends at a name's
    first dot, as in WebDataset: `key.png` is a picture, `key.mask.png` is left out, as is what is no picture.
    Only plain tars: in a compressed one no picture can be found without unpacking all before it.
    Raises ValueError for a missing, damaged or compressed file, for a `key.cls` that is no number, and where
    there is no picture.
    """
    size, side = sides(size, resize)
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    files = [path_of(path, "a tar file") for path in given]
    if len(files) == 1 and files[0].is_dir():
        files = sorted(files[0].glob("*.tar"))
    names: list[Path] = []
    places: list[tuple[int, int, int]] = []
    classes: list[int | None] = []
    for number, file in enumerate(files):
        found = _inside(file)
        numbers = {key: label for key, _, label in found if label is not None}
        for key, member, label in found:
            if label is None:
                names.append(file / member.name)
                places.append((number, member.offset_data, member.size))
                classes.append(numbers.get(key))
    if not names:
        where = ", ".join(map(str, given)) or "no tar files"
        raise ValueError(f"no pictures in {where}; give .tar files with key.jpg, key.png, …, of one dot each")
    labels = None if None in classes else torch.tensor(classes)
    return Tars(names, tuple(files), torch.tensor(places), size, labels, None if resize is None else side)


def _inside(file: Path) -> list[tuple[str, tarfile.TarInfo, int | None]]:
    """Of pictures and classes the key, its place, and None or the class, in their order."""
    found: list[tuple[str, tarfile.TarInfo, bytes | None]] = []
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                folder, _, name = member.name.rpartition("/")
                stem, dot, ending = name.partition(".")
                key = f"{folder}/{stem}"
                if not member.isfile() or not stem:
                    continue
                if ending == "cls" and (content := tar.extractfile(member)):
                    found.append((key, member, content.read()))
                elif (dot + ending).lower() in SUFFIXES:
                    found.append((key, member, None))
    except (OSError, tarfile.TarError, ValueError) as error:
        raise ValueError(f"cannot read {file} as a plain tar: {one_line(error)}") from None
    return [(key, member, _number(content, file / member.name)) for key, member, content in found]


def _number(content: bytes | None, path: Path) -> int | None:
    if content is None:
        return None
    try:
        return int(content)
    except ValueError:
        text = content.decode(errors="replace")[:40]
        raise ValueError(f"{path} holds {told(text)}; it is a class's number") from None
