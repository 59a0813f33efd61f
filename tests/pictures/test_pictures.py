"""Digits, photographs, folders of awkward files, and batches of anything."""

import gzip
import hashlib
import http.server
import os
import socket
import threading
import urllib.error
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch.utils.data import Subset, TensorDataset
from torchvision.datasets import MNIST
from torchvision.transforms._presets import ImageClassification

from camlib import batches, critters, digits, folder, load_picture, photos
from camlib.pictures import digits as data
from camlib.pictures.files import rgb

shared = pytest.mark.skipif(not os.environ.get("CAMLIB_SHARED"), reason="CAMLIB_SHARED is not set")


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """No MNIST anywhere, and nowhere to get it from: a closed port."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    monkeypatch.delenv("CAMLIB_SHARED", raising=False)
    monkeypatch.setenv("CAMLIB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(MNIST, "mirrors", [address])
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "data"


def idx(values):
    """MNIST's file format: 0, 0, type 8 (bytes), dimensions, sizes, data."""
    header = bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    return header + values.astype(np.uint8).tobytes()


class Mirror:
    """MNIST's four files, tiny, on loopback; `broken` is sent by half, `missing` is a 404."""

    def __init__(self, monkeypatch):
        pixels = np.arange(2 * 28 * 28).reshape(2, 28, 28) % 256
        parts = {
            "train-images-idx3": pixels,
            "train-labels-idx1": np.array([5, 0]),
            "t10k-images-idx3": pixels[:1],
            "t10k-labels-idx1": np.array([7]),
        }
        self.files = {f"{name}-ubyte.gz": gzip.compress(idx(values)) for name, values in parts.items()}
        self.broken = self.missing = ""
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.strip("/")
                if name == mirror.missing:
                    self.send_error(404)
                    return
                content = mirror.files[name]
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if name == mirror.broken else content)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        sums = [(name, hashlib.md5(content).hexdigest()) for name, content in self.files.items()]
        monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{self.server.server_address[1]}/"])
        monkeypatch.setattr(MNIST, "resources", sums)


@pytest.fixture
def mirror(alone, monkeypatch):
    served = Mirror(monkeypatch)
    yield served
    served.server.shutdown()
    served.server.server_close()


@shared
def test_mnist_is_mnist(monkeypatch, tmp_path):
    monkeypatch.setenv("CAMLIB_DATA", str(tmp_path))
    train, test = digits(split="train"), digits(split="test", source="mnist")
    assert (train.source, test.source) == ("mnist", "mnist")
    assert train.pixels.shape == (60000, 1, 28, 28)
    assert len(test) == 10000
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert train.pixels.float().mean() / 255 == pytest.approx(0.1307, abs=1e-4)  # the mean everyone quotes
    assert not any(tmp_path.iterdir())


def test_sklearn_digits_stand_in_at_28_by_28():
    train, test = digits(split="train", source="sklearn"), digits(split="test", source="sklearn")
    assert (len(train), len(test), test.source) == (1297, 500, "sklearn")
    raw = load_digits()
    assert torch.cat([train.labels, test.labels]).tolist() == raw.target.tolist()
    assert test.images.shape == (500, 1, 28, 28)
    assert test.images.min() == 0
    assert test.images.max() == 1
    assert not test.pixels[:, :, [0, 3, 24, 27]].any()  # the border
    small = torch.nn.functional.interpolate(test.images[:, :, 4:24, 4:24], size=(8, 8), mode="area")[:, 0]
    there = torch.from_numpy(raw.images[-500:]).float() / 16
    assert torch.corrcoef(torch.stack([small.flatten(), there.flatten()]))[0, 1] > 0.97


def test_digits_index_like_a_torchvision_dataset():
    some = digits(split="test", source="sklearn")
    image, label = some[3]
    assert image.shape == (1, 28, 28)
    assert label == int(some.labels[3])
    part = some[10:13]
    assert isinstance(part, data.Digits)
    assert part.source == "sklearn"
    assert torch.equal(part.pixels, some.pixels[10:13])
    assert some[some.labels == 4].labels.unique().tolist() == [4]
    assert some[[2, 0]].labels.tolist() == [some.labels[2], some.labels[0]]
    assert [label for _, label in list(some[:2])] == some.labels[:2].tolist()  # iteration ends


