"""What ships: the weight file, its SHA-256, and a table of what was measured on fresh scenes."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from ..networks.course import COURSE, TRACKERS
from ..networks.zoo import load
from ..parts.tracker import Tracker
from ..pictures.digits import digits
from ..scenes.scenes import critters
from ..scores.keypoints import keypoint_errors, part_truth

__all__ = ["FRESH", "README", "TRAINING", "accuracy", "note", "table", "write"]

TRAINING, FRESH = 1001, 2002  # seeds of the scenes to learn from, and of those to be tried on


README = """# Weights

Trained by `make train`, from seeds, on the drawn scenes (`critters`) and on MNIST; in half precision, batch
norm folded into the convolutions. `critternet_conv1_epochs` holds the first layer of critternet after each
kept epoch. `SHA256SUMS` is checked at each load. Licence: MIT.

{table}

Minutes: processor time of the training, on each of so many cores. Accuracy: top-1 on 2000 fresh scenes; for
lenet, on MNIST's test set. Autocorrelation: of neighbouring conv1 weights, 0 for noise (`autocorrelation`).
critternet_has is critternet_gap, trained with cells of its pictures hidden (Singh, Lee 2017).
critternet_eye and critternet_eye_exact say where an eye is (`camlib.track`); the labels of the one are the
answers of critternet_gmp's unit conv5 38, those of the other both eyes in sight. Their accuracy is PCK@.2,
the share of answers that lie within .2 head sizes of an eye in sight.
"""


def accuracy(name: str, file: Path, fresh: int = 2000) -> float:
    """Share of right top-1 answers of the weights in `file`, on fresh scenes or on MNIST's test set.

    Of a tracker's answers: the share within .2 head sizes of an eye in sight.
    """
    net = load(name, weights=file)
    if name in TRACKERS:
        scenes = critters(fresh, seed=FRESH)
        found = Tracker.of(net).locate(scenes).points
        return keypoint_errors(found, *part_truth(scenes, "eye")).pck()
    data: Any = digits(split="test", source="mnist") if name == "lenet" else critters(fresh, seed=FRESH)
    with torch.inference_mode():
        right = sum(
            int((net(part.float() / 255).argmax(1) == truth).sum())
            for part, truth in zip(data.pixels.split(250), data.labels.split(250), strict=True)
        )
    return right / len(data)


def table(folder: Path) -> str:
    """The table of what lies in `folder`, in Markdown, from what each file says of itself."""
    rows = [
        "| network | parameters | bytes | minutes | cores | accuracy | conv1 autocorrelation |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name in COURSE:
        file = folder / f"{name}.safetensors"
        with safe_open(file, "pt") as opened:
            said = opened.metadata()
        count = sum(tensor.numel() for tensor in load_file(file).values())
        rows.append(
            f"| {name} | {count} | {file.stat().st_size} | {said['minutes']} "
            f"| {said.get('cores', '2')} | {said['accuracy']} | {said['autocorrelation']} |"
        )
    return "\n".join(rows)


def note(file: Path) -> None:
    """Put the file's SHA-256 into the list beside it."""
    sums = file.with_name("SHA256SUMS")
    lines = sums.read_text().splitlines() if sums.is_file() else []
    others = [line for line in lines if line.split()[1] != file.name]
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    text = "\n".join(sorted([*others, f"{digest}  {file.name}"], key=lambda line: line.split()[1]))
    write(sums, lambda path: path.write_text(text + "\n"))


def write(path: Path, save: Callable[[Path], Any]) -> None:
    """Write under another name and rename, so that a file is whole or not there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save(temporary)
        temporary.chmod(0o644)  # safetensors would keep it from everybody else
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
