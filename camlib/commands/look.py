"""`camlib look photo.jpg`: one honest picture of a photograph, for whoever never opens a notebook.

What a network takes the photograph for, how sure it is, and for each of its first answers where it saw that,
on one common scale; and in words what the maps are, their unit and their settings.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from .. import show
from ..geometry.field import lay
from ..heatmaps.classifier import find_classifier
from ..heatmaps.gradcam import gradcam
from ..heatmaps.occlusion import occlusion
from ..networks.course import COURSE
from ..networks.eval_mode import evaluating
from ..networks.net import Net
from ..networks.weights import WeightsError
from ..networks.zoo import here, known, load
from ..pictures.files import load_picture
from ..wording import near

__all__ = ["METHODS", "Look", "look", "main"]

METHODS = ("cam", "gradcam", "occlusion")
# Which ImageNet network is taken where several are here and none is named; then any other.
PREFERRED = ("resnet50", "resnet18", "mobilenet_v2", "efficientnet_b0", "densenet121", "alexnet", "vgg16")
KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


@dataclass(frozen=True, eq=False)
class Look:
    """A network's first K answers for one picture.

    image: (3, H, W) in [0, 1], what the network saw.  classes: their names.  probabilities: (K,).
    heatmaps: (K, H, W), in one unit.  method: one of `METHODS`.  note: method, unit and settings in words.
    """

    image: Tensor
    classes: tuple[str, ...]
    probabilities: Tensor
    heatmaps: Tensor
    method: str
    note: str

    def figure(self, title: str) -> show.Figure:
        """The page: `show.look`."""
        answers = zip(self.classes, self.probabilities.tolist(), strict=True)
        captions = [f"{name} {share:.1%}" for name, share in answers]
        return show.look(self.image, self.heatmaps, captions, self.note, title=title)


def look(net: Net, image: Tensor, method: str | None = None, top: int = 5) -> Look:
    """The first `top` answers for one picture (3, H, W), and where the network saw each.

    method: "cam", "gradcam" or "occlusion"; None: "cam" where the network has class activation maps, else
    "gradcam". Raises ValueError for another method, one that the network has not, and a `top` it has not.
    """
    _known(method)
    if not 1 <= top <= len(net.classes):
        raise ValueError(f"top is {top}; {net.name} has 1 to {len(net.classes)} answers to show")
    with evaluating(net), torch.inference_mode():
        shares = net(image[None].to(net.mean.device))[0].float().softmax(0).cpu()
    chosen = shares.argsort(descending=True, stable=True)[:top]
    heatmaps, used, note = _explained(net, image, method, chosen)
    names = tuple(net.classes[index] for index in chosen.tolist())
    return Look(image, names, shares[chosen], heatmaps.float().cpu(), used, note)


def main(
    paths: Sequence[str],
    name: str | None = None,
    weights: str | None = None,
    method: str | None = None,
    top: int = 5,
    output: str | None = None,
) -> int:
    """Write a page for each photograph, print the answers; 0, or 2 where something is wrong: then no file.

    output: for one photograph the file, .png or .jpg; for one or several a folder that is there; None: beside
    the caller, each named after its photograph.
    """
    try:
        photographs = [Path(path).expanduser() for path in paths]
        pages = _pages(photographs, output)
        _known(method)  # before the network is read
        net = _network(name, weights)
        for path in photographs:  # all of them before the work begins
            _read(path, net)
        done = []
        for path, page in zip(photographs, pages, strict=True):
            found = look(net, _read(path, net), method, top)
            title = f"{net.name} takes {path.name} for: {found.classes[0]}"
            done.append((path, page, found, _encoded(show.png(found.figure(title)), page)))
        for path, page, found, data in done:
            _write(page, data)
            print(f"{path}: {net.name}, {found.method}, in {page}")
            for kind, share in zip(found.classes, found.probabilities.tolist(), strict=True):
                print(f"  {share:6.1%}  {kind}")
    except (ValueError, WeightsError, OSError) as error:
        print(f"camlib: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _known(method: str | None) -> None:
    if method not in (None, *METHODS):
        raise ValueError(f"no method {method!r}{near(str(method), METHODS)}; there are {', '.join(METHODS)}")


def _explained(net: Net, image: Tensor, method: str | None, chosen: Tensor) -> tuple[Tensor, str, str]:
    """Heatmaps (K, H, W) for the chosen classes (K,), the method, and the note."""
    size, k = (image.shape[1], image.shape[2]), len(chosen)
    saw = f"One scale for all. {net.name} saw these {size[1]} × {size[0]} pixels, the photograph's middle."
    instead = ""
    if method in (None, "cam"):
        try:
            head = find_classifier(net, image[None])
        except ValueError:
            if method == "cam":
                raise
            instead = f" ({net.name} has no class activation maps.)"
        else:
            maps = head.maps(chosen[None])
            cells = " × ".join(map(str, maps.shape[2:]))
            meaning = "their mean over the cells, with the class's bias, is its logit"
            if head.pool == "max":
                meaning = "each channel's highest cell, with the class's bias, makes its logit"
            note = (
                f"Class activation maps (Zhou et al. 2016), {cells} cells, evidence for the class in logits: "
            )
            return lay(maps, head.field, size)[0], "cam", f"{note}{meaning}. {saw}"
    if method == "occlusion":
        window, stride = net.size // 4, net.size // 8
        heatmaps = occlusion(net, image.expand(k, -1, -1, -1), chosen, window=window, stride=stride, fill=0.5)
        note = "Occlusion (Zeiler, Fergus 2014): how much of the class's probability is lost behind a grey "
        return heatmaps, "occlusion", f"{note}square of {window} × {window} pixels, moved by {stride}. {saw}"
    heatmaps = gradcam(net, image[None], chosen[None])[0]
    note = (
        "Grad-CAM (Selvaraju et al. 2017) at the last map, after its ReLU, in logits per cell: what speaks "
    )
    return heatmaps, "gradcam", f"{note}for the class, by the gradient.{instead} {saw}"


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
        there = here(*PREFERRED) or here(*(one for one in known() if one not in COURSE))
        if not there:
            raise ValueError("no ImageNet network is here: camlib weights get mobilenet_v2, or --net NAME")
        name = there[0]
    if name not in known():
        raise ValueError(f"no network is called {name!r}{near(name, known())}")
    net = load(name, weights=weights)
    if net.channels != 3:
        raise ValueError(f"{name} reads pictures of {net.channels} channel, no photographs")
    return net


def _read(path: Path, net: Net) -> Tensor:
    if not path.is_file():
        raise ValueError(f"{path} is {'a folder: name photographs' if path.is_dir() else 'not there'}")
    return load_picture(path, size=net.size, resize=net.resize)


def _pages(photographs: Sequence[Path], output: str | None) -> list[Path]:
    """The file to write for each photograph."""
    place = Path(output).expanduser() if output else Path()
    if place.is_dir():
        pages = [place / f"{path.stem}-look.png" for path in photographs]
        if twice := {page.name for page in pages if pages.count(page) > 1}:
            raise ValueError(f"two photographs would both become {min(twice)}: look at one at a time")
    elif len(photographs) > 1:
        raise ValueError(f"-o {place} is no folder; {len(photographs)} photographs make a file each")
    else:
        pages = [place]
    for page in pages:
        if page.suffix.lower() not in KINDS:
            raise ValueError(f"-o {page}: the file's name ends in {', '.join(KINDS)}")
        if not page.parent.is_dir():
            raise ValueError(f"-o {page}: there is no folder {page.parent}")
        if any(page.exists() and path.exists() and page.samefile(path) for path in photographs):
            raise ValueError(f"-o {page} would overwrite the photograph")
    return pages


def _encoded(data: bytes, page: Path) -> bytes:
    kind = KINDS[page.suffix.lower()]
    if kind == "PNG":
        return data
    buffer = BytesIO()
    Image.open(BytesIO(data)).save(buffer, kind, quality=92, subsampling=0)
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    """Under another name first, so that the file is whole or not there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
