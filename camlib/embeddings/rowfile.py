"""A table of numbers that grows on disk, row by row, and goes on after an interruption.

It is a NumPy file (.npy) of its final shape, and behind the table, where NumPy does not look, a stamp for
each row: 0 where the row is not there yet, else what told, when it was computed, that its picture is that
picture. While rows are missing the file is called .part.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..pictures.stamps import Stamps

__all__ = ["grown"]

Rows = NDArray[np.float32]
Compute = Callable[[int, int], Iterator[Rows]]
_UNKNOWN = np.uint64(1)  # the stamp of a row of which nothing tells whether its picture is the same
_AGAIN = 16  # rows, spread evenly, that are computed again, to see whether a file holds the same table


def grown(
    path: Path, shape: tuple[int, int], rows: Compute, stamps: Stamps | None = None, *, renew: bool = False
) -> Rows:
    """The table in `path`, computed as far as it is not there yet; mapped, so that it is not in memory.

    shape: (N, D) of the whole.  rows(start, wanted): the rows from `start` on, in blocks; only the first
    `wanted` are used.
    stamps: (N,), above 1, what tells that a row's picture is the same; None: nothing does.
    renew: whether rows whose stamp is another one now are computed again; else they are an error.
    Changing the array does not change the file. One process writes; a second that would is told so.
    Raises ValueError where there is no such folder, or the file holds something else or is cut short, and
    where another process is writing it.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the file to keep the codes in")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} to put {path.name} into")
    now = np.full(shape[0], _UNKNOWN) if stamps is None else stamps
    if not path.exists() or not _checked(path, shape, rows, now, renew)[1].all():
        with _alone(path):
            part = path.with_name(path.name + ".part")
            file = path if path.exists() else part
            if not file.exists():
                _begin(file, shape)
            start, there = _checked(file, shape, rows, now, renew)
            _fill(file, start, shape, rows, now, there)
            if file == part:
                part.replace(path)
    return np.load(path, mmap_mode="c")  # type: ignore[no-any-return]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Within the block no other process writes the file. The system frees the lock when a process ends."""
    beside = path.with_name(path.name + ".lock")
    try:
        with FileLock(beside, timeout=0):
            try:
                yield
            finally:
                with suppress(OSError):  # Windows removes it when the lock is freed
                    beside.unlink()
    except Timeout:
        raise ValueError(
            f"another process is writing {path}; wait until it is done, or name another file"
        ) from None


def _begin(file: Path, shape: tuple[int, int]) -> None:
    """An empty table, of its final length, under its name only when its head is whole."""
    fresh = file.with_name(file.name + ".new")
    with fresh.open("wb") as stream:
        npy.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
        stream.truncate(stream.tell() + shape[0] * (4 * shape[1] + 8))
    fresh.replace(file)


def _fill(
    file: Path, start: int, shape: tuple[int, int], rows: Compute, now: Stamps, there: NDArray[np.bool_]
) -> None:
    """Compute and write the rows that are not there, each stamped once it is written."""
    count, width = shape
    edges = np.flatnonzero(np.diff(there, prepend=True, append=True)).tolist()
    with file.open("r+b") as stream:
        for first, end in list(pairwise(edges))[::2]:
            done = first
            for block in rows(first, end - first):
                block = block[: end - done]
                stream.seek(start + done * 4 * width)
                stream.write(block.astype("<f4").tobytes())
                stream.flush()
                stream.seek(start + count * 4 * width + done * 8)
                stream.write(now[done : done + len(block)].astype("<u8").tobytes())
                stream.flush()
                done += len(block)
                if done == end:
                    break


def _checked(
    file: Path, shape: tuple[int, int], rows: Compute, now: Stamps, renew: bool
) -> tuple[int, NDArray[np.bool_]]:
    """Where the rows begin in the file, in bytes, and which are there: (N,).

    Raises ValueError for a file that holds something else, or rows that come out otherwise now.
    """
    start, stamps = _held(file, shape)
    stamps = now if stamps is None else stamps
    there = (stamps == now) | (stamps == _UNKNOWN) | ((now == _UNKNOWN) & (stamps != 0))
    changed = np.flatnonzero(~there & (stamps != 0))
    if len(changed) and not renew:
        raise ValueError(
            f"{file} holds the code of another picture {changed[0]} ({len(changed)} differ); "
            "delete it or name another file"
        )
    # A folder that was copied has new times throughout: then the old rows themselves tell whose they are.
    held = np.flatnonzero(there) if there.any() else changed
    table = np.memmap(file, "<f4", "r", start, shape)
    for k in sorted(set(np.linspace(0, len(held) - 1, _AGAIN).round().astype(int))) if len(held) else ():
        row = int(held[k])
        _compare(file, row, table[row], next(rows(row, 1))[0])
    return start, there


def _held(file: Path, shape: tuple[int, int]) -> tuple[int, Stamps | None]:
    """Where the rows begin in the file, in bytes, and their stamps; None: it has none, and is whole."""
    with file.open("rb") as stream:
        try:
            version = npy.read_magic(stream)
            found, _, kind = npy.read_array_header_1_0(stream)
        except ValueError:
            raise ValueError(f"{file} is no table of numbers that camlib wrote; name another file") from None
        start = stream.tell()
    if version != (1, 0) or found != shape or kind != np.dtype("<f4"):
        raise ValueError(f"{file} holds {kind} of shape {found}, not {shape}; delete it or name another file")
    table, size = start + shape[0] * shape[1] * 4, file.stat().st_size
    if size == table:
        return start, None
    if size != table + shape[0] * 8:
        raise ValueError(
            f"{file} was cut short, or something was added to it; delete it or name another file"
        )
    return start, np.fromfile(file, "<u8", shape[0], offset=table)


def _compare(file: Path, row: int, held: Rows, again: Rows) -> None:
    if np.isnan(again).all() and not np.isnan(held).any():
        raise ValueError(f"picture {row} cannot be read now, and could when {file} was written")
    scale = float(np.nan_to_num(np.abs(again)).max())
    if not np.allclose(held, again, rtol=1e-2, atol=1e-3 * scale, equal_nan=True):
        raise ValueError(
            f"{file} holds other numbers than this network, layer and data set give, first in row {row}; "
            "delete it or name another file"
        )