def test_wrong_arguments_name_the_right_ones():
    with pytest.raises(ValueError, match=r"'val'.*'train' and 'test'"):
        digits(split="val")
    with pytest.raises(ValueError, match=r"'cifar'.*'auto', 'mnist' and 'sklearn'"):
        digits(source="cifar")


def test_without_network_auto_warns_and_mnist_says_what_to_do(alone):
    with pytest.warns(UserWarning, match="could not be downloaded.*scikit-learn's digits instead"):
        assert digits().source == "sklearn"
    with pytest.raises(OSError, match=r"could not be downloaded.*refused.*four files into") as caught:
        digits(source="mnist")
    assert "\n" not in str(caught.value)
    assert str(alone / "MNIST" / "raw") in str(caught.value)
    assert not any(alone.glob("**/*ubyte*"))
    assert socket.getdefaulttimeout() is None


def test_download_puts_whole_files_in_place_and_is_used_again(mirror, alone):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert digits(split="train").labels.tolist() == [5, 0]
    mirror.server.shutdown()
    assert digits(split="test", source="mnist").labels.tolist() == [7]
    names = sorted(name.removesuffix(".gz") for name in mirror.files)
    assert sorted(str(file.relative_to(alone)) for file in alone.rglob("*") if file.is_file()) == [
        f"MNIST/raw/{name}" for name in names
    ]


@pytest.mark.parametrize("fault", ["missing", "broken"])
def test_a_failed_download_leaves_no_final_name(mirror, alone, fault):
    setattr(mirror, fault, "t10k-labels-idx1-ubyte.gz")
    with pytest.raises(OSError, match=r"could not be downloaded.*t10k-labels") as caught:
        digits(source="mnist")
    assert "\n" not in str(caught.value)
    assert [file for file in alone.rglob("*") if file.is_file()] == []
    setattr(mirror, fault, "")
    assert digits(source="mnist").labels.tolist() == [7]


def test_a_folder_that_cannot_be_made_is_one_line(mirror, alone):
    alone.write_text("a file where the folder should be")
    with pytest.raises(OSError, match="could not be downloaded") as caught:
        digits(source="mnist")
    assert "\n" not in str(caught.value)


def test_damaged_mnist_is_named(mirror, alone):
    digits(source="mnist")
    images = alone / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:300])
    with pytest.raises(OSError, match=r"MNIST in .* is damaged; delete that folder"):
        digits(source="mnist")
    with pytest.warns(UserWarning, match="damaged"):
        assert digits().source == "sklearn"


def test_photos_are_fourteen_and_need_no_network(monkeypatch):
    def refuse(*_, **__):
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    some = photos(size=64)
    seven = ("astronaut", "cat", "coffee", "rocket", "motorcycle", "temple", "flower")
    assert some.names[:7] == seven  # lessons count them
    assert some.names[7:] == ("hopper", "cameraman", "clock", "coins", "brick", "grass", "gravel")
    assert some.images.shape == (14, 3, 64, 64)
    assert photos(size=8).images.shape == (14, 3, 8, 8)
    cat = some["cat"]
    assert cat.names == ("cat",)
    assert torch.equal(cat.images[0], some[1][0])
    assert some[1][1] is None
    assert some[4:7].names == ("motorcycle", "temple", "flower")
    red, _, blue = some["rocket"].images[0, :, :20].mean(dim=(1, 2))
    assert blue > 1.5 * red  # the evening sky: RGB, in this order, right way up
    with pytest.raises(ValueError, match=r"'dog'.*astronaut, cat"):
        some["dog"]


ORANGE = (255, 128, 0)


