"""Codes against `record`, in files that are interrupted and mixed up; neighbours against brute force."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn

from camlib.embeddings.codes import codes, finite
from camlib.embeddings.neighbours import nearest
from camlib.embeddings.rowfile import grown
from camlib.networks.net import Net
from camlib.networks.zoo import load, wrap
from camlib.pictures.files import folder
from camlib.running.record import record


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    module = nn.Sequential(
        *(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.ReLU(), nn.Dropout(0.5)),
        *(nn.Flatten(), nn.Linear(180, 4), nn.ReLU(), nn.Linear(4, 2)),
    )
    return wrap(module, mean=[0.0] * 3, std=[1.0] * 3, size=12)


def pictures(n: int, seed: int = 1) -> Tensor:
    return torch.rand(n, 3, 12, 12, generator=torch.Generator().manual_seed(seed))


def truth(net: Net, layer: str, images: Tensor) -> Tensor:
    with torch.inference_mode(), record(net, layer) as acts:
        net(images)
    return acts[layer].clone()


class Failing:
    """Pictures of which one raises, as a network drive does; it counts what is read."""

    def __init__(self, images: Tensor, at: int | None = None) -> None:
        self.images, self.at, self.read = images, at, list[int]()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        if index == self.at:
            raise OSError("the drive is gone")
        self.read.append(index)
        return self.images[index]


@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_rows_are_what_the_layer_gives(net: Net, batch_size: int) -> None:
    images = pictures(10)
    found = codes(net, "fc2", images, batch_size=batch_size)
    assert found.shape == (10, 4)
    assert found.dtype == torch.float32
    assert not found.is_inference()
    torch.testing.assert_close(found, truth(net, "fc2", images))
    maps = truth(net, "conv1", images)
    torch.testing.assert_close(codes(net, "conv1", images, batch_size=batch_size), maps.flatten(1))
    torch.testing.assert_close(codes(net, "conv1", images, pool="mean"), maps.mean((2, 3)))
    torch.testing.assert_close(codes(net, "conv1", images, pool="max"), maps.amax((2, 3)))
    torch.testing.assert_close(codes(net, "fc2", images, pool="max"), found)  # it has no places


def test_the_network_is_left_as_it_was(net: Net) -> None:
    net.train()
    net.layer("2").eval()
    codes(net, "fc2", pictures(3))
    assert [m.training for m in net.module.children()] == [True, True, False, True, True, True, True]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


def test_half_precision(net: Net) -> None:
    found = codes(net.half(), "fc2", pictures(3))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, codes(net.float(), "fc2", pictures(3)), atol=1e-2, rtol=1e-2)


def test_a_file_holds_the_same(net: Net, tmp_path: Path) -> None:
    images, file = pictures(40), tmp_path / "codes.npy"
    found = codes(net, "fc2", images, file=file, batch_size=4)
    torch.testing.assert_close(found, codes(net, "fc2", images))
    assert np.array_equal(np.load(file), found.numpy())
    assert list(tmp_path.iterdir()) == [file]
    found[0] = 7  # only in memory
    assert not np.any(np.load(file)[0] == 7)
    read = Failing(images)
    torch.testing.assert_close(codes(net, "fc2", read, file=file), codes(net, "fc2", images))
    assert len(read.read) < 40  # it looked at some, and ran no pass


def test_an_interrupted_file_goes_on(net: Net, tmp_path: Path) -> None:
    images, file = pictures(30), tmp_path / "codes.npy"
    with pytest.raises(OSError, match="the drive is gone"):
        codes(net, "fc2", Failing(images, at=21), file=file, batch_size=4)
    assert [one.name for one in tmp_path.iterdir()] == ["codes.npy.part"]
    with (tmp_path / "codes.npy.part").open("r+b") as part:
        part.seek(128 + 20 * 4 * 4)
        part.write(b"half")  # of a row that the interruption left without its stamp
    again = Failing(images)
    found = codes(net, "fc2", again, file=file, batch_size=4)
    torch.testing.assert_close(found, codes(net, "fc2", images))
    assert len(set(range(20)) - set(again.read)) == 4  # 16 of the 20 were looked at again
    assert set(range(20, 30)) <= set(again.read)
    assert [one.name for one in tmp_path.iterdir()] == ["codes.npy"]


def test_a_file_of_other_codes_is_refused(net: Net, tmp_path: Path) -> None:
    images, file = pictures(9), tmp_path / "codes.npy"
    codes(net, "fc2", images, file=file)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"codes\.npy holds other numbers than this network"):
        codes(net, "fc2", list(pictures(9, seed=2)), file=file)
    with pytest.raises(ValueError, match=r"codes\.npy holds the code of another picture 0 \(9 differ\)"):
        codes(net, "fc2", pictures(9, seed=2), file=file)
    with pytest.raises(ValueError, match=r"codes\.npy holds float32 of shape \(9, 4\), not \(9, 180\)"):
        codes(net, "conv1", images, file=file)
    (tmp_path / "letter.npy").write_text("dear reader")
    with pytest.raises(ValueError, match=r"letter\.npy is no table"):
        codes(net, "fc2", images, file=tmp_path / "letter.npy")
    with pytest.raises(ValueError, match="there is no folder"):
        codes(net, "fc2", images, file=tmp_path / "nowhere" / "codes.npy")
    assert file.read_bytes() == before
    assert (tmp_path / "letter.npy").read_text() == "dear reader"


def test_files_that_are_no_pictures_have_no_code(net: Net, tmp_path: Path) -> None:
    for name in "abcdef":
        Image.new("RGB", (20, 20), (ord(name), 30, 60)).save(tmp_path / f"{name}.png")
    for broken in "adf":
        (tmp_path / f"{broken}.png").write_bytes(b"no picture")
    some = folder(tmp_path, size=12)
    found = codes(net, "fc2", some, batch_size=2)
    assert found.isnan().all(1).tolist() == [True, False, False, True, False, True]
    assert {path.stem for path in some.skipped} == {"a", "d", "f"}
    in_file = codes(net, "fc2", folder(tmp_path, size=12), file=tmp_path / "codes.npy", batch_size=2)
    torch.testing.assert_close(in_file, found, equal_nan=True)
    torch.testing.assert_close(codes(net, "fc2", some, file=tmp_path / "codes.npy"), found, equal_nan=True)
    with pytest.raises(ValueError, match="row 0 of the codes, as of a file that could not be read"):
        nearest(found, found[1:2], k=1)
    kept = ~found.isnan().any(1)
    torch.testing.assert_close(codes(net, "fc2", some[kept]), found[kept])


def test_an_edited_picture_gets_a_new_row(net: Net, tmp_path: Path) -> None:
    shades = range(0, 200, 5)
    for shade in shades:
        Image.new("RGB", (20, 20), (shade, 30, 60)).save(tmp_path / f"{shade:03}.png")
    file = tmp_path / "codes.npy"
    before = codes(net, "fc2", folder(tmp_path, size=12), file=file).clone()
    Image.new("RGB", (21, 20), (255, 255, 255)).save(tmp_path / "085.png")  # row 17 of 40, none of the 16
    Image.new("RGB", (21, 20), (255, 255, 0)).save(tmp_path / "090.png")
    after = codes(net, "fc2", folder(tmp_path, size=12), file=file).clone()
    torch.testing.assert_close(after, codes(net, "fc2", folder(tmp_path, size=12)))
    assert (after != before).any(1).nonzero()[:, 0].tolist() == [17, 18]
    torch.testing.assert_close(torch.from_numpy(np.load(file)), after)
    assert sorted(one.suffix for one in tmp_path.iterdir()) == [".npy", *[".png"] * 40]
    for picture in tmp_path.glob("*.png"):  # as a copy of the whole folder would be: all times new
        os.utime(picture, ns=(1, 1))
    written = file.read_bytes()
    torch.testing.assert_close(codes(net, "fc2", folder(tmp_path, size=12), file=file), after)
    assert file.read_bytes() != written  # stamped anew


def test_an_edited_picture_in_memory_is_refused(net: Net, tmp_path: Path) -> None:
    images, file = pictures(40), tmp_path / "codes.npy"
    codes(net, "fc2", images, file=file)
    images[17, 0, 0, 0] += 0.01
    with pytest.raises(ValueError, match=r"the code of another picture 17 \(1 differ\); delete it"):
        codes(net, "fc2", images, file=file)


def test_a_file_without_stamps_is_read(net: Net, tmp_path: Path) -> None:
    images, file = pictures(20), tmp_path / "codes.npy"
    found = codes(net, "fc2", images, file=file)
    np.save(tmp_path / "plain.npy", found.numpy())
    torch.testing.assert_close(codes(net, "fc2", images, file=tmp_path / "plain.npy"), found)
    torch.testing.assert_close(codes(net, "fc2", list(images), file=file), found)  # of which nothing is known


WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from camlib.embeddings.rowfile import grown
def rows(start, wanted):
    yield np.zeros((1, 3), np.float32)
    print("begun", flush=True)
    time.sleep(60)
grown(Path(sys.argv[1]), (5, 3), rows)
"""


