"""A verb in shards gives what one pass gives, whatever the shards, their order, or who dies in the middle."""

import concurrent.futures
import gzip
import io
import os
import pickle
import signal
import tarfile
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Dataset, Subset, TensorDataset

from camlib import (
    Net,
    ShardError,
    ablate,
    cam,
    cam_sums,
    codes,
    critters,
    dissect,
    folder,
    load,
    map_shards,
    pointing_game,
    random_rotation,
    shard_log,
    silence,
    tars,
    top_patches,
    wrap,
)
from camlib.cluster import work as driver
from camlib.cluster import worker
from camlib.cluster.digest import digest
from camlib.cluster.engines import Engine
from camlib.cluster.kept import Kept
from camlib.cluster.shard import Shard, cut
from camlib.cluster.shards import part_of
from camlib.cluster.worker import Job, device_of, here, run
from camlib.units.dissect import highest_cells
from camlib.units.patches import TopPatches


@pytest.fixture(scope="module")
def net() -> Net:
    return load("critternet_gap")


@pytest.fixture(scope="module")
def crowd() -> Any:
    return critters(70, seed=3)


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as some:
        yield some


class Backwards(Executor):
    """Does the shards here, when the first is waited for, the last one first."""

    def __init__(self) -> None:
        self.asked: list[tuple[Future[Any], Any, Any]] = []
        self.firsts: list[int] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        last: Future[Any] = Future()
        self.asked.append((last, fn, args))
        self.firsts.append(args[-1])
        if len(self.asked) == self.count:
            for future, fn, args in reversed(self.asked):
                try:
                    future.set_result(fn(*args))
                except BaseException as error:
                    future.set_exception(error)
            self.asked = []
        return last

    count = 1


def same(one: TopPatches, other: TopPatches) -> bool:
    keys = "values", "images", "cells", "boxes", "units"
    alike = all(torch.equal(getattr(one, key), getattr(other, key)) for key in keys)
    return alike and (one.seen, one.total, one.complete) == (other.seen, other.total, other.complete)


@pytest.mark.parametrize("size", [16, 32, 70])
def test_patches_codes_and_ablation_are_those_of_one_pass(
    net: Net, crowd: Any, pool: Executor, size: int
) -> None:
    options: dict[str, Any] = {"engine": pool, "size": size, "batch_size": 16}
    best = map_shards(top_patches, net, "conv5", crowd, k=4, one_per_image=True, **options)
    assert same(best, top_patches(net, "conv5", crowd, k=4, one_per_image=True, batch_size=16))
    rows = map_shards(codes, net, "conv4", crowd, pool="max", **options)
    assert torch.equal(rows, codes(net, "conv4", crowd, pool="max", batch_size=16))
    lost, once = (
        map_shards(ablate, net, "conv3", crowd, **options),
        ablate(net, "conv3", crowd, batch_size=16),
    )
    for a, b in ((lost, once), (lost.baseline, once.baseline), (lost.by_class, once.by_class)):
        assert torch.equal(a.wrong, b.wrong)
        assert torch.equal(a.counts, b.counts)
        torch.testing.assert_close(a.summed, b.summed, rtol=1e-12, atol=1e-12)
    assert torch.equal(lost.by_class.baseline.counts, once.by_class.baseline.counts)


def test_dissection_goes_round_twice_and_is_that_of_one_pass(net: Net, crowd: Any, tmp_path: Path) -> None:
    options: dict[str, Any] = {"quantile": 0.01, "batch_size": 16}
    for rotation in (None, random_rotation(64)):
        once = dissect(net, "conv5", crowd, rotation=rotation, **options)
        with ThreadPoolExecutor(1) as here:
            found = map_shards(
                dissect,
                net,
                "conv5",
                crowd,
                engine=here,
                size=32,
                folder=tmp_path,
                rotation=rotation,
                **options,
            )
        for key in ("lit", "pixels", "thresholds", "iou", "areas"):
            assert torch.equal(getattr(found, key), getattr(once, key))
    one, other = (dissect(net, "conv5", crowd[part]) for part in (slice(0, 8), slice(8, 16)))
    with pytest.raises(ValueError, match="at the same thresholds"):
        one | other
    with pytest.raises(ValueError, match=r"thresholds of shape \(3,\) for 64 units"):
        dissect(net, "conv5", crowd, thresholds=torch.ones(3))


