"""`camlib live export`: two files with which the live page runs a network of one's own.

NAME.json tells its steps, its classes and where its cells look, NAME.safetensors has its weights.
"""

import json
import re
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..geometry.field import receptive_field
from ..given import path_of
from ..networks.chain import chain
from ..networks.net import Net
from ..networks.weights import WeightsError
from ..networks.zoo import load, wrap

__all__ = ["FORMAT", "described", "export", "field", "head", "main"]

FORMAT = "camlib live 1"


def described(net: Net) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What the page is told of a network, as JSON has it, and its weights by name.

    Raises ValueError, in one sentence, for what is no plain chain (`camlib.networks.chain`).
    """
    steps, weights = chain(net)
    maps = [step["name"] for step in steps if step["op"] in ("conv", "depthwise")]
    fields = {name: field(net, name) for name in maps}
    return {"format": FORMAT, **head(net), "steps": steps, "fields": fields}, weights


def head(net: Net) -> dict[str, Any]:
    """A network's name, its classes, and the pictures that it takes, as JSON has it."""
    return {
        "name": net.name,
        "classes": list(net.classes),
        "mean": net.mean.flatten().tolist(),
        "std": net.std.flatten().tolist(),
        "size": net.size,
    }


def field(net: Net, layer: str) -> dict[str, Any]:
    """Where the cells of a layer look: `receptive_field`, as JSON has it."""
    found = receptive_field(net, layer)
    return {name: getattr(found, name) for name in ("size", "stride", "start", "shape", "rows", "columns")}


def export(net: Net, folder: str | Path, name: str | None = None) -> tuple[Path, Path]:
    """Write `name`.safetensors and `name`.json, which the live page takes, into a folder; returns both paths.

    The folder is made where it is not there.  name: None: the network's own.
    An earlier export is replaced, and no other file: such as the weights that the network was loaded from.
    Raises ValueError for what is no plain chain, and where another file would be replaced, and OSError as
    files do; then nothing is written.
    """
    told, weights = described(net)
    told["name"] = name or net.name
    stem = re.sub(r"[^\w.-]+", "_", told["name"])
    out = path_of(folder, "folder")
    _check_free(out / f"{stem}.json", out / f"{stem}.safetensors")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as near:
        parts = Path(near) / f"{stem}.safetensors", Path(near) / f"{stem}.json"
        save_file({key: value.contiguous() for key, value in weights.items()}, parts[0], {"format": FORMAT})
        parts[1].write_text(json.dumps(told, ensure_ascii=False), "utf-8")
        for part in parts:
            part.replace(out / part.name)
    return out / parts[0].name, out / parts[1].name


def main(name: str, weights: str | None, folder: str) -> int:
    """Export one network, print its files; 2 where that cannot be, with the reason in one line.

    name: what `load` takes, or FILE.py:NAME, what a Python file calls a network.  weights: its own, a file.
    """
    try:
        net, title = _network(name, weights)
        for path in export(net, folder, title):
            print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")
    except (ValueError, OSError, WeightsError) as error:
        print(f"camlib: {error}", file=sys.stderr)
        return 2
    return 0


def _check_free(told: Path, weights: Path) -> None:
    """Raise ValueError where one of the two is there, and no export wrote it."""
    for path, read in ((told, _told_format), (weights, _weights_format)):
        try:
            ours = not path.exists() or read(path) == FORMAT
        except (ValueError, SafetensorError):  # no such file at all
            ours = False
        if not ours:
            raise ValueError(f"{path} is there, and no export wrote it: name another folder with -o")


def _told_format(path: Path) -> Any:
    told = json.loads(path.read_text("utf-8"))
    return told.get("format") if isinstance(told, dict) else None


def _weights_format(path: Path) -> Any:
    with safe_open(path, "pt") as file:
        return (file.metadata() or {}).get("format")


def _network(name: str, weights: str | None) -> tuple[Net, str]:
    if name.endswith(".py"):
        raise ValueError(f"which network of {name}? say {name}:NAME, as the file calls it")
    file, colon, variable = name.rpartition(":")
    if not (colon and file.endswith(".py")):
        return load(name, weights=weights), Path(weights).stem if weights else name
    if weights is not None:
        raise ValueError(f"{file} makes its network whole; leave --weights out")
    if not Path(file).is_file():
        raise ValueError(f"no file {file}")
    try:
        there = runpy.run_path(file)
    except Exception as error:
        raise ValueError(f"{file} stops with {type(error).__name__}: {error}") from error
    found = there.get(variable)
    if not isinstance(found, nn.Module):
        known = [key for key, value in there.items() if isinstance(value, nn.Module)]
        raise ValueError(f"{file} has no network {variable!r}; it has {', '.join(known) or 'none'}")
    return found if isinstance(found, Net) else wrap(found), variable