@pytest.mark.slow
def test_a_second_process_is_told_and_a_killed_one_does_not_block(tmp_path: Path) -> None:
    def rows(start: int, wanted: int) -> Any:
        yield np.zeros((wanted, 3), np.float32)

    file = tmp_path / "codes.npy"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "begun\n"
        with pytest.raises(ValueError, match=r"another process is writing .*codes\.npy; wait"):
            grown(file, (5, 3), rows)
    finally:
        writer.kill()
        writer.communicate()
    assert grown(file, (5, 3), rows).shape == (5, 3)
    assert list(tmp_path.iterdir()) == [file]


def test_bad_input(net: Net) -> None:
    with pytest.raises(ValueError, match="no pool 'sum'; there are 'mean', 'max'"):
        codes(net, "fc2", pictures(3), pool="sum")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has no layer 'fc9'"):
        codes(net, "fc9", pictures(3))
    with pytest.raises(ValueError, match="the data set is empty"):
        codes(net, "fc2", pictures(0))
    with torch.no_grad():
        net.get_parameter("module.4.bias")[1] = torch.nan
    with pytest.raises(ValueError, match="the code of picture 0 is not finite"):
        codes(net, "fc3", pictures(3))


def test_memory_does_not_hold_the_file(tmp_path: Path) -> None:
    def rows(start: int, wanted: int) -> Any:
        step = min(wanted, 1000)
        for first in range(start, 5000, step):
            last = min(first + step, 5000)
            yield np.arange(first, last, dtype=np.float32)[:, None] * np.ones((1, 3), np.float32)

    table = grown(tmp_path / "t.npy", (5000, 3), rows)
    assert isinstance(table, np.memmap)
    assert table[4321].tolist() == [4321.0] * 3


