"""`map_shards`: one and two workers against one pass, by the clock; what an engine costs; its memory.

The engines: Python's pool of processes, and Dask's where it is installed.
"""

import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
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
        told = f"driver {most[0]} MB, the largest worker {most[1]} MB"
        print(f"- peak memory, top patches of {count:,} digits in shards of 1000: {told}", flush=True)
    net = load("critternet_gmp")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        for n, image in enumerate(critters(200, seed=1).images):
            for copy in range(FILES // 200):
                to_pil_image(image).save(Path(place) / f"{n:03}-{copy}.jpg", quality=90)
        pictures = folder(place, size=128)
        with ExitStack() as stack:
            pools: dict[str, Any] = {
                "one worker": stack.enter_context(workers(1)),
                "two workers": stack.enter_context(workers(2)),
            }
            if importlib.util.find_spec("distributed"):
                pools["two workers of Dask"] = stack.enter_context(dask(2))
            gains: dict[str, list[float]] = {name: [] for name in pools}
            rates: list[float] = []
            for _ in range(ROUNDS):
                alone = clock(lambda: top_patches(net, "conv5", pictures))
                rates.append(FILES / alone)
                for name, pool in pools.items():
                    gains[name].append(alone / clock(partial(shards, net, pictures, pool)))
    for name, each in gains.items():
        what = f"top patches, critternet_gmp conv5, {FILES} JPEGs in shards of {SIZE}, {name}"
        print(row(what, "one pass, one thread, by the clock", each))
    print(f"- one pass, one thread: {statistics.median(rates):.0f} JPEGs of 128 pixels a second")
    small = torch.randint(256, (SMALL, 1, 28, 28), dtype=torch.uint8)
    lenet = load("lenet")
    with workers(1) as one:
        shards(lenet, small, one, "conv2")
        alone = clock(lambda: top_patches(lenet, "conv2", small))
        more = clock(lambda: shards(lenet, small, one, "conv2")) - alone
    cut = -(-SMALL // SIZE)
    told_of = f"{alone:.1f} s in one pass; a pool of one worker adds {more:.1f} s"
    print(f"- top patches of {SMALL:,} digits in {cut} shards: {told_of}", flush=True)


@contextmanager
def workers(count: int) -> Iterator[Executor]:
    """A pool whose workers have begun and have imported what they need."""
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        shards(load("lenet"), torch.zeros(SIZE * count, 1, 28, 28), pool, "conv1")
        yield pool


@contextmanager
def dask(count: int) -> Iterator[Any]:
    """Dask's client of so many workers, one thread each, which have imported what they need.

    Its worker processes trim the memory they free unless they are told not to, and are half as fast.
    """
    config: Any = importlib.import_module("dask.config")
    distributed: Any = importlib.import_module("distributed")
    key = "distributed.nanny.pre-spawn-environ"
    environ = {name: value for name, value in config.get(key).items() if "MALLOC" not in name}
    with config.set({key: environ}):
        cluster = distributed.LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None)
        with cluster, distributed.Client(cluster) as client:
            shards(load("lenet"), torch.zeros(SIZE * count, 1, 28, 28), client, "conv1")
            yield client


def shards(net: Any, pictures: Any, pool: Any, layer: str = "conv5") -> object:
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
