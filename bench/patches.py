"""`top_patches`: its speed against the bare forward pass, its memory on 1 000 and on 100 000 pictures."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from bench.measure import DEVICE, Synthetic, peak_memory, ratios, row
from camlib.networks.net import Net
from camlib.networks.zoo import load
from camlib.pictures.batches import batches
from camlib.running.extractor import FeatureExtractor
from camlib.units.patches import top_patches

CASES = (
    *(("critternet", "conv1", 512), ("critternet", "conv5", 512), ("critternet", "fc7", 512)),
    *(("alexnet", "conv1", 128), ("alexnet", "pool5", 128), ("resnet18", "layer4", 128)),
)


def main() -> None:
    # First, while this process is small: on Linux a new process starts from the peak of its parent.
    code = "import sys, bench.patches; print(bench.patches.peak(int(sys.argv[1])))"
    few, many = (
        int(
            subprocess.run([sys.executable, "-c", code, n], check=True, capture_output=True, text=True).stdout
        )
        for n in ("1000", "100000")
    )
    print(f"peak memory: 1 000 pictures {few} MB, 100 000 pictures {many} MB, {many - few:+d} MB")
    for name, layer, count in CASES:
        net = load(name, weights="random").to(DEVICE)
        images = torch.rand(count, 3, net.size, net.size, generator=torch.Generator().manual_seed(0))
        works: list[Callable[[], object]] = [
            partial(top_patches, net, layer, images),
            partial(_run, net, images),
            partial(_run, FeatureExtractor(net, layer), images),
        ]
        _, whole, stopped = ratios(works, 3)
        what = f"top patches, {name} {layer}, all units, k = 9"
        print(row(what, "bare forward pass", whole))
        print(row(what, f"forward pass as far as {layer}", stopped), flush=True)


def peak(count: int) -> int:
    """The most memory that this process held, in MB, after a pass over so many pictures."""
    top_patches(load("lenet", weights="random"), "conv2", Synthetic(count))
    return peak_memory()


def _run(net: Net | FeatureExtractor, images: Tensor) -> None:
    with torch.inference_mode():
        for batch in batches(images):
            net(batch.images.to(DEVICE))


if __name__ == "__main__":
    main()