def test_sums_of_maps_are_those_of_one_pass_and_of_all_maps(net: Net, crowd: Any) -> None:
    options: dict[str, Any] = {"batch_size": 16}
    once = cam_sums(net, crowd, **options)
    with ThreadPoolExecutor(1) as here:
        found = map_shards(cam_sums, net, None, crowd, engine=here, size=32, **options)
    assert torch.equal(found.counts, once.counts)
    assert found.hits is not None
    assert once.hits is not None
    assert torch.equal(found.hits, once.hits)
    for a, b in ((found.maps, once.maps), (found.inside, once.inside)):  # rounded in another order
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    every = torch.cat(
        [cam(net, crowd.images[i : i + 16], crowd.labels[i : i + 16]) for i in range(0, 70, 16)]
    )
    hits = pointing_game(every, crowd.masks, 0).hits
    for c in crowd.labels.unique().tolist():
        of = crowd.labels == c
        torch.testing.assert_close(once.mean[c], every[of].double().mean(0))
        assert once.pointing[c] == hits[of].double().mean()
        warm = every[of].clamp(min=0).double()
        share = (warm * crowd.masks[of]).sum((1, 2)) / warm.sum((1, 2))
        torch.testing.assert_close(once.mass[c], share.mean())
    bare = cam_sums(net, [crowd[i] for i in range(4)])
    assert torch.equal(bare.maps, cam_sums(net, crowd[:4]).maps)
    with pytest.raises(ValueError, match="no masks: where the objects are"):
        bare.pointing  # noqa: B018
    with pytest.raises(ValueError, match="all with masks or none"):
        bare | once
    with pytest.raises(ValueError, match="no labels"):
        cam_sums(net, crowd.images)


def test_order_does_not_matter(net: Net, crowd: Any) -> None:
    late = Backwards()
    late.count = 5
    best = map_shards(top_patches, net, "conv5", crowd, engine=late, size=16, batch_size=16, k=3)
    assert late.firsts == [0, 16, 32, 48, 64]
    assert same(best, top_patches(net, "conv5", crowd, k=3, batch_size=16))


def test_ties_are_those_of_one_pass(net: Net, crowd: Any) -> None:
    twins = crowd.images[:8].repeat(4, 1, 1, 1)
    with ThreadPoolExecutor(1) as here:
        best = map_shards(top_patches, net, "conv5", twins, engine=here, size=8, batch_size=8, k=3)
    assert same(best, top_patches(net, "conv5", twins, k=3, batch_size=8))
    assert torch.get_num_threads() >= 1


def test_a_result_travels_by_value(net: Net, crowd: Any) -> None:
    # as a handle it would be gone if its worker died before it was fetched
    job = Job("a key", here(), "cpu", "codes", "conv5", {"batch_size": 16})
    done = run(job, pickle.dumps(net), pickle.dumps(crowd[torch.arange(4)]), 0)
    assert isinstance(done.result, bytes)
    assert torch.equal(pickle.loads(done.result), codes(net, "conv5", crowd.images[:4]))


@pytest.mark.parametrize(
    ("device", "taken", "gpus", "expected"),
    [
        ("cpu", [3], 2, "cpu"),
        ("mps", [3], 0, "mps"),
        ("cuda", [0], 2, "cuda:0"),
        ("cuda", [1], 2, "cuda:1"),
        ("cuda", [2], 2, "cuda:0"),
        ("cuda", [], 2, "cuda"),  # on somebody else's engine, which says what a worker may see
    ],
)
def test_each_worker_takes_the_gpu_whose_turn_it_is(
    device: str, taken: list[int], gpus: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("camlib.cluster.worker._NUMBER", taken)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert str(device_of(Job("a key", here(), device, "codes", "conv5", {}))) == expected


def its_number(together: Any) -> list[int]:
    """Of the worker that runs this; together: only when both have come."""
    together.wait(60)
    return list(worker._NUMBER)


def test_workers_of_our_pool_are_numbered(net: Net, tmp_path: Path) -> None:
    job = Job("a key", here(), "cpu", "codes", "conv5", {})
    workers = Engine(2, job, pickle.dumps(net), tmp_path)
    workers._begin()
    assert workers._pool is not None
    with get_context("spawn").Manager() as manager:
        both = manager.Barrier(2)
        found = [workers._pool.submit(its_number, both) for _ in range(2)]
        assert sorted(future.result() for future in found) == [[0], [1]]
    workers.close()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="a GPU is needed: none is here")
