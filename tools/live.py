"""Build the live page: a folder that runs the course's networks in any browser, from a disk too: `make live`.

The page's own files lie in `site/live`. This module lays beside them what they show: the networks, packed,
where their cells look, as `camlib.receptive_field` gives it, and a sheet of scenes with their truth. Pages
opened from a disk may load scripts and nothing else, so all of it is scripts. The ImageNet network is one,
too, which the page loads when it is asked for.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor

from camlib import Net, critters, load
from camlib.commands.live import described, field, head
from camlib.scenes import CLASSES
from camlib.show.overlay import blend
from tools import lesson, live_clip, live_imagenet

HERE = lesson.ROOT / "site" / "live"
OUT = lesson.ROOT / "build" / "live"
FILES = tuple(path.name for path in sorted(HERE.iterdir()) if path.suffix in (".css", ".js"))
PAGES = ("index.html", "learn.html")
NETWORKS = ("critternet_gap", "critternet")  # the first is the one that the page begins with
ASIDE = "efficientnet_lite0"  # for photographs and the camera
EACH, PAIRS, SEED = 3, 9, 22  # scenes of each class, scenes of two, and the seed that draws both
ACROSS = 6  # scenes in a row of the sheet
QUALITY, MOVING = 84, 60  # of the sheet and the clip, WebPs: the page's numbers are those of what it shows

KERNELS = ("gemm_fused.wasm", "gemm.wasm")  # the first that a browser can run is taken
FUSED = re.compile(
    r"\(f32x4\.relaxed_madd (\(local\.get \$\w+\)) (\([^()]*(?:\([^()]*\))?\)) (\(local\.get \$\w+\))\)"
)
FIRST = 0x4E00  # the first of 2 ** 15 letters in a row that no reader of UTF-16 changes


def build(out: Path, home: str = "") -> Path:
    """Write the page into a folder; returns its index.html.

    home: where the site is, "../" beside it; if empty, the course's public address.
    """
    out.mkdir(parents=True, exist_ok=True)
    for path in (HERE / name for name in FILES):
        shutil.copy(path, out / path.name)
    for name in PAGES:
        page = (HERE / name).read_text("utf-8")
        page = page.replace("HOME/", home or f"{lesson.documentation()}/")
        page = page.replace("PUBLIC/", f"{lesson.documentation()}/")  # a shared link's picture
        (out / name).write_text(page, "utf-8")
    script(out / "digits.js", f"const DIGITS = {literal(written())};")
    script(out / "kernel.js", kernel())
    for name in NETWORKS:
        script(out / f"{name}.js", f"arrived({literal(exported(load(name)))});")
    script(large := out / f"{ASIDE}.js", f"arrived({literal(imagenet(load(ASIDE)))});")
    told = scenes() | {"networks": NETWORKS, "aside": {ASIDE: round(large.stat().st_size / 1e6)}}
    script(out / "scenes.js", f"const SCENES = {literal(told)};")
    return out / "index.html"


def kernel() -> str:
    """The script that carries the kernels."""
    told = [base64.b64encode((HERE / name).read_bytes()).decode() for name in KERNELS]
    return f"const KERNELS = {literal(told)};"


def kernels() -> dict[str, str]:
    """What each kernel is made of, as WebAssembly's text: `wasmtime.wat2wasm` makes the files of it.

    The first multiplies and adds in one instruction (relaxed SIMD), which not every browser has yet.
    """
    told = (HERE / "gemm.wat").read_text("utf-8")
    return dict(zip(KERNELS, (told, FUSED.sub(r"(f32x4.add \3 (f32x4.mul \1 \2))", told)), strict=True))


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
    letters = []
    for start in range(0, len(whole), 15 << 16):  # a large network at once would take a gigabyte
        bits = np.unpackbits(np.frombuffer(whole[start : start + (15 << 16)], np.uint8))
        rows = np.pad(bits, (0, -len(bits) % 15)).reshape(-1, 15)
        letters.append(rows.astype(np.uint16) @ (1 << np.arange(14, -1, -1)).astype(np.uint16))
    return (np.concatenate(letters) + np.uint16(FIRST)).astype("<u2").tobytes().decode("utf-16-le")


def exported(net: Net) -> dict[str, Any]:
    """A chain as the page reads it (`camlib.commands.live`), its weights packed, in half precision.

    Raises ValueError for what is no plain chain, and for weights that half precision would change.
    """
    told, weights = described(net)
    halves, layout = [], []
    for name, values in weights.items():
        half = values.half()
        if not torch.equal(half.float(), values):
            raise ValueError(
                f"{net.name}'s {name} is not in half precision; round it first: net.half().float()"
            )
        halves.append(half.flatten())
        layout.append([name, half.numel()])
    low_high = torch.cat(halves).numpy().view(np.uint8).reshape(-1, 2)  # the low bytes, then the high ones
    return told | {"layout": layout, "bytes": 2, "weights": packed(low_high.T.tobytes())}


def imagenet(net: Net) -> dict[str, Any]:
    """The ImageNet network as the page reads it, its weights in 21 bits: half precision moves its logits."""
    steps, weights, shown = live_imagenet.steps(net)
    whole = {name: live_imagenet.rounded(values) for name, values in weights.items()}
    layout = [[name, len(data) // 3, step] for name, (step, data) in whole.items()]
    planes = np.concatenate([np.frombuffer(data, np.uint8).reshape(3, -1) for _, data in whole.values()], 1)
    return head(net) | {
        "steps": steps,
        "fields": {name: field(net, layer) for name, layer in shown.items()},
        "layers": list(shown),
        "photographs": True,
        "layout": layout,
        "bytes": 3,
        "weights": packed(planes.tobytes()),
    }


def written() -> dict[str, str]:
    """scikit-learn's digits, 8 × 8 pixels of 0 to 16 each, and what they are."""
    digits = load_digits()
    pixels = digits.data.astype(np.uint8)
    return {"pixels": packed(pixels.tobytes()), "labels": "".join(map(str, digits.target))}


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
    ramp, dim = glow()
    clip = live_clip.clip()
    masks = torch.cat([one.masks, two.masks, two.companion.masks, clip.masks])
    return {
        "size": pixels.shape[-1],
        "glow": base64.b64encode(ramp).decode(),
        "dim": dim,
        "across": ACROSS,
        "labels": truth,
        "classes": list(CLASSES),
        "sheet": packed(sheet(pixels)),
        # after the first ones the pairs' second ones, then the clip's
        "masks": packed(np.packbits(masks.numpy(), bitorder="little").tobytes()),
        "clip": clip.told() | {"sheet": packed(sheet(clip.cells, quality=MOVING))},
    }


