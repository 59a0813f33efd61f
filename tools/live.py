"""Build the live page: a folder that runs the course's networks in any browser, from a disk too: `make live`.

The page's own files lie in `site/live`. This module lays beside them what they show: the networks, packed,
where their cells look, as `camlib.receptive_field` gives it, and a sheet of scenes with their truth. Pages
opened from a disk may load scripts and nothing else, so all of it is scripts.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from camlib import Net, critters, load, receptive_field
from camlib.scenes import CLASSES
from camlib.show.overlay import blend
from tools import lesson

HERE = lesson.ROOT / "site" / "live"
OUT = lesson.ROOT / "build" / "live"
FILES = ("index.html", "live.css", "engine.js", "live.js")
NETWORKS = ("critternet_gap", "critternet")  # the first is the one that the page begins with
EACH, PAIRS, SEED = 3, 9, 22  # scenes of each class, scenes of two, and the seed that draws both
ACROSS = 6  # scenes in a row of the sheet
QUALITY = 88  # of the sheet, a WebP: the page's numbers are those of the pixels that it shows

FIRST = 0x4E00  # the first of 2 ** 15 letters in a row that no reader of UTF-16 changes


def build(out: Path, home: str = "") -> Path:
    """Write the page into a folder; returns its index.html.

    home: where the site is, "../" beside it; if empty, the course's public address.
    """
    out.mkdir(parents=True, exist_ok=True)
    for path in (HERE / name for name in FILES):
        shutil.copy(path, out / path.name)
    page = (HERE / "index.html").read_text("utf-8")
    (out / "index.html").write_text(page.replace("HOME/", home or f"{lesson.documentation()}/"), "utf-8")
    kernel = base64.b64encode((HERE / "gemm.wasm").read_bytes()).decode()
    script(out / "scenes.js", f"const KERNEL = {literal(kernel)}, SCENES = {literal(scenes())};")
    for name in NETWORKS:
        script(out / f"{name}.js", f"arrived({literal(exported(load(name)))});")
    return out / "index.html"


def script(path: Path, text: str) -> None:
    """A script in UTF-16, whose first letter says so to every browser, whatever the server says."""
    path.write_bytes(text.encode("utf-16"))


def literal(value: Any) -> str:
    """A value as JavaScript, its packed letters as they are."""
    return json.dumps(value, ensure_ascii=False)


def packed(data: bytes) -> str:
    """Bytes, deflated, with their number before, as letters of 15 bits each; engine.js unpacks them."""
    deflated = zlib.compress(data, 9)
    whole = len(deflated).to_bytes(4, "little") + deflated
    bits = np.unpackbits(np.frombuffer(whole, np.uint8))
    rows = np.pad(bits, (0, -len(bits) % 15)).reshape(-1, 15)
    letters = rows.astype(np.uint16) @ (1 << np.arange(14, -1, -1)).astype(np.uint16)
    return (letters + np.uint16(FIRST)).astype("<u2").tobytes().decode("utf-16-le")


def exported(net: Net) -> dict[str, Any]:
    """A network as the page reads it: its steps, its weights in half precision, and where its cells look.

    Raises ValueError, naming the layer, for what is not a plain chain of convolutions, ReLU, max pooling,
    a mean over places, and linear layers, and for weights that half precision would change.
    """
    steps = chain(net)
    weights, layout = [], []
    for name, values in net.module.state_dict().items():
        half = values.detach().cpu().half()
        if not torch.equal(half.float(), values.detach().cpu().float()):
            raise ValueError(
                f"{net.name}'s {name} is not in half precision; round it first: net.half().float()"
            )
        weights.append(half.flatten())
        layout.append([name, half.numel()])
    low_high = torch.cat(weights).numpy().view(np.uint8).reshape(-1, 2)  # the low bytes, then the high ones
    return {
        "name": net.name,
        "classes": list(net.classes),
        "mean": net.mean.flatten().tolist(),
        "std": net.std.flatten().tolist(),
        "size": net.size,
        "steps": steps,
        "layout": layout,
        "weights": packed(low_high.T.tobytes()),
        "fields": {step["name"]: field(net, step["name"]) for step in steps if step["op"] in ("conv", "max")},
    }


def chain(net: Net) -> list[dict[str, Any]]:
    """The steps of a plain chain, as engine.js takes them; a ReLU belongs to the step before it."""
    steps: list[dict[str, Any]] = []
    for path, module in net.module.named_modules():
        if isinstance(module, nn.Sequential | nn.Flatten):
            continue
        if isinstance(module, nn.ReLU):
            steps[-1] |= {"relu": True} if steps[-1]["op"] == "linear" else {"lo": 0}
        elif isinstance(module, nn.Conv2d) and _plain(module):
            steps.append({"op": "conv", "name": path, "out": module.out_channels} | _window(module))
        elif isinstance(module, nn.MaxPool2d):
            steps.append({"op": "max", "name": path} | _window(module))
        elif isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
            steps.append({"op": "mean", "name": path})
        elif isinstance(module, nn.Linear):
            steps.append({"op": "linear", "name": path, "out": module.out_features})
        else:
            raise ValueError(
                f"the live page takes plain chains of convolutions, ReLU, max pooling, one mean over places "
                f"and linear layers; {net.name} has {path!r}, {module}"
            )
    return steps


def _plain(module: nn.Conv2d) -> bool:
    return module.groups == 1 and set(module.dilation) == {1} and module.bias is not None


def _window(module: nn.Conv2d | nn.MaxPool2d) -> dict[str, int]:
    """Kernel, stride and padding, each one number."""
    sides: dict[str, int] = {}
    for name, value in {"k": module.kernel_size, "stride": module.stride, "pad": module.padding}.items():
        both = {value} if isinstance(value, int) else set(value)
        side = both.pop()
        if both or not isinstance(side, int):
            raise ValueError(f"the live page takes square windows; given {module}")
        sides[name] = side
    return sides


def field(net: Net, layer: str) -> dict[str, Any]:
    """Where the cells of a layer look: `receptive_field`, as numbers."""
    found = receptive_field(net, layer)
    return {name: getattr(found, name) for name in ("size", "stride", "start", "shape", "rows", "columns")}


def scenes() -> dict[str, Any]:
    """The sheet of scenes: the first of each class and of pairs that the seed draws, none chosen by eye."""
    many, two = critters(30 * EACH, seed=SEED), critters(PAIRS, seed=SEED, pair=True)
    first = [i for c in range(len(CLASSES)) for i in (many.labels == c).nonzero().flatten().tolist()[:EACH]]
    one = many[first]
    if len(one) != EACH * len(CLASSES):
        raise ValueError(f"seed {SEED} draws fewer than {EACH} scenes of a class")
    pixels = torch.cat([one.pixels, two.pixels])
    assert two.companion is not None
    truth = [[label] for label in one.labels.tolist()]
    truth += [list(both) for both in zip(two.labels.tolist(), two.companion.labels.tolist(), strict=True)]
    heat = np.linspace(0, 1, 256, dtype=np.float32)[None]
    ramp = (255 * blend(np.zeros((1, 256, 3), np.float32), heat)).round().astype(np.uint8)
    masks = torch.cat([one.masks, two.masks, two.companion.masks])
    return {
        "size": pixels.shape[-1],
        "glow": base64.b64encode(ramp.tobytes()).decode(),
        "dim": float(blend(np.ones((1, 1, 3), np.float32), np.zeros((1, 1), np.float32)).max()),
        "across": ACROSS,
        "labels": truth,
        "classes": list(CLASSES),
        "sheet": packed(sheet(pixels)),
        "masks": packed(np.packbits(masks.numpy(), bitorder="little").tobytes()),  # pairs' second ones last
    }


def sheet(pixels: Tensor) -> bytes:
    """Pictures (N, 3, H, W) in rows of ACROSS, as one WebP."""
    side, rows = pixels.shape[-1], -(-len(pixels) // ACROSS)
    whole: NDArray[np.uint8] = np.zeros((rows * side, ACROSS * side, 3), np.uint8)
    for n, one in enumerate(pixels.permute(0, 2, 3, 1).numpy()):
        y, x = n // ACROSS * side, n % ACROSS * side
        whole[y : y + side, x : x + side] = one
    written = io.BytesIO()
    Image.fromarray(whole).save(written, "WEBP", quality=QUALITY, method=6)
    return written.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args()
    if OUT.exists():
        shutil.rmtree(OUT)
    build(OUT)
    size = sum(path.stat().st_size for path in OUT.iterdir())
    print(f"{OUT.relative_to(lesson.ROOT)}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