@pytest.mark.parametrize(
    ("mode", "suffix", "expected"),
    [
        ("RGB", "png", ORANGE),
        ("RGB", "jpg", ORANGE),
        ("RGB", "webp", ORANGE),
        ("RGB", "bmp", ORANGE),
        ("CMYK", "jpg", ORANGE),
        ("CMYK", "tif", ORANGE),
        ("YCbCr", "jpg", ORANGE),
        ("P", "gif", ORANGE),
        ("P", "png", ORANGE),
        ("L", "png", (151, 151, 151)),  # .299 · 255 + .587 · 128
        ("1", "png", (255, 255, 255)),
        ("RGBA", "png", ORANGE),
        ("LA", "png", (151, 151, 151)),
    ],
)
def test_every_mode_becomes_rgb(tmp_path, mode, suffix, expected):
    color = Image.new("RGB", (40, 30), ORANGE)
    if mode == "1":
        color = Image.new("RGB", (40, 30), "white")
    if mode == "P":
        color = color.quantize(4)
    if mode == "LA":
        color = color.convert("L")
    file = tmp_path / f"picture.{suffix}"
    color.convert(mode).save(file)
    assert Image.open(file).mode == (mode if mode != "YCbCr" else "RGB")
    found = load_picture(file, size=16)
    assert found.shape == (3, 16, 16)
    assert found.dtype == torch.float32
    off = (found * 255 - torch.tensor(expected)[:, None, None]).abs().max()
    assert off <= (3 if suffix in ("jpg", "webp") else 0.01)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((9, 9), 32896, np.uint16), 128 / 255),  # 32896 = 128 · 257
        (np.full((9, 9), 32896, np.int32), 128 / 255),
        (np.full((9, 9), 0.5, np.float32), 128 / 255),
        (np.full((9, 9), 128, np.float32), 128 / 255),
    ],
)
def test_deep_grey_keeps_its_range(tmp_path, array, expected):
    Image.fromarray(array).save(tmp_path / "deep.tif")
    assert load_picture(tmp_path / "deep.tif", size=8).unique().tolist() == [pytest.approx(expected)]


def test_transparency_is_on_white(tmp_path):
    Image.new("RGBA", (8, 8), (255, 0, 0, 128)).save(tmp_path / "half.png")
    assert load_picture(tmp_path / "half.png", size=4)[:, 0, 0].mul(255).tolist() == pytest.approx(
        [255, 127, 127]
    )
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    palette.save(tmp_path / "hole.gif", transparency=1)
    assert load_picture(tmp_path / "hole.gif", size=4).min() == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(tmp_path, orientation):
    upright = np.zeros((64, 64, 3), np.uint8)
    upright[:32, :32], upright[:32, 32:], upright[32:, :32] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    # how the pixels lie in the file, for each value of the tag (EXIF 2.3, 4.6.4)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    found = load_picture(tmp_path / "turned.jpg", size=64, resize=64)
    assert (found - torch.from_numpy(upright.transpose(2, 0, 1) / 255)).abs()[:, 8:24, 8:24].max() < 0.05
    assert found[:, 16, 48].argmax() == 1
    assert found[:, 48, 16].argmax() == 2


