"""A network's first layer out of a file on a server on loopback, in all formats, and what goes wrong.

The network is squeezenet1_1 by name; its file here is its first tensors, and a large one behind or before.
"""

import io
import os
import pickle
import re
import threading
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import safetensors.torch
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torchvision import models

import camlib
from camlib.networks import first_layer as module
from camlib.networks import ranged, weights, zoo
from camlib.networks.first_layer import first_layer
from camlib.networks.one_tensor import MAGIC, one_tensor
from camlib.networks.ranged import BLOCK, NoRangesError, RangedFile, RangeError
from camlib.networks.weights import WeightsError

NAME, KEY, SHAPE = "squeezenet1_1", "features.0.weight", (64, 3, 3, 3)
PADDING = 8 * 2**20  # bytes of a tensor that nobody asks for
FORMATS = ("zip", "old", "safetensors")


class Handler(BaseHTTPRequestHandler):
    """Sends parts of `body`, as the first word of the path says: "fine", "whole", "short", …"""

    body = b""
    sent = 0
    asked: list[str]
    stall = threading.Event()

    def do_GET(self) -> None:
        cls, how = type(self), self.path.split("/")[1]
        cls.asked.append(self.path)
        if how == "missing":
            return self.send_error(404)
        if how == "moved":
            self.send_response(302)
            self.send_header("Location", self.path.replace("moved", "fine"))
            self.send_header("Content-Length", "0")
            return self.end_headers()
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if how == "whole" or not found:
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            return self.send(self.body)
        first, last = int(found[1]), min(int(found[2]), len(self.body) - 1)
        part, start = self.body[first : last + 1], first + (how == "elsewhere")
        total = "*" if how == "unsized" else len(self.body)
        self.send_response(206)
        self.send_header("ETag", f'"{len(cls.asked) if how == "changing" else 0}"')
        self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{total}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        late = len(cls.asked) > 1  # the first request goes well
        if how == "stalls" and late:
            self.send(part[:100])
            self.wfile.flush()
            self.stall.wait(5)
        elif how == "short" and late:
            self.send(part[:100])
        elif how == "altered":
            self.send(bytes(part[:-1]) + bytes([part[-1] ^ 1]) if late else part)
        else:
            self.send(part)
        return None

    def send(self, data: bytes) -> None:
        type(self).sent += len(data)
        with suppress(OSError):  # the client has heard enough
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.sent, Handler.asked = 0, []
    Handler.stall.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        Handler.stall.set()
        running.shutdown()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where what was fetched is kept; no other place holds weights."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("CAMLIB_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("CAMLIB_WEIGHTS", raising=False)
    monkeypatch.setattr(weights, "shipped_folder", lambda: tmp_path / "shipped")
    return tmp_path / "data" / "first_layers"