def test_on_gpus_as_in_one_pass(net: Net, crowd: Any) -> None:
    there = load("critternet_gap").to("cuda")
    assert torch.equal(map_shards(codes, there, "conv5", crowd, size=32), codes(there, "conv5", crowd))


class Deadly:
    """Runs in place of `run`: a worker kills itself on the second shard, once for each spade."""

    def __init__(self, grave: Path) -> None:
        self.grave = grave

    def __call__(self, job: Any, network: Any, pictures: bytes, first: int) -> Any:
        spades = sorted(self.grave.glob("spade*"))
        if first == 32 and spades:
            spades[0].unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return run(job, network, pictures, first)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_workers_killed_twice_change_nothing(
    net: Net, crowd: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spade1").touch()
    (tmp_path / "spade2").touch()
    monkeypatch.setattr("camlib.cluster.engines.run", Deadly(tmp_path))
    rows = map_shards(codes, net, "conv5", crowd, engine=2, size=32, batch_size=16, folder=tmp_path / "run")
    assert not list(tmp_path.glob("spade*"))
    assert torch.equal(rows, codes(net, "conv5", crowd, batch_size=16))
    log = shard_log(tmp_path / "run")
    assert sorted((line.first, line.stop) for line in log) == [(0, 32), (32, 64), (64, 70)]
    assert all(line.ended >= line.began and str(os.getpid()) not in line.worker for line in log)
    with (tmp_path / "run" / "log.csv").open("a", encoding="utf-8") as file:
        file.write("codes,64")  # as a killed driver leaves it
    assert shard_log(tmp_path / "run", "codes") == log
    assert shard_log(tmp_path / "run", "dissect") == []
    with pytest.raises(ValueError, match=r"no log\.csv in"):
        shard_log(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_shard_that_always_kills_is_named_and_the_rest_is_kept(
    net: Net, crowd: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(50):
        (tmp_path / f"spade{n:02}").touch()
    monkeypatch.setattr("camlib.cluster.engines.run", Deadly(tmp_path))
    with pytest.raises(ShardError, match=r"shards failed, the first pictures \d+ .*workers died 3 times"):
        map_shards(
            top_patches, net, "conv5", crowd, engine=1, size=32, batch_size=16, folder=tmp_path / "run"
        )
    monkeypatch.undo()
    kept = sorted((tmp_path / "run").glob("*.shard"))
    assert kept
    times = {file: file.stat().st_mtime_ns for file in kept}
    with ThreadPoolExecutor(1) as here:
        best = map_shards(
            top_patches, net, "conv5", crowd, size=32, batch_size=16, folder=tmp_path / "run", engine=here
        )
    assert same(best, top_patches(net, "conv5", crowd, batch_size=16))
    assert all(file.stat().st_mtime_ns == time for file, time in times.items())  # not computed again


class Counting(ThreadPoolExecutor):
    """Notes which shards it was given."""

    def __init__(self) -> None:
        super().__init__(1)
        self.firsts: list[int] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        self.firsts.append(args[-1])
        return super().submit(fn, *args, **kwargs)


def test_a_run_goes_on_with_its_own_shards_only(net: Net, crowd: Any, tmp_path: Path) -> None:
    def firsts(network: Net, layer: str, data: Any, **options: Any) -> list[int]:
        with Counting() as here:
            found = map_shards(codes, network, layer, data, engine=here, size=32, folder=tmp_path, **options)
        assert torch.equal(found, codes(network, layer, data, **options).to(found.dtype))
        return here.firsts

    few: dict[str, Any] = {"batch_size": 32}
    assert firsts(net, "conv5", crowd, **few) == [0, 32, 64]
    assert firsts(net, "conv5", crowd, **few) == []
    changed = crowd.images.clone()
    changed[40] = changed[41]
    assert firsts(net, "conv5", crowd.images, **few) in ([], [0, 32, 64])  # bytes or floats
    assert firsts(net, "conv5", changed, **few) == [32]
    assert firsts(net, "conv5", changed, pool="mean", **few) == [0, 32, 64]
    assert firsts(net, "conv4", changed, pool="mean", **few) == [0, 32, 64]
    other = load("critternet_gap", weights="untrained")
    assert firsts(other, "conv5", changed, **few) == [0, 32, 64]
    assert not list(tmp_path.glob("*.part"))


def test_what_fails_is_tried_three_times_and_named(net: Net, crowd: Any, tmp_path: Path) -> None:
    tries: list[int] = []

    class Weak(Counting):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
            tries.append(args[-1])
            if args[-1] == 32:
                future: Future[Any] = Future()
                future.set_exception(OSError("the disk is gone"))
                return future
            return super().submit(fn, *args, **kwargs)

    with (
        Weak() as here,
        pytest.raises(
            ShardError,
            match=r"1 of 3 shards failed, the first pictures 32 to 63 .*OSError: the disk is gone; the",
        ),
    ):
        map_shards(ablate, net, "conv5", crowd, engine=here, size=32, batch_size=32, folder=tmp_path)
    assert tries.count(32) == driver.TRIES == 3
    with Counting() as rest:
        map_shards(ablate, net, "conv5", crowd, engine=rest, size=32, batch_size=32, folder=tmp_path)
    assert rest.firsts == [32]


def test_files_that_cannot_be_read_are_left_out_as_in_one_pass(
    net: Net, tmp_path: Path, pool: Executor
) -> None:
    for n in range(12):
        path = tmp_path / f"{n:02}.png"
        if n == 1 or 4 <= n < 8:  # one, and a whole shard
            path.write_bytes(b"no picture")
        else:
            Image.new("RGB", (128, 128), (20 * n, 90, 200)).save(path)
    options: dict[str, Any] = {"batch_size": 4}
    for kept in (None, tmp_path / "run"):
        data, once = folder(tmp_path, size=128), folder(tmp_path, size=128)
        data, once = data[:12], once[:12]
        rows = map_shards(codes, net, "conv5", data, engine=pool, size=4, folder=kept, **options)
        torch.testing.assert_close(rows, codes(net, "conv5", once, **options), rtol=0, atol=0, equal_nan=True)
        assert data.skipped == once.skipped
        assert len(data.skipped) == 5
    best = map_shards(top_patches, net, "conv5", data, engine=pool, size=4, k=3, **options)
    assert same(best, top_patches(net, "conv5", once, k=3, **options))
    assert best.skipped == 5
    nothing = data[4:8]
    with pytest.raises(ValueError, match="none of the 4 pictures can be read"):
        map_shards(top_patches, net, "conv5", nothing, engine=pool, size=4, k=3, **options)


def test_pictures_in_tar_files(net: Net, tmp_path: Path, pool: Executor) -> None:
    (tmp_path / "files").mkdir()
    for n in range(8):
        path = tmp_path / "files" / f"{n:02}.png"
        Image.new("RGB", (128, 128), (30 * n, 90, 200)).save(path)
        if n == 5:
            path.write_bytes(b"no picture")
        with tarfile.open(tmp_path / f"shard-{n // 4}.tar", "a") as tar:
            tar.add(path, f"set/{n:02}.png")
            head = tarfile.TarInfo(f"set/{n:02}.cls")
            head.size = 1
            tar.addfile(head, io.BytesIO(str(n % 3).encode()))
    data, loose = tars(tmp_path, size=128), folder(tmp_path / "files", size=128)
    assert data.labels is not None
    assert data.labels.tolist() == [n % 3 for n in range(8)]
    assert data.paths[6] == tmp_path / "shard-1.tar" / "set" / "06.png"
    assert torch.equal(data[6][0], loose[6][0])
    assert torch.equal(data[[6, 2]][0][0], loose[6][0])
    assert torch.equal(tars([tmp_path / "shard-1.tar"], size=128)[2][0], loose[6][0])
    options: dict[str, Any] = {"engine": pool, "size": 4, "batch_size": 4, "folder": tmp_path / "run"}
    rows = map_shards(codes, net, "conv5", data, **options)
    torch.testing.assert_close(rows, codes(net, "conv5", loose, batch_size=4), rtol=0, atol=0, equal_nan=True)
    assert list(data.skipped) == [data.paths[5]]
    again = tars(tmp_path, size=128)
    map_shards(codes, net, "conv5", again, **options)  # kept: the tars are the same
    assert len(shard_log(tmp_path / "run")) == 2
    assert list(again.skipped) == [data.paths[5]]
    os.utime(tmp_path / "shard-1.tar", (1, 1))
    map_shards(codes, net, "conv5", tars(tmp_path, size=128), **options)
    assert [line.first for line in shard_log(tmp_path / "run")][2:] == [4]
    with gzip.open(tmp_path / "small.tar.gz", "wb") as packed:
        packed.write((tmp_path / "shard-0.tar").read_bytes())
    for bad, message in (
        (tmp_path / "small.tar.gz", "as a plain tar"),
        (tmp_path / "none.tar", "as a plain tar"),
        ([], "no pictures in no tar files"),
        (tmp_path / "files", "no pictures in"),
    ):
        with pytest.raises(ValueError, match=message):
            tars(bad)


class Mine(nn.Module):
    """A network that somebody wrote beside this test."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 5, stride=4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(self.conv(x).relu().mean((2, 3)))
        return out


class Noise(Dataset[tuple[Tensor, int]]):
    """A data set of a kind that nobody here knows."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, n: int) -> tuple[Tensor, int]:
        return torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(n)), n % 3


def test_ones_own_network_and_data_set(pool: Executor, tmp_path: Path) -> None:
    own = wrap(Mine(), classes=["a", "b", "c"], size=32)
    options: dict[str, Any] = {"batch_size": 2}
    rows = map_shards(codes, own, "conv", Noise(), engine=pool, size=4, folder=tmp_path, **options)
    assert torch.equal(rows, codes(own, "conv", Noise(), **options))
    lost = map_shards(ablate, own, "conv", Noise(), engine=pool, size=4, **options)
    assert torch.equal(lost.wrong, ablate(own, "conv", Noise(), **options).wrong)


def test_shards_are_whole_batches_and_carry_only_their_pictures(crowd: Any) -> None:
    assert cut(70, 20, 16) == [Shard(0, 32), Shard(32, 64), Shard(64, 70)]
    part = part_of(crowd.images, Shard(8, 16))
    assert torch.equal(part, crowd.images[8:16])
    assert part.untyped_storage().nbytes() == part.nbytes
    some = part_of(crowd, Shard(8, 16))
    assert torch.equal(some.labels, crowd.labels[8:16])
    assert some.pixels.untyped_storage().nbytes() == some.pixels.nbytes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verb": cam}, "map_shards can join codes, top_patches, ablate, dissect, cam_sums.*; given cam"),
        ({"verb": cam_sums}, "cam_sums has no layer; given 'conv5', give None"),
        ({"layer": None}, "one layer is given by its name, a string; given None"),
        ({"engine": 0}, "engine is 0"),
        ({"layer": "conv9"}, "no layer 'conv9'"),
        ({"k": 3, "start": 5}, "no option 'start'; it has batch_size, k, one_per_image, units"),
        ({"engine": 4.5}, "an engine is a number of processes, or has submit.*given a float"),
        ({"size": 0}, "size is 0"),
        ({"dataset": []}, "the data set is empty"),
        ({"net": nn.Conv2d(3, 3, 3)}, r"no Net yet: net = wrap\(your_network\)"),
        ({"folder": ""}, "folder is ''"),
    ],
)
def test_wrong_calls_get_one_line(net: Net, crowd: Any, change: dict[str, Any], message: str) -> None:
    call: dict[str, Any] = {"verb": top_patches, "net": net, "layer": "conv5", "dataset": crowd} | change
    with pytest.raises(ValueError, match=message):
        map_shards(**call)