def brute(known: Tensor, asked: Tensor, k: int, metric: str) -> tuple[Tensor, Tensor]:
    a, b = known.double(), asked.double()
    if metric == "l2":
        distances = (b[:, None] - a).norm(dim=2)
    else:
        distances = 1 - torch.cosine_similarity(b[:, None], a, dim=2)
    return distances.sort(dim=1)[0][:, :k], distances.sort(dim=1)[1][:, :k]


@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_neighbours_equal_brute_force_and_scikit_learn(metric: Any) -> None:
    random = torch.Generator().manual_seed(5)
    known, asked = (torch.randn(n, 16, generator=random) for n in (300, 40))
    distances, indices = nearest(known, asked, k=7, metric=metric)
    expected, where = brute(known, asked, 7, metric)
    assert indices.equal(where)
    torch.testing.assert_close(distances, expected.float(), atol=1e-5, rtol=1e-5)
    assert (distances.dtype, indices.dtype) == (torch.float32, torch.int64)
    name = "euclidean" if metric == "l2" else metric
    theirs = NearestNeighbors(n_neighbors=7, algorithm="brute", metric=name).fit(known.numpy())
    assert np.array_equal(theirs.kneighbors(asked.numpy())[1], indices.numpy())


def test_a_row_is_not_its_own_neighbour() -> None:
    known = torch.randn(50, 4, generator=torch.Generator().manual_seed(1))
    rows = torch.tensor([3, 49, 3])
    distances, indices = nearest(known, rows, k=5)
    _, with_self = nearest(known, known[rows], k=6)
    assert indices.equal(with_self[:, 1:])
    assert with_self[:, 0].equal(rows)
    assert (distances.diff(dim=1) >= 0).all()
    copies = torch.ones(6, 2)  # each has five neighbours at distance 0, and is none of them
    distances, indices = nearest(copies, torch.arange(6), k=5)
    assert [sorted(row) for row in indices.tolist()] == [[j for j in range(6) if j != i] for i in range(6)]
    assert distances.eq(0).all()


