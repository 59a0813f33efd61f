"""`occlusion` against captum's `Occlusion` at its fastest, the gain that counting allows, and extra memory.

One process, one round after the other; CPU time, in which waiting threads do not count.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: idle threads sleep, and cost no CPU time
os.environ.setdefault("TQDM_DISABLE", "1")

import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial

import torch
from captum.attr import Occlusion
from torch import Tensor, nn

from bench.measure import DEVICE, now, row
from camlib.geometry.field import receptive_field
from camlib.heatmaps.occlusion import occlusion
from camlib.networks.net import Net
from camlib.networks.trace import trace
from camlib.networks.zoo import load

NETWORKS = ("alexnet", "vgg16", "resnet18")
WINDOW, STRIDE, ROUNDS = 32, 16, 5
AT_ONCE = (1, 8, 32)  # captum's perturbations_per_eval


def main() -> None:
    # First, while this process is small: on Linux a new process starts from the peak of its parent.
    code = "import sys, bench.occlusion as b; print(b.extra(sys.argv[1]))"
    extra_mb = {
        name: subprocess.run([sys.executable, "-c", code, name], check=True, capture_output=True, text=True)
        for name in NETWORKS
    }
    for name, run in extra_mb.items():
        compare(name, int(run.stdout))


def compare(name: str, memory: int) -> None:
    net = load(name, weights="random").to(DEVICE)
    image = torch.rand(1, 3, net.size, net.size, generator=torch.Generator().manual_seed(0)).to(DEVICE)
    ours = partial(occlusion, net, image, 0, window=WINDOW, stride=STRIDE)
    theirs = partial(captums, net, image)
    seconds = {at_once: times([partial(theirs, at_once)], 1)[0][0] for at_once in AT_ONCE}
    fastest = min(seconds, key=seconds.__getitem__)
    error = (ours().cpu() - theirs(fastest).cpu()).abs().max().item()
    mine, others = times([ours, partial(theirs, fastest)], ROUNDS)
    ratios = sorted(other / own for own, other in zip(mine, others, strict=True))
    gain, limit = statistics.median(ratios), possible(net)
    what = f"occlusion, {name}, window {WINDOW}, stride {STRIDE} (counting allows {limit:.2f})"
    print(row(what, "captum", ratios, (memory, None)))
    print(
        f"{name}: {gain:.2f} times as fast as captum ({ratios[0]:.2f} to {ratios[-1]:.2f}, {ROUNDS} rounds; "
        f"{fastest} at once is its fastest of {AT_ONCE}); counting allows {limit:.2f}: {gain / limit:.0%}; "
        f"they differ by {error:.0e} at most",
        flush=True,
    )


def captums(net: Net, image: Tensor, at_once: int) -> Tensor:
    with torch.inference_mode():
        found: Tensor = Occlusion(lambda images: net(images).softmax(1)).attribute(
            image,
            target=0,
            sliding_window_shapes=(3, WINDOW, WINDOW),
            strides=(3, STRIDE, STRIDE),
            baselines=0.5,
            perturbations_per_eval=at_once,
        )
    return found.mean(1)


def times(works: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Seconds of each work in each round, by turns, so that a busy moment falls on all."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, mine in zip(works, spent, strict=True):
            start = now()
            work()
            mine.append(now() - start)
    return spent


def possible(net: Net) -> float:
    """Multiplications of the naive loop over those of the cells whose receptive field meets the square."""
    starts = range(0, net.size - WINDOW + STRIDE, STRIDE)  # they fit
    full = needed = 0
    for call in trace(net.module, net.channels, net.size)[0]:
        if isinstance(call.module, nn.Conv2d):
            field, weights = receptive_field(net, call.name), call.module.weight.numel()
            rows, columns = (
                sum(first < start + WINDOW and end > start for start in starts for first, end in spans)
                for spans in (field.rows, field.columns)
            )
            needed += weights * rows * columns
            full += weights * field.shape[0] * field.shape[1] * len(starts) ** 2
        elif isinstance(call.module, nn.Linear):
            full += call.module.weight.numel() * len(starts) ** 2
            needed += call.module.weight.numel() * len(starts) ** 2
    return full / needed


def extra(name: str) -> int:
    """By how many MB the process grows beyond one plain run of the network on one picture."""
    net = load(name, weights="random")
    image = torch.rand(1, 3, net.size, net.size)
    with torch.inference_mode():
        net(image)
    before = peak()
    occlusion(net, image, 0, window=WINDOW, stride=STRIDE)
    return round(peak() - before)


def peak() -> float:
    """The most memory that this process held, in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024**2 if sys.platform == "darwin" else 1024)  # bytes on a Mac, else KB


if __name__ == "__main__":
    main()
