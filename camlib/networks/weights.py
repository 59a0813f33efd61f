"""Where weight files come from, and whether they are what they should be.

Searched in turn: the folder named by the environment variable CAMLIB_WEIGHTS, the files that ship with the
course, torch hub's cache; at last torchvision's own address, from which a file is put into that cache.
A file whose SHA-256 is known (from a SHA256SUMS beside it, or from torchvision's file name, which ends in
the hash's first digits) is checked each time it is read.
"""

import errno
import hashlib
import http.client
import os
import re
import shutil
import socket
from collections import OrderedDict
from pathlib import Path
from typing import Any, TypeGuard
from urllib.error import HTTPError, URLError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

SUFFIXES = (".safetensors", ".pth")
TIMEOUT = 30.0  # seconds without a byte, after which a download is given up


class WeightsError(RuntimeError):
    """A weight file is missing, damaged or for another network; the message says what to do."""


def shipped_folder() -> Path:
    """The folder of the course's own weights: in an installed package camlib/weights, else data/weights."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "weights"
    return installed if installed.is_dir() else package.parent / "data" / "weights"


def cache_folder() -> Path:
    """Torch hub's cache, which torchvision itself uses; TORCH_HOME moves it."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def file_name(url: str) -> str:
    """The name under which torch hub keeps the file of this address."""
    return url.rpartition("/")[2]


def own_folder() -> Path | None:
    """The folder that CAMLIB_WEIGHTS names, if it is set. Raises WeightsError where that is no folder."""
    if not (named := os.environ.get("CAMLIB_WEIGHTS")):
        return None
    if not Path(named).expanduser().is_dir():
        raise WeightsError(f"CAMLIB_WEIGHTS names {named}, which is not a folder: correct or unset it")
    return Path(named).expanduser()


def find(name: str, url: str | None = None) -> Path | None:
    """The file of network `name` on this machine; None where there is none."""
    own = own_folder()
    places = [own, shipped_folder()] if own else [shipped_folder()]
    names = [name + suffix for suffix in SUFFIXES]
    if url:
        names.append(file_name(url))
        places.append(cache_folder())
    candidates = (place / one for place in places for one in names)
    return next((path for path in candidates if path.is_file()), None)


def fetch(name: str, url: str | None = None) -> Path:
    """The file of network `name`, downloaded from `url` where it is not on this machine.

    Raises WeightsError saying what happened and what to do.
    """
    if found := find(name, url):
        return found
    if url:
        return download(url, cache_folder())
    raise WeightsError(
        f"the weights of {name} are not in {shipped_folder()}: get the course's files again, "
        f"or put {name}.safetensors into a folder and set CAMLIB_WEIGHTS to it"
    )


def download(url: str, folder: Path) -> Path:
    """Download `url` into `folder`; the file has its name only once it is whole and its hash is right.

    Raises WeightsError saying what happened and what to do.
    """
    path = folder / file_name(url)
    instead = f"copy {path.name} into a folder and set CAMLIB_WEIGHTS to it"
    found = re.search(r"-([0-9a-f]{8,64})\.\w+$", path.name)
    timeout = socket.getdefaulttimeout()
    try:
        socket.setdefaulttimeout(TIMEOUT)  # torch.hub itself would wait for ever
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), found and found[1])
    except HTTPError as error:
        raise WeightsError(f"{url} answered {error.code} ({error.reason}): {instead}") from error
    except http.client.IncompleteRead as error:
        raise WeightsError(f"the download of {url} was cut short: try again, or {instead}") from error
    except (URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        why = getattr(error, "reason", error)
        raise WeightsError(f"no network, or {url} cannot be reached ({why}): {instead}") from error
    except OSError as error:
        raise WeightsError(_cannot_write(folder, error)) from error
    except RuntimeError as error:  # torch.hub: the hash is wrong
        raise WeightsError(f"{url} arrived cut short or altered: try again, or {instead}") from error
    finally:
        socket.setdefaulttimeout(timeout)
    return path


def checksum(path: Path, url: str | None = None) -> str | None:
    """The SHA-256, or its first digits, that the file should have; None where nobody says."""
    sums = path.parent / "SHA256SUMS"
    if sums.is_file():
        for line in sums.read_text().splitlines():
            digest, _, name = line.partition(" ")
            if name.lstrip(" *") == path.name:
                return digest
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


def fill(module: nn.Module, path: Path, url: str | None = None) -> None:
    """Put a file's tensors into `module`, every one and no other.

    Raises WeightsError where the file cannot be used, or belongs to another network.
    """
    state = read(path, url)
    # DenseNet's files are older than the names "norm1", "conv1"; auxiliary classifiers are only for training.
    # A `Net` keeps its network under "module.", as torch's DataParallel does.
    prefix = "module." if all(key.startswith("module.") for key in state) else ""
    names = {key.removeprefix(prefix): key for key in state}
    renamed = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)", r"\1\2", new): old for new, old in names.items()
    }
    extra = ("aux1.", "aux2.", "AuxLogits.")
    unused = extra if not any(key.startswith(extra) for key in module.state_dict()) else ()
    wanted: Any = OrderedDict((new, state[old]) for new, old in renamed.items() if not old.startswith(unused))
    version = {"": {"version": module._version}}  # what safetensors cannot say
    wanted._metadata = getattr(state, "_metadata", version)
    try:
        module.load_state_dict(wanted, assign=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]]
        detail = " ".join(line if len(line) < 160 else line[:160] + " …" for line in lines[:2])
        more = f" (and {len(lines) - 2} more)" if len(lines) > 2 else ""
        raise WeightsError(f"{path} is for another network: {detail}{more}") from error


def _cannot_write(folder: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.is_dir())).free
        return (
            f"no space left in {folder} ({free / 2**20:.0f} MB free): make room, or set TORCH_HOME elsewhere"
        )
    return f"{folder} cannot be written ({error.strerror or error}): set TORCH_HOME to a folder of your own"
