"""A table of numbers that grows on disk, row by row, and goes on after an interruption.

While it grows it is a NumPy file (.npy) of its final shape that is too short, called .part; whole, it gets
its name. How far it came is its length, so nothing else has to be kept.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

__all__ = ["grown"]

Rows = NDArray[np.float32]
_AGAIN = 4  # rows at both ends that are computed again, to see whether a file holds the same table


def grown(path: Path, shape: tuple[int, int], rows: Callable[[int, int | None], Iterator[Rows]]) -> Rows:
    """The table in `path`, computed as far as it is not there yet; mapped, so that it is not in memory.

    shape: (N, D) of the whole.  rows(start, at_once): the rows from `start` on, in blocks, of `at_once` rows
    where that is given. Changing the array does not change the file.
    Raises ValueError where there is no such folder, or the file holds something else.
    """
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} to put {path.name} into")
    part = path.with_name(path.name + ".part")
    begun = next((file for file in (path, part) if file.exists()), None)
    start, done = _held(begun, shape) if begun else (0, 0)
    if begun and done:
        for first in {0, max(done - _AGAIN, 0)}:
            again = next(rows(first, _AGAIN))[: done - first]
            _compare(begun, start + first * 4 * shape[1], again)
    if begun != path:
        with part.open("r+b" if begun else "wb") as file:
            if begun:
                file.seek(start + done * 4 * shape[1])
                file.truncate()  # half a row
            else:
                npy.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
            if done < shape[0]:
                for block in rows(done, None):
                    file.write(block.astype("<f4").tobytes())
                    file.flush()
        part.replace(path)
    return np.load(path, mmap_mode="c")  # type: ignore[no-any-return]


def _held(file: Path, shape: tuple[int, int]) -> tuple[int, int]:
    """Where the rows begin in the file, in bytes, and how many whole ones there are."""
    with file.open("rb") as stream:
        try:
            version = npy.read_magic(stream)
            found, _, kind = npy.read_array_header_1_0(stream)
        except ValueError:
            raise ValueError(f"{file} is no table of numbers that camlib wrote; name another file") from None
        start = stream.tell()
    if version != (1, 0) or found != shape or kind != np.dtype("<f4"):
        raise ValueError(f"{file} holds {kind} of shape {found}, not {shape}; delete it or name another file")
    return start, (file.stat().st_size - start) // (4 * shape[1])


def _compare(file: Path, offset: int, again: Rows) -> None:
    held = np.fromfile(file, "<f4", again.size, offset=offset).reshape(again.shape)
    scale = float(np.nan_to_num(np.abs(again)).max())
    if not np.allclose(held, again, rtol=1e-2, atol=1e-3 * scale, equal_nan=True):
        raise ValueError(
            f"{file} holds other numbers than this network, layer and data set give; "
            "delete it or name another file"
        )
