"""One photograph: what a network takes it for, how sure it is, and where it saw each of its first answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.transforms.v2 import functional as transform

from .. import show
from ..geometry.field import lay, upsample
from ..heatmaps.cam import cam
from ..heatmaps.classifier import find_classifier
from ..heatmaps.gradcam import gradcam
from ..heatmaps.occlusion import occlusion
from ..networks.eval_mode import evaluating
from ..networks.net import Net
from ..networks.targets import check_several
from ..pictures.files import opened
from ..trust.method import Method
from ..trust.quick import Quick, quick
from ..wording import near

__all__ = ["METHODS", "Look", "check", "look", "tested"]

METHODS = ("cam", "gradcam", "occlusion")
_FUNCTIONS: dict[str, Method] = {"cam": cam, "gradcam": gradcam, "occlusion": occlusion}
_TOP = 5  # answers, where nobody says how many
_SHOWN = 800  # pixels, a shown photograph's longer side at most: twice what a page has for it
_LONG = 8  # a photograph more than so many times as long as wide is cut to that, as by `load_picture`


@dataclass(frozen=True, eq=False)
class Look:
    """A network's first K answers for one photograph; in a notebook it shows itself as a page.

    image: (C, H, W) in [0, 1], the photograph, its longer side at most 800 pixels.  network: its name.
    classes: the answers' names.  probabilities: (K,).
    heatmaps: (K, H, W), in one unit; not a number where the network did not see the photograph.
    method: one of `METHODS`.  note: method, unit, settings, and what the network saw, in words.
    """

    image: Tensor
    network: str
    classes: tuple[str, ...]
    probabilities: Tensor
    heatmaps: Tensor
    method: str
    note: str

    def figure(self, title: str | None = None) -> show.Figure:
        """The page: `show.look`."""
        title = title or f"{self.network} says {self.classes[0]}"
        answers = zip(self.classes, self.probabilities.tolist(), strict=True)
        captions = [f"{name} {share:.1%}" for name, share in answers]
        return show.look(self.image, self.heatmaps, captions, self.note, title=title)

    def _ipython_display_(self) -> None:
        self.figure()._ipython_display_()


def look(net: Net, image: Tensor | str | Path, *, method: str | None = None, top: int | None = None) -> Look:
    """The first `top` answers for one photograph of any size, and where the network saw each.

    top: None: five, or as many as the network has.
    image: a picture file, or (C, H, W), in [0, 1] or bytes. Its shorter side is resized to `net.resize`
        (but not where it is `net.size` already), and the network sees the whole of it. Of a photograph more
        than 8 times as long as wide it sees the middle, and so where it takes pictures of its own size only.
    method: "cam", "gradcam" or "occlusion"; None: "cam" where the network has class activation maps, else
        "gradcam".
    Raises ValueError for another method, one that the network has not, a `top` it has not, and for what is
    no photograph; `Unreadable`, a ValueError, for a file.
    """
    check(net, method, top)
    top = min(_TOP, len(net.classes)) if top is None else top
    photograph = _photograph(net, image)
    height, width = photograph.shape[1:]
    part = min(1.0, _SHOWN / max(height, width))
    shown = (max(1, round(height * part)), max(1, round(width * part)))
    seen = _seen(net, photograph)
    with evaluating(net), torch.inference_mode():
        shares = net(seen.image.to(net.mean.device))[0].float().softmax(0).cpu()
    chosen = shares.argsort(descending=True, stable=True)[:top]
    down, across = (max(1, round(part * side)) for side in seen.covers)
    found, used, note = _explained(net, seen.image, method, chosen, (down, across))
    heatmaps = torch.full((top, *shown), torch.nan)
    y, x = (shown[0] - down) // 2, (shown[1] - across) // 2
    heatmaps[:, y : y + down, x : x + across] = found.float().cpu()
    names = tuple(net.classes[index] for index in chosen.tolist())
    note = f"{note} One scale for all. {seen.words}"
    return Look(_resized(photograph, shown), net.name, names, shares[chosen], heatmaps, used, note)


def tested(net: Net, image: Tensor | str | Path, method: str) -> Quick:
    """The three cheapest tests (`trust.quick`) of a method on one photograph, as `look` shows it the network.

    method: one of `METHODS`, such as the `method` of what `look` gave. Raises ValueError as `look` does.
    """
    check(net, method)
    return quick(_FUNCTIONS[method], net, _seen(net, _photograph(net, image)).image)


def check(net: Net | None, method: str | None, top: int | None = None) -> None:
    """Raise ValueError for a method that there is not, and for answers that the network has not."""
    if method not in (None, *METHODS):
        raise ValueError(f"no method {method!r}{near(str(method), METHODS)}; there are {', '.join(METHODS)}")
    if net is None:
        return
    check_several(net)
    if top is not None and not 1 <= top <= len(net.classes):
        raise ValueError(f"top is {top}; {net.name} has 1 to {len(net.classes)} answers to show")


class _Seen(NamedTuple):
    """image: float (1, C, h, w), for the network.  covers: (H, W), how many of the photograph's pixels."""

    image: Tensor
    covers: tuple[float, float]
    words: str


