"""A number for what a data set gives: pictures, labels, and lists and dicts of them.

(`joblib.hash` has another one each time for the same tensor, whose pickle tells where it lies in memory.)
"""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

__all__ = ["digest"]

_PLAIN = str, bytes, bool, int, float, complex, type(None), Path, np.generic


def digest(value: Any) -> bytes:
    """16 bytes: other values, other bytes, in every process. Of what is no number, text, picture, tensor or
    list of these only the type's name counts: an object's own text may hold its address.
    """
    told = blake2b(type(value).__name__.encode(), digest_size=16)
    if isinstance(value, Tensor):
        told.update(repr((str(value.dtype), tuple(value.shape))).encode())
        told.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    elif isinstance(value, np.ndarray):
        told.update(repr((value.dtype.str, value.shape)).encode())
        told.update(
            digest(value.tolist()) if value.dtype.hasobject else np.ascontiguousarray(value).tobytes()
        )
    elif isinstance(value, Image.Image):
        told.update(repr((value.mode, value.size)).encode() + value.tobytes())
    elif isinstance(value, Mapping):
        told.update(digest(list(value.items())))
    elif isinstance(value, list | tuple):
        plain = all(isinstance(one, _PLAIN) for one in value)
        told.update(repr(value).encode() if plain else b"".join(map(digest, value)))
    elif isinstance(value, _PLAIN):
        told.update(repr(value).encode())
    return told.digest()
