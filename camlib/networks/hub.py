"""Weight files on Hugging Face's hub, where timm keeps its own: found in the hub's cache, or downloaded.

huggingface_hub does the work: HF_HOME moves its cache, HF_ENDPOINT names a mirror, HF_HUB_OFFLINE keeps it
off the network. In the cache a file's real name is its SHA-256.
"""

import re
from pathlib import Path

from .download import cannot_write
from .weights_error import WeightsError

__all__ = ["cached", "digest", "download_from_hub", "in_hub", "page"]

_SITE = "https://huggingface.co/"
_FILES = ("model.safetensors", "pytorch_model.bin")


def page(repository: str) -> str:
    """The address of a repository on the hub, "timm/resnet26d.bt_in1k"."""
    return _SITE + repository


def in_hub(address: str | None) -> bool:
    """Is this the address of a repository on the hub?"""
    return address is not None and address.startswith(_SITE)


def cached(address: str) -> Path | None:
    """A repository's weight file in the hub's cache; None where it is not there. Asks no network."""
    from huggingface_hub import try_to_load_from_cache

    places = (try_to_load_from_cache(address.removeprefix(_SITE), file) for file in _FILES)
    return next((Path(place) for place in places if isinstance(place, str)), None)


def digest(path: Path) -> str | None:
    """The SHA-256 that a file in the hub's cache should have; None where its name is none (on Windows)."""
    name = path.resolve().name
    return name if re.fullmatch("[0-9a-f]{64}", name) else None


def download_from_hub(address: str, name: str) -> Path:
    """A repository's weight file, downloaded into the hub's cache.

    name: the network's, as it is told to `load`. Raises WeightsError saying what happened and what to do.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    repository = address.removeprefix(_SITE)
    instead = f"copy its {_FILES[0]} as {name}.safetensors into a folder and set CAMLIB_WEIGHTS to it"
    for file in _FILES:
        try:
            # The download itself would try for half a minute, with a warning each time, where no network is.
            get_hf_file_metadata(hf_hub_url(repository, file))
            return Path(hf_hub_download(repository, file))
        except EntryNotFoundError:
            continue
        except HfHubHTTPError as error:
            status = getattr(error.response, "status_code", "an error")
            raise WeightsError(f"{address} answered {status}: {instead}") from error
        except Exception as error:  # each version of huggingface_hub has its own
            if isinstance(error, OSError) and error.errno and error.filename:
                raise WeightsError(cannot_write(Path(constants.HF_HUB_CACHE), error, "HF_HOME")) from error
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise WeightsError(f"no network, or {address} cannot be reached ({why}): {instead}") from error
    raise WeightsError(f"{address} has none of the files {', '.join(_FILES)}: {instead}")