def _photograph(net: Net, image: Tensor | str | Path) -> Tensor:
    """(C, H, W), bytes or in [0, 1]."""
    if isinstance(image, str | Path):
        if net.channels != 3:
            raise ValueError(f"{net.name} reads pictures of {net.channels} channel, no photographs")
        return transform.pil_to_tensor(opened(image))  # type: ignore[no-any-return]
    wanted = f"one picture in [0, 1], shape ({net.channels}, H, W), or its file"
    if not isinstance(image, Tensor):
        raise ValueError(f"look wants {wanted}; given a {type(image).__name__}")
    if image.ndim != 3 or image.shape[0] != net.channels or not image.numel():
        raise ValueError(f"look wants {wanted}; given shape {tuple(image.shape)}")
    if image.dtype != torch.uint8 and not image.is_floating_point():
        raise ValueError(f"look wants {wanted}; given {str(image.dtype).removeprefix('torch.')}")
    image = image.detach().cpu()
    if image.is_floating_point() and not (image.min() >= 0 and image.max() <= 1):
        raise ValueError(f"look wants {wanted}; given {float(image.min()):.3g} to {float(image.max()):.3g}")
    return image


def _seen(net: Net, photograph: Tensor) -> _Seen:
    """The photograph as the network gets it: the whole where it takes that, else the middle."""
    height, width = photograph.shape[1:]
    short = min(height, width)
    resize = short if short == net.size else net.resize
    most = _LONG * short
    middle = transform.center_crop(photograph, [min(height, most), min(width, most)])
    image = _resized(middle, _scaled(middle, resize))[None]
    part = "middle" if max(height, width) > most else "whole photograph"
    try:
        with evaluating(net), torch.inference_mode():
            net(image.to(net.mean.device))
        high, wide = image.shape[2:]
        covers = (float(middle.shape[1]), float(middle.shape[2]))
        ending = ", not its ends" if part == "middle" else ""
    except (ValueError, AssertionError):  # torchvision's transformers assert their size
        high, wide = net.sides
        if image.shape[2:] == (high, wide):
            raise
        if high > image.shape[2] or wide > image.shape[3]:
            raise ValueError(
                f"{net.name} takes pictures of {wide} × {high} pixels only, not this one"
            ) from None
        image = transform.center_crop(image, [high, wide])
        covers = high * short / resize, wide * short / resize
        part, ending = "middle", " (it takes no other size), not the pale rest"
    of = "" if part == "whole photograph" else " of the photograph"
    return _Seen(image, covers, f"{net.name} saw the {part}{of} in {wide} × {high} pixels{ending}.")


def _scaled(image: Tensor, short: int) -> tuple[int, int]:
    """The size (H, W) with the shorter side so long; torchvision's rounding."""
    height, width = image.shape[1:]
    if height <= width:
        return short, int(short * width / height)
    return int(short * height / width), short


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    """As float in [0, 1], antialiased, in that size."""
    if tuple(image.shape[1:]) != size:
        image = transform.resize(image, list(size), antialias=True)
    return image.float() / 255 if image.dtype == torch.uint8 else image.float().clamp(0, 1)


def _explained(
    net: Net, image: Tensor, method: str | None, chosen: Tensor, size: tuple[int, int]
) -> tuple[Tensor, str, str]:
    """Heatmaps (K, *size) for the chosen classes (K,), the method, and what it is in words."""
    instead = ""
    if method in (None, "cam"):
        try:
            head = find_classifier(net, image)
        except ValueError:
            if method == "cam":
                raise
            instead = f" ({net.name} has no class activation maps.)"
        else:
            maps = head.maps(chosen[None])[0]
            cells = f"{maps.shape[2]} × {maps.shape[1]}"
            meaning = "their mean over the cells, with the class's bias, is its logit"
            if head.pool == "max":
                meaning = "each channel's highest cell, with the class's bias, makes its logit"
            note = (
                f"Class activation maps (Zhou et al. 2016), {cells} cells: evidence for the class in logits"
            )
            against = "; blue: against it" if maps.min() < 0 else ""
            laid = upsample(maps, head.field, size=size) if head.field else lay(maps, None, size)
            return laid, "cam", f"{note}{against}; {meaning}."
    if method == "occlusion":
        window, stride = max(1, net.size // 4), max(1, net.size // 16)
        found = occlusion(net, image, chosen[None], window=window, stride=stride, fill=0.5)
        note = (
            "Occlusion (Zeiler, Fergus 2014): how much of the class's probability is lost behind a grey "
            f"square of {window} × {window} pixels, moved by {stride}; blue: the class gains."
        )
    else:
        method, found = "gradcam", gradcam(net, image, chosen[None])
        note = (
            "Grad-CAM (Selvaraju et al. 2017) at the last map, in logits per cell: what speaks for the "
            f"class, by the gradient, after a ReLU.{instead}"
        )
    return interpolate(found, size=size, mode="bilinear", antialias=False)[0], method, note
