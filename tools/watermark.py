"""Put ImageNet-W's watermark on photographs, for lesson 12: `make watermark` writes data/trust/watermark.csv.

Wants the photographs of `photos("imagenet-sample")`, or those of them that there are, and the package
imagenet-w, which draws the mark (`pip install "camlib[watermark]"`). Takes a minute.
"""

from __future__ import annotations

import argparse
import csv
import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from camlib import cam, load, photos, trust
from camlib.networks.net import Net
from camlib.trust.watermarked import Watermarked, watermarked_file

NETWORK, SIZE = "efficientnet_lite0", 224
TILE = 6  # pixels: the strokes are shuffled in tiles of this side
LATIN = "shortcut shor"  # as wide as the mark, in another script


def strokes(text: str | None = None) -> Tensor:
    """How much of each pixel the white mark covers, (SIZE, SIZE), from 0 to ½.  text: None: ImageNet-W's."""
    try:
        package: Any = importlib.import_module("imagenet_w")
    except ModuleNotFoundError:
        raise SystemExit('the mark is drawn by imagenet-w: pip install "camlib[watermark]"') from None
    found: Tensor = package.AddWatermark(SIZE)(torch.zeros(3, SIZE, SIZE), text=text)[0]
    return found


def band(mark: Tensor) -> Tensor:
    """The box round the strokes, bool (SIZE, SIZE)."""
    rows, columns = mark.any(1).nonzero()[:, 0], mark.any(0).nonzero()[:, 0]
    inside = torch.zeros_like(mark, dtype=torch.bool)
    inside[int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1] = True
    return inside


def shuffled(mark: Tensor, seed: int = 0) -> Tensor:
    """The same strokes, cut into tiles that change places within the rows of the mark."""
    rows = mark.any(1).nonzero()[:, 0]
    top = int(rows[0])
    high = (int(rows[-1]) + 1 - top + TILE - 1) // TILE * TILE
    wide = SIZE // TILE * TILE
    strip = mark[top : top + high, :wide]
    tiles = strip.unfold(0, TILE, TILE).unfold(1, TILE, TILE).flatten(0, 1)
    tiles = tiles[torch.randperm(len(tiles), generator=torch.Generator().manual_seed(seed))]
    mixed = mark.clone()
    grid = tiles.reshape(high // TILE, wide // TILE, TILE, TILE)
    laid = grid.transpose(1, 2).reshape(high, wide)
    mixed[top : top + high, :wide] = laid
    return mixed


def marked(images: Tensor, mark: Tensor) -> Tensor:
    """White, laid over pictures (N, 3, H, W)."""
    return images * (1 - mark) + mark


def measure(net: Net, images: Tensor, labels: Tensor, mark: Tensor, name: str) -> Watermarked:
    """One row.  images: without a mark."""
    carton = net.classes.index("carton")
    shown, inside = marked(images, mark), band(strokes())
    with torch.inference_mode():
        was, now = (torch.cat([net(part) for part in torch.split(some, 16)]) for some in (images, shown))
    heat = torch.cat([cam(net, part, carton) for part in torch.split(shown, 16)])
    blind = [f(net, shown) for f in (trust.edges, trust.blob, trust.noise)]
    peak = inside.flatten()[heat.flatten(1).argmax(1)].float().mean()
    answers = now.argmax(1)
    return Watermarked(
        name,
        len(images),
        float((answers == labels).float().mean()),
        float((answers != was.argmax(1)).float().mean()),
        int((answers == carton).sum()),
        float(now.softmax(1)[:, carton].mean()),
        float(inside.float().mean()),
        held(heat, inside),
        float(peak),
        *(held(one, inside) for one in blind),
    )


def held(heat: Tensor, inside: Tensor) -> float:
    """The mean share of the maps' positive heat (N, SIZE, SIZE) that lies inside."""
    up = heat.clamp(min=0).flatten(1)
    return float((up[:, inside.flatten()].sum(1) / up.sum(1).clamp(min=1e-9)).mean())


def main(argv: list[str] | None = None) -> None:
    """Measure all marks and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--output", type=Path, default=watermarked_file())
    output = parser.parse_args(argv).output
    mark = strokes()
    marks = {"none": torch.zeros_like(mark), "ImageNet-W's": mark, "in Latin letters": strokes(LATIN)}
    marks |= {f"its strokes shuffled ({seed})": shuffled(mark, seed) for seed in range(3)}
    net, some = load(NETWORK), photos("imagenet-sample", size=SIZE)
    images = torch.stack([some[i][0] for i in range(len(some))])
    labels = torch.as_tensor(some.labels)
    with output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Watermarked._fields)
        for name, one in marks.items():
            row = measure(net, images, labels, one, name)
            print(*row)
            writer.writerow([f"{x:.4f}" if isinstance(x, float) else x for x in row])


if __name__ == "__main__":
    main()