def test_neighbours_by_hand() -> None:
    known = torch.tensor([[0.0, 1.0], [3.0, 0.0], [0.0, 8.0]])
    distances, indices = nearest(known, torch.tensor([[0.0, 2.0]]), k=3)
    assert indices.tolist() == [[0, 1, 2]]
    torch.testing.assert_close(distances, torch.tensor([[1.0, 13**0.5, 6.0]]))
    distances, indices = nearest(
        known, torch.tensor([[5.0, 0.0]]), k=1, metric="cosine"
    )  # length says nothing
    assert (distances.item(), indices.item()) == (0, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells how much memory a process took at most")
def test_neighbours_of_wide_rows_take_little_memory() -> None:
    """Rows of all pixels of a picture: scikit-learn's threads copy a few at a time, not 256."""
    code = """if True:
        import torch
        from pathlib import Path
        from camlib.embeddings.neighbours import nearest

        def told(key):
            lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            return int(lines[key].split()[0]) / 1024

        rows = torch.rand(400, 50_000)  # 80 MB
        nearest(rows[:, :100], torch.arange(400))
        Path("/proc/self/clear_refs").write_text("5")
        before = told("VmRSS")
        nearest(rows, torch.arange(400))
        print(told("VmHWM") - before)
    """
    two = {**os.environ, "OMP_NUM_THREADS": "2"}
    run = subprocess.run([sys.executable, "-c", code], env=two, capture_output=True, text=True, check=True)
    assert float(run.stdout) < 400  # of 256 rows at a time it would be 540


def test_neighbours_from_a_mapped_file(tmp_path: Path) -> None:
    np.save(tmp_path / "codes.npy", np.eye(4, dtype=np.float32))
    known = torch.from_numpy(np.load(tmp_path / "codes.npy", mmap_mode="c"))
    assert nearest(known, torch.tensor([[0.0, 0.0, 0.9, 0.0]]), k=1)[1].item() == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.eye(3), torch.eye(3), 4), "4 neighbours of each query; there are 1 to 3"),
        ((torch.eye(3), torch.arange(3), 3), "3 neighbours of each query; there are 1 to 2"),
        ((torch.eye(3), torch.eye(3), 0), "k is 0; it is a whole number, at least 1"),
        ((torch.eye(3), torch.eye(4), 1), "codes of 3 numbers, queries of 4"),
        ((torch.eye(3), torch.tensor([3]), 1), "no row 3; there are 3 codes"),
        ((torch.eye(3), torch.tensor([-1]), 1), "no row -1"),
        ((torch.eye(3), torch.tensor([[1]]), 1), r"queries are floats \(Q, D\) or rows \(Q,\); given int64"),
        ((torch.eye(3), torch.eye(3), 1, "l1"), "no metric 'l1'"),
        ((torch.zeros(0, 3), torch.eye(3), 1), r"given float32 \(0, 3\)"),
        ((torch.eye(3).int(), torch.eye(3), 1), "codes want floats"),
        ((torch.eye(3), torch.eye(3)[:0], 1), "queries want floats"),
        ((torch.eye(3).masked_fill(torch.eye(3) == 0, torch.inf), torch.eye(3), 1), "row 0 of the codes"),
        ((torch.eye(3), torch.tensor([[0, 0, torch.nan]]), 1), "row 0 of the queries is not finite"),
        ((torch.eye(3).tril(-1), torch.eye(3), 1, "cosine"), "row 0 of the codes is all zeros"),
        ((torch.eye(3), torch.zeros(1, 3), 1, "cosine"), "row 0 of the queries is all zeros"),
    ],
)
def test_neighbours_refuse(arguments: Any, message: str) -> None:
    known, queries, *more = arguments
    options = dict(zip(("k", "metric"), more, strict=False))
    with pytest.raises(ValueError, match=message):
        nearest(known, queries, **options)


def test_large_finite_numbers_are_finite() -> None:
    finite(torch.full((3, 3), 3e38))  # their sum is not


@pytest.mark.skipif(
    "CAMLIB_SHARED" not in os.environ, reason="CAMLIB_SHARED names no folder with photographs and weights"
)
@pytest.mark.slow
def test_photographs_neighbours_share_their_half_of_imagenet(capsys: pytest.CaptureFixture[str]) -> None:
    """Of ImageNet's classes the first 398 are animals, the others things."""
    shared = Path(os.environ["CAMLIB_SHARED"]) / "imagenet"
    net = load("mobilenet_v2", weights=shared / "mobilenet_v2.safetensors")
    some = folder(shared / "photos", size=net.size, resize=net.resize)
    numbers = [path.name.split("_")[0] for path in some.paths]  # WordNet's, in the order of the classes
    animal = torch.tensor([number <= "n02655020" for number in numbers])  # puffer, class 397, is the last
    shares = {}
    for layer in ("features.3", "features.17"):
        _, found = nearest(
            codes(net, layer, some, pool="mean"), torch.arange(len(some)), k=5, metric="cosine"
        )
        shares[layer] = (animal[found] == animal[:, None]).float().mean(0)
    count = int(animal.sum())
    chance = (count * (count - 1) + (113 - count) * (112 - count)) / (113 * 112)
    with capsys.disabled():
        print(f"\nneighbours of 113 photographs that share their half, animal or thing; chance {chance:.2f}")
        for layer, share in shares.items():
            print(f"  {layer}: the nearest {share[0]:.2f}, the nearest five {share.mean():.2f}")
    assert shares["features.17"][0] > 0.8
    assert shares["features.17"].mean() > 0.7 > shares["features.3"].mean()
