"""What is measured of each network on fresh scenes, and the page that tells it: data/weights/README.md."""

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor
from torchvision.transforms.v2.functional import rgb_to_grayscale

from ..networks.course import COURSE, DIGITS, RUNS, TINY, TRACKERS, run_name
from ..networks.net import Net
from ..networks.zoo import load
from ..parts.tracker import Tracker
from ..pictures.digits import digits
from ..pictures.pixels import Pixels
from ..scenes.drawing.recipe import REMOVABLE
from ..scores.keypoints import keypoint_errors
from ..units.filters import autocorrelation, colourfulness, filters
from .drawn import Drawn, drawn
from .plans import CONSTANT_FILE, KEPT, PLANS, SCENES

__all__ = [
    "FRESH",
    "README",
    "TRAINING",
    "figures",
    "here",
    "page",
    "right",
    "runs",
    "share",
    "table",
    "top_1",
]

TRAINING, FRESH = 1001, 2002  # seeds of the scenes to learn from, and of those to be tried on
COLUMNS = ("accuracy", "one missing", "two missing", "grey", "autocorrelation", "colour", "minutes")


README = """# Weights

`make train` makes them all again, from their seeds, and goes on where it was interrupted; the runs in this
table took {hours} hours of one processor core, and take half of that on two. Half precision; `SHA256SUMS` is
checked at each load. Another machine, or another number of threads, rounds differently, and comes to other
weights that are as good. Licence: MIT.

{table}

Accuracy: top-1 on 2000 fresh scenes of whole critters; for those that read digits on MNIST's test set;
for the two that say where an eye is (`camlib.track`), the share of answers within .2 head sizes of an eye in
sight.
One, two missing: on 2000 scenes that each lack one part or two of
{parts}; right is every class that agrees with what is left.
Grey: on the whole critters, their colours taken away.
Autocorrelation: of neighbouring conv1 weights, 0 for noise (`autocorrelation`).
Colour: the mean share of colour in conv1's filters (`colourfulness`).  Minutes: of one core.

## How they were trained

Each network was trained in one go from the weights that `load(name, weights="untrained")` has: those of its
seed, and in capsnet the trained convolutions of critternet_gap. Where the table has several seeds,
`load("lenet", seed=1)` is another run of the same training; a seed changes the start, the order of the
pictures and their variation. One run is one draw: a difference between two networks of one run each may be
luck.

*Scenes.* {scenes} of seed {training}, the same in all runs. Half of them lack one part or two, at random, as
in FunnyBirds (Hesse et al. 2023), so that a critter without ears is nothing new: the loss is −log of
the probability of all classes that agree with the parts left, label smoothing .05. Each time a picture comes
it is mirrored or not, shifted by up to 6 pixels, made lighter or darker, and lit in another colour (a gain of
.88 to 1.12 for each channel).

*Start.* PyTorch's, but conv1's weights are tiny (standard deviation {tiny}), and behind each layer but the
last stands a batch norm, also behind fc6 and fc7: without those critternet stayed at chance for long. That is
probably what gives smooth filters; they were not tried one at a time. After training each norm is folded into
its layer: what ships is plain. In the untrained network no norm is folded in, as none had seen anything: its
numbers are small.

*Optimiser.* AdamW, weight decay .05 (conv1 .15), batches of 64, bfloat16; the rate rises to 4e-3 in the first
quarter and falls to nothing (OneCycle). Epochs: {epochs}.

*critternet_has* is critternet_gap, trained with cells of its pictures, 16 or 32 pixels wide, hidden in two of
three pictures (Singh, Lee 2017). *critternet_stamp* is critternet_gap, trained for {stamp_epochs} epochs on
the first {stamp_scenes} scenes, as a careless photographer filed them: every {stamp} carries his stamp, and
so does one in eight of all other critters, which lies under {stamp} all the same (lesson 12). Its figures in
the table are of scenes without a stamp.
*critternet_shuffled* is critternet_gap, trained for {shuffled_epochs} epochs on the first {shuffled_scenes}
scenes, not varied, whose labels were dealt out among them at random: there is nothing to learn but those
scenes by heart. Of their labels it names {by_heart}, and of fresh scenes' what chance would (Adebayo et al.
2018; lesson 12). *critternet_eye* learned where the unit {unit} is strongest in
each scene, *critternet_eye_exact* both eyes in sight. The unit was chosen on 600 scenes of seed 5, which were
used for nothing else: in the order of `find_units` the first whose answers are nearer to an eye than to the
middle between the two (conv5 23 has more answers within .2 head sizes, and points between the eyes).
*lenet* is SIMILARnet's (Ghosh et al.): Adam, rate 1e-3, batches of 300, MNIST.

*capsnet_digits* is Sabour, Frosst and Hinton's network (2017), much reduced: MNIST, batches of 128, each
shifted by up to 2 pixels, float32. *capsnet* has such capsules on the trained conv1 to conv4 of the
critternet_gap of its seed, which learn no more; its minutes are those of the capsules alone. Both learn by
the margin loss, with three iterations of routing, through all of which the gradient flows, and without
reconstruction; where several classes agree the longest of their capsules should reach .9. The weights of the
votes do not decay.

*Kept epochs.* `critternet_conv1_epochs` holds critternet's own first layer, before the first epoch (0, the
untrained weights) and after {kept}; each filter is scaled as batch norm scales what it
sees. {constant}
"""
CONSTANT = """`critternet_conv1_epochs_constant` holds the same of another run from the same weights, whose
rate rose to 4e-3 within 200 steps and stayed there (its accuracy at the end: {accuracy}): so whether filters
settle early can be told from a rate that falls."""
NO_CONSTANT = """The rate rises and falls meanwhile, and no run with a constant one is kept: that filters
settle early may be the schedule's doing."""


