"""A file on a web server, read in places: only the parts that are asked for are fetched.

with RangedFile("https://…/alexnet.pth") as file:
    file.seek(1000)
    file.read(16)                   # bytes 0 to 32767 have been fetched, not the other 244 MB
"""

import http.client
import io
import os
import re
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

__all__ = ["NoRangesError", "RangeError", "RangedFile"]

TIMEOUT = 30.0  # seconds without a byte, after which a request is given up
BLOCK = 2**15  # bytes: as much as arrives in the time that a request takes


class RangeError(RuntimeError):
    """A part of a file could not be had. No OSError: zipfile takes one for the end of the file."""


class NoRangesError(RangeError):
    """The server sends whole files only."""


class RangedFile(io.RawIOBase):
    """The file at an address, read-only and seekable; a block that was fetched once is kept.

    fetched: the bytes that came so far.  requests: how many times the server was asked.
    Raises NoRangesError or RangeError, each with one line, where it is opened or read.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.fetched, self.requests = url, 0, 0
        self._at, self._from, self._state = 0, url, ("", "")
        self._blocks: dict[int, bytes] = {}
        self._size: int | None = None
        self._get(0, 1)

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, which may lie behind the end, as in any file."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size or 0}[whence]
        if start + offset < 0:
            raise OSError(f"no place {start + offset} in a file")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the whole buffer, unless the file ends before; how many bytes were put there."""
        view = memoryview(buffer).cast("B")
        end = min(self._at + len(view), self._size or 0)
        done = 0
        while self._at < end:
            number, inside = divmod(self._at, BLOCK)
            if number not in self._blocks:
                last = (end - 1) // BLOCK
                self._get(number, next((n for n in range(number, last + 1) if n in self._blocks), last + 1))
            part = self._blocks[number][inside : inside + end - self._at]
            view[done : done + len(part)] = part
            done, self._at = done + len(part), self._at + len(part)
        return done

    def _get(self, start: int, stop: int) -> None:
        """Fetch blocks start to stop − 1 in one request."""
        first, last = start * BLOCK, stop * BLOCK - 1
        headers = {"Range": f"bytes={first}-{last}", "User-Agent": "camlib"}
        self.requests += 1
        try:
            # Where an address leads elsewhere, that place is asked from then on.
            with urlopen(Request(self._from, headers=headers), timeout=TIMEOUT) as answer:
                size = self._check(answer, first, last)
                wanted = min(last + 1, size) - first
                body = answer.read(wanted + 1)
                self._from = answer.url
        except HTTPError as error:
            error.close()
            raise RangeError(f"{self.url} answered {error.code} ({error.reason})") from error
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, http.client.IncompleteRead):
                raise RangeError(f"the download of {self.url} was cut short") from error
            why = error.reason if isinstance(error, URLError) else error
            raise RangeError(f"no network, or {self.url} cannot be reached ({why})") from error
        self.fetched += len(body)
        if len(body) != wanted:
            raise RangeError(f"the download of {self.url} was cut short")
        self._size = size
        for number in range(start, start + -(-len(body) // BLOCK)):
            self._blocks[number] = body[(number - start) * BLOCK :][:BLOCK]

    def _check(self, answer: http.client.HTTPResponse, first: int, last: int) -> int:
        """The file's size, as the server tells it, where it sends what it was asked for."""
        if answer.status != http.client.PARTIAL_CONTENT:
            raise NoRangesError(f"the server of {self.url} sends whole files only")
        told = answer.headers.get("Content-Range", "")
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", told.strip())
        if not found or (int(found[1]), int(found[2])) != (first, min(last, int(found[3]) - 1)):
            raise NoRangesError(
                f"the server of {self.url} sends other parts than it is asked for ({told or 'no'})"
            )
        state = (found[3], answer.headers.get("ETag", ""))
        if self._size is not None and state != self._state:
            raise RangeError(f"{self.url} was changed while it was read")
        self._state = state
        return int(found[3])