def glow() -> tuple[bytes, float]:
    """The light that heat adds, 256 colours of three bytes, and how bright a picture is drawn under it."""
    heat = np.linspace(0, 1, 256, dtype=np.float32)[None]
    light = (255 * blend(np.zeros((1, 256, 3), np.float32), heat)).round().astype(np.uint8)
    dim = blend(np.ones((1, 1, 3), np.float32), np.zeros((1, 1), np.float32)).max()
    return light.tobytes(), float(dim)


def sheet(pixels: Tensor, across: int = ACROSS, quality: int = QUALITY) -> bytes:
    """Pictures (N, 3, H, W), uint8, in rows of so many, as one WebP."""
    side, rows = pixels.shape[-1], -(-len(pixels) // across)
    whole: NDArray[np.uint8] = np.zeros((rows * side, across * side, 3), np.uint8)
    for n, one in enumerate(pixels.permute(0, 2, 3, 1).numpy()):
        y, x = n // across * side, n % across * side
        whole[y : y + side, x : x + side] = one
    written = io.BytesIO()
    Image.fromarray(whole).save(written, "WEBP", quality=quality, method=6)
    return written.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args()
    if OUT.exists():
        shutil.rmtree(OUT)
    build(OUT)
    sizes = {path.name: path.stat().st_size / 1e6 for path in OUT.iterdir()}
    large = sizes[f"{ASIDE}.js"]
    print(
        f"{OUT.relative_to(lesson.ROOT)}: {sum(sizes.values()) - large:.2f} MB, "
        f"and {ASIDE}, {large:.2f} MB, on demand"
    )


if __name__ == "__main__":
    main()
