"""Dream the gallery of the site: `make gallery` writes data/gallery, a sheet for each layer and network.

About five minutes of one core. `site_page` lays the page out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2.functional import resize
from torchvision.utils import make_grid
from tqdm.auto import tqdm

from camlib import critters, dream, load, photos, spectrum
from camlib.dreams.spectrum import Spectrum
from tools import lesson

FOLDER = lesson.ROOT / "data" / "gallery"
COLUMNS, GAP, QUALITY = 8, 4, 72
#: Classes of ImageNet that many people know by sight.
KNOWN = (
    *("goldfish", "peacock", "flamingo", "king penguin", "Egyptian cat", "zebra", "ladybug", "monarch"),
    *("strawberry", "pizza", "teapot", "grand piano", "sports car", "castle", "volcano", "sunglasses"),
)


class Sheet(NamedTuple):
    """A picture of many dreams. network, layer: whose.  units: their numbers.  names: what they are called.

    side: pixels, of each dream on the sheet.  steps: of the ascent.
    """

    network: str
    layer: str
    units: list[int]
    names: list[str]
    side: int
    steps: int

    @property
    def file(self) -> str:
        """The sheet's file."""
        return f"{self.network}-{self.layer.replace('.', '-')}.jpg"


def sheets() -> list[Sheet]:
    """All sheets, in the page's order."""
    found = []
    for network in ("critternet_gap", "critternet_gmp"):
        net = load(network)
        found.append(Sheet(network, "fc", list(range(9)), list(net.classes), 96, 128))
        found += [
            Sheet(network, layer, list(range(24)), [f"unit {u}" for u in range(24)], 96, 96)
            for layer in ("conv5", "conv3", "conv1")
        ]
    lite = load("efficientnet_lite0")
    classes = [next((c for c, n in enumerate(lite.classes) if name in n.split(", ")), -1) for name in KNOWN]
    kept = [(c, name) for c, name in zip(classes, KNOWN, strict=True) if c >= 0]
    found.append(Sheet(lite.name, "classifier", [c for c, _ in kept], [n for _, n in kept], 112, 160))
    found += [
        Sheet(lite.name, layer, list(range(16)), [f"unit {u}" for u in range(16)], 112, 96)
        for layer in ("blocks.4", "blocks.2")
    ]
    return found


def pictures(sheet: Sheet, like: Spectrum) -> Tensor:
    """Its dreams, small: (N, 3, side, side)."""
    made = dream(load(sheet.network), sheet.layer, sheet.units, like=like, steps=sheet.steps)
    small: Tensor = resize(made.pictures, [sheet.side, sheet.side], antialias=True).clamp(0, 1)
    return small


def page(folder: Path = FOLDER) -> str:
    """The site's page of the gallery, in Markdown; the pictures stand beside it, in `gallery/`."""
    told = json.loads((folder / "sheets.json").read_text("utf-8"))
    lines = [
        "# Gallery: what would excite it most?",
        "",
        "Each little picture was made by an optimizer for one unit, or one class, from faint noise: "
        "[lesson 15](lessons/15_feature_visualization.ipynb) says how, and why they should not be believed "
        "without a check. `make gallery` makes them again.",
    ]
    network = ""
    for one in told:
        if one["network"] != network:
            network = one["network"]
            lines += ["", f"## {network}"]
        names = (
            ", ".join(one["names"])
            if one["layer"] in ("fc", "classifier")
            else f"units 0 to {len(one['names']) - 1}"
        )
        alt = f"Dreams of {network}'s {one['layer']}, row by row: {names}."
        lines += [
            "",
            f"### {one['layer']}",
            "",
            f"![{alt}](gallery/{one['file']})",
            "",
            f"Row by row: {names}.",
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=FOLDER, help="the folder")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    scenes = spectrum(critters(200, seed=1500))
    likes = {"efficientnet_lite0": spectrum(photos().images)}
    told = []
    for sheet in tqdm(sheets(), desc="sheets"):
        grid = make_grid(
            pictures(sheet, likes.get(sheet.network, scenes)),
            9 if len(sheet.units) == 9 else COLUMNS,
            padding=GAP,
            pad_value=1.0,
        )
        field = (grid * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        Image.fromarray(field).save(folder / sheet.file, quality=QUALITY)
        told.append({**sheet._asdict(), "file": sheet.file})
    (folder / "sheets.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{len(told)} sheets, {size / 1e3:.0f} kB, in {folder}")


if __name__ == "__main__":
    main()
