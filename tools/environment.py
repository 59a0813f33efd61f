"""Build the course's environment, `.venv`, and open JupyterLab in it, without make or git; make calls it too.

    python3 tools/environment.py                  build .venv; again only when its inputs change
    python3 tools/environment.py lab              the same, then open lesson 00 in JupyterLab
    python3 tools/environment.py lab --handouts   the same, with the lessons that have no solutions
    python3 tools/environment.py wheelhouse       collect the packages, for rooms without internet
    python tools/environment.py here              install into this very Python: conda's, Binder's

Where a folder wheelhouse/ lies in the course's, the packages come from there, and no internet is needed.

It starts on every Python since 3.6 with nothing installed, so that it can say what is missing.
"""

import argparse
import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
WHEELHOUSE = ROOT / "wheelhouse"
OLDEST, NEWEST = (3, 11), (3, 14)  # what constraints.txt has packages for

# What pip says when it cannot reach the packages, or has no room for them.
NO_NETWORK = (
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "NameResolutionError",
    "ProxyError",
)
NO_SPACE = ("No space left on device", "not enough space on the disk")

# JupyterLab asks nothing and fetches nothing when it opens for the first time.
LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}


def main(arguments: Optional[List[str]] = None) -> None:
    """Do what the command line asks; every failure is one line on stderr and exit code 1."""
    parser = argparse.ArgumentParser(description="Build .venv; with 'lab', open JupyterLab in it.")
    parser.add_argument("what", nargs="?", choices=["env", "lab", "wheelhouse", "here"], default="env")
    parser.add_argument("--handouts", action="store_true", help="with lab: the lessons without solutions")
    given, options = parser.parse_known_args(arguments)
    if (options or given.handouts) and given.what != "lab":
        parser.error("unknown: " + " ".join(options or ["--handouts"]))
    try:
        if given.what == "here":
            install_here()
        else:
            build(online=given.what == "wheelhouse")
        if given.what == "wheelhouse":
            collect()
    except KeyboardInterrupt:
        raise SystemExit("\nInterrupted. The same command goes on from here.") from None
    if given.what == "lab":
        lab(options, given.handouts)


# ---------------------------------------------------------------------------------------- the environment


def build(online: bool = False) -> None:
    """Bring `.venv` up to date, from the wheelhouse where there is one, unless online.

    The stamp is written last, so a half-built one is never taken for a whole.
    """
    stamp, inputs = VENV / ".ready", fingerprint()
    if stamp.is_file() and stamp.read_text() == inputs:
        return
    own = own_torch()
    whole = (
        installed("torch") is None and sys.platform == "linux"
    )  # there, torch brings 4 GB of CUDA libraries
    roomy = check_disk(10 if whole else 3)
    if not works():
        python, version = find_python()
        print("Building .venv with Python {}.{}.".format(*version), flush=True)
        run([*python, "-m", "venv", "--clear", str(VENV)], "Could not make .venv")
    offline = [] if online else from_wheelhouse()
    options = offline + ([] if roomy else ["--no-cache-dir"])
    if stamp.exists():
        stamp.unlink()
        print("Bringing .venv up to date: the course needs other packages than before.", flush=True)
        options.append("--quiet")
    else:
        size = "3 GB" if whole else "up to 500 MB"
        todo = "from wheelhouse, without the internet" if offline else size + " to download"
        print(f"Installing the packages: {todo}, a few minutes.", flush=True)
    install(own, options)
    settings = VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(LAB_SETTINGS, indent=2))
    stamp.write_text(inputs)
    print("Ready: .venv", flush=True)


