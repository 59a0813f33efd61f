"""What is measured of each network on fresh scenes, and the page that tells it: data/weights/README.md."""

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor
from torchvision.transforms.v2.functional import rgb_to_grayscale

from ..networks.course import COURSE, THRICE, TRACKERS, run_name
from ..networks.net import Net
from ..networks.zoo import load
from ..parts.tracker import Tracker
from ..pictures.digits import digits
from ..pictures.pixels import Pixels
from ..scores.keypoints import keypoint_errors
from ..units.filters import autocorrelation, colourfulness, filters
from .drawn import Drawn, drawn
from .plans import PLANS

__all__ = ["FRESH", "README", "TRAINING", "figures", "runs", "table"]

TRAINING, FRESH = 1001, 2002  # seeds of the scenes to learn from, and of those to be tried on
COLUMNS = ("accuracy", "one missing", "two missing", "grey", "autocorrelation", "colour", "minutes")


README = """# Weights

{table}
"""


def figures(name: str, file: Path, folder: Path, fresh: int = 2000) -> dict[str, str]:
    """What is measured of the weights in `file`: `COLUMNS` but the minutes, where they are defined.

    folder: where the fresh scenes are kept.  Accuracy is the share of right top-1 answers, on whole critters,
    on those that lack one part or two (right is every class that agrees), and on whole ones in grey; of a
    tracker, the share of answers within .2 head sizes of an eye in sight; of lenet, on MNIST's test set.
    """
    net = load(name, weights=file)
    found: dict[str, str] = {}
    if name == "lenet":
        data: Any = digits(split="test", source="mnist")
        found["accuracy"] = share(top_1(net, data.pixels) == data.labels)
    else:
        whole, lacking = (drawn(fresh, FRESH, part, folder) for part in (0.0, 1.0))
        found["accuracy"] = share(right(net, whole))
        if name not in TRACKERS:
            agrees = right(net, lacking)
            found["one missing"] = share(agrees[lacking.lacks == 1])
            found["two missing"] = share(agrees[lacking.lacks == 2])
        found["grey"] = share(right(net, whole, grey=True))
        found["colour"] = f"{colourfulness(filters(net)).mean():.3f}"
    found["autocorrelation"] = f"{autocorrelation(filters(net)).mean():.3f}"
    return found


def right(net: Net, scenes: Drawn, grey: bool = False) -> Tensor:
    """bool (N,): whether the network's answer to each scene is right; in grey, if wanted."""
    pixels = rgb_to_grayscale(scenes.pixels, 3) if grey else scenes.pixels
    if net.name in TRACKERS:
        points = Tracker.of(net).locate(Pixels(pixels)).points
        found = keypoint_errors(points, scenes.eyes, scenes.heads).errors
        return found <= 0.2
    best = top_1(net, pixels)
    return scenes.agreeing[torch.arange(len(best)), best]


def top_1(net: Net, pixels: Tensor) -> Tensor:
    """The likeliest class of each picture (N,)."""
    with torch.inference_mode():
        return torch.cat([net(part.float() / 255).argmax(1) for part in torch.split(pixels, 250)])


def share(right: Tensor) -> str:
    return f"{right.float().mean():.4f}"


def runs() -> list[tuple[str, int]]:
    """Every training that ships, in the order in which they are made: (network, seed)."""
    return [(name, seed) for seed in range(3) for name in PLANS if not seed or name in THRICE]


def table(folder: Path) -> str:
    """The table of what lies in `folder`, in Markdown, from what each file says of itself."""
    rows = [
        f"| network | seed | parameters | bytes | {' | '.join(COLUMNS)} |",
        f"|---|{'--:|' * (3 + len(COLUMNS))}",
    ]
    for name, seed in sorted(runs(), key=lambda run: (COURSE.index(run[0]), run[1])):
        file = folder / f"{run_name(name, seed)}.safetensors"
        if not file.is_file():
            continue
        with safe_open(file, "pt") as opened:
            said = opened.metadata()
        count = sum(tensor.numel() for tensor in load_file(file).values())
        told = " | ".join(said.get(column, "") for column in COLUMNS)
        rows.append(f"| {name} | {seed} | {count} | {file.stat().st_size} | {told} |")
    return "\n".join(rows)
