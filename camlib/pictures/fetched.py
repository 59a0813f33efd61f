"""Files of data sets, downloaded so that each is whole and right, or not there; a broken one is gone on with.

A download grows in a file beside its place, NAME.part, which only gets its name once its digest is right.
"""

import errno
import hashlib
import http.client
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import platformdirs
from tqdm.auto import tqdm

__all__ = ["DownloadError", "data_folder", "fetched", "git_blob", "md5", "shared_folder", "text_of"]

TIMEOUT = 30.0  # seconds without a byte, after which a download is given up
_CHUNK = 2**18

Digest = Callable[[Path], str]


class DownloadError(OSError):
    """A file could not be had; one line says why, and what to do."""


def data_folder() -> Path:
    """Where data sets lie: the folder that CAMLIB_DATA names; where it is not set, the user's cache."""
    named = os.environ.get("CAMLIB_DATA")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("camlib")


def shared_folder(*inside: str) -> Path | None:
    """A folder in the one that CAMLIB_SHARED names, from which is only read; None where it is not set."""
    shared = os.environ.get("CAMLIB_SHARED")
    return Path(shared, *inside) if shared else None


def md5(path: Path) -> str:
    """A file's MD5, which is what data sets publish."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def git_blob(path: Path) -> str:
    """The number by which git knows a file of these bytes."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def fetched(
    url: str, path: Path, digest: str, instead: str, *, by: Digest = md5, progress: str | None = None
) -> Path:
    """The file at `path`, downloaded from `url` where it is not there.

    digest: what `by` should say of it.  instead: what to do without a network, for the message.
    progress: what the bar is called; None: no bar.
    Raises DownloadError. What has arrived by then stays, and the next call goes on from there.
    """
    if path.is_file():
        return path
    part = path.with_name(path.name + ".part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _transfer(url, part, progress)
        if by(part) != digest:
            part.unlink()
            raise DownloadError(f"{url} arrived altered, and was thrown away: try again, or {instead}")
        os.replace(part, path)
    except DownloadError:
        raise
    except Exception as error:
        raise DownloadError(_why(url, error, instead)) from error
    return path


def text_of(url: str, instead: str) -> str:
    """A short text. Raises DownloadError."""
    try:
        with urlopen(Request(url, headers={"User-Agent": "camlib"}), timeout=TIMEOUT) as answer:
            content: bytes = answer.read()
            return content.decode()
    except Exception as error:
        raise DownloadError(_why(url, error, instead)) from error


def _transfer(url: str, part: Path, progress: str | None) -> None:
    """Fetch what `part` still lacks. A server that does not send parts sends all of it anew."""
    there = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": "camlib"} | ({"Range": f"bytes={there}-"} if there else {})
    try:
        answer = urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if there and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is lacking, or all is wrong: the digest will tell
        raise
    with answer:
        told = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
        goes_on = answer.status == http.client.PARTIAL_CONTENT and told is not None and int(told[1]) == there
        there = there if goes_on else 0
        length = answer.headers.get("Content-Length")
        total = there + int(length) if length else None
        with (
            part.open("ab" if goes_on else "wb") as file,
            tqdm(
                desc=progress,
                initial=there,
                total=total,
                unit="B",
                unit_scale=True,
                delay=1,
                leave=False,
                disable=progress is None,
            ) as bar,
        ):
            while content := answer.read(_CHUNK):
                file.write(content)
                bar.update(len(content))
            if total is not None and file.tell() < total:
                raise http.client.IncompleteRead(b"", total - file.tell())


def _why(url: str, error: Exception, instead: str) -> str:
    """What happened, and what to do, in one line."""
    if isinstance(error, HTTPError):
        return f"{url} answered {error.code} ({error.reason}): {instead}"
    if isinstance(error, http.client.IncompleteRead):
        return f"the download of {url} was cut short: try again, and it goes on from there, or {instead}"
    if isinstance(error, OSError) and error.filename:
        full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None))
        place = "no space is left for" if full else "cannot write"
        return f"{place} {error.filename} ({error.strerror}): set CAMLIB_DATA to a folder of your own"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"no space is left for {url}: make room, or set CAMLIB_DATA to a folder elsewhere"
    if isinstance(error, URLError | OSError | http.client.HTTPException):
        why = error.reason if isinstance(error, URLError) else error
        return f"no network, or {url} cannot be reached ({' '.join(str(why).split())}): {instead}"
    return f"{url} cannot be had ({' '.join(str(error).split())}): {instead}"