def fingerprint() -> str:
    """What `.venv` depends on: the dependencies, their versions, and the folder, for it cannot be moved."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("\n[tool.")[0]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return hashlib.sha256("\0".join([project, pins, str(ROOT)]).encode("utf-8")).hexdigest()


def venv_python() -> str:
    """The interpreter inside `.venv`."""
    return str(VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def works() -> bool:
    """Whether `.venv` has a Python of a good version, and pip: an interrupted start may lack it."""
    found = ask([venv_python()], "import sys, pip; print(*sys.version_info[:2])")
    return found is not None and OLDEST <= version_of(found) <= NEWEST


def installed(name: str) -> Optional[str]:
    """The version of a package in `.venv`, such as "2.15.0" or "2.15.0+cpu"; None where there is none."""
    return ask([venv_python()], f"import importlib.metadata as m; print(m.version('{name}'))")


def own_torch() -> List[str]:
    """The pins of a torch that the learner took from PyTorch's own site; none where it is the usual one.

    Only packages from there have a "+" in their version, and both must come from there to fit together.
    """
    versions = {name: installed(name) or "" for name in ("torch", "torchvision")}
    own = [f"{name}=={version}" for name, version in versions.items() if "+" in version]
    if len(own) == 1:
        raise SystemExit(f"{own[0]} came alone: install torch and torchvision together, as README.md says.")
    return own


def check_disk(gigabytes: int) -> bool:
    """Stop before the download where the packages would not fit; say whether pip may keep a copy of them."""
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    if free < gigabytes:
        raise SystemExit(
            f"Too little disk: {gigabytes} GB are needed in {ROOT}, {free:.1f} GB are free."
            + (" With a CPU-only torch 3 GB are enough: see README.md." if gigabytes > 3 else "")
        )
    return free > 1.5 * gigabytes


def find_python() -> Tuple[List[str], Tuple[int, int]]:
    """The command and version of the first good Python: this one, then the usual names."""
    seen = set()
    for command in candidates():
        found = ask(command, "import sys; print(*sys.version_info[:2])")
        if found is None:
            continue
        version = version_of(found)
        seen.add(version)
        if OLDEST <= version <= NEWEST:
            if ask(command, "import ensurepip, venv; print('yes')") is None:
                raise SystemExit(
                    "This Python {0}.{1} lacks ensurepip: install python{0}.{1}-venv.".format(*version)
                )
            return command, version
    there = ", ".join("{}.{}".format(*version) for version in sorted(seen))
    raise SystemExit(
        "The course needs Python {}.{} to {}.{}; here is {}.".format(*OLDEST, *NEWEST, there)
        + " Install one from python.org, and start this file with it: python3.12 tools/environment.py lab"
    )


def candidates() -> Iterator[List[str]]:
    """Commands that may start a Python, newest first after the one that runs this file."""
    yield [sys.executable]
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        yield ["py", f"-3.{minor}"] if os.name == "nt" else [f"python3.{minor}"]


def ask(command: List[str], code: str) -> Optional[str]:
    """What Python prints when it runs the code; None where it cannot."""
    try:
        printed = subprocess.check_output([*command, "-c", code], stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return None
    return printed.decode().strip()


def version_of(printed: str) -> Tuple[int, int]:
    """(3, 11) of "3 11"."""
    major, minor = printed.split()
    return int(major), int(minor)


def install(own: List[str], options: List[str]) -> None:
    """Install camlib and all it needs, at the versions of constraints.txt, but keep the learner's own torch.

    One environment serves lessons and tests: what the tests add is 2 % of it.
    """
    kept = ["torch", "torchvision"] if own else []
    for leftover in VENV.glob("tmp-*"):
        shutil.rmtree(str(leftover))
    # pip unpacks beside .venv: /tmp may be small, or memory.
    with tempfile.TemporaryDirectory(prefix="tmp-", dir=str(VENV)) as folder:
        pins = Path(folder, "constraints.txt")
        pins.write_text("\n".join(pinned(without=kept) + own), encoding="utf-8")
        failure = "pip could not install the packages"
        if "--no-index" in options:
            failure += " from wheelhouse/; delete that folder to fetch them, or make it again with wheelhouse"
        run(
            [*pip(venv_python(), "install"), *options, "-c", str(pins), "-e", ".[dev]"],
            failure,
            temporary=folder,
        )


def install_here() -> None:
    """Install camlib into the Python that runs this, and keep what it has: conda's CPU torch.

    What is not there yet comes at the versions of constraints.txt, so Binder's image and conda's environment
    hold what the checks ran with, apart from what conda brought.
    """
    code = "import importlib.metadata as m; print(*(d.metadata['Name'] for d in m.distributions()))"
    names = (ask([sys.executable], code) or "").split()
    if not {"torch", "torchvision"} <= set(names):
        raise SystemExit("No torch and torchvision in this Python: environment.yml brings them with conda.")
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder, "constraints.txt")
        pins.write_text("\n".join(pinned(without=names)), encoding="utf-8")
        command = [*pip(sys.executable, "install"), "--no-cache-dir", "-c", str(pins), "-e", ".[lab]"]
        run(command, "pip could not install the packages")


def pip(python: str, verb: str) -> List[str]:
    """The command of this Python's pip, which asks nothing and does not talk of itself."""
    return [python, "-m", "pip", verb, "--no-input", "--disable-pip-version-check"]


def pinned(without: List[str]) -> List[str]:
    """The lines of constraints.txt, except those of the packages named, however their names are spelled."""
    names = {plain(name) for name in without}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if plain(line.split("==")[0]) not in names]


