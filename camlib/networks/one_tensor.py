"""One tensor out of a weight file of any size, from which little else is read.

Three formats: what `torch.save` writes today (a zip archive), what it wrote before 1.6 (pickles, one behind
the other, then the numbers), and safetensors. In the first two a pickle says where each tensor lies. It is
read with Python's own unpickler, which is given the few names that a state dict holds: no code in it runs.
"""

# torch.load under a FakeTensorMode finds the places in archives, too, but in those without a .format_version,
# as older torch wrote them, it reads before every tensor (DenseNet-121: 741 reads); in older files, none.

import io
import json
import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

import safetensors.torch
import torch
from torch import Tensor

from ..wording import listing
from .ranged import RangeError

__all__ = ["one_tensor"]

MAGIC = 0x1950A86A20F9469CFC6C  # the first thing in a file from before torch 1.6
KINDS = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


def one_tensor(file: BinaryIO | io.RawIOBase, key: str) -> Tensor:
    """The tensor of that name, a copy of its own on the CPU, of the type it was saved with.

    file: open for reading, seekable, at its start.
    Where all names begin with "module.", as those from torch's DataParallel, `key` is looked up without it.
    Raises ValueError, with the middle of a sentence, where the file is damaged, of no known format, or
    without such a tensor.
    """
    try:
        head = _read(file, 9)
        file.seek(0)
        if head.startswith(b"PK"):
            return _from_zip(file, key)
        return _from_safetensors(file, key) if head.endswith(b"{") else _from_pickles(file, key)
    except (_ToldError, RangeError):
        raise
    except Exception as error:  # each of the formats' readers has several
        raise ValueError("is damaged, or no weight file") from error


class _ToldError(ValueError):
    """One whose line is complete."""


class _Storage(NamedTuple):
    key: str
    dtype: torch.dtype
    numel: int
    start: int = 0  # of the part that is meant, in numbers


class _Place(NamedTuple):
    """Where a tensor lies in its storage, in numbers."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def cut(self, data: bytes, byteorder: str) -> Tensor:
        """The tensor, from all bytes of its storage."""
        if byteorder != sys.byteorder:
            raise _ToldError(f"was written on a {byteorder}-endian machine")
        whole = torch.frombuffer(bytearray(data), dtype=self.storage.dtype)
        return whole.as_strided(self.size, self.stride, self.storage.start + self.offset).clone()


class _Unpickler(pickle.Unpickler):
    """Reads a state dict as names and `_Place`s; all storages that it names are in `storages`."""

    _names: dict[tuple[str, str], Callable[..., Any]] = {  # noqa: RUF012, never changed
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor"): lambda *of: _Place(*of[:4]),
        ("torch._utils", "_rebuild_tensor_v2"): lambda *of: _Place(*of[:4]),
        ("torch._utils", "_rebuild_parameter"): lambda place, *_: place,
    }

    def __init__(self, file: Any) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What a name in the file stands for; no other is taken."""
        if module in ("torch", "torch.storage") and name in KINDS:
            return KINDS[name]
        if (module, name) not in self._names:
            raise _ToldError(f"holds other objects ({module}.{name}), not only tensors")
        return self._names[module, name]

    def persistent_load(self, of: Any) -> _Storage:
        """A storage that the file names."""
        _, dtype, key, _, numel, *view = of
        self.storages[key] = _Storage(key, dtype, numel)
        return self.storages[key]._replace(start=view[0][1] if view and view[0] else 0)


def _from_zip(file: Any, key: str) -> Tensor:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        root = next(one for one in names if one.endswith("/data.pkl")).removesuffix("data.pkl")
        place: _Place = _pick(_Unpickler(io.BytesIO(archive.read(root + "data.pkl"))).load(), key)
        order = archive.read(root + "byteorder").decode() if root + "byteorder" in names else "little"
        return place.cut(archive.read(f"{root}data/{place.storage.key}"), order)  # compares its CRC-32


def _from_pickles(file: Any, key: str) -> Tensor:
    if _Unpickler(file).load() != MAGIC:
        raise ValueError("another pickle")
    _version, machine = _Unpickler(file).load(), _Unpickler(file).load()
    unpickler = _Unpickler(file)
    place: _Place = _pick(unpickler.load(), key)
    order = _Unpickler(file).load()
    before = [unpickler.storages[one] for one in order[: order.index(place.storage.key)]]
    file.seek(sum(8 + one.numel * one.dtype.itemsize for one in before), io.SEEK_CUR)
    if int.from_bytes(_read(file, 8), "little") != place.storage.numel:
        raise ValueError("the storages are not where they should be")
    data = _read(file, place.storage.numel * place.storage.dtype.itemsize)
    return place.cut(data, "little" if machine["little_endian"] else "big")


def _from_safetensors(file: Any, key: str) -> Tensor:
    size = int.from_bytes(_read(file, 8), "little")
    header = json.loads(_read(file, size))
    header.pop("__metadata__", None)
    entry = _pick(header, key, dict)
    start, stop = entry["data_offsets"]
    file.seek(8 + size + start)
    alone = json.dumps({key: entry | {"data_offsets": [0, stop - start]}}).encode()
    whole = len(alone).to_bytes(8, "little") + alone + _read(file, stop - start)
    return safetensors.torch.load(whole)[key]  # a file of one tensor


def _pick(state: Any, key: str, kind: type = _Place) -> Any:
    if not isinstance(state, dict) or not state:
        raise _ToldError("holds no state dict (names and tensors)")
    prefix = "module." if all(str(one).startswith("module.") for one in state) else ""
    if not isinstance(found := state.get(prefix + key), kind):
        raise _ToldError(f"holds no tensor {key}; it holds {listing(map(str, state), 3)}")
    return found


def _read(file: Any, size: int) -> bytes:
    data: bytes = file.read(size)
    if len(data) != size:
        raise EOFError
    return data
