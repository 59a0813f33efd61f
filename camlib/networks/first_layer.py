"""A network's first layer alone: 100 kB instead of a file of hundreds of megabytes.

first_layer("alexnet")              # (64, 3, 11, 11)
"""

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import platformdirs
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..given import told
from .hub import in_hub
from .one_tensor import one_tensor
from .ranged import NoRangesError, RangedFile, RangeError
from .recipe import Recipe, empty
from .trace import trace
from .weights import WeightsError, find
from .zoo import _recipe, load

__all__ = ["first_layer"]


@torch.inference_mode(False)
def first_layer(name: str) -> Tensor:
    """The trained weights of a network's first convolution: float32 (N, C, kh, kw), a copy on the CPU.

    name: any that `load` takes. Where its whole file is on this machine, they are read from there. Else only
    they are fetched from torchvision's or timm's address, once, and kept in $CAMLIB_DATA/first_layers (where
    that is not set, in the user's cache folder). `filters` gives the same of a network that is loaded.
    The SHA-256 in a file's name is that of the whole file; of a part, only zip archives hold a checksum.
    Raises ValueError for an unknown name or a network without convolutions, WeightsError where the weights
    cannot be had or are not this network's.
    """
    recipe = _recipe(_a_name(name))
    key, shape = _first(name, recipe)
    if recipe.url is None or not recipe.url.startswith("http") or find(name, recipe.url):
        return load(name).module.get_parameter(key).detach().clone()
    url, kept = _address(recipe.url), _folder() / f"{name}.safetensors"
    found = _from_cache(kept, url, key, shape)
    if found is None:
        found = _fetched(name, url, key, shape)
        _keep(found, kept, url, key)
    return found


def _a_name(name: Any) -> str:
    if isinstance(name, str):
        return name
    more = "; those of a network at hand are filters(net)" if isinstance(name, nn.Module) else ""
    raise ValueError(f"first_layer wants a network's name; given {told(name)}{more}")


def _first(name: str, recipe: Recipe) -> tuple[str, tuple[int, ...]]:
    """The name and shape of the weights of the first Conv2d that runs."""
    for call in trace(empty(recipe.make), len(recipe.mean), recipe.size)[0]:
        if isinstance(call.module, nn.Conv2d):
            return f"{call.name}.weight", tuple(call.module.weight.shape)
    raise ValueError(f"{name} has no two-dimensional convolution, so no filters to look at")


def _address(url: str) -> str:
    """Where the file itself lies: for timm's, `url` is the page of a repository."""
    if not in_hub(url):
        return url
    from huggingface_hub import hf_hub_url

    return hf_hub_url("/".join(url.split("/")[-2:]), "model.safetensors")


def _fetched(name: str, url: str, key: str, shape: tuple[int, ...]) -> Tensor:
    file_name = url.rpartition("/")[2]
    copy = f"copy {file_name} into a folder, as {name}{Path(file_name).suffix}, and set CAMLIB_WEIGHTS to it"
    whole = f"get the whole file, camlib weights get {name}, or {copy}"
    try:
        with RangedFile(url) as file:
            found = one_tensor(file, key)
    except NoRangesError as error:
        raise WeightsError(f"{error}: {whole}") from error
    except RangeError as error:
        raise WeightsError(f"{error}: try again, or {copy}") from error
    except ValueError as error:
        raise WeightsError(f"{url} {error}: {whole}") from error
    if wrong := _wrong(found, shape):
        raise WeightsError(f"in {url} {key} {wrong}: {whole}")
    return found.float()


def _wrong(found: Tensor, shape: tuple[int, ...]) -> str | None:
    """What is wrong with the weights, for which `shape` is right; None where nothing is."""
    if tuple(found.shape) != shape:
        sizes = ("×".join(map(str, one)) or "a single number" for one in (found.shape, shape))
        return "is {}, in the network it is {}".format(*sizes)
    if not found.is_floating_point():
        return "holds whole numbers"
    return None if found.isfinite().all() else "holds numbers that are not finite"


def _folder() -> Path:
    return Path(os.environ.get("CAMLIB_DATA") or platformdirs.user_cache_path("camlib")) / "first_layers"


def _from_cache(path: Path, url: str, key: str, shape: tuple[int, ...]) -> Tensor | None:
    """What was kept; None where there is nothing, or not what was put there, so that it is fetched again."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            found: Tensor | None = file.get_tensor(key) if file.metadata() == {"source": url} else None
    except (SafetensorError, OSError):
        return None
    sound = found is not None and found.dtype == torch.float32 and not _wrong(found, shape)
    return found if sound else None


def _keep(found: Tensor, path: Path, url: str, key: str) -> None:
    """Write the file under another name first, so that none is ever half written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as folder:
            save_file({key: found}, Path(folder) / path.name, {"source": url})
            os.replace(Path(folder) / path.name, path)
    except (OSError, SafetensorError) as error:
        warnings.warn(
            f"the first layer is not kept ({error}); set CAMLIB_DATA to a folder of your own", stacklevel=4
        )
