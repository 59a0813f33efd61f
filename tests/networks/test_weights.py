"""Weight files: where they are looked for, what is refused, and downloads from a server on loopback."""

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision import models

from camlib.networks import weights
from camlib.networks import zoo as nets
from camlib.networks.course import COURSE, RUNS, build, run_name
from camlib.networks.weights import (
    WeightsError,
    cache_folder,
    checksum,
    download,
    fetch,
    fill,
    find,
    read,
    shipped_folder,
    verify,
)
from camlib.networks.zoo import load

BODY = bytes(range(256)) * 400
DIGEST = hashlib.sha256(BODY).hexdigest()


class Places:
    """Folders of this test alone, in the places where weights are looked for."""

    def __init__(self, folder: Path) -> None:
        self.own, self.shipped, self.home = folder / "own", folder / "shipped", folder / "torch"
        self.cache = self.home / "hub" / "checkpoints"
        self.own.mkdir()
        self.shipped.mkdir()


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    found = Places(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(found.home))
    monkeypatch.delenv("CAMLIB_WEIGHTS", raising=False)
    monkeypatch.setattr(weights, "shipped_folder", lambda: found.shipped)
    return found


class Handler(BaseHTTPRequestHandler):
    stall = threading.Event()
    body = BODY

    def do_GET(self) -> None:
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if self.path.startswith("/short"):
            self.wfile.write(self.body[:1000])
        elif self.path.startswith("/altered"):
            self.wfile.write(self.body[::-1])
        elif self.path.startswith("/stalls"):
            self.wfile.write(self.body[:1000])
            self.wfile.flush()
            self.stall.wait(10)
        else:
            self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        Handler.stall.set()
        running.shutdown()


def lenet_state(seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return {key: value.half() for key, value in build("lenet").state_dict().items()}


def write_sums(folder: Path) -> None:
    files = sorted(folder.glob("*.safetensors"))
    lines = (f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    (folder / "SHA256SUMS").write_text("".join(lines))


def test_shipped_half_precision_loads_as_float32(places: Places) -> None:
    state = lenet_state()
    save_file(state, places.shipped / "lenet.safetensors", {"format": "camlib"})
    write_sums(places.shipped)
    net = load("lenet")
    assert all(torch.equal(value, state[key].float()) for key, value in net.module.state_dict().items())
    assert {value.dtype for value in net.module.state_dict().values()} == {torch.float32}
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in net.parameters())
    assert verify(places.shipped / "lenet.safetensors")


def test_an_altered_shipped_file_is_refused(places: Places) -> None:
    path = places.shipped / "lenet.safetensors"
    save_file(lenet_state(), path)
    write_sums(places.shipped)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1  # one bit of one bias
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"lenet\.safetensors is damaged or was altered .*get it again"):
        load("lenet")


