"""Where weight files come from, and whether they are what they should be.

Searched in turn: the folder named by the environment variable CAMLIB_WEIGHTS, the files that ship with the
course, the cache of torch hub or of Hugging Face's hub, an installed package; at last torchvision's or timm's
own address, from which a file is put into that cache.
A file whose SHA-256 is known (from a SHA256SUMS beside it; from torchvision's file name, which ends in the
hash's first digits; from Hugging Face's cache; of the package's file) is checked each time it is read.
"""

import hashlib
import os
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any, TypeGuard

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..shipped import shipped
from . import hub, packaged
from .course import COURSE
from .download import download, file_name
from .weights_error import WeightsError

__all__ = [
    "SUFFIXES",
    "WeightsError",
    "bare",
    "cache_folder",
    "checksum",
    "download",
    "fetch",
    "fill",
    "find",
    "own_folder",
    "place",
    "read",
    "shipped_folder",
    "verify",
    "wrong_network",
]

SUFFIXES = (".safetensors", ".pth")


def shipped_folder() -> Path:
    """The folder of the course's own weights."""
    return shipped("weights")


def cache_folder() -> Path:
    """Torch hub's cache, which torchvision itself uses; TORCH_HOME moves it."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def own_folder() -> Path | None:
    """The folder that CAMLIB_WEIGHTS names, if it is set. Raises WeightsError where that is no folder."""
    if not (named := os.environ.get("CAMLIB_WEIGHTS")):
        return None
    if not os.path.isdir(Path(named).expanduser()):
        raise WeightsError(f"CAMLIB_WEIGHTS names {named}, which is not a folder: correct or unset it")
    return Path(named).expanduser()


def find(name: str, url: str | None = None) -> Path | None:
    """The file of network `name` on this machine; None where there is none."""
    own = own_folder()
    places = [own, shipped_folder()] if own else [shipped_folder()]
    names = [name + suffix for suffix in SUFFIXES]
    if url and not hub.in_hub(url):
        names.append(file_name(url))
        places.append(cache_folder())
    candidates = (place / one for place in places for one in names)
    if found := next((path for path in candidates if os.path.isfile(path)), None):  # nor where it is closed
        return found
    if url == packaged.ADDRESS:
        return packaged.installed()
    return hub.cached(url) if url and hub.in_hub(url) else None


def fetch(name: str, url: str | None = None) -> Path:
    """The file of network `name`, downloaded from `url` where it is not on this machine.

    Raises WeightsError saying what happened and what to do.
    """
    if found := find(name, url):
        return found
    if url == packaged.ADDRESS:
        return packaged.unpacked(name)
    if url:
        return hub.download_from_hub(url, name) if hub.in_hub(url) else download(url, cache_folder())
    instead = f"put {name}.safetensors into a folder and set CAMLIB_WEIGHTS to it"
    if name.partition("-seed")[0] in COURSE:
        raise WeightsError(
            f"the weights of {name} are not in {shipped_folder()}: get the course's files again, or {instead}"
        )
    raise WeightsError(f'there are no weights of {name} to be had: {instead}, or take weights="random"')


def checksum(path: Path, url: str | None = None) -> str | None:
    """The SHA-256, or its first digits, that the file should have; None where nobody says."""
    sums = path.parent / "SHA256SUMS"
    if sums.is_file():
        for line in sums.read_text().splitlines():
            digest, _, name = line.partition(" ")
            if name.lstrip(" *") == path.name:
                return digest
    if url == packaged.ADDRESS and file_name(url) == path.name:
        return packaged.SHA256
    if url and hub.in_hub(url) and path == hub.cached(url):
        return hub.digest(path)
    found = re.search(r"-([0-9a-f]{8,64})\.pth$", path.name)
    return found[1] if found and url and file_name(url) == path.name else None


def verify(path: Path, url: str | None = None) -> bool:
    """True where the SHA-256 is right, False where it is not known. Raises WeightsError where it is wrong."""
    wanted = checksum(path, url)
    if wanted is None:
        return False
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(wanted):
        raise WeightsError(
            f"{path} is damaged or was altered (SHA-256 {digest[:12]}…, should be {wanted[:12]}…): "
            "move it away and get it again"
        )
    return True


def read(path: Path, url: str | None = None) -> dict[str, Tensor]:
    """The tensors of a .safetensors or .pth file, floating ones as float32, after `verify`.

    Raises WeightsError where the file cannot be read, holds anything else, or numbers that are not finite.
    """
    try:
        path.open("rb").close()  # so that it is this that fails where it may not be read
        verify(path, url)
        if path.suffix == ".safetensors":
            state: Any = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except (PermissionError, FileNotFoundError, IsADirectoryError) as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # each format has its own errors, torch.load has several
        if "Unsupported global" in str(error) or "TorchScript" in str(error):  # whole, but it could run code
            raise WeightsError(
                f"{path} holds a network or other objects, not only its numbers, and is not read: where you "
                "have the network, save net.state_dict()"
            ) from error
        what = (
            "not a whole weight file" if isinstance(error, SafetensorError) else "cut short or no weight file"
        )
        raise WeightsError(f"{path} is {what}: get it again, or name another") from error
    if not _is_state(state):
        inside = [key for key, value in state.items() if _is_state(value)] if isinstance(state, dict) else []
        more = f"; its entry {inside[0]!r} is one, save that" if inside else ": save net.state_dict()"
        raise WeightsError(f"{path} does not hold a state dict (names and tensors){more}")
    for key, value in state.items():
        if value.is_floating_point():
            state[key] = value.float()  # in place: a state dict carries its format's version with it
            if not value.isfinite().all():
                raise WeightsError(
                    f"in {path} {key} holds numbers that are not finite: damaged, or diverged in training"
                )
    return state


def _is_state(value: object) -> TypeGuard[dict[str, Tensor]]:
    tensors = value.values() if isinstance(value, dict) else ()
    return bool(tensors) and all(isinstance(one, Tensor) for one in tensors)


def bare(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same under its network's own names: a `Net`, as torch's DataParallel, keeps it under "module."."""
    if not all(key.startswith("module.") for key in state):
        return state
    names: Any = OrderedDict((key.removeprefix("module."), value) for key, value in state.items())
    if hasattr(state, "_metadata"):
        names._metadata = state._metadata
    return names  # type: ignore[no-any-return]


