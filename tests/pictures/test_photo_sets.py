"""The public sets, in their formats: small ones, made here; and the shared part of imagenet-sample."""

import gc
import hashlib
import io
import json
import os
import tarfile
import threading
import weakref
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import Imagenette, OxfordIIITPet

import camlib
from camlib import batches, load, photos, pointing_game
from camlib.pictures import photo_downloads
from camlib.pictures.fetched import DownloadError
from camlib.pictures.files import Unreadable
from camlib.pictures.imagenet_names import imagenet_classes, wordnet_numbers
from camlib.pictures.pet_breeds import BREEDS
from camlib.pictures.photo_downloads import SOURCES, get, where
from camlib.pictures.photo_sets import Pets, PhotoSet
from camlib.pictures.stamps import stamps

HEAD = (
    "<annotation><object><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"
    "</object></annotation>"
)
PETS = ("Abyssinian_1", "american_pit_bull_terrier_12", "yorkshire_terrier_3")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no network."""
    monkeypatch.setenv("CAMLIB_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("CAMLIB_SHARED", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "data"


def picture(path: Path, size: tuple[int, int] = (60, 40), colour: int = 200, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (colour, 30, 30)).save(path, **options)


def make_imagenette(home: Path) -> None:
    for split, count in {"train": 3, "val": 2}.items():
        for number in ("n02102040", "n01440764", "n03888257"):
            for k in range(count):
                picture(home / "imagenette2-320" / split / number / f"{number}_{k}.JPEG", colour=50 * k)


def make_pets(home: Path) -> Path:
    root = home / "oxford-iiit-pet"
    for folder in ("trimaps", "xmls"):
        (root / "annotations" / folder).mkdir(parents=True, exist_ok=True)
    lines = []
    for k, stem in enumerate(PETS):
        picture(root / "images" / f"{stem}.jpg", colour=80 * k)
        trimap = np.full((40, 60), 2, np.uint8)
        trimap[8:32, 20:40] = 3
        trimap[10:30, 22:38] = 1
        Image.fromarray(trimap).save(root / "annotations" / "trimaps" / f"{stem}.png")
        label = list(BREEDS).index(" ".join(part.title() for part in stem.split("_")[:-1])) + 1
        lines.append(f"{stem} {label} 1 1\n")
    (root / "annotations" / "xmls" / f"{PETS[0]}.xml").write_text(HEAD.format(25, 11, 34, 18))
    (root / "annotations" / "trainval.txt").write_text("".join(lines))
    (root / "annotations" / "test.txt").write_text(lines[1])
    return root


def test_imagenette_is_torchvisions_with_imagenets_names(home: Path) -> None:
    make_imagenette(home)
    some = photos("imagenette", size=32)
    assert isinstance(some, PhotoSet)
    theirs = Imagenette(home, "val", size="320px")
    assert len(some) == len(theirs) == 6
    assert some.classes == ("tench", "English springer", "parachute")
    assert [names[0] for names in theirs.classes] == list(some.classes)
    assert [some[i][1] for i in range(6)] == [label for _, label in theirs]
    assert some[:3].accepted == (("tench",), ("tench",), ("English springer",))
    assert isinstance(some[:3], PhotoSet)
    assert some[[5]].name == "imagenette"
    assert len(photos("imagenette", split="train")) == 9
    right = some.right(imagenet_classes())
    assert right.sum(1).tolist() == [1] * 6
    assert right[0].nonzero().item() == 0
    images, labels, indices = next(batches(some, batch_size=4))
    assert images.shape == (4, 3, 32, 32)
    assert isinstance(labels, torch.Tensor)
    assert labels.tolist() == [0, 0, 1, 1]
    assert indices.tolist() == [0, 1, 2, 3]
    assert stamps(some) is not None
    assert repr(some) == "imagenette: 6 photographs of 3 classes"


def test_pets_and_their_truth_are_torchvisions(home: Path) -> None:
    root = make_pets(home)
    pets = photos("pets", size=40, resize=40)
    assert isinstance(pets, Pets)
    assert isinstance(pets[1:], Pets)
    theirs = OxfordIIITPet(home, target_types=["category", "segmentation"])
    assert pets.labels is not None
    assert pets.labels.tolist() == [theirs[i][1][0] for i in range(3)]
    assert [pets.classes[label] for label in pets.labels] == theirs.classes
    trimap = torch.from_numpy(np.array(theirs[0][1][1]))[:, 10:50]  # the middle square of 60 × 40
    assert torch.equal(pets.masks[0], trimap == 1)
    assert torch.equal(pets.unsure[0], trimap == 3)
    assert pets.boxes[0].tolist() == [10, 8, 30, 32]
    assert pets.head_boxes[0].tolist() == [14, 10, 24, 18]  # Pascal VOC counts from 1
    assert pets.head_boxes[1:].isnan().all()
    assert pets.accepted == ((), ("American Staffordshire terrier",), ("Yorkshire terrier",))
    assert not pets.right(imagenet_classes())[0].any()
    assert len(photos("pets", split="test")) == 1
    larger = photos("pets", size=70, resize=80)[:1]
    assert larger.boxes.tolist() == [[15, 11, 55, 59]]
    assert larger.head_boxes.tolist() == [[23, 15, 43, 31]]
    shown = larger.masks.float()
    assert pointing_game(shown, larger.boxes, 0).share == 1
    Image.new("L", (9, 9)).save(root / "annotations" / "trimaps" / f"{PETS[1]}.png")
    with pytest.raises(
        Unreadable, match=r"outline of american_pit_bull_terrier_12.jpg is of \(9, 9\) pixels"
    ):
        pets.masks  # noqa: B018
    assert pets[:1].masks.shape == (1, 40, 40)


def test_truth_is_turned_with_its_photograph(home: Path) -> None:
    """A photograph that its EXIF turns is shown upright; so must its outline be."""
    root = make_pets(home)
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right
    pixels = np.full((40, 60, 3), 20, np.uint8)
    pixels[0:20, 0:12] = 255
    Image.fromarray(pixels).save(root / "images" / f"{PETS[0]}.jpg", exif=exif, quality=100)
    trimap = np.where(pixels[..., 0] > 100, 1, 2).astype(np.uint8)
    Image.fromarray(trimap).save(root / "annotations" / "trimaps" / f"{PETS[0]}.png")
    (root / "annotations" / "xmls" / f"{PETS[0]}.xml").write_text(HEAD.format(1, 1, 12, 20))
    pet = photos("pets", size=40, resize=40)[:1]
    white = pet[0][0].mean(0) > 0.5
    assert torch.equal(pet.masks[0], white)
    assert pet.masks[0].sum() == 20 * 2  # the uppermost 10 of 60 rows are cut off
    assert torch.equal(pet.head_boxes, pet.boxes)


def test_breeds_are_imagenets() -> None:
    names = imagenet_classes()
    assert len(BREEDS) == 37
    assert {name for right in BREEDS.values() for name in right} <= set(names)
    assert sum(map(bool, BREEDS.values())) == 25
    assert list(BREEDS) == sorted(BREEDS, key=str.lower)  # the order of their numbers
    assert wordnet_numbers()["n02124075"] == names.index("Egyptian cat")


def test_imagenet_sample(home: Path) -> None:
    for name in ("n01440764_tench", "n03888257_parachute", "n02124075_Egyptian_cat"):
        picture(home / "imagenet-sample" / f"{name}.JPEG")
    (home / "imagenet-sample" / "README.md").write_text("no picture")
    some = photos("imagenet-sample", size=16)
    assert some.classes == tuple(imagenet_classes())
    assert some.labels is not None
    assert [some.classes[label] for label in some.labels] == ["tench", "Egyptian cat", "parachute"]
    assert some.accepted == (("tench",), ("Egyptian cat",), ("parachute",))
    picture(home / "imagenet-sample" / "n99999999_unicorn.JPEG")
    with pytest.raises(ValueError, match=r"n99999999_unicorn\.JPEG is none"):
        photos("imagenet-sample")


@pytest.mark.skipif(not os.environ.get("CAMLIB_SHARED"), reason="CAMLIB_SHARED is not set")
def test_the_shared_part_of_imagenet_sample(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("CAMLIB_SHARED", SHARED)
    some = photos("imagenet-sample")
    assert len(some) == 113
    assert some.labels is not None
    assert len(some.labels.unique()) == 113
    net = load("efficientnet_lite0")
    some = photos("imagenet-sample", size=net.size, resize=net.resize)[::8]
    right = some.right(net.classes)
    hits = 0
    with torch.inference_mode():
        for images, _, indices in batches(some, batch_size=5):
            hits += int(right[indices].gather(1, net(images).argmax(1, keepdim=True)).sum())
    assert hits >= 0.6 * len(some)
    assert not home.exists()


SHARED = os.environ.get("CAMLIB_SHARED", "")


def test_one_batch_of_a_set_is_in_memory(home: Path) -> None:
    make_imagenette(home)
    some, alive = photos("imagenette", size=16), []
    for batch in batches(some, batch_size=1):
        alive.append(weakref.ref(batch.images))
        del batch
        gc.collect()
        assert sum(one() is not None for one in alive) <= 1
    assert len(alive) == 6


@pytest.mark.parametrize("name", list(SOURCES))
def test_a_set_that_cannot_be_had_says_so_in_one_line(
    name: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_downloads, "_LIST", "http://127.0.0.1:9/list")
    closed = {f"http://127.0.0.1:9/{k}.tgz": "0" for k in range(len(SOURCES[name].archives))}
    monkeypatch.setitem(SOURCES, name, SOURCES[name]._replace(archives=closed))
    folder = SOURCES[name].folder
    with pytest.raises(
        OSError, match=f"no network, or .*: put its folder {folder} into a folder and set CAMLIB_DATA"
    ) as caught:
        photos(name)  # type: ignore[call-overload]
    assert "\n" not in str(caught.value)
    assert where(name) is None


def packed(root: Path, *names: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in names:
            archive.add(root / name, name)
    return buffer.getvalue()


@pytest.fixture
def served() -> Iterator[tuple[str, dict[str, bytes]]]:
    files: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", files
        running.shutdown()


def test_archives_are_downloaded_and_unpacked(
    served: tuple[str, dict[str, bytes]], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, files = served
    make_imagenette(tmp_path / "made")
    make_pets(tmp_path / "made")
    pets = tmp_path / "made" / "oxford-iiit-pet"
    files["/imagenette.tgz"] = packed(tmp_path / "made", "imagenette2-320")
    files["/images.tar.gz"], files["/annotations.tar.gz"] = (
        packed(pets, "images"),
        packed(pets, "annotations"),
    )
    for name, urls in {
        "imagenette": ["imagenette.tgz"],
        "pets": ["images.tar.gz", "annotations.tar.gz"],
    }.items():
        digests = {f"{address}/{one}": hashlib.md5(files[f"/{one}"]).hexdigest() for one in urls}
        monkeypatch.setitem(SOURCES, name, SOURCES[name]._replace(archives=digests))
    assert len(photos("imagenette")) == 6
    lost = files.pop("/annotations.tar.gz")
    with pytest.raises(DownloadError, match=r"annotations\.tar\.gz answered 404"):
        photos("pets")
    assert where("pets") is None
    files["/annotations.tar.gz"] = lost
    assert photos("pets").masks.any()
    files.clear()
    assert get("pets") == home / "oxford-iiit-pet"
    assert sorted(one.name for one in home.iterdir()) == ["imagenette2-320", "oxford-iiit-pet"]


def test_imagenet_sample_is_downloaded_file_by_file(
    served: tuple[str, dict[str, bytes]], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, files = served
    names, entries, tree = ("README.md", "n01440764_tench.JPEG", "n01443537_goldfish.JPEG"), [], b""
    for k, name in enumerate(names):
        picture(tmp_path / "made.jpg", colour=100 + k)
        files[f"/{name}"] = body = (tmp_path / "made.jpg").read_bytes()
        sha = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
        entries.append({"path": name, "mode": "100644", "type": "blob", "sha": sha})
        tree += f"100644 {name}\0".encode() + bytes.fromhex(sha)
    files["/list"] = json.dumps({"tree": entries, "truncated": False}).encode()
    monkeypatch.setattr(photo_downloads, "_LIST", f"{address}/list")
    monkeypatch.setattr(photo_downloads, "_FILES", address)
    with pytest.raises(DownloadError, match="another list than it should be"):
        get("imagenet-sample")
    monkeypatch.setattr(photo_downloads, "_TREE", hashlib.sha1(b"tree %d\0" % len(tree) + tree).hexdigest())
    goldfish = files["/n01443537_goldfish.JPEG"]
    files["/n01443537_goldfish.JPEG"] = goldfish[:-1] + b"!"
    with pytest.raises(DownloadError, match=r"goldfish\.JPEG arrived altered"):
        get("imagenet-sample")
    assert where("imagenet-sample") is None
    files["/n01443537_goldfish.JPEG"] = goldfish
    del files["/n01440764_tench.JPEG"]  # which is here, and not asked for again
    assert get("imagenet-sample") == home / "imagenet-sample"
    assert len(photos("imagenet-sample")) == 2
    files["/list"] = b"<html>"
    (home / "imagenet-sample").rename(home / "gone")
    with pytest.raises(DownloadError, match="no list of files"):
        get("imagenet-sample")


def test_wrong_names_and_splits(home: Path) -> None:
    make_pets(home)
    wrong: Any = photos
    for name, split, message in [
        (
            "pet",
            None,
            r"no set of photographs is called 'pet' \(did you mean 'pets'\?\); there are imagenette, pets",
        ),
        (64, None, "no set of photographs is called 64; there are"),
        ("pets", "val", "no split 'val' of pets; there are trainval, test"),
        ("imagenet-sample", "val", "no split 'val' of imagenet-sample; it is not split"),
        (None, "val", "split='val'; only sets have one: imagenette, pets"),
    ]:
        with pytest.raises(ValueError, match=message):
            wrong(name, split=split)
    (home / "oxford-iiit-pet" / "annotations" / "test.txt").write_text("unicorn_1 1 1 1\n")
    with pytest.raises(ValueError, match="names 'Unicorn', which is none of the 37 breeds"):
        photos("pets", split="test")
    (home / "oxford-iiit-pet" / "annotations" / "test.txt").unlink()
    with pytest.raises(ValueError, match=r"test\.txt is not there; move .* away to download pets again"):
        photos("pets", split="test")


def test_what_lesson_08_says_to_run_on_pets_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heads = make_pets(home) / "annotations/xmls"
    for name in PETS[1:]:
        (heads / f"{name}.xml").write_text(HEAD.format(25, 11, 34, 18))
    lesson = nbformat.read(Path(__file__).parents[2] / "notebooks/08_localization.ipynb", 4)
    (text,) = [cell.source for cell in lesson.cells if "camlib data get pets" in cell.source]
    names = {name: getattr(camlib, name) for name in ("cam", "load", "max_box_acc", "photos", "scores")}
    code = text.split("```python\n")[1].split("```")[0]
    exec(code, names | {"torch": torch, "big": load("efficientnet_lite0")})
    told = capsys.readouterr().out.splitlines()
    assert [line.split(" · ")[0] for line in told[::3]] == ["CAM", "untrained", "a blob in the middle"]
    assert told[7].startswith("  points at the animal 100%")  # it fills the middle of the made pictures