def test_ablations_of_different_layers_are_not_joined(net: Net, crowd: Any) -> None:
    one, other = ablate(net, "conv1", crowd[:4]), ablate(net, "conv5", crowd[:4])
    assert len(one.wrong) != len(other.wrong)
    with pytest.raises(
        ValueError, match="only results for the same layer can be joined; these are 32 × 9 and"
    ):
        one | other


def test_on_dask_with_a_worker_killed(net: Net, crowd: Any) -> None:
    distributed = pytest.importorskip("distributed", reason='Dask is not here: pip install "camlib[cluster]"')
    options: dict[str, Any] = {"size": 16, "batch_size": 16}
    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        best = map_shards(top_patches, net, "conv5", crowd, engine=client, k=3, **options)
        (worker,) = cluster.workers.values()
        os.kill(worker.pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # and what it holds is lost
        rows = map_shards(codes, net, "conv4", crowd, engine=client, pool="mean", **options)
    assert same(best, top_patches(net, "conv5", crowd, k=3, batch_size=16))
    assert torch.equal(rows, codes(net, "conv4", crowd, pool="mean", batch_size=16))


class Killer(ThreadPoolExecutor):
    """Shoots a worker of a Dask cluster each time when another two shards are back, twice."""

    def __init__(self, cluster: Any) -> None:
        super().__init__(1)
        self.cluster, self.back, self.killed = cluster, 0, list[int]()

    def __call__(self, _future: Any) -> None:
        self.back += 1
        if self.back in (2, 5):
            one = next(one for one in self.cluster.workers.values() if one.pid not in self.killed)
            self.killed.append(one.pid)
            os.kill(one.pid, signal.SIGKILL)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_on_dask_with_two_workers_killed_in_the_middle(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed", reason='Dask is not here: pip install "camlib[cluster]"')
    crowd = critters(160, seed=5)
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        killer, submit = Killer(cluster), Engine.submit

        def watched(self: Engine, pictures: bytes, first: int) -> "Future[Any]":
            future = submit(self, pictures, first)
            future.add_done_callback(killer)
            return future

        monkeypatch.setattr(Engine, "submit", watched)
        best = map_shards(top_patches, net, "conv5", crowd, engine=client, size=16, batch_size=16, k=3)
    assert len(set(killer.killed)) == 2
    assert same(best, top_patches(net, "conv5", crowd, k=3, batch_size=16))


@pytest.mark.parametrize(("workers", "most"), [(4, 32), (40, 80), (0, 32)])
def test_each_worker_has_a_shard_and_the_next(
    workers: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits, lenet = torch.zeros(100, 1, 28, 28, dtype=torch.uint8), load("lenet")
    out: list[int] = []

    def wait(futures: Any, **options: Any) -> Any:
        out.append(len(futures))
        return concurrent.futures.wait(futures, **options)

    monkeypatch.setattr(driver, "wait", wait)
    with ThreadPoolExecutor(1) as pool:
        engine = SimpleNamespace(submit=pool.submit, **({"_max_workers": workers} if workers else {}))
        found = map_shards(top_patches, lenet, "conv1", digits, engine=engine, size=1, batch_size=1)
    assert out[0] == max(out) == most
    assert same(found, top_patches(lenet, "conv1", digits, batch_size=1))


def test_damaged_shards_are_done_again(net: Net, crowd: Any, tmp_path: Path) -> None:
    def firsts() -> list[int]:
        with Counting() as here:
            found = map_shards(
                codes, net, "conv5", crowd, engine=here, size=32, batch_size=32, folder=tmp_path, pool="max"
            )
        assert torch.equal(found, expected)
        return here.firsts

    expected = codes(net, "conv5", crowd, batch_size=32, pool="max")
    assert firsts() == [0, 32, 64]
    first, second, last = sorted(tmp_path.glob("*.shard"))
    first.write_bytes(b"")  # as a power cut may leave it
    told = bytearray(last.read_bytes())
    told[-100] ^= 1
    last.write_bytes(told)
    assert firsts() == [0, 64]
    assert firsts() == []
    kept = Kept(tmp_path, {}, "codes")
    shard = Shard(32, 64)
    assert kept.has(shard, second.stem.split("-", 2)[2])
    second.write_bytes(second.read_bytes()[:-1])
    with pytest.raises(OSError, match="is not as it was written; the same call does its pictures again"):
        kept.of(shard)


@pytest.mark.parametrize("field", ["labels", "parts"])
def test_kept_sums_of_another_truth_are_not_taken(net: Net, crowd: Any, tmp_path: Path, field: str) -> None:
    changed = replace(crowd, **{field: getattr(crowd, field).flip(0)})
    with ThreadPoolExecutor(1) as here:
        options: dict[str, Any] = {"engine": here, "size": 64, "folder": tmp_path}
        for data in (crowd, changed, Subset(crowd, range(70)), Subset(changed, range(70))):
            map_shards(ablate, net, "conv5", data, **options)
    assert len(list(tmp_path.glob("*.shard"))) == 4  # two shards of each truth; a subset of all is the same


def test_thresholds_hold_no_more_than_themselves(net: Net, crowd: Any) -> None:
    found = highest_cells(net, "conv5", crowd[:16], of=16)
    assert found.thresholds.untyped_storage().nbytes() == 4 * len(found.thresholds)


class Told(Dataset[tuple[Tensor, int]]):
    """Pictures whose labels come with them, from where nobody could read them before."""

    def __init__(self, label: int, transform: Any = None) -> None:
        self.of, self.transform = (lambda n: (n + label) % 3), transform

    def __len__(self) -> int:
        return 40

    def __getitem__(self, n: int) -> tuple[Tensor, int]:
        picture = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(n))
        return (picture if self.transform is None else self.transform(picture)), self.of(n)


class Listed(Told):
    """The labels lie in an attribute that has another name."""

    def __init__(self, label: int, number: int = 0) -> None:
        super().__init__(0)
        self.y = [n % 3 for n in range(40)]
        self.y[number] = label
        self.of = self.y.__getitem__


def _listed(label: int, number: int = 0) -> list[tuple[Tensor, int]]:
    return [Listed(label, number)[n] for n in range(40)]


def _in_tensors(label: int, number: int = 0) -> TensorDataset:
    pictures, labels = zip(*_listed(label, number), strict=True)
    return TensorDataset(torch.stack(pictures), torch.tensor(labels))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Told(0), Told(1)),
        (Told(0), Told(0, transform=lambda picture: picture.flip(2))),
        (Listed(0, 33), Listed(1, 33)),
        (_listed(0, 33), _listed(1, 33)),
        (_in_tensors(0, 33), _in_tensors(1, 33)),
        (Subset(Listed(0, 33), range(1, 40)), Subset(Listed(1, 33), range(1, 40))),
    ],
)
def test_kept_shards_of_other_labels_or_pictures_are_done_again(tmp_path: Path, one: Any, other: Any) -> None:
    own = wrap(Mine(), classes=["a", "b", "c"], size=32)

    def firsts(data: Any) -> list[int]:
        with Counting() as here:
            options: dict[str, Any] = {"engine": here, "size": 20, "batch_size": 4, "folder": tmp_path}
            found = map_shards(ablate, own, "conv", data, **options)
        once = ablate(own, "conv", data, batch_size=4)
        assert torch.equal(found.wrong, once.wrong)
        assert torch.equal(found.counts, once.counts)
        return here.firsts

    assert firsts(one) == [0, 20]
    assert firsts(one) == []
    assert 20 in firsts(other)
    assert firsts(other) == firsts(one) == []