def fill(module: nn.Module, path: Path, url: str | None = None) -> None:
    """Put a file's tensors into `module`, every one and no other.

    Raises WeightsError where the file cannot be used, or belongs to another network.
    """
    place(module, read(path, url), path)


def place(module: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Put the tensors of `path` into `module`, every one and no other. Raises WeightsError as `fill`."""
    # DenseNet's files are older than the names "norm1", "conv1"; auxiliary classifiers are only for training.
    state = bare(state)
    renamed = {re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)", r"\1\2", old): old for old in state}
    extra = ("aux1.", "aux2.", "AuxLogits.")
    unused = extra if not any(key.startswith(extra) for key in module.state_dict()) else ()
    wanted: Any = OrderedDict((new, state[old]) for new, old in renamed.items() if not old.startswith(unused))
    version = {"": {"version": module._version}}  # what safetensors cannot say
    wanted._metadata = getattr(state, "_metadata", version)
    try:
        module.load_state_dict(wanted, assign=True)
    except RuntimeError as error:
        raise wrong_network(path, error) from error


def wrong_network(path: Path, error: Exception) -> WeightsError:
    """What torch says of a state dict that does not fit, in one line of bearable length."""
    lines = [line.strip() for line in str(error).splitlines()]
    lines = lines[1:] or lines or [type(error).__name__]
    detail = " ".join(line if len(line) < 160 else line[:160] + " …" for line in lines[:2])
    more = f" (and {len(lines) - 2} more)" if len(lines) > 2 else ""
    return WeightsError(f"{path} is for another network: {detail}{more}")