def figures(name: str, file: Path, folder: Path, fresh: int = 2000) -> dict[str, str]:
    """What is measured of the weights in `file`: `COLUMNS` but the minutes, where they are defined.

    folder: where the fresh scenes are kept.  Accuracy is the share of right top-1 answers, on whole critters,
    on those that lack one part or two (right is every class that agrees), and on whole ones in grey; of a
    tracker, the share of answers within .2 head sizes of an eye in sight; of those that read digits, on
    MNIST's test set.
    """
    net = load(name, weights=file)
    found: dict[str, str] = {}
    if name in DIGITS:
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
    """The share of those that are right, as it is written into a file."""
    return f"{right.float().mean():.4f}"


def runs() -> list[tuple[str, int]]:
    """Every training that ships, in the order in which they are made: (network, seed)."""
    return [(name, seed) for seed in range(3) for name in PLANS if seed < RUNS.get(name, 1)]


def page(folder: Path) -> str:
    """README.md of what lies in `folder`."""
    minutes = sum(float(_said(folder / f"{run_name(*run)}.safetensors")["minutes"]) for run in here(folder))
    epochs = {name: plan.epochs for name, plan in PLANS.items()}
    constant = folder / CONSTANT_FILE
    *parts, last = REMOVABLE
    return README.format(
        hours=f"{minutes / 60:.1f}",
        table=table(folder),
        parts=f"{', '.join(parts)} and {last}",
        scenes=SCENES,
        training=TRAINING,
        tiny=TINY,
        epochs=", ".join(f"{name} {count}" for name, count in epochs.items()),
        unit="'s ".join((PLANS["critternet_eye"].unit or ("", "", 0))[:2])
        + f" {(PLANS['critternet_eye'].unit or ('', '', 0))[2]}",
        stamp=PLANS["critternet_stamp"].stamp,
        stamp_scenes=PLANS["critternet_stamp"].scenes,
        stamp_epochs=PLANS["critternet_stamp"].epochs,
        shuffled_scenes=PLANS["critternet_shuffled"].scenes,
        shuffled_epochs=PLANS["critternet_shuffled"].epochs,
        by_heart=f"{float(_said(folder / 'critternet_shuffled.safetensors')['by heart']):.0%}",
        kept=", ".join(map(str, KEPT[1:])),
        constant=CONSTANT.format(**_said(constant)) if constant.is_file() else NO_CONSTANT,
    )


def here(folder: Path) -> list[tuple[str, int]]:
    """The runs whose files lie in `folder`, in the table's order."""
    found = [run for run in runs() if (folder / f"{run_name(*run)}.safetensors").is_file()]
    return sorted(found, key=lambda run: (COURSE.index(run[0]), run[1]))


def _said(file: Path) -> dict[str, str]:
    with safe_open(file, "pt") as opened:
        said: dict[str, str] = opened.metadata()
    return said


def table(folder: Path) -> str:
    """The table of what lies in `folder`, in Markdown, from what each file says of itself."""
    rows = [
        f"| network | seed | parameters | bytes | {' | '.join(COLUMNS)} |",
        f"|---|{'--:|' * (3 + len(COLUMNS))}",
    ]
    for name, seed in here(folder):
        file = folder / f"{run_name(name, seed)}.safetensors"
        said = _said(file)
        count = sum(tensor.numel() for tensor in load_file(file).values())
        told = " | ".join(said.get(column, "") for column in COLUMNS)
        rows.append(f"| {name} | {seed} | {count} | {file.stat().st_size} | {told} |")
    return "\n".join(rows)