def test_kept_shards_of_files_read_at_another_size_are_done_again(tmp_path: Path) -> None:
    own = wrap(Mine(), classes=["a", "b", "c"], size=32)
    (tmp_path / "cat").mkdir()
    for n in range(4):
        Image.new("RGB", (64, 64), (20 * n, 90, 200)).save(tmp_path / "cat" / f"{n}.png")
    for size in (32, 48):
        data = folder(tmp_path, size=size)
        with ThreadPoolExecutor(1) as here:
            rows = map_shards(codes, own, "conv", data, engine=here, folder=tmp_path / "run")
        assert torch.equal(rows, codes(own, "conv", data))


def test_what_lies_on_the_network_would_not_travel(crowd: Any) -> None:
    own = load("critternet_gap")
    with silence(own, "conv5", [0, 1]), pytest.raises(ValueError, match=r"a hook .* lies on 'conv5'"):
        map_shards(codes, own, "conv5", crowd)
    own.layer("conv4").forward = lambda x: x
    with pytest.raises(ValueError, match=r"a forward of its own lies on 'conv4'"):
        map_shards(codes, own, "conv5", crowd)


def test_digests_tell_values_apart_and_not_places_in_memory() -> None:
    table = torch.arange(12.0).reshape(3, 4)
    assert digest(table[1]) == digest(table[1].clone())
    assert digest([1, "a", None]) == digest([1, "a", None])
    assert digest({"box": table}) != digest({"box": table + 1})
    assert digest(np.array(["a", None], object)) != digest(np.array(["b", None], object))
    assert digest(Image.new("L", (2, 2))) != digest(Image.new("L", (2, 2), 7))
    assert digest([object()]) == digest([object()])
