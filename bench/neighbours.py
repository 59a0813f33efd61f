"""`codes` against the bare forward pass, `nearest` against scikit-learn's brute force."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: idle threads sleep, and cost no CPU time

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from bench.measure import DEVICE, extra_memory, ratios, row
from camlib.embeddings.codes import codes
from camlib.embeddings.neighbours import nearest
from camlib.networks.net import Net
from camlib.networks.zoo import load
from camlib.pictures.batches import batches

ROUNDS = 5
SIZES = ((2000, 2000, 256), (5000, 500, 4096))  # codes, queries, numbers in each


def main() -> None:
    for name, layer, count in (("critternet", "fc7", 256), ("alexnet", "fc7", 64)):
        net = load(name, weights="random").to(DEVICE)
        images = torch.rand(count, 3, net.size, net.size, generator=torch.Generator().manual_seed(0))
        with tempfile.TemporaryDirectory() as folder:
            for where, file in {"": None, ", into a file": Path(folder) / "codes.npy"}.items():
                works = [partial(kept, net, layer, images, file), partial(bare, net, images)]
                gains = ratios(works, ROUNDS)[1]
                print(row(f"codes, {name} {layer}{where}", "bare forward pass", gains), flush=True)
    for n, q, d in SIZES:
        random = torch.Generator().manual_seed(0)
        known, asked = (torch.randn(size, d, generator=random).relu() for size in (n, q))
        for metric in ("l2", "cosine"):
            pair: list[Callable[[], object]] = [
                partial(nearest, known, asked, k=5, metric="l2" if metric == "l2" else "cosine"),
                partial(theirs, known, asked, metric),
            ]
            gains = ratios(pair, ROUNDS)[1]
            what = f"neighbours, {metric}, {q} among {n}, {d} numbers"
            print(row(what, "scikit-learn", gains, [extra_memory(work) for work in pair]), flush=True)


def kept(net: Net, layer: str, images: Tensor, file: Path | None) -> None:
    if file:
        file.unlink(missing_ok=True)
    codes(net, layer, images, file=file)


def bare(net: Net, images: Tensor) -> None:
    with torch.inference_mode():
        for batch in batches(images):
            net(batch.images.to(DEVICE))


def theirs(known: Tensor, asked: Tensor, metric: str) -> None:
    name = "euclidean" if metric == "l2" else metric
    NearestNeighbors(n_neighbors=5, algorithm="brute", metric=name).fit(known.numpy()).kneighbors(
        asked.numpy()
    )


if __name__ == "__main__":
    main()