def test_the_folder_of_camlib_weights_comes_first(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file(lenet_state(1), places.shipped / "lenet.safetensors")
    torch.save(build("lenet").state_dict(), places.own / "lenet.pth")
    assert find("lenet") == places.shipped / "lenet.safetensors"
    monkeypatch.setenv("CAMLIB_WEIGHTS", str(places.own))
    assert find("lenet") == places.own / "lenet.pth"
    save_file(lenet_state(2), places.own / "lenet.safetensors")
    assert find("lenet") == places.own / "lenet.safetensors"
    assert torch.equal(
        load("lenet").get_parameter("module.conv1.weight"), lenet_state(2)["conv1.weight"].float()
    )
    (places.own / "net-0123abcd.pth").touch()
    assert find("net", "https://there/net-0123abcd.pth") == places.own / "net-0123abcd.pth"
    monkeypatch.setenv("CAMLIB_WEIGHTS", str(places.own / "gone"))
    with pytest.raises(WeightsError, match=r"CAMLIB_WEIGHTS names .*gone, which is not a folder"):
        load("lenet")


def test_a_folder_that_may_not_be_read_holds_nothing(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the cache in a home that is another user's."""
    stat = os.stat

    def refuse(path: str, **how: bool) -> os.stat_result:
        if str(path).startswith(str(cache_folder())):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **how)

    monkeypatch.setattr(os, "stat", refuse)
    assert find("net", "https://there/net-0123abcd.pth") is None


def test_torch_hubs_cache_is_used_and_checked(places: Places) -> None:
    url = f"http://127.0.0.1:9/squeeze-{DIGEST[:8]}.pth"  # nobody listens there
    places.cache.mkdir(parents=True)
    path = places.cache / f"squeeze-{DIGEST[:8]}.pth"
    path.write_bytes(BODY)
    assert fetch("squeezenet1_1", url) == path
    assert verify(path, url)
    path.write_bytes(BODY[:-1])
    with pytest.raises(WeightsError, match=r"squeeze-.* is damaged or was altered .*move it away"):
        fill(build("lenet"), path, url)


def test_a_missing_course_network_says_what_to_do(places: Places) -> None:
    with pytest.raises(
        WeightsError, match=r"critternet are not in .*put critternet\.safetensors into a folder"
    ):
        load("critternet")


def test_download(server: str, places: Places) -> None:
    path = download(f"{server}/fine/net-{DIGEST[:8]}.pth", places.cache)
    assert path == places.cache / f"net-{DIGEST[:8]}.pth"
    assert path.read_bytes() == BODY
    assert os.listdir(places.cache) == [path.name]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "missing",
            r"missing/net-\w+\.pth answered 404 \(Not Found\): copy net-\w+\.pth into a folder and set CAM",
        ),
        ("short", r"short/net-\w+\.pth arrived cut short or altered: try again, or copy"),
        ("altered", r"altered/net-\w+\.pth arrived cut short or altered: try again, or copy"),
        ("stalls", r"no network, or .*stalls/net-\w+\.pth cannot be reached \(timed out\): copy"),
    ],
)
def test_a_bad_download_leaves_no_file(
    kind: str, message: str, server: str, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("camlib.networks.download.TIMEOUT", 0.3)
    with pytest.raises(WeightsError, match=message) as caught:
        download(f"{server}/{kind}/net-{DIGEST[:8]}.pth", places.cache)
    assert "\n" not in str(caught.value)
    assert os.listdir(places.cache) == []


def test_no_network(places: Places) -> None:
    for url in ("http://127.0.0.1:9/net-0123abcd.pth", "http://nowhere.invalid/net-0123abcd.pth"):
        with pytest.raises(
            WeightsError, match=r"no network, or .* cannot be reached .*copy net-0123abcd\.pth"
        ):
            download(url, places.cache)
    assert os.listdir(places.cache) == []


class FullFile:
    """A file on a disk that fills up after the first bytes."""

    def __init__(self, path: str) -> None:
        self.file = open(path, "w+b")  # noqa: SIM115
        self.name = path

    def write(self, data: bytes) -> int:
        self.file.write(data[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        self.file.close()


def test_a_full_disk(server: str, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "open", lambda path, mode: FullFile(path), raising=False)
    with pytest.raises(
        WeightsError, match=r"no space left in .*checkpoints \(\d+ MB free\): make room, or set TORCH_"
    ):
        download(f"{server}/fine/net-{DIGEST[:8]}.pth", places.cache)
    assert os.listdir(places.cache) == []


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_a_read_only_folder(code: int, server: str, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, mode: str) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(torch.hub, "open", refuse, raising=False)
    with pytest.raises(
        WeightsError, match=r"checkpoints cannot be written \(.*\): set TORCH_HOME to a folder of your"
    ):
        download(f"{server}/fine/net-{DIGEST[:8]}.pth", places.cache)
    assert os.listdir(places.cache) == []


def test_a_cache_that_is_no_folder(server: str, places: Places) -> None:
    places.home.write_text("a file where a folder should be")
    with pytest.raises(WeightsError, match="checkpoints cannot be written"):
        download(f"{server}/fine/net-{DIGEST[:8]}.pth", places.cache)


def test_an_interrupted_download_leaves_no_file(
    server: str, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(FullFile):
        def write(self, data: bytes) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr(torch.hub, "open", lambda path, mode: Interrupted(path), raising=False)
    with pytest.raises(KeyboardInterrupt):
        download(f"{server}/fine/net-{DIGEST[:8]}.pth", places.cache)
    assert os.listdir(places.cache) == []


def test_load_downloads_once(server: str, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way of `load`, with a made-up squeezenet on loopback."""
    torch.manual_seed(1)
    source, first = models.squeezenet1_1(weights=None), "features.0.weight"
    made = places.own / "made.pth"
    torch.save(source.state_dict(), made)
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    monkeypatch.setattr(Handler, "body", made.read_bytes())
    recipe = nets._recipe("squeezenet1_1")._replace(url=f"{server}/fine/squeezenet1_1-{digest[:8]}.pth")
    monkeypatch.setattr(nets, "_recipe", lambda name: recipe)
    assert torch.equal(load("squeezenet1_1").get_parameter(f"module.{first}"), source.get_parameter(first))
    assert os.listdir(places.cache) == [f"squeezenet1_1-{digest[:8]}.pth"]
    monkeypatch.setattr(weights, "download", None)  # the second time it must not be called
    assert torch.equal(load("squeezenet1_1").get_parameter(f"module.{first}"), source.get_parameter(first))


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    state = lenet_state()
    save_file(state | {"extra.weight": torch.zeros(1)}, path)
    with pytest.raises(
        WeightsError, match=r'mine\.safetensors is for another network: Unexpected.*"extra\.weight"'
    ):
        load("lenet", weights=path)
    save_file({key: value for key, value in state.items() if key != "fc3.bias"}, path)
    with pytest.raises(WeightsError, match=r'Missing.*"fc3\.bias"'):
        load("lenet", weights=path)
    save_file(state | {"fc3.bias": torch.zeros(9)}, path)
    with pytest.raises(WeightsError, match=r"size mismatch for fc3\.bias"):
        load("lenet", weights=path)
    with pytest.raises(WeightsError, match="is for another network") as caught:
        load("critternet", weights=path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_what_is_no_sound_state_dict_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.safetensors"
    save_file(lenet_state(), whole)
    short = tmp_path / "short.safetensors"
    short.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=r"short\.safetensors is not a whole weight file: get it again"):
        load("lenet", weights=short)
    torch.save(build("lenet").state_dict(), tmp_path / "whole.pth")
    cut = tmp_path / "cut.pth"
    for size in (0, 10, 5000, 400_000):
        cut.write_bytes((tmp_path / "whole.pth").read_bytes()[:size])
        with pytest.raises(WeightsError, match=r"cut\.pth is cut short or no weight file: get it again"):
            load("lenet", weights=cut)
    others: list[object] = [lenet_state()["fc3.bias"], {"state_dict": {}}]
    for other in others:
        torch.save(other, cut)
        with pytest.raises(WeightsError, match=r"cut\.pth does not hold a state dict"):
            load("lenet", weights=cut)
    torch.save(lenet_state() | {"fc3.bias": torch.full((10,), torch.nan)}, cut)
    with pytest.raises(WeightsError, match=r"fc3\.bias holds numbers that are not finite"):
        load("lenet", weights=cut)


class Harm:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("harm",)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_a_pth_file_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"fc3.bias": Harm()}, "harmful.pth")
    with pytest.raises(WeightsError, match="no weight file"):
        load("lenet", weights="harmful.pth")
    assert not (tmp_path / "harm").exists()


def test_checksums_are_only_taken_where_they_are_meant(tmp_path: Path) -> None:
    dated = tmp_path / "mine-20261121.pth"  # eight digits, and no hash
    torch.save(lenet_state(), dated)
    assert checksum(dated) is None
    assert set(read(dated)) == set(lenet_state())
    url = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
    assert checksum(tmp_path / "resnet18-f37072fd.pth", url) == "f37072fd"
    (tmp_path / "SHA256SUMS").write_text("00ff  other.pth\n12ab *mine-20261121.pth\n")
    assert checksum(dated) == "12ab"


@pytest.mark.parametrize(
    ("name", "seed"), [(name, seed) for name in COURSE for seed in range(RUNS.get(name, 1))]
)
def test_what_ships_is_sound(name: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    path = shipped_folder() / f"{run_name(name, seed)}.safetensors"
    if not path.is_file():
        pytest.skip(f"{path.name} is not trained yet: make train")
    monkeypatch.delenv("CAMLIB_WEIGHTS", raising=False)
    assert verify(path), "not listed in SHA256SUMS"
    assert load(name, seed=seed).classes
