"""`camlib data`: which sets of photographs are here, how to get more, and what is true of them, drawn."""

import sys
from collections.abc import Sequence
from pathlib import Path

from ..given import path_of
from ..pictures.fetched import data_folder
from ..pictures.photo_downloads import SOURCES, get, where
from ..pictures.photos import photos
from ..show.pictures import images, scenes
from ..wording import listing, near
from .page_file import check_page, write

__all__ = ["get_sets", "list_sets", "show_set"]

_SHOWN = 12  # pictures of a set


def list_sets() -> int:
    """A line for each set: how many pictures are there, how large, and where; or how many it has.

    The size is that of the download.
    """
    print(f"{'photos':<16} {len(photos(size=8)):>6} pictures           comes with the packages")
    for name, source in SOURCES.items():
        folder = where(name)
        place = folder if folder else f"not here: camlib data get {name}"
        count = source.pictures if folder is None else _count(folder)
        print(f"{name:<16} {count:>6} pictures  {source.megabytes:>4} MB  {place}")
    print(f"the data folder is {data_folder()}; CAMLIB_DATA moves it")
    return 0


def get_sets(names: Sequence[str]) -> int:
    """Download each of the sets; 1 where one cannot be had, with the reason, else 0."""
    code = 0
    for name in names:
        try:
            _check(name)
            print(f"{name}: {get(name)}")
        except (ValueError, OSError) as error:
            print(f"camlib: {error}", file=sys.stderr)
            code = 1
    return code


def show_set(name: str, output: str | None = None) -> int:
    """A page of the photographs, with what is true of them drawn over them; of a set its first twelve."""
    try:
        path = Path(f"{name}-truth.png") if output is None else path_of(output, "-o")
        if not path.parent.is_dir():
            raise ValueError(f"-o {path}: there is no folder {path.parent}")
        check_page(path)
        if name == "photos":
            title = "What is true of the photographs, read off by hand"
            figure = scenes(photos(size=448), title=title, columns=4)
        else:
            _check(name)
            part = photos(name, size=320)[:_SHOWN]  # type: ignore[call-overload]
            captions = [" or ".join(right) or "no name in ImageNet" for right in part.accepted]
            truth = {"masks": part.masks, "boxes": part.head_boxes} if name == "pets" else {}
            figure = images([image for image, _ in part], captions, title=f"The first of {name}", **truth)
        write(path, figure)
    except (ValueError, OSError) as error:
        print(f"camlib: {error}", file=sys.stderr)
        return 1
    print(path)
    return 0


def _count(folder: Path) -> int:
    """The photographs in it; the sets' masks are PNGs."""
    return sum(file.suffix.lower() in (".jpg", ".jpeg") for file in folder.rglob("*"))


def _check(name: str) -> None:
    if name not in SOURCES:
        raise ValueError(f"no set is called {name!r}{near(name, SOURCES)}; there are {listing(SOURCES)}")