@pytest.mark.parametrize("shape", [(300, 500), (500, 300), (256, 256), (100, 90), (1000, 260)])
def test_the_transform_is_torchvisions(tmp_path, shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    theirs = ImageClassification(crop_size=224, resize_size=256, mean=(0.0,) * 3, std=(1.0,) * 3)
    assert torch.equal(load_picture(tmp_path / "noise.png"), theirs(Image.fromarray(pixels)))
    theirs = ImageClassification(crop_size=224, resize_size=232, mean=(0.0,) * 3, std=(1.0,) * 3)
    assert torch.equal(
        load_picture(tmp_path / "noise.png", size=224, resize=232), theirs(Image.fromarray(pixels))
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (20000, 2)])
def test_extreme_shapes(tmp_path, shape):
    pixels = np.zeros((*shape, 3), np.uint8)
    pixels[shape[0] // 2, shape[1] // 2] = 255
    Image.fromarray(pixels).save(tmp_path / "extreme.png")
    found = load_picture(tmp_path / "extreme.png", size=32)
    assert found.shape == (3, 32, 32)
    assert found.max() > 0.9  # the middle is kept


def test_rgb_leaves_the_given_image_alone():
    given = Image.new("RGBA", (3, 3), (10, 20, 30, 0))
    assert rgb(given).getpixel((0, 0)) == (255, 255, 255)
    assert given.mode == "RGBA"


@pytest.fixture
def awkward(tmp_path):
    """Three pictures, and three files that only look like some."""
    root = tmp_path / "awkward"
    root.mkdir()
    for name, shade in {"a.png": 51, "c.PNG": 102, "f.jpeg": 153}.items():
        Image.new("L", (30, 20), shade).save(root / name)
    (root / "b.jpg").write_text("this is no picture")
    Image.effect_noise((200, 200), 90).save(root / "d.jpg")
    whole = (root / "d.jpg").read_bytes()
    (root / "d.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "e.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (root / "notes.txt").write_text("left out")
    (root / ".hidden.png").write_bytes((root / "a.png").read_bytes())
    return root


@pytest.mark.parametrize("workers", [0, 1])
def test_unreadable_files_are_skipped_and_counted(awkward, workers):
    mine = folder(awkward, size=8)
    assert [path.name for path in mine.paths] == ["a.png", "b.jpg", "c.PNG", "d.jpg", "e.heic", "f.jpeg"]
    assert mine.labels is None
    found = list(batches(mine, batch_size=2, workers=workers))
    assert [batch.indices.tolist() for batch in found] == [[0], [2], [5]]
    assert all(batch.labels is None for batch in found)
    assert [round(batch.images.mean().item(), 2) for batch in found] == [0.2, 0.4, 0.6]
    assert sorted(path.name for path in mine.skipped) == ["b.jpg", "d.jpg", "e.heic"]
    assert mine.skipped[awkward / "b.jpg"].endswith("b.jpg: it is no picture of a kind that Pillow knows")
    assert mine.skipped[awkward / "e.heic"].endswith("e.heic: HEIC is not read; save it as JPEG")
    assert "truncated" in mine.skipped[awkward / "d.jpg"]
    list(batches(mine))
    assert len(mine.skipped) == 3  # a second pass counts nothing twice


def test_an_unreadable_file_raises_when_it_is_asked_for(awkward):
    with pytest.raises(ValueError, match=r"cannot read .*b\.jpg"):
        folder(awkward, size=8)[1]
    with pytest.raises(ValueError, match="cannot read"):
        list(batches(Subset(folder(awkward, size=8), [0, 1])))
    with pytest.raises(ValueError, match=r"cannot read .*nowhere\.png"):
        load_picture(awkward / "nowhere.png")


def test_a_folder_of_unreadable_files_is_an_error(awkward):
    mine = folder(awkward, size=8)[[1, 3]]
    with pytest.raises(ValueError, match=r"none of the 2 files can be read; cannot read .*b\.jpg"):
        list(batches(mine))
    assert len(mine.skipped) == 2


def test_sub_folders_are_classes(tmp_path):
    for name in ("dogs/1.png", "cats/2.png", "cats/more/3.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (9, 9)).save(tmp_path / name)
    mine = folder(tmp_path, size=8)
    assert mine.classes == ("cats", "dogs")
    assert mine.labels is not None
    assert mine.labels.tolist() == [0, 0, 1]
    assert mine[2][1] == 1
    (batch,) = batches(mine)
    assert isinstance(batch.labels, torch.Tensor)
    assert batch.labels.tolist() == [0, 0, 1]
    assert [mine[1:][i][1] for i in (0, 1)] == [0, 1]
    assert mine[1:].paths == mine.paths[1:]
    Image.new("L", (9, 9)).save(tmp_path / "loose.png")
    assert folder(tmp_path, size=8).labels is None


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere is not there"):
        folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"no pictures in .*\.jpg"):
        folder(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file"):
        folder(tmp_path / "file")
    with pytest.raises(ValueError, match="size 10 and resize 8"):
        folder(tmp_path, size=10, resize=8)


def test_batches_of_everything_are_alike():
    scenes = critters(7, size=32)
    plain = TensorDataset(scenes.images, scenes.labels)
    pixels = [one.permute(1, 2, 0).numpy() for one in scenes.pixels]
    pil = [(Image.fromarray(one), label) for one, label in zip(pixels, scenes.labels.tolist(), strict=True)]
    for dataset in (scenes, scenes.images, scenes.pixels, plain, pil, [scenes[i] for i in range(7)]):
        found = list(batches(dataset, batch_size=3))
        assert [batch.indices.tolist() for batch in found] == [[0, 1, 2], [3, 4, 5], [6]]
        assert torch.allclose(torch.cat([batch.images for batch in found]), scenes.images, atol=1e-7)
        assert found[0].images.dtype == torch.float32
        if not isinstance(dataset, torch.Tensor):
            labels = [batch.labels for batch in found]
            assert torch.equal(
                torch.cat([one for one in labels if isinstance(one, torch.Tensor)]), scenes.labels
            )
    assert next(batches(photos(size=16))).labels is None
    assert next(batches([image for image, _ in pil])).labels is None
    test = digits(split="test", source="sklearn")
    labels = [batch.labels for batch in batches(test)]
    assert torch.equal(torch.cat([one for one in labels if isinstance(one, torch.Tensor)]), test.labels)


def test_wrong_data_sets_are_refused_before_anything_is_read():
    for wrong, said in [
        (torch.zeros(3, 8, 8), r"\(3, 8, 8\); give \(N, C, H, W\)"),
        (torch.zeros(0, 3, 8, 8), "empty"),
        ([], "empty"),
        (iter([1]), "cannot stream a list_iterator"),
        (3, "cannot stream a int"),
    ]:
        with pytest.raises(ValueError, match=said):
            batches(wrong)
    with pytest.raises(ValueError, match="batch_size is 0"):
        batches(torch.zeros(1, 3, 8, 8), batch_size=0)


def test_wrong_items_are_named():
    normalised = (torch.rand(4, 3, 8, 8) - 0.45) / 0.225
    for wrong, said in [
        (normalised, r"pictures are in \[0, 1\], a Net normalises by itself"),
        (TensorDataset(normalised), r"pictures are in \[0, 1\]"),
        ([torch.zeros(3, 8, 8), torch.zeros(3, 8, 9)], r"unequal size.*\(3, 8, 8\), \(3, 8, 9\)"),
        ([{"image": 1}], "gives dict for a picture"),
        ([(torch.zeros(8, 8), 1)], r"gives shape \(8, 8\) for a picture"),
    ]:
        with pytest.raises(ValueError, match=said):
            list(batches(wrong))


@pytest.mark.parametrize("as_list", [False, True])
def test_one_batch_is_alive_at_a_time(as_list):
    pixels = torch.zeros(20, 3, 8, 8, dtype=torch.uint8)
    seen: list[weakref.ref[torch.Tensor]] = []
    for batch in batches(list(pixels) if as_list else pixels, batch_size=4):
        assert all(reference() is None for reference in seen)
        seen.append(weakref.ref(batch.images))
    assert len(seen) == 5


def test_labels_that_are_numbers_are_a_tensor_and_all_others_a_list():
    image = torch.zeros(3, 8, 8)
    numbers: list[list[Any]] = [[3, 4], [torch.tensor(3), torch.tensor(4)], [[1.0, 0.0], [0.0, 1.0]]]
    for labels in numbers:
        (batch,) = batches([(image, label) for label in labels])
        assert isinstance(batch.labels, torch.Tensor)
        assert torch.equal(batch.labels, torch.as_tensor(labels))
    several = torch.eye(2, dtype=torch.bool)  # of each picture a row, as a TensorDataset has them
    (batch,) = batches(TensorDataset(image.expand(2, -1, -1, -1), several))
    assert isinstance(batch.labels, torch.Tensor)
    assert torch.equal(batch.labels, several)
    others: list[list[Any]] = [["cat", "dog"], [torch.zeros(1, 4), torch.zeros(2, 4)], [3, None]]
    for labels in others:
        (batch,) = batches([(image, label) for label in labels])
        assert isinstance(batch.labels, list)


def test_streaming_draws_no_random_numbers():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    list(batches([torch.zeros(3, 8, 8)] * 3))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.skipif(not os.environ.get("CAMLIB_SHARED"), reason="CAMLIB_SHARED is not set")
def test_the_shared_photographs_are_read_whole():
    mine = folder(Path(os.environ["CAMLIB_SHARED"]) / "imagenet" / "photos")
    assert len(mine) == 113
    assert sum(len(batch.images) for batch in batches(mine[:20], batch_size=8)) == 20
    assert mine.skipped == {}
