"""`camlib look photo.jpg`: one honest picture of a photograph, for whoever never opens a notebook.

What a network takes the photograph for, how sure it is, and for each of its first answers where it saw that,
on one common scale; and in words what the maps are, their unit and their settings. Each page is written when
it is done; what can be wrong beforehand is told before the first.
"""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm.auto import tqdm

from ..given import path_of
from ..heatmaps.classifier import find_classifier
from ..networks.imagenet import NAME
from ..networks.net import Net
from ..networks.weights import WeightsError
from ..networks.zoo import is_known, known, load, unknown
from ..pictures.files import folder
from ..wording import one_line
from .output import hush
from .page_file import check_page, is_page, write
from .photograph import check, look, tested

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
    """Write a page for each photograph, print the answers; returns the exit code.

    0, 1 where a photograph or folder cannot be read, 2 where something else is wrong, 130 for Ctrl-C.

    paths: picture files, and folders of them, by `camlib.folder`'s rules.
    output: for one photograph the file, .png or .jpg; for one or several a folder, which is made where it is
    not there; None: beside the caller, each named after its photograph.
    checked: print also the three cheapest tests of the first answer's heatmap.
    With 2 nothing is written, but where the disk is full; with 1 the other photographs' pages are.
    """
    done = 0
    pages: list[tuple[Path, Path]] = []
    try:
        check(None, method)  # before the network is read
        pages, closed = _pages(paths, output)
        if not pages:
            return 1
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
                write(page, found.figure(f"{path.stem}: {net.name} says {found.classes[0]}"))
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
    return 0 if done == len(pages) and not closed else 1


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
    tqdm.write(f"camlib: {one_line(error)}", sys.stderr)


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


def _pages(paths: Sequence[str], output: str | None) -> tuple[list[tuple[Path, Path]], bool]:
    """Each photograph, once, and the file to write for it; and whether a folder cannot be read."""
    named: list[tuple[Path, str]] = []  # a file, and what its page is called after
    inside: list[tuple[Path, str]] = []
    closed = False
    for path in (path_of(one, "PHOTO") for one in paths):
        if path.is_dir():
            some, unread = _inside(path)
            inside += some
            closed |= unread
        elif path.is_file():
            named.append((path, path.stem))
        else:
            raise ValueError(f"{path} is {'no file, and no folder' if path.exists() else 'not there'}")
    every = list({path.absolute(): (path, stem) for path, stem in reversed(named + inside)}.values())[::-1]
    place = Path() if output is None else path_of(output, "-o")
    several = len(every) > 1 or bool(inside)
    if place.is_dir() or str(output).endswith(("/", os.sep)) or (several and not place.suffix):
        found = [
            (path, place / f"{stem}-look.png") for (path, _), stem in zip(every, _names(every), strict=True)
        ]
    elif len(every) > 1:
        raise ValueError(f"-o {place} is no folder; {len(every)} photographs make a file each")
    elif not place.parent.is_dir():
        raise ValueError(f"-o {place}: there is no folder {place.parent}")
    else:
        found = [(path, place) for path, _ in every]
    own = {page.resolve() for _, page in found}
    if lost := [path for path, _ in found if path.resolve() in own]:
        raise ValueError(f"the page would overwrite the photograph {lost[0]}: name another with -o")
    whose: dict[Path, Path] = {}
    for path, page in found:
        if page in whose:
            raise ValueError(f"{whose[page]} and {path} would both become {page.name}: look at one at a time")
        whose[page] = path
        check_page(page)
    return found, closed


def _inside(root: Path) -> tuple[list[tuple[Path, str]], bool]:
    """The photographs in a folder; and whether it, or one in it, cannot be read, which is told."""
    closed: list[OSError] = []
    for _ in os.walk(root, onerror=closed.append):
        pass
    for error in closed:
        _tell(f"cannot read the folder {error.filename}: {error.strerror}")
    try:
        every = folder(root).paths
    except ValueError:  # no pictures in it
        if closed:
            return [], True
        raise
    photographs = [one for one in every if not is_page(one)]
    if not photographs:
        raise ValueError(f"no pictures in {root} but pages that camlib wrote")
    return [(one, "-".join(one.relative_to(root).with_suffix("").parts)) for one in photographs], bool(closed)


def _names(photographs: Sequence[tuple[Path, str]]) -> list[str]:
    """What each page is called after; where two would be the same, the suffix says more, then the folder."""
    names = [stem for _, stem in photographs]
    for more in ("{name}-{suffix}", "{folder}-{name}"):
        times = Counter(names)
        names = [
            more.format(name=name, suffix=path.suffix[1:], folder=path.absolute().parent.name)
            if times[name] > 1
            else name
            for (path, _), name in zip(photographs, names, strict=True)
        ]
    return names