def plain(name: str) -> str:
    """One spelling of a package's name: "jupyterlab_pygments" is "jupyterlab-pygments"."""
    return re.sub(r"[-_.]+", "-", name).lower()


# --------------------------------------------------------------------------------------------- wheelhouse


def collect() -> None:
    """Put the packages that `.venv` needs into wheelhouse/, for machines of this kind and this Python.

    Wheels that lie there already are preferred where they are newer: a CPU-only torch, 2.15.0+cpu, is.
    """
    check_disk(4 if sys.platform == "linux" else 1)
    WHEELHOUSE.mkdir(exist_ok=True)
    print("Collecting the packages in wheelhouse/: a few minutes.", flush=True)
    places = ["--wheel-dir", str(WHEELHOUSE), "--find-links", str(WHEELHOUSE)]
    needs = [".[dev]", "hatchling", "editables"]  # an editable installation is built with the last two
    command = [*pip(venv_python(), "wheel"), *places, "-c", "constraints.txt", *needs]
    run(command, "pip could not collect the packages")
    for own in WHEELHOUSE.glob("camlib-*.whl"):
        own.unlink()  # the course itself is the folder
    marks = WHEELHOUSE / "for.txt"
    kinds = set(marks.read_text(encoding="utf-8").splitlines()) if marks.is_file() else set()
    marks.write_text("\n".join(sorted(kinds | {machine()})) + "\n", encoding="utf-8")
    size = sum(file.stat().st_size for file in WHEELHOUSE.iterdir()) / 1e9
    print(f"wheelhouse/: {size:.1f} GB, for {machine()}. Copy the course's folder with it.", flush=True)


def from_wheelhouse() -> List[str]:
    """pip's options for packages out of wheelhouse/; none where there is no such folder."""
    marks = WHEELHOUSE / "for.txt"
    if not marks.is_file():
        return []
    kinds = marks.read_text(encoding="utf-8").splitlines()
    if machine() not in kinds:
        raise SystemExit(
            "wheelhouse/ is for {}; this is {}.".format(" and ".join(kinds), machine())
            + " Take that Python, or delete wheelhouse/ to fetch the packages."
        )
    return ["--no-index", "--find-links", str(WHEELHOUSE)]


def machine() -> str:
    """What a package must fit, such as "Python 3.12 on Linux x86_64"."""
    found = ask([venv_python()], "import sys; print(*sys.version_info[:2])") or ""
    return "Python {} on {} {}".format(found.replace(" ", "."), platform.system(), platform.machine())


def run(command: List[str], failure: str, temporary: Optional[str] = None) -> None:
    """Run a command and show its progress; turn its errors into one line where the reason is plain."""
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), temporary) if temporary else {}
    done = subprocess.run(
        command,
        cwd=str(ROOT),
        env={**os.environ, **places},
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode == 0:
        return
    if any(words in done.stderr for words in NO_SPACE):
        raise SystemExit("The disk is full. Make room and run the same again.")
    if any(words in done.stderr for words in NO_NETWORK):
        raise SystemExit("No network: the first run downloads the packages. Connect and run the same again.")
    raise SystemExit(done.stderr.strip() + f"\n{failure}: its reason stands above.")


# --------------------------------------------------------------------------------------------- JupyterLab


def lab(options: List[str], handouts: bool = False) -> None:
    """Open JupyterLab on lesson 00; it takes the next free port and prints the address with its token.

    handouts: on the copies without solutions, in handouts/, of which those that are there stay as they are.
    """
    folder, page = (".", "notebooks/00_start_here.ipynb")
    if handouts:
        folder, page = ("handouts", "00_start_here.ipynb")  # the folder's own: no solution is in sight
        run([venv_python(), "-m", "tools.handouts", "--to-work-in"], "The handouts could not be laid out")
    command = [venv_python(), "-m", "jupyterlab", "--ServerApp.root_dir=" + folder]
    command.append("--LabApp.default_url=/lab/tree/" + page)
    command.append("--log-level=WARN")  # the address is not lost among twenty lines of news
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    screen = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in screen):
        command.append("--no-browser")  # else a text browser may take the terminal
    command.extend(options)
    os.chdir(str(ROOT))
    print("JupyterLab is starting. Ctrl+C, twice, stops it.", flush=True)
    if os.name == "nt":
        server = subprocess.Popen(command)
        while server.poll() is None:
            with contextlib.suppress(KeyboardInterrupt):  # JupyterLab hears it too, and answers
                server.wait()
        raise SystemExit(server.returncode)
    os.execv(command[0], command)  # so that Ctrl+C and signals reach JupyterLab itself


if __name__ == "__main__":
    main()