def state(*, last: bool = False, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """A small state dict with the network's first layer, and a large tensor after it or before."""
    torch.manual_seed(0)
    first = OrderedDict(
        {KEY: torch.randn(SHAPE).to(dtype), "features.0.bias": torch.randn(64), "seen": torch.tensor(3)}
    )
    large = {"padding": torch.zeros(PADDING // 4)}
    return OrderedDict({**large, **first} if last else {**first, **large})


def written(of: Any, how: str) -> bytes:
    if how == "safetensors":
        return bytes(safetensors.torch.save(dict(of)))
    buffer = io.BytesIO()
    torch.save(of, buffer, _use_new_zipfile_serialization=how == "zip")
    return buffer.getvalue()


def at(monkeypatch: pytest.MonkeyPatch, url: str, body: bytes) -> str:
    """Let the network's file be `body`, at `url`."""
    known = zoo._recipe
    recipe = known(NAME)._replace(url=url)
    for place in (zoo, module):
        monkeypatch.setattr(place, "_recipe", lambda name: recipe if name == NAME else known(name))
    monkeypatch.setattr(Handler, "body", body)
    return url


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("how", FORMATS)
def test_only_the_first_layer_is_fetched(
    how: str, last: bool, dtype: torch.dtype, server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = state(last=last, dtype=dtype)
    at(monkeypatch, f"{server}/fine/made.pth", written(made, how))
    found = first_layer(NAME)
    assert found.dtype == torch.float32
    assert torch.equal(found, made[KEY].float())
    assert found.is_contiguous()
    assert not found.requires_grad
    assert Handler.sent <= 5 * BLOCK < PADDING / 50
    assert len(Handler.asked) <= 5
    assert files(cache) == [f"{NAME}.safetensors"]


def test_the_second_time_nobody_is_asked(server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = at(monkeypatch, f"{server}/fine/made.pth", written(state(), "zip"))
    found = first_layer(NAME)
    asked = len(Handler.asked)
    again = first_layer(NAME)
    assert len(Handler.asked) == asked
    assert torch.equal(again, found)
    again.zero_()  # a copy: what is kept stays as it is
    assert torch.equal(first_layer(NAME), found)
    with safe_open(cache / f"{NAME}.safetensors", framework="pt") as file:
        assert file.metadata() == {"source": url}
        assert list(file.keys()) == [KEY]
    at(monkeypatch, "http://127.0.0.1:9/newer.pth", b"")  # other weights, and nobody there
    with pytest.raises(WeightsError, match="no network"):
        first_layer(NAME)


@pytest.mark.parametrize("harm", ["cut", "empty", "shape", "nan", "half"])
def test_what_was_kept_and_is_damaged_is_fetched_again(
    harm: str, server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = at(monkeypatch, f"{server}/fine/made.pth", written(state(), "zip"))
    found = first_layer(NAME)
    kept = cache / f"{NAME}.safetensors"
    other = {"shape": found[:, :, 1:], "nan": found / 0, "half": found.half()}
    if harm in other:
        safetensors.torch.save_file({KEY: other[harm].contiguous()}, kept, {"source": url})
    else:
        kept.write_bytes(kept.read_bytes()[:-100] if harm == "cut" else b"")
    Handler.asked.clear()
    assert torch.equal(first_layer(NAME), found)
    assert Handler.asked
    Handler.asked.clear()
    assert torch.equal(first_layer(NAME), found)
    assert not Handler.asked


def test_a_server_that_leads_elsewhere(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, f"{server}/moved/made.pth", written(state(last=True), "zip"))
    assert torch.equal(first_layer(NAME), state(last=True)[KEY])
    assert [path for path in Handler.asked if "moved" in path] == ["/moved/made.pth"]  # once


@pytest.mark.parametrize("how", FORMATS)
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "whole",
            r"whole/made\.pth sends whole files only: get the whole file, camlib weights get squeezenet1_1",
        ),
        (
            "missing",
            r"missing/made\.pth answered 404 \(Not Found\): try again, or copy made\.pth into a folder, as ",
        ),
        ("short", r"the download of .*short/made\.pth was cut short: try again, or copy made\.pth"),
        (
            "stalls",
            r"no network, or .*stalls/made\.pth cannot be reached \(.*timed out\): try again, or copy",
        ),
        (
            "elsewhere",
            r"sends other parts than it is asked for \(bytes 1-512/\d+\): get the whole file, camlib",
        ),
        (
            "unsized",
            r"sends other parts than it is asked for \(bytes 0-511/\*\): get the whole file, camlib",
        ),
        ("changing", r"changing/made\.pth was changed while it was read: try again"),
    ],
)
def test_what_a_server_does_wrong_is_said_in_a_line(
    kind: str, message: str, how: str, server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranged, "TIMEOUT", 0.3)
    monkeypatch.setattr(ranged, "BLOCK", 512)  # so that it takes more than one request
    at(monkeypatch, f"{server}/{kind}/made.pth", written(state(last=True), how))
    with pytest.raises(WeightsError, match=message) as caught:
        first_layer(NAME)
    assert "\n" not in str(caught.value)
    assert files(cache) == []
    assert Handler.sent < PADDING / 50 or kind == "whole"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/made.pth", "http://nowhere.invalid/made.pth"])
def test_no_network(url: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, url, b"")
    with pytest.raises(
        WeightsError, match=r"^no network, or .*made\.pth cannot be reached .*set CAMLIB_WEIG"
    ):
        first_layer(NAME)
    assert files(cache) == []


def test_a_byte_that_changed_is_found_in_a_zip_archive(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = bytearray(written(state(), "zip"))
    body[body.index(state()[KEY].numpy().tobytes()) + 1000] ^= 1
    at(monkeypatch, f"{server}/fine/made.pth", bytes(body))
    with pytest.raises(WeightsError, match=r"made\.pth is damaged, or no weight file: get the whole file"):
        first_layer(NAME)


@pytest.mark.parametrize("how", FORMATS)
def test_weights_of_another_network_are_refused(
    how: str, server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = state()
    cases: list[tuple[Tensor | None, str]] = [
        (torch.zeros(64, 3, 5, 5), r"features\.0\.weight is 64×3×5×5, in the network it is 64×3×3×3"),
        (torch.full(SHAPE, torch.nan), r"features\.0\.weight holds numbers that are not finite"),
        (torch.zeros(SHAPE, dtype=torch.int64), r"features\.0\.weight holds whole numbers"),
        (None, r"holds no tensor features\.0\.weight; it holds .*other, "),
    ]
    for value, message in cases:
        changed = {key: tensor for key, tensor in made.items() if key != KEY}
        changed = {"other": torch.zeros(2), **changed} if value is None else {**changed, KEY: value}
        at(monkeypatch, f"{server}/fine/made.pth", written(changed, how))
        with pytest.raises(WeightsError, match=message) as caught:
            first_layer(NAME)
        assert "\n" not in str(caught.value)
    assert files(cache) == []


class Harm:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("how", ["zip", "old"])
def test_a_file_runs_no_code(how: str, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for of in ({KEY: Harm()}, {**state(), "more": Harm()}, models.squeezenet1_1(weights=None)):
        at(monkeypatch, f"{server}/fine/made.pth", written(of, how))
        with pytest.raises(
            WeightsError, match=r"holds other objects \([\w.]+\), not only tensors: get the whole file"
        ):
            first_layer(NAME)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("body", [b"", b"PK", b"<html>no such page</html>", b"\x80\x02}q\x00.", bytes(10**6)])
def test_what_is_no_weight_file_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^is damaged, or no weight file$"):
        one_tensor(io.BytesIO(body), KEY)


@pytest.mark.parametrize("how", FORMATS)
def test_a_file_that_was_cut_is_refused(how: str) -> None:
    whole = written({**state(), "padding": torch.zeros(100)}, how)
    for size in (5, 20, 500, 4000):
        with pytest.raises(ValueError, match=r"^is damaged, or no weight file$"):
            one_tensor(io.BytesIO(whole[:size]), KEY)


@pytest.mark.parametrize("how", ["zip", "old"])
def test_tensors_that_are_parts_of_others(how: str) -> None:
    large = torch.randn(10, 64, 3, 3, 3)
    views = {
        "part": large[4],
        "turned": large[5].mT,
        "every other": large[:, ::2, 1:],
        "channels last": large[6].contiguous(memory_format=torch.channels_last),
        "parameter": nn.Parameter(large[7]),
        "again": large[4],
    }
    for key, value in views.items():
        assert torch.equal(one_tensor(io.BytesIO(written(views, how)), key), value)
    checkpoint = {"state_dict": views}
    with pytest.raises(ValueError, match=r"holds no tensor part; it holds state_dict"):
        one_tensor(io.BytesIO(written(checkpoint, how)), "part")


class _Viewed(NamedTuple):
    """Stands for a storage that is a part of another, as torch before 0.4 wrote them."""

    identity: tuple[Any, ...]


class _OldPickler(pickle.Pickler):
    def persistent_id(self, of: Any) -> Any:
        return of.identity if isinstance(of, _Viewed) else None


class _Rebuilt:
    def __init__(self, *of: Any) -> None:
        self.of = of

    def __reduce__(self) -> tuple[Any, ...]:
        return torch._utils._rebuild_tensor, self.of


def test_a_storage_that_is_a_part_of_another() -> None:
    numbers, buffer = torch.randn(100), io.BytesIO()
    part = _Viewed(("storage", torch.FloatStorage, "1", "cpu", 100, ("2", 40, 20)))
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    for of in (MAGIC, 1001, machine, {"part": _Rebuilt(part, 3, (2, 4), (4, 1))}, ["1"]):
        _OldPickler(buffer, protocol=2).dump(of)
    buffer.write((100).to_bytes(8, "little") + numbers.numpy().tobytes())
    buffer.seek(0)
    found = one_tensor(buffer, "part")
    assert torch.equal(found, numbers[43:51].view(2, 4))
    buffer.seek(0)
    assert torch.equal(found, torch.load(buffer, weights_only=True)["part"])


def test_an_archive_as_older_torch_wrote_it() -> None:
    """Without .format_version and byteorder; with another folder inside; one of a big-endian machine."""
    made = {**state(), "padding": torch.zeros(9)}
    old, big = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(written(made, "zip"))) as archive:
        for buffer in (old, big):
            with zipfile.ZipFile(buffer, "w") as writer:
                for name in archive.namelist():
                    if buffer is big or not re.search(r"/(\.|byteorder)", name):
                        order = name.endswith("byteorder")
                        writer.writestr(
                            name.replace("archive", "a/b"), b"big" if order else archive.read(name)
                        )
    old.seek(0), big.seek(0)
    assert torch.equal(one_tensor(old, KEY), made[KEY])
    with pytest.raises(ValueError, match=r"^was written on a big-endian machine$"):
        one_tensor(big, KEY)


@pytest.mark.parametrize("how", FORMATS)
def test_names_of_data_parallel(how: str) -> None:
    made = {f"module.{key}": value for key, value in state().items()}
    assert torch.equal(one_tensor(io.BytesIO(written(made, how)), KEY), made[f"module.{KEY}"])


def test_a_file_on_this_machine_comes_first(
    server: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, f"{server}/fine/made.pth", written(state(), "zip"))
    assert torch.equal(first_layer(NAME), state()[KEY])  # kept from here on
    Handler.asked.clear()
    here = tmp_path / "torch" / "hub" / "checkpoints" / "made.pth"
    here.parent.mkdir(parents=True)
    whole = models.squeezenet1_1(weights=None).state_dict()
    whole[KEY] = torch.randn(2, *SHAPE)[1]  # a part of a larger tensor
    torch.save(whole, here)
    found = first_layer(NAME)
    assert torch.equal(found, whole[KEY])
    assert found.untyped_storage().nbytes() == found.nbytes  # which is not kept in memory for it
    assert not found.requires_grad
    torch.save({KEY: torch.ones(3)}, here)
    with pytest.raises(WeightsError, match=r"made\.pth is for another network"):
        first_layer(NAME)
    assert Handler.asked == []
    here.unlink()
    assert torch.equal(first_layer(NAME), state()[KEY])


def test_the_courses_own_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match=r"the weights of critternet are not in .*get the course's files"):
        first_layer("critternet")
    monkeypatch.undo()
    monkeypatch.delenv("CAMLIB_WEIGHTS", raising=False)
    for name in ("critternet", "lenet", "efficientnet_lite0"):  # the last one is a package
        assert torch.equal(camlib.first_layer(name), camlib.filters(camlib.load(name)))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("alexnt", r"^no network is called 'alexnt' \(did you mean 'alexnet'"),
        (18, r"^first_layer wants a network's name; given 18$"),
        (None, r"^first_layer wants a network's name; given None$"),
        (nn.Conv2d(3, 4, 5), r"given .*; those of a network at hand are filters\(net\)$"),
    ],
)
def test_odd_names(name: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        first_layer(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "key", "shape"),
    [
        ("alexnet", "features.0.weight", (64, 3, 11, 11)),
        ("resnet18", "conv1.weight", (64, 3, 7, 7)),
        ("resnet101", "conv1.weight", (64, 3, 7, 7)),
        ("densenet121", "features.conv0.weight", (64, 3, 7, 7)),
        ("vit_b_16", "conv_proj.weight", (768, 3, 16, 16)),
        ("regnet_y_400mf", "stem.0.weight", (32, 3, 3, 3)),
    ],
)
def test_which_tensor_it_is(name: str, key: str, shape: tuple[int, ...]) -> None:
    assert module._first(name, zoo._recipe(name)) == (key, shape)


def test_where_timms_files_lie() -> None:
    recipe = zoo._recipe("timm/resnet26d")
    assert recipe.url is not None
    file = module._address(recipe.url)
    assert file.endswith("/timm/resnet26d.bt_in1k/resolve/main/model.safetensors")
    assert module._first("timm/resnet26d", recipe) == ("conv1.0.weight", (32, 3, 3, 3))


def test_a_folder_that_cannot_be_written(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    at(monkeypatch, f"{server}/fine/made.pth", written(state(), "zip"))
    with pytest.warns(
        UserWarning, match="the first layer is not kept .*set CAMLIB_DATA to a folder"
    ) as caught:
        assert torch.equal(first_layer(NAME), state()[KEY])
    assert caught[0].filename == __file__


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_nothing_half_written_is_left(
    error: BaseException, server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(tensors: Any, path: Path, metadata: Any) -> None:
        path.write_bytes(b"half")
        raise error

    at(monkeypatch, f"{server}/fine/made.pth", written(state(), "zip"))
    monkeypatch.setattr(module, "save_file", breaks)
    if isinstance(error, OSError):
        with pytest.warns(UserWarning, match="disk full"):
            first_layer(NAME)
    else:
        with pytest.raises(KeyboardInterrupt):
            first_layer(NAME)
    assert files(cache) == []


def test_it_can_be_trained_even_under_inference_mode(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, f"{server}/fine/made.pth", written(state(), "zip"))
    for _ in range(2):  # fetched, and kept
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("error")
            found = first_layer(NAME)
        assert not found.is_inference()


def test_a_ranged_file_reads_as_a_file_does(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = os.urandom(5 * BLOCK + 77)
    monkeypatch.setattr(Handler, "body", body)
    plain = io.BytesIO(body)
    with RangedFile(f"{server}/fine/file") as file:
        assert (file.fetched, file.requests) == (BLOCK, 1)
        assert file.seekable()
        assert file.readable()
        assert not file.writable()
        places = [(BLOCK - 5, 0, 10), (-30, 2, 100), (3 * BLOCK, 0, 1), (-1, 1, 2 * BLOCK), (9 * BLOCK, 0, 3)]
        for offset, whence, size in [*places, (2, 0, 6 * BLOCK)]:
            assert file.seek(offset, whence) == plain.seek(offset, whence)
            assert file.read(size) == plain.read(size)
            assert file.tell() == plain.tell()
        assert file.fetched == len(body)  # nothing twice
        with pytest.raises(OSError, match="no place -1"):
            file.seek(-1)
    with pytest.raises(NoRangesError, match="sends whole files only"):
        RangedFile(f"{server}/whole/file")
    with pytest.raises(RangeError, match="404"):
        RangedFile(f"{server}/missing/file")
