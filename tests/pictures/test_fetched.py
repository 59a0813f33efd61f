"""Downloads from a server on loopback: gone on with after a break, checked, one line where they fail."""

import errno
import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from camlib.pictures import fetched as module
from camlib.pictures.fetched import DownloadError, data_folder, fetched, git_blob, md5, text_of

BODY = bytes(range(256)) * 4000
DIGEST = hashlib.md5(BODY).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """/ranges/… sends parts, /whole/… never does; /short… ends after half of what is asked for."""

    asked: list[str] = []  # noqa: RUF012
    stall = threading.Event()

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("Range", "all"))
        if "missing" in self.path:
            self.send_error(404)
            return
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(found[1]) if found and "ranges" in self.path else 0
        if start >= len(BODY):
            self.send_error(416)
            return
        body = BODY[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if "altered" in self.path:
            body = body[::-1]
        self.wfile.write(body[: len(body) // 2] if "short" in self.path else body)
        if "stalls" in self.path:
            self.stall.wait(5)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(Handler, "asked", [])
    return Handler.asked


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_file_is_fetched_once(server: str, tmp_path: Path, asked: list[str]) -> None:
    path = tmp_path / "new" / "set.tgz"
    for _ in range(2):
        assert fetched(f"{server}/ranges/set.tgz", path, DIGEST, "copy it") == path
    assert path.read_bytes() == BODY
    assert names(path.parent) == ["set.tgz"]
    assert Handler.asked == ["all"]


def test_what_broke_off_is_gone_on_with(server: str, tmp_path: Path) -> None:
    path = tmp_path / "set.tgz"
    with pytest.raises(
        DownloadError, match=r"was cut short: try again, and it goes on from there, or copy it$"
    ):
        fetched(f"{server}/ranges/short", path, DIGEST, "copy it")
    assert names(tmp_path) == ["set.tgz.part"]
    there = (tmp_path / "set.tgz.part").stat().st_size
    assert there == len(BODY) // 2
    fetched(f"{server}/ranges/set.tgz", path, DIGEST, "copy it")
    assert Handler.asked == ["all", f"bytes={there}-"]
    assert path.read_bytes() == BODY
    assert names(tmp_path) == ["set.tgz"]


def test_a_server_without_ranges_begins_anew(server: str, tmp_path: Path) -> None:
    path = tmp_path / "set.tgz"
    (tmp_path / "set.tgz.part").write_bytes(BODY[:1000])
    fetched(f"{server}/whole/set.tgz", path, DIGEST, "copy it")
    assert path.read_bytes() == BODY


def test_a_whole_part_is_only_checked(server: str, tmp_path: Path) -> None:
    path = tmp_path / "set.tgz"
    (tmp_path / "set.tgz.part").write_bytes(BODY)
    fetched(f"{server}/ranges/set.tgz", path, DIGEST, "copy it")
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("begun", [b"", b"x" * 500, BODY + b"!"])
def test_what_is_altered_is_thrown_away(begun: bytes, server: str, tmp_path: Path) -> None:
    path = tmp_path / "set.tgz"
    if begun:
        (tmp_path / "set.tgz.part").write_bytes(begun)
    address = "ranges/set.tgz" if begun else "ranges/altered"
    with pytest.raises(DownloadError, match="arrived altered, and was thrown away: try again, or copy it"):
        fetched(f"{server}/{address}", path, DIGEST, "copy it")
    assert names(tmp_path) == []


def test_one_line_without_a_network(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.3)
    refused = r"no network, or http://127.0.0.1:9/set cannot be reached \(.*refused.*\): copy it$"
    for address, message in {
        "http://127.0.0.1:9/set": refused,
        "http://nowhere.invalid/set": "no network, or",
        f"{server}/missing": r"missing answered 404 \(Not Found\): copy it$",
    }.items():
        with pytest.raises(DownloadError, match=message) as caught:
            fetched(address, tmp_path / "set", DIGEST, "copy it")
        assert "\n" not in str(caught.value)
        with pytest.raises(DownloadError, match=message):
            text_of(address, "copy it")
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path, server: str) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DownloadError, match=r"cannot write .*file.*set CAMLIB_DATA to a folder of your own"):
        fetched(f"{server}/ranges/set", tmp_path / "file" / "set", DIGEST, "copy it")


def test_a_full_disk_is_told(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_transfer", full)
    with pytest.raises(DownloadError, match=r"no space is left for .*: make room, or set CAMLIB_DATA"):
        fetched(f"{server}/ranges/set", tmp_path / "set", DIGEST, "copy it")


def test_digests(tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(b"hello\n")
    assert md5(path) == "b1946ac92492d2347c6235b4d2611184"
    assert git_blob(path) == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object


def test_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAMLIB_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.delenv("CAMLIB_DATA")
    assert data_folder().name == "camlib"
