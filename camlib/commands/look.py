"""`camlib look photo.jpg`: one honest picture of a photograph, for whoever never opens a notebook.

What a network takes the photograph for, how sure it is, and for each of its first answers where it saw that,
on one common scale; and in words what the maps are, their unit and their settings. Each page is written when
it is done; what can be wrong beforehand is told before the first.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import torch
from tqdm.auto import tqdm

from ..heatmaps.classifier import find_classifier
from ..networks.imagenet import NAME
from ..networks.net import Net
from ..networks.weights import WeightsError
from ..networks.zoo import is_known, known, load, unknown
from ..pictures.files import folder, reading
from ..show.figure import drawn
from .output import hush
from .page_file import KINDS, is_page, marked, may_write, write
from .photograph import Look, check, look, tested

__all__ = ["main"]


def main(
    paths: Sequence[str],
    name: str | None = None,
    weights: str | None = None,
    method: str | None = None,
    top: int = 5,
    output: str | None = None,
    checked: bool = False,
) -> int:
    """Write a page for each photograph, print the answers; 0, 2 where something is wrong, 130 for Ctrl-C.

    paths: picture files, and folders of them, by `camlib.folder`'s rules.
    output: for one photograph the file, .png or .jpg; for one or several a folder that is there; None: beside
    the caller, each named after its photograph.
    checked: print also the three cheapest tests of the first answer's heatmap.
    With 2 nothing is written, but for a photograph that turns out to be unreadable: then the others are.
    """
    done = 0
    pages: list[tuple[Path, Path]] = []
    try:
        check(None, method)  # before the network is read
        pages = _pages(paths, output)
        net = _network(name, weights)
        check(net, method, top)
        if method == "cam":
            find_classifier(net, torch.zeros(1, net.channels, *net.sides))
        with tqdm(pages, desc="look", unit="page", delay=1, leave=False) as bar:
            for path, page in bar:
                try:
                    found = look(net, path, method=method, top=top)
                except ValueError as error:
                    _tell(error if str(path) in str(error) else f"{path}: {error}")
                    continue
                write(page, _encoded(found, f"{path.stem}: {net.name} says {found.classes[0]}", page))
                done += 1
                answers = zip(found.classes, found.probabilities.tolist(), strict=True)
                lines = [f"  {share:6.1%}  {kind}" for kind, share in answers]
                if checked:
                    lines += ["  tests of the first heatmap:", *_tests(net, path, found.method)]
                _print("\n".join([f"{path}: {net.name}, {found.method}, in {page}", *lines]))
    except (ValueError, WeightsError, OSError) as error:
        _tell(error)
        return 2
    except KeyboardInterrupt:
        _tell(f"stopped; {done} of {len(pages)} pages {'is' if done == 1 else 'are'} written")
        return 130
    return 0 if done == len(pages) else 2


def _tests(net: Net, path: Path, method: str) -> list[str]:
    """The lines of `trust.quick`; or, of a photograph or network that it cannot test, why not."""
    try:
        return [f"  {line}" for line in tested(net, path, method).lines()]
    except ValueError as error:
        return [f"  none: {error}"]


def _print(lines: str) -> None:
    """Above the progress. After `| head -1` the reader has gone: the pages are written none the less."""
    try:
        tqdm.write(lines, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        hush()


def _tell(error: object) -> None:
    """In one line, above the progress."""
    tqdm.write(f"camlib: {' '.join(str(error).split())}", sys.stderr)


def _network(name: str | None, weights: str | None) -> Net:
    if weights is not None and not Path(weights).is_file():
        raise ValueError(f"there is no weight file {weights}")
    if name is None and weights is not None:
        stem = Path(weights).stem  # as torchvision names its files: resnet18-f37072fd.pth
        fits = [one for one in known() if stem == one or stem.startswith((f"{one}-", f"{one}."))]
        if not fits:
            raise ValueError(f"which network is {weights} for? say --net NAME, too")
        name = max(fits, key=len)
    if name is None:
        name = NAME  # every installation has it
    if not is_known(name):
        raise ValueError(unknown(name))
    net = load(name, weights=weights)
    if net.channels != 3:
        raise ValueError(f"{name} reads pictures of {net.channels} channel, no photographs")
    return net


def _pages(paths: Sequence[str], output: str | None) -> list[tuple[Path, Path]]:
    """Each photograph, and the file to write for it."""
    named: list[tuple[Path, str]] = []  # a file, and what its page is called after
    inside: list[tuple[Path, str]] = []
    for path in (Path(one).expanduser() for one in paths):
        if path.is_dir():
            photographs = [one for one in folder(path).paths if not is_page(one)]
            if not photographs:
                raise ValueError(f"no pictures in {path} but pages that camlib wrote")
            for one in photographs:
                inside.append((one, "-".join(one.relative_to(path).with_suffix("").parts)))
            continue
        if not path.is_file():
            raise ValueError(f"{path} is not there")
        with reading(path):  # its head; the rest when its turn comes
            named.append((path, path.stem))
    place = Path(output).expanduser() if output else Path()
    count = len(named) + len(inside)
    if place.is_dir():
        found = [(path, place / f"{stem}-look.png") for path, stem in named + inside]
    elif count > 1:
        raise ValueError(f"-o {place} is no folder; {count} photographs make a file each")
    elif place.suffix.lower() not in KINDS:
        raise ValueError(f"-o {place}: the file's name ends in {', '.join(KINDS)}")
    elif not place.parent.is_dir():
        raise ValueError(f"-o {place}: there is no folder {place.parent}")
    else:
        found = [(path, place) for path, _ in named + inside]
    own = {page.resolve() for _, page in found}
    if lost := [path for path, _ in found if path.resolve() in own]:
        raise ValueError(f"the page would overwrite the photograph {lost[0]}: name another with -o")
    if twice := [page.name for page, times in Counter(page for _, page in found).items() if times > 1]:
        raise ValueError(f"two photographs would both become {min(twice)}: look at one at a time")
    for _, page in found:
        may_write(page)
    return found


def _encoded(found: Look, title: str, page: Path) -> bytes:
    kind = KINDS[page.suffix.lower()]
    # Photographs: more effort takes zlib ten times as long for 3 % less.
    options = {"compress_level": 4} if kind == "PNG" else {"quality": 92, "subsampling": 0}
    buffer = BytesIO()
    drawn(found.figure(title)).save(buffer, kind, exif=marked(), **options)
    return buffer.getvalue()
