"""Downloading one weight file, so that it is whole or not there, and one line says why it is not."""

import errno
import http.client
import re
import shutil
import socket
from pathlib import Path
from urllib.error import HTTPError, URLError

import torch

from .weights_error import WeightsError

__all__ = ["cannot_write", "download", "file_name"]

TIMEOUT = 30.0  # seconds without a byte, after which a download is given up


def file_name(url: str) -> str:
    """The name under which torch hub keeps the file of this address."""
    return url.rpartition("/")[2]


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
        raise WeightsError(cannot_write(folder, error)) from error
    except RuntimeError as error:  # torch.hub: the hash is wrong
        raise WeightsError(f"{url} arrived cut short or altered: try again, or {instead}") from error
    finally:
        socket.setdefaulttimeout(timeout)
    return path


def cannot_write(folder: Path, error: OSError, variable: str = "TORCH_HOME") -> str:
    """Why nothing can be written into a cache, and which variable moves it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.is_dir())).free
        return (
            f"no space left in {folder} ({free / 2**20:.0f} MB free): make room, or set {variable} elsewhere"
        )
    return f"{folder} cannot be written ({error.strerror or error}): set {variable} to a folder of your own"
