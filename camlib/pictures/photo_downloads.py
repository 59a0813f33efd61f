"""Where the public sets of photographs are on this machine, and how they come onto it.

imagenette and pets lie where torchvision's own data sets look for them. Each file is checked: an archive
against its published MD5; a photograph of imagenet-sample against the number that git has for it, and the
list of these numbers against that of the whole folder in the repository's history.
"""

import json
import os
import shutil
import tempfile
from hashlib import sha1
from pathlib import Path
from typing import NamedTuple

from tqdm.auto import tqdm

from .fetched import DownloadError, data_folder, fetched, git_blob, shared_folder, text_of

__all__ = ["SOURCES", "Source", "get", "where"]


class Source(NamedTuple):
    """A set. folder: its own, in the data folder.  needs: what lies in it.  pictures: how many.

    megabytes: of the download.  archives: address → MD5; none: file by file.
    """

    folder: str
    needs: tuple[str, ...]
    pictures: int
    megabytes: int
    archives: dict[str, str]


_FASTAI = "https://s3.amazonaws.com/fast-ai-imageclas"
_PETS = "https://www.robots.ox.ac.uk/~vgg/data/pets/data"
SOURCES = {
    "imagenette": Source(
        *("imagenette2-320", ("train", "val"), 13394, 342),
        {
            f"{_FASTAI}/imagenette2-320.tgz": "3df6f0d01a2c9592104656642f5e78a3",
        },
    ),
    "pets": Source(
        *("oxford-iiit-pet", ("images", "annotations"), 7349, 811),
        {
            f"{_PETS}/images.tar.gz": "5c4f3ee8e5d25df40f4fd59a7f44e54c",
            f"{_PETS}/annotations.tar.gz": "95a8c909bbe2e81eed6a22bccdf3f68f",
        },
    ),
    "imagenet-sample": Source("imagenet-sample", (), 1000, 110, {}),
}
_REPOSITORY = "EliSchwartz/imagenet-sample-images"
_COMMIT, _TREE = "bc69043e2862758a1906c6a24a792bb28c6bb2ff", "0a95d9cc62e5337173fc2ec8b26f1f4a1f74eaa2"
_LIST = f"https://api.github.com/repos/{_REPOSITORY}/git/trees/{_TREE}"
_FILES = f"https://raw.githubusercontent.com/{_REPOSITORY}/{_COMMIT}"


def where(name: str) -> Path | None:
    """The folder of a set on this machine; None where it is not here."""
    source, shared = SOURCES[name], shared_folder("imagenet", "photos")
    places = [data_folder() / source.folder, *([shared] if shared and name == "imagenet-sample" else [])]
    return next((one for one in places if all(os.path.isdir(one / n) for n in ("", *source.needs))), None)


def get(name: str) -> Path:
    """A set's folder, downloaded where it is not here. Raises DownloadError, with what to do."""
    if found := where(name):
        return found
    source, home = SOURCES[name], data_folder()
    place = home / source.folder
    instead = f"put its folder {source.folder} into a folder and set CAMLIB_DATA to that"
    try:
        if source.archives:
            archives = [
                fetched(url, home / f"{name}-{url.rpartition('/')[2]}", digest, instead, progress=name)
                for url, digest in source.archives.items()
            ]
            for archive in archives:
                _unpack(archive, source, home)
            for archive in archives:
                archive.unlink()
        else:
            _one_by_one(place, instead)
    except DownloadError:
        raise
    except OSError as error:
        raise DownloadError(
            f"{place} cannot be written ({error}): set CAMLIB_DATA to another folder"
        ) from error
    return place


def _unpack(archive: Path, source: Source, home: Path) -> None:
    """Put what the set needs of an archive into its folder; each has its name only once it is whole."""
    place = home / source.folder
    place.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=home) as temporary:
        shutil.unpack_archive(archive, temporary, filter="data")
        top = Path(temporary, source.folder)
        for name in source.needs:
            found = (top if top.is_dir() else Path(temporary)) / name
            if found.is_dir() and not (place / name).is_dir():
                os.replace(found, place / name)


def _one_by_one(place: Path, instead: str) -> None:
    """The photographs of imagenet-sample; the folder has its name only once all are there."""
    files = _listed(instead)
    unfinished = place.with_name(place.name + ".part")
    for name, number in tqdm(files.items(), "imagenet-sample", unit="photograph", delay=1, leave=False):
        fetched(f"{_FILES}/{name}", unfinished / name, number, instead, by=git_blob)
    os.replace(unfinished, place)


def _listed(instead: str) -> dict[str, str]:
    """Each photograph's name → git's number for it, from a list of which git's own number is known."""
    text = text_of(_LIST, instead)
    try:
        entries = [(one["mode"].lstrip("0"), one["path"], one["sha"]) for one in json.loads(text)["tree"]]
        tree = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(sha) for mode, name, sha in entries)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DownloadError(f"{_LIST} is no list of files: {instead}") from error
    if sha1(b"tree %d\0" % len(tree) + tree, usedforsecurity=False).hexdigest() != _TREE:
        raise DownloadError(f"{_LIST} is another list than it should be: {instead}")
    return {name: sha for _, name, sha in entries if name.endswith(".JPEG")}
