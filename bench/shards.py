"""`map_shards`: one and two workers against one pass, by the clock; what an engine costs; its memory."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torchvision.transforms.v2.functional import to_pil_image

from bench.measure import Synthetic, peak_memory, row
from camlib.cluster.map_shards import map_shards
from camlib.networks.zoo import load
from camlib.pictures.files import folder
from camlib.scenes.scenes import critters
from camlib.units.patches import top_patches

FILES, SIZE, ROUNDS, SMALL = 2000, 256, 3, 10_000


def main() -> None:
    code = "import sys, bench.shards; print(*bench.shards.peak(int(sys.argv[1])))"
    for count in (SMALL, 10 * SMALL):
        command = [sys.executable, "-c", code, str(count)]
        most = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        print(
            f"peak memory, {count:,} digits: driver {most[0]} MB, the largest worker {most[1]} MB", flush=True
        )
    net = load("critternet_gmp")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        for n, image in enumerate(critters(200, seed=1).images):
            for copy in range(FILES // 200):
                to_pil_image(image).save(Path(place) / f"{n:03}-{copy}.jpg", quality=90)
        pictures = folder(place, size=128)
        with workers(1) as one, workers(2) as two:
            gains: dict[str, list[float]] = {"one worker": [], "two workers": []}
            rates: list[float] = []
            for _ in range(ROUNDS):
                alone = clock(lambda: top_patches(net, "conv5", pictures))
                rates.append(FILES / alone)
                for name, pool in (("one worker", one), ("two workers", two)):
                    gains[name].append(alone / clock(partial(shards, net, pictures, pool)))
    for name, each in gains.items():
        what = f"top patches, critternet_gmp conv5, {FILES} JPEGs in shards of {SIZE}, {name}"
        print(row(what, "one pass, one thread, by the clock", each))
    print(f"one pass, one thread: {statistics.median(rates):.0f} JPEGs a second")
    small = torch.randint(256, (SMALL, 1, 28, 28), dtype=torch.uint8)
    lenet = load("lenet")
    with workers(1) as one:
        shards(lenet, small, one, "conv2")
        alone = clock(lambda: top_patches(lenet, "conv2", small))
        told = clock(lambda: shards(lenet, small, one, "conv2")) - alone
    cut = -(-SMALL // SIZE)
    print(
        f"{SMALL:,} digits, {cut} shards: {alone:.1f} s in one pass; the engine adds {told:.1f} s", flush=True
    )


@contextmanager
def workers(count: int) -> Iterator[Executor]:
    """A pool whose workers have begun and have imported what they need."""
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        shards(load("lenet"), torch.zeros(SIZE * count, 1, 28, 28), pool, "conv1")
        yield pool


def shards(net: Any, pictures: Any, pool: Executor, layer: str = "conv5") -> object:
    """What is measured."""
    return map_shards(top_patches, net, layer, pictures, engine=pool, size=SIZE)


def clock(work: Callable[[], object]) -> float:
    """Seconds by the clock: the workers' time is not this process's."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak(count: int) -> tuple[int, int]:
    """The most memory that the driver and a worker held, in MB, after so many pictures in shards of 1000."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        map_shards(top_patches, load("lenet"), "conv2", Synthetic(count), engine=pool, size=1000)
    return peak_memory(), peak_memory(resource.RUSAGE_CHILDREN)


if __name__ == "__main__":
    main()
